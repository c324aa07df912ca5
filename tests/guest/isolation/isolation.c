/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every address space shares holds nothing of anybody's registers, and is exactly what the kernel's inventory says.
 * A marker goes through each kind of entry (call, fault, timer tick), and then is searched for.
 */
#include "../common/worker.h"
#include "abi/addresses.h"

#define MARKER 0x5a17a3c96e0f1d2bUL /* what no address, counter or flag looks like */
#define TASKS 8
#define THREADS 70       /* more than one page of the save area holds */
#define CAPABILITIES 300 /* more than one page of slots holds */

static uint64_t found(uint64_t value)
{
    uint64_t count = ~0UL;
    EXPECT_EQUAL(kernel_debug_search(debug, value, &count), 0);
    return count;
}

static uint64_t wrong_pages(uint64_t *supervisor_pages)
{
    uint64_t tables = 0, wrong = ~0UL;
    EXPECT_EQUAL(kernel_debug_walk(debug, &tables, supervisor_pages, &wrong), 0);
    EXPECT(tables > 4);
    return wrong;
}

static void walk_crowd(void)
{
    kernel_task_t tasks[TASKS];
    uint64_t before = 0, after = 0;
    uint32_t endpoint = guest_endpoint(), number, copy;
    EXPECT_EQUAL(wrong_pages(&before), 0);
    for (int i = 0; i < TASKS; i++)
        tasks[i] = guest_new_task();
    for (int i = 0; i < THREADS; i++) {
        kernel_thread_t thread;
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, tasks[0], &thread, &number), 0);
        guest_delete(thread.handle);
    }
    for (int i = 0; i < CAPABILITIES; i++)
        EXPECT_EQUAL(kernel_task_copy(own_task, endpoint, tasks[1], KERNEL_RIGHTS_WRITE, &copy), 0);
    EXPECT_EQUAL(wrong_pages(&after), 0);
    EXPECT(after >= before + TASKS * 100);
    for (int i = 0; i < TASKS; i++)
        guest_delete(tasks[i].handle);
    guest_delete(endpoint);
}

static void search_finds(void)
{
    /* The UTCB's address of thread 0 stands in its hot line: the search can find something. */
    EXPECT(found(UTCB_BASE) >= 1);
    EXPECT_EQUAL(found(MARKER), 0);
}

/* Every general register but rsp and those that the call itself needs. */
#define FILL                                                                                           \
    "mov %[marker], %%rbx\n\tmov %[marker], %%rcx\n\tmov %[marker], %%rdx\n\tmov %[marker], %%rsi\n\t" \
    "mov %[marker], %%r8\n\tmov %[marker], %%r9\n\tmov %[marker], %%r10\n\tmov %[marker], %%r11\n\t"   \
    "mov %[marker], %%r12\n\tmov %[marker], %%r13\n\tmov %[marker], %%r14\n\tmov %[marker], %%r15\n\t" \
    "movq %[marker], %%xmm0\n\tmovq %[marker], %%xmm7\n\tmovq %[marker], %%xmm15\n\tmov %[marker], %%rbp\n\t"

static void marker_in_call(void)
{
    /* A malformed tag and a handle of nothing: both are the marker too, and the kernel refuses them. */
    uint64_t result;
    __asm__ volatile("push %%rbp\n\t" FILL "mov %%rbp, %%rdi\n\tmov $0x80000000, %%eax\n\tsyscall\n\tpop %%rbp"
                     : "=a"(result)
                     : [marker] "a"(MARKER)
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
                       "xmm7", "xmm15", "memory");
    EXPECT_EQUAL(result, ERROR_BAD_HANDLE);
    EXPECT_EQUAL(found(MARKER), 0);
}

static void fill_and_spin(struct area *area)
{
    area->done = 1;
    __asm__ volatile(FILL "mov %%rax, %%rdi\n\t1: jmp 1b" : : [marker] "a"(MARKER) : "memory");
}

static void fill_and_fault(struct area *area)
{
    area->done = 1;
    __asm__ volatile(FILL "mov %%rax, %%rdi\n\tud2" : : [marker] "a"(MARKER) : "memory");
}

/* Lets the worker run into a tick or a fault, and looks for what it had in its registers. */
static void marker_in_worker(worker_function *function)
{
    struct worker worker;
    worker_create(&worker, true);
    worker_start(&worker, function);
    worker_wait(&worker, 1);
    for (int i = 0; i < 3; i++)
        guest_yield();
    EXPECT_EQUAL(found(MARKER), 0);
    worker_destroy(&worker);
}

static void marker_in_tick(void)
{
    marker_in_worker(fill_and_spin);
}

static void marker_in_fault(void)
{
    marker_in_worker(fill_and_fault);
}

static void last_page_of_user_half(void)
{
    kernel_memory_t memory = {guest_memory(1)};
    EXPECT_ERROR(kernel_memory_map(memory, own_task, USER_END, 0, 1, KERNEL_RIGHTS_READ), BAD_ADDRESS);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, SHARED_BASE, 0, 1, KERNEL_RIGHTS_READ), BAD_ADDRESS);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, PRIVATE_BASE, 0, 1, KERNEL_RIGHTS_READ), BAD_ADDRESS);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, UTCB_BASE, 0, 1, KERNEL_RIGHTS_READ), BAD_ADDRESS);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, USER_END - PAGE_SIZE, 0, 1, KERNEL_RIGHTS_READ), 0);
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, USER_END - PAGE_SIZE, 1), 0);
    guest_delete(memory.handle);
}

static void other_cpus(void)
{
    for (int i = 0; i < 5; i++) {
        uint32_t started = 0, answered = ~0U;
        EXPECT_EQUAL(kernel_debug_interrupt_cpus(debug, &started, &answered), 0);
        EXPECT(started >= 1);
        EXPECT_EQUAL(answered, started - 1);
    }
}

static const struct guest_test tests[] = {
    {"page tables are what the inventory says", walk_crowd},
    {"the search finds what is there, and nothing else", search_finds},
    {"a marker in a system call leaves no trace", marker_in_call},
    {"a marker in a timer tick leaves no trace", marker_in_tick},
    {"a marker in a fault leaves no trace", marker_in_fault},
    {"nothing is mapped at the end of the user half or above", last_page_of_user_half},
    {"every other CPU answers an interrupt", other_cpus},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
