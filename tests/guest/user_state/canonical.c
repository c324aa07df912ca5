/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses at the ends of the user half and beyond, as entry points, targets of jumps, stacks, segment bases, and
 * behind a `syscall`. Each stops at most the program that uses it. The exception is the one that the processor's manual
 * says in Bochs; QEMU's emulation, which says so in CPUID, raises others, and some only at the next use (then `ud2`
 * stops it).
 */
#include <cpuid.h>

#include "canonical.h"

#include "../common/worker.h"
#include "abi/addresses.h"
#include "idl/supervisor.h"

#define LOWEST_BAD 0x0000800000000000UL
#define HIGHEST_BAD 0xffff7fffffffffffUL
#define KERNEL_HALF 0xffff800000000000UL
#define WRITABLE 0x300000000000UL
#define LAST_PAGE (USER_END - PAGE_SIZE)
#define CPUID_1_ECX_HYPERVISOR (1U << 31)
#define ANY_VECTOR 256
#define STACK_FAULT 12
#define PROTECTION 13
#define PAGE_FAULT 14

/* An entry point, a stack or a handler must lie in the user half. */
void entry_points_are_checked(void)
{
    static const uint64_t bad[] = {LOWEST_BAD,  HIGHEST_BAD,     KERNEL_HALF,  USER_END,
                                   SHARED_BASE, TRAMPOLINE_TEXT, PRIVATE_BASE, UINT64_MAX};
    kernel_task_t task = guest_new_task();
    kernel_memory_t memory = {guest_memory(1)};
    kernel_thread_t thread;
    uint32_t number;
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t page = bad[i] & ~(uint64_t)(PAGE_SIZE - 1);
        EXPECT_ERROR(kernel_thread_start(thread, bad[i], WRITABLE, 0, 0), BAD_ADDRESS);
        EXPECT_ERROR(kernel_thread_start(thread, WRITABLE, bad[i], 0, 0), BAD_ADDRESS);
        EXPECT_ERROR(kernel_task_set_linux_handler(task, bad[i]), BAD_ADDRESS);
        EXPECT_ERROR(kernel_memory_map(memory, task, page, 0, 1, KERNEL_RIGHTS_READ), BAD_ADDRESS);
    }
    guest_delete(thread.handle);
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

/* ---- Steps that fault -------------------------------------------------------------------------------------------- */

static void step_jump(struct area *area)
{
    __asm__ volatile("jmp *%0" : : "r"(area->values[0]));
}

static void step_return(struct area *area)
{
    __asm__ volatile("push %0\n\tret" : : "r"(area->values[0]));
}

static void step_interrupt_return(struct area *area)
{
    __asm__ volatile("mov %%rsp, %%rcx\n\tmov %%ss, %%edx\n\tpush %%rdx\n\tpush %%rcx\n\tpushfq\n\tmov %%cs, %%edx\n\t"
                     "push %%rdx\n\tpush %0\n\tiretq"
                     :
                     : "r"(area->values[0])
                     : "rcx", "rdx");
}

static void step_read(struct area *area)
{
    (void)*(volatile uint64_t *)area->values[0];
}

static void step_pop(struct area *area)
{
    __asm__ volatile("mov %0, %%rsp\n\tpop %%rax\n\tud2" : : "r"(area->values[0]));
}

static void step_fs_base(struct area *area)
{
    __asm__ volatile("wrfsbase %0\n\tud2" : : "r"(area->values[0]));
}

static void step_gs_base(struct area *area)
{
    __asm__ volatile("wrgsbase %0\n\tud2" : : "r"(area->values[0]));
}

/* A task of its own whose faults come to `endpoint`. */
static void create_watched(struct worker *worker, uint32_t endpoint)
{
    worker_create(worker, true);
    EXPECT_EQUAL(kernel_task_set_supervisor(worker->task, (kernel_endpoint_t){endpoint}), 0);
}

static bool is_exact(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && !(c & CPUID_1_ECX_HYPERVISOR);
}

static void expect_fault(uint32_t endpoint, uint64_t vector, struct ipc_message *message)
{
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, message), KERNEL_SUPERVISOR_FAULT_REQUEST);
    if (vector != ANY_VECTOR)
        EXPECT_EQUAL(message->words[1], vector);
}

static void expect_step(worker_function *step, uint64_t value, uint64_t vector)
{
    struct worker worker;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    create_watched(&worker, endpoint);
    worker.area->values[0] = value;
    worker_start(&worker, step);
    expect_fault(endpoint, is_exact() ? vector : ANY_VECTOR, &message);
    worker_destroy(&worker);
    guest_delete(endpoint);
}

