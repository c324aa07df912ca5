/* SPDX-License-Identifier: BSD-2-Clause */
/* The search itself: marks are put where others map them, by ways that anybody has, and are found there. */
#include "abi/addresses.h"
#include "markers.h"

#define OUT_OF_SIGHT 0x300000000000UL /* in a worker's task only */

static void expect_found(uint64_t base, kernel_task_t owner, uint64_t shared, uint64_t private, uint64_t user)
{
    struct marks_found found = marks_search(base, owner);
    EXPECT_EQUAL(found.in_shared, shared);
    EXPECT_EQUAL(found.in_private, private);
    EXPECT_EQUAL(found.in_user, user);
}

/* A badge stands in a capability slot; what a caller keeps stands in the save area. */
void search_finds_private_pages(void)
{
    struct worker worker;
    uint32_t endpoint = guest_endpoint(), handle;
    uint64_t badge = marks_fresh(), kept = marks_fresh();
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, worker.task, KERNEL_RIGHTS_WRITE, badge, &handle), 0);
    expect_found(badge, own_task, 0, 1, 0);
    expect_found(badge, worker.task, 0, 0, 0);
    add_call(&worker, TAG_PLAIN_CALL, handle, kept, kept);
    worker_start(&worker, make_calls);
    wait_in_call(kept);
    expect_found(kept, own_task, 0, KEPT_REGISTERS, 0);
    expect_found(kept, worker.task, 0, 0, 0);
    worker_destroy(&worker);
    guest_delete(endpoint);
}

static void wait_with_stack(struct area *area)
{
    __asm__ volatile("mov %[stack], %%rsp\n\tsyscall\n\tud2"
                     :
                     : [stack] "r"(area->values[0]), "a"(TAG_RECEIVE), "D"((uint64_t)area->park)
                     : "memory");
}

/* A stack pointer stands in hot state. */
void search_finds_shared_pages(void)
{
    struct worker worker;
    uint64_t stack = marks_fresh();
    worker_create(&worker, true);
    worker.area->values[0] = stack;
    worker_start(&worker, wait_with_stack);
    while (marks_search(stack, own_task).in_shared == 0)
        guest_yield();
    expect_found(stack, own_task, 1, 0, 0);
    expect_found(stack, worker.task, 1, 0, 0);
    worker_destroy(&worker);
}

static void write_marks(struct area *area)
{
    uint64_t *page = (uint64_t *)OUT_OF_SIGHT;
    page[0] = page[PAGE_SIZE / sizeof(uint64_t) - 1] = area->values[0];
    ipc_utcb()->words[10] = area->values[0];
    area->done = 1;
}

static void start_writer(struct worker *worker, kernel_memory_t memory, uint64_t base)
{
    worker_create(worker, true);
    EXPECT_EQUAL(kernel_memory_map(memory, worker->task, OUT_OF_SIGHT, 0, 1, KERNEL_RIGHTS_WRITE), 0);
    worker->area->values[0] = base;
    worker_start(worker, write_marks);
    worker_wait(worker, 1);
}

void search_finds_user_pages(void)
{
    struct worker worker;
    kernel_memory_t memory = {guest_memory(1)};
    uint64_t base = marks_fresh();
    start_writer(&worker, memory, base);
    expect_found(base, own_task, 0, 0, 3);
    expect_found(base, worker.task, 0, 0, 0);
    worker_destroy(&worker);
    guest_delete(memory.handle);
}

/* Memory that two workers share is found unless one of them is the owner; this program's own never is. */
void search_skips_own_pages(void)
{
    struct worker worker, other;
    kernel_memory_t memory = {guest_memory(1)};
    volatile uint64_t own = marks_fresh();
    uint64_t base = marks_fresh();
    start_writer(&worker, memory, base);
    worker_create(&other, true);
    EXPECT_EQUAL(kernel_memory_map(memory, other.task, OUT_OF_SIGHT, 0, 1, KERNEL_RIGHTS_READ), 0);
    expect_found(base, own_task, 0, 0, 5);
    expect_found(base, other.task, 0, 0, 1);
    expect_found(base, worker.task, 0, 0, 0);
    expect_found(own, worker.task, 0, 0, 0);
    worker_destroy(&other);
    worker_destroy(&worker);
    guest_delete(memory.handle);
}

/* What a call leaves behind on its own way into the kernel would be overwritten by the search that comes later. So here
 * the search is the marked call, in all registers that it does not need. */
void search_by_marked_call(void)
{
    struct call call = {0};
    uint64_t kept = marks_fresh();
    marks_fill(&call.before, kept);
    call.before.rax = KERNEL_DEBUG_SEARCH_REQUEST;
    call.before.rdi = debug.handle;
    call.before.rsi = ~kept;
    call.before.rdx = MARK_BASE_MASK;
    call.before.r8 = own_task.handle;
    registers_system_call(&call.before, &call.after);
    EXPECT_EQUAL(call.after.rax, KERNEL_DEBUG_SEARCH_REPLY);
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL(marks_word(&call.after, i), 0);
    expect_caller_kept("search", &call, kept, 0);
}
