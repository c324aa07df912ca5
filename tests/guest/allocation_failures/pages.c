/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each allocation that mapping, granting, taking back and answering faults with pages lead to fails once: whoever asked
 * is told, nothing of it is mapped, and nothing is lost.
 */
#include "pages.h"

#include "../common/taker.h"

#define ATTEMPTS 200
#define FEW_LOG2 (PAGE_SHIFT + 2)
#define FEW_PAGES 4

/* Runs `attempt` with its first allocation failing, then its second, until none does. It answers whether one did. */
static void each_fails(bool (*attempt)(uint64_t number))
{
    uint64_t number = 1;
    while (number < ATTEMPTS && attempt(number))
        number++;
    EXPECT(number > 1 && number < ATTEMPTS);
}

static void begin(uint64_t number)
{
    uint64_t left;
    EXPECT_EQUAL(kernel_debug_fail_allocation(debug, number, &left), 0);
}

/* Did the allocation fail that was to? */
static bool end(void)
{
    uint64_t left = 0;
    EXPECT_EQUAL(kernel_debug_fail_allocation(debug, 0, &left), 0);
    return left == 0;
}

static uint32_t count_mapped(kernel_task_t task, uint64_t address, uint32_t pages)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pages; i++)
        count += page_is_mapped(task, address + i * PAGE_SIZE);
    return count;
}

/* Gives a flexpage that begins in the middle of a mapping: where it is granted, that must be split. Single pages. */
static bool give(uint64_t number, uint32_t kind, uint32_t log2, uint32_t pages)
{
    struct taker taker;
    kernel_memory_t memory = {guest_memory(4 * pages)};
    uint64_t start = HERE + pages * PAGE_SIZE;
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 1, 3 * pages, RW), 0);
    taker_create(&taker, log2, 0);
    begin(number);
    uint64_t result = taker_give(&taker, kind, start, log2, RW);
    bool failed = end();
    EXPECT_EQUAL(result, failed ? ERROR_NO_MEMORY : 0);
    EXPECT_EQUAL(count_mapped(taker.worker.task, THERE, pages), failed ? 0 : pages);
    EXPECT_EQUAL(count_mapped(own_task, HERE, 3 * pages), !failed && kind == ITEM_GRANT ? 2 * pages : 3 * pages);
    taker_destroy(&taker);
    guest_delete(memory.handle);
    return failed;
}

static bool map_few(uint64_t number)
{
    return give(number, ITEM_MAP, FEW_LOG2, FEW_PAGES);
}

static bool grant_few(uint64_t number)
{
    return give(number, ITEM_GRANT, FEW_LOG2, FEW_PAGES);
}

static bool map_many(uint64_t number)
{
    return give(number, ITEM_MAP, LARGE_LOG2, LARGE_PAGES);
}

static bool grant_many(uint64_t number)
{
    return give(number, ITEM_GRANT, LARGE_LOG2, LARGE_PAGES);
}

void pages_given(void)
{
    each_fails(map_few);
    each_fails(grant_few);
    each_fails(map_many);
    each_fails(grant_many);
}

static bool map_on(uint64_t number)
{
    kernel_task_t task = {0};
    kernel_memory_t memory = {guest_memory(LARGE_PAGES + 1)};
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 1, LARGE_PAGES, RW), 0);
    EXPECT_EQUAL(kernel_factory_create_task(own_factory, &task), 0);
    begin(number);
    int result = kernel_task_map_on(own_task, HERE, task, THERE, LARGE_PAGES, RW);
    bool failed = end();
    EXPECT_EQUAL(result, failed ? -ERROR_NO_MEMORY : 0);
    EXPECT_EQUAL(count_mapped(task, THERE, LARGE_PAGES), failed ? 0 : LARGE_PAGES);
    guest_delete(task.handle);
    guest_delete(memory.handle);
    return failed;
}

void pages_mapped_on(void)
{
    each_fails(map_on);
}

/* One page out of the middle. Who unmaps it himself is told, and has all of them still. */
static bool unmap_one(uint64_t number)
{
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    begin(number);
    int result = kernel_task_unmap(own_task, HERE + PAGE_SIZE, 1);
    bool failed = end();
    EXPECT_EQUAL(result, failed ? -ERROR_NO_MEMORY : 0);
    EXPECT_EQUAL(count_mapped(own_task, HERE, PAGES), failed ? PAGES : PAGES - 1);
    guest_delete(memory.handle);
    return failed;
}

/* Who takes it back from others does not fail: the rest of the mapping goes too, or what has been split off before. */
static bool revoke_one(uint64_t number)
{
    struct taker taker;
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    taker_create(&taker, LOG2, 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, FEW_LOG2, RW), 0);
    begin(number);
    taker_revoke(HERE + PAGE_SIZE, 1, RIGHT_READ);
    bool failed = end();
    uint32_t left = count_mapped(taker.worker.task, THERE, FEW_PAGES);
    EXPECT(!page_is_mapped(taker.worker.task, THERE + PAGE_SIZE) && left + failed < FEW_PAGES);
    EXPECT_EQUAL(count_mapped(own_task, HERE, PAGES), PAGES);
    taker_destroy(&taker);
    guest_delete(memory.handle);
    return failed;
}

void pages_taken_back(void)
{
    each_fails(unmap_one);
    each_fails(revoke_one);
}

/* A worker_function */
static void touch(struct area *area)
{
    *(volatile uint64_t *)THERE = VALUE;
    area->done = 1;
}

/* The pager is told, the thread waits on, and another answer is taken. */
static bool answer_fault(uint64_t number)
{
    struct worker worker;
    struct ipc_message message = {0};
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    uint32_t endpoint = pager_start(&worker, touch);
    EXPECT(message_is_tag(ipc_transfer(TAG_RECEIVE, endpoint, &message)));
    begin(number);
    uint64_t result = pager_answer(HERE, PAGE_SHIFT, RW);
    bool failed = end();
    EXPECT_EQUAL(result, failed ? ERROR_NO_MEMORY : TAG_DONE);
    if (failed)
        EXPECT_EQUAL(pager_answer(HERE, PAGE_SHIFT, RW), TAG_DONE);
    worker_wait(&worker, 1);
    EXPECT_EQUAL(*(volatile uint64_t *)HERE, VALUE);
    worker_destroy(&worker);
    guest_delete(endpoint);
    guest_delete(memory.handle);
    return failed;
}

void pages_answered(void)
{
    each_fails(answer_fault);
}