void steps_outside_the_user_half(void)
{
    static const uint64_t bad[] = {LOWEST_BAD, HIGHEST_BAD};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_step(step_jump, bad[i], PROTECTION);
        expect_step(step_return, bad[i], PROTECTION);
        expect_step(step_interrupt_return, bad[i], PROTECTION);
        expect_step(step_read, bad[i], PROTECTION);
        expect_step(step_pop, bad[i], STACK_FAULT);
        expect_step(step_fs_base, bad[i], PROTECTION);
        expect_step(step_gs_base, bad[i], PROTECTION);
    }
    static const uint64_t supervisor[] = {KERNEL_HALF, SHARED_BASE, PRIVATE_BASE, USER_END};
    for (unsigned i = 0; i < sizeof(supervisor) / sizeof(supervisor[0]); i++) {
        expect_step(step_jump, supervisor[i], PAGE_FAULT);
        expect_step(step_interrupt_return, supervisor[i], PAGE_FAULT);
        expect_step(step_read, supervisor[i], PAGE_FAULT);
        expect_step(step_pop, supervisor[i], PAGE_FAULT);
    }
}

/* A tick stores and loads a stack pointer that nobody could use. */
static void spin_with_stack(struct area *area)
{
    __asm__ volatile("mov %[stack], %%rsp\n\tmovl $1, %[done]\n1:\tjmp 1b"
                     : [done] "=m"(area->done)
                     : [stack] "r"(area->values[0]));
}

void ticks_with_any_stack_pointer(void)
{
    static const uint64_t stacks[] = {0, LOWEST_BAD, HIGHEST_BAD, KERNEL_HALF, SHARED_BASE, UINT64_MAX};
    for (unsigned i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
        struct worker worker;
        struct kernel_registers registers;
        worker_create(&worker, true);
        worker.area->values[0] = stacks[i];
        worker_start(&worker, spin_with_stack);
        worker_wait(&worker, 1);
        guest_yield();
        EXPECT_ERROR(kernel_thread_registers(worker.thread, &registers), BUSY); /* it still spins */
        worker_destroy(&worker);
    }
}

/* ---- `syscall` at the end ---------------------------------------------------------------------------------------- */

/* Memory that is mapped last in the worker's user half, with a `syscall` as its last instruction. */
static kernel_memory_t map_last_page(const struct worker *worker)
{
    kernel_memory_t memory = {guest_memory(1)};
    uint8_t *page = (uint8_t *)WRITABLE;
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, WRITABLE, 0, 1, KERNEL_RIGHTS_WRITE), 0);
    page[PAGE_SIZE - 2] = 0x0f;
    page[PAGE_SIZE - 1] = 0x05;
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, WRITABLE, 1), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, worker->task, LAST_PAGE, 0, 1, KERNEL_RIGHTS_EXECUTE), 0);
    return memory;
}

static void call_at_end(struct area *area)
{
    __asm__ volatile("jmp *%[last]"
                     :
                     : [last] "r"(USER_END - 2), "a"(area->values[0]), "D"(area->values[1])
                     : "memory");
}

static void expect_end(uint32_t endpoint, const struct worker *worker, uint64_t result)
{
    struct ipc_message message = {0};
    struct kernel_registers registers = {0};
    expect_fault(endpoint, PAGE_FAULT, &message);
    EXPECT_EQUAL(message.words[3], USER_END);
    EXPECT_EQUAL(message.words[4], USER_END);
    EXPECT_EQUAL(kernel_thread_registers(worker->thread, &registers), 0);
    EXPECT_EQUAL(registers.rip, USER_END);
    EXPECT_EQUAL(registers.rax, result);
}

/* The receiver waits, and its answer meets a waiting caller: both go along the fast path, `sysret` to the last page. */
void answer_at_the_last_instruction(void)
{
    struct worker worker;
    struct ipc_message message = {0};
    uint32_t faults = guest_endpoint(), endpoint = guest_endpoint();
    create_watched(&worker, faults);
    kernel_memory_t memory = map_last_page(&worker);
    worker.area->values[0] = TAG_PLAIN_CALL;
    worker.area->values[1] = worker_give(&worker, endpoint, RIGHT_WRITE);
    worker_start(&worker, call_at_end);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), TAG_PLAIN_CALL);
    /* Nobody else calls: a second client ends the wait. */
    struct worker second;
    worker_create(&second, true);
    worker_add(&second, tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&second, endpoint, RIGHT_WRITE));
    worker_start(&second, worker_steps);
    EXPECT(message_is_tag(ipc_transfer(TAG_PLAIN_REPLY, endpoint, &message)));
    expect_end(faults, &worker, TAG_PLAIN_REPLY);
    worker_destroy(&second);
    worker_destroy(&worker);
    guest_delete(memory.handle);
    guest_delete(endpoint);
    guest_delete(faults);
}

/* Without a handler the kernel itself answers, and comes back to where nothing is. */
void linux_call_at_the_last_instruction(void)
{
    struct worker worker;
    uint32_t faults = guest_endpoint();
    create_watched(&worker, faults);
    kernel_memory_t memory = map_last_page(&worker);
    worker.area->values[0] = 39;
    worker.area->values[1] = 0;
    worker_start(&worker, call_at_end);
    expect_end(faults, &worker, (uint64_t)-38);
    worker_destroy(&worker);
    guest_delete(memory.handle);
    guest_delete(faults);
}
