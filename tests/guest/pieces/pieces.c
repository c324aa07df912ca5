/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations of the kernel that take long stop at preemption points: whoever has a deadline runs in time; the thread
 * that is in the operation may be killed or broken off there, and what was half done comes back. The clock counts
 * instructions (option --icount).
 */
#include <salto/startup.h>

#include <salto/tap.h>

#include "../common/waiting.h"

#define MICROSECOND 1000UL
#define LATENCY (60 * MICROSECOND) /* from the deadline to the sleeper's next look at the clock */
#define PAGES 16384                /* are zeroed in 8 milliseconds */
#define TURNS 5
#define LOW_PRIORITY 20
#define ADDRESS 0x300000001000UL       /* at no multiple of 2 MiB: by single pages */
#define UNMAP_TIME (200 * MICROSECOND) /* a part of what it takes */
#define MAP_TIME (60 * MICROSECOND)    /* the same */
#define PATIENCE 200                   /* milliseconds */

static uint64_t quota_used(void)
{
    uint64_t limit = 0, used = 0;
    EXPECT_EQUAL(kernel_factory_quota(own_factory, &limit, &used), 0);
    return used;
}

/* What dies while nobody waits for it goes when nobody else runs. */
static void expect_quota_back(uint64_t used)
{
    for (int i = 0; i < PATIENCE && quota_used() != used; i++)
        sleep_for(MILLISECOND);
    EXPECT_EQUAL(quota_used(), used);
}

/* Sleeps, and not longer than that while the worker is busy. (Where nobody is, QEMU lets real time pass.) */
static void sleep_beside(const struct worker *worker, uint64_t nanoseconds)
{
    uint64_t start = time_now();
    sleep_for(nanoseconds);
    EXPECT(time_now() - start < nanoseconds + LATENCY || worker->area->done);
}

/* ---- A large memory object --------------------------------------------------------------------------------------- */

static void create(struct area *area)
{
    kernel_memory_t memory = {0};
    area->begun = 1;
    area->values[0] = (uint64_t)kernel_factory_create_memory(own_factory, PAGES, &memory);
    area->values[1] = memory.handle;
    area->done = 1;
    for (;;)
        sleep_for(HOUR);
}

/* A thread of lower priority that runs `function`; answers what of the quota was used before that. */
static uint64_t begin(struct worker *worker, worker_function *function)
{
    worker_create(worker, false);
    uint64_t used = quota_used();
    EXPECT_EQUAL(kernel_thread_set_priority(worker->thread, LOW_PRIORITY), 0);
    worker_start(worker, function);
    return used;
}

/* One that is in the middle of creation. */
static void begin_to_create(struct worker *worker)
{
    begin(worker, create);
    sleep_beside(worker, MILLISECOND);
    EXPECT_EQUAL(worker->area->begun, 1);
    EXPECT_EQUAL(worker->area->done, 0);
}

static void creation_is_interrupted(void)
{
    struct worker worker;
    begin_to_create(&worker);
    for (int i = 0; i < TURNS; i++) {
        sleep_beside(&worker, MILLISECOND);
        EXPECT_EQUAL(worker.area->done, 0);
    }
    sleep_until_done(&worker, 1);
    EXPECT_EQUAL(worker.area->values[0], 0);
    guest_delete((uint32_t)worker.area->values[1]);
    worker_destroy(&worker);
}

static void creator_is_killed(void)
{
    struct worker worker;
    uint64_t used = begin(&worker, create);
    sleep_beside(&worker, MILLISECOND);
    EXPECT(quota_used() > used + MEBIBYTE);
    EXPECT_EQUAL(kernel_thread_end(worker.thread), 0);
    expect_quota_back(used);
    EXPECT_EQUAL(worker.area->done, 0);
    worker_destroy(&worker);
}

/* Its last capability goes, and what it made is gone when that returns. */
static void creator_is_deleted(void)
{
    struct worker worker;
    begin_to_create(&worker);
    worker_destroy(&worker);
}

static void creator_is_broken_off(void)
{
    struct worker worker;
    uint64_t used = begin(&worker, create), old = 0;
    sleep_beside(&worker, MILLISECOND);
    EXPECT(quota_used() > used + MEBIBYTE);
    EXPECT_EQUAL(kernel_thread_break_off(worker.thread, 0, &old), 0);
    sleep_until_done(&worker, 1);
    EXPECT_EQUAL((int64_t)worker.area->values[0], -(int64_t)ERROR_INTERRUPTED);
    expect_quota_back(used);
    worker_destroy(&worker);
}

/* More than the quota allows: refused in the end, with all of it back. */
static void create_too_much(struct area *area)
{
    kernel_memory_t memory = {0};
    area->values[0] = (uint64_t)kernel_factory_create_memory(own_factory, 3 * PAGES, &memory);
    area->done = 1;
    for (;;)
        sleep_for(HOUR);
}

static void too_much_is_refused(void)
{
    struct worker worker;
    uint64_t used = begin(&worker, create_too_much);
    while (!worker.area->done && guest_failures() == 0)
        sleep_beside(&worker, MILLISECOND);
    EXPECT_EQUAL((int64_t)worker.area->values[0], -(int64_t)ERROR_NO_MEMORY);
    EXPECT_EQUAL(quota_used(), used);
    worker_destroy(&worker);
}

/* ---- Mapping ----------------------------------------------------------------------------------------------------- */

static void map(struct area *area)
{
    kernel_memory_t memory = {(uint32_t)area->values[0]};
    kernel_task_t task = {(uint32_t)area->values[2]};
    area->begun = 1;
    area->values[1] = (uint64_t)kernel_memory_map(memory, task, ADDRESS, 0, PAGES, KERNEL_RIGHTS_READ);
    area->done = 1;
    for (;;)
        sleep_for(HOUR);
}

/* A thread of lower priority that is in the middle of mapping a new object into `task`. */
static kernel_memory_t begin_to_map(struct worker *worker, kernel_task_t task)
{
    kernel_memory_t memory = {guest_memory(PAGES)};
    worker_create(worker, false);
    worker->area->values[0] = memory.handle;
    worker->area->values[2] = task.handle;
    EXPECT_EQUAL(kernel_thread_set_priority(worker->thread, LOW_PRIORITY), 0);
    worker_start(worker, map);
    sleep_beside(worker, MAP_TIME);
    EXPECT_EQUAL(worker->area->begun, 1);
    EXPECT_EQUAL(worker->area->done, 0);
    return memory;
}

/* While it goes on, all of its addresses are taken; afterwards, all of its pages are there. */
static void mapping_is_interrupted(void)
{
    struct worker worker;
    kernel_memory_t memory = begin_to_map(&worker, own_task), other = {guest_memory(1)};
    EXPECT_ERROR(kernel_memory_map(other, own_task, ADDRESS + (PAGES - 1) * 4096UL, 0, 1, KERNEL_RIGHTS_READ),
                 OCCUPIED);
    sleep_until_done(&worker, 1);
    EXPECT_EQUAL(worker.area->values[1], 0);
    for (uint64_t page = 0; page < PAGES; page += PAGES / 16)
        EXPECT_EQUAL(*(volatile uint64_t *)(ADDRESS + page * 4096UL), 0);
    EXPECT_EQUAL(*(volatile uint64_t *)(ADDRESS + (PAGES - 1) * 4096UL), 0);
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, ADDRESS, PAGES), 0);
    guest_delete(memory.handle);
    guest_delete(other.handle);
    worker_destroy(&worker);
}

/* Nothing stays mapped: another object can be mapped there, in each place. */
static void expect_taken_back(kernel_memory_t memory)
{
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, ADDRESS, 0, PAGES, KERNEL_RIGHTS_READ), 0);
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, ADDRESS, PAGES), 0);
    guest_delete(memory.handle);
}

static void mapper_is_broken_off(void)
{
    struct worker worker;
    uint64_t old;
    kernel_memory_t memory = begin_to_map(&worker, own_task);
    EXPECT_EQUAL(kernel_thread_break_off(worker.thread, 0, &old), 0);
    sleep_until_done(&worker, 1);
    EXPECT_EQUAL((int64_t)worker.area->values[1], -(int64_t)ERROR_INTERRUPTED);
    expect_taken_back(memory);
    worker_destroy(&worker);
}

static void mapper_is_killed(void)
{
    struct worker worker;
    kernel_memory_t memory = begin_to_map(&worker, own_task);
    EXPECT_EQUAL(kernel_thread_end(worker.thread), 0);
    expect_taken_back(memory);
    worker_destroy(&worker);
}

static void mapped_object_dies(void)
{
    struct worker worker;
    guest_delete(begin_to_map(&worker, own_task).handle);
    sleep_until_done(&worker, 1);
    EXPECT_EQUAL((int64_t)worker.area->values[1], -(int64_t)ERROR_BAD_HANDLE);
    worker_destroy(&worker);
}

static void task_dies_meanwhile(void)
{
    struct worker worker;
    kernel_task_t task = guest_new_task();
    kernel_memory_t memory = begin_to_map(&worker, task);
    guest_delete(task.handle);
    sleep_until_done(&worker, 1);
    EXPECT_EQUAL((int64_t)worker.area->values[1], -(int64_t)ERROR_BAD_HANDLE);
    guest_delete(memory.handle);
    worker_destroy(&worker);
}

/* The task's quota has page tables for a part of it only: nothing is mapped, and nothing stays charged. */
static void quota_ends_in_the_middle(void)
{
    kernel_factory_t factory = {0};
    kernel_task_t task = {0};
    kernel_memory_t memory = {guest_memory(PAGES)};
    uint64_t limit, used = 0, after = 1;
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, 16 * 4096UL, &factory), 0);
    EXPECT_EQUAL(kernel_factory_create_task(factory, &task), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, task, ADDRESS, 0, 1, KERNEL_RIGHTS_READ), 0);
    EXPECT_EQUAL(kernel_memory_unmap(memory, task, ADDRESS, 1), 0);
    EXPECT_ERROR(kernel_memory_map(memory, task, ADDRESS, 0, PAGES, KERNEL_RIGHTS_READ), NO_MEMORY);
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    EXPECT_ERROR(kernel_memory_map(memory, task, ADDRESS, 0, PAGES, KERNEL_RIGHTS_READ), NO_MEMORY);
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &after), 0);
    EXPECT_EQUAL(after, used); /* page tables stay for the next mapping; records do not */
    EXPECT_EQUAL(kernel_memory_map(memory, task, ADDRESS, 0, 512, KERNEL_RIGHTS_READ), 0);
    guest_delete(task.handle);
    guest_delete(memory.handle);
    guest_delete(factory.handle);
}

/* ---- Unmapping --------------------------------------------------------------------------------------------------- */

static void unmap(struct area *area)
{
    kernel_memory_t memory = {(uint32_t)area->values[0]};
    area->begun = 1;
    area->values[1] = (uint64_t)kernel_memory_unmap(memory, own_task, ADDRESS, PAGES);
    area->done = 1;
    for (;;)
        sleep_for(HOUR);
}

/* A thread of lower priority is in the middle of it, and is told `error` in the end if it is broken off there. */
static void unmap_beside(struct worker *worker, bool break_off, int64_t error)
{
    uint64_t old;
    kernel_memory_t memory = {guest_memory(PAGES)};
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, ADDRESS, 0, PAGES, KERNEL_RIGHTS_READ), 0);
    worker_create(worker, false);
    worker->area->values[0] = memory.handle;
    EXPECT_EQUAL(kernel_thread_set_priority(worker->thread, LOW_PRIORITY), 0);
    worker_start(worker, unmap);
    sleep_beside(worker, UNMAP_TIME);
    EXPECT_EQUAL(worker->area->begun, 1);
    EXPECT_EQUAL(worker->area->done, 0);
    if (break_off)
        EXPECT_EQUAL(kernel_thread_break_off(worker->thread, 0, &old), 0);
    sleep_until_done(worker, 1);
    EXPECT_EQUAL(worker->area->values[1], error);
    EXPECT_ERROR(kernel_memory_unmap(memory, own_task, ADDRESS + (PAGES - 1) * 4096UL, 1), BAD_ADDRESS);
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, ADDRESS, 1), break_off ? 0 : -(int64_t)ERROR_BAD_ADDRESS);
    guest_delete(memory.handle);
    worker_destroy(worker);
}

static void unmapping_is_interrupted(void)
{
    struct worker worker;
    unmap_beside(&worker, false, 0);
}

/* What is still mapped can be unmapped. */
static void unmapping_is_broken_off(void)
{
    struct worker worker;
    unmap_beside(&worker, true, -(int64_t)ERROR_INTERRUPTED);
}

static const struct guest_test tests[] = {
    {"whoever has a deadline runs in time while a large object is created", creation_is_interrupted},
    {"the creator is killed", creator_is_killed},
    {"the creator is deleted", creator_is_deleted},
    {"the creator is broken off", creator_is_broken_off},
    {"more than the quota has is refused, and comes back", too_much_is_refused},
    {"whoever has a deadline runs in time while many pages are mapped", mapping_is_interrupted},
    {"whoever maps is broken off, and nothing stays", mapper_is_broken_off},
    {"whoever maps is killed, and nothing stays", mapper_is_killed},
    {"the object dies while it is mapped", mapped_object_dies},
    {"the task dies while it is mapped into", task_dies_meanwhile},
    {"the quota ends in the middle of mapping, and nothing stays", quota_ends_in_the_middle},
    {"whoever has a deadline runs in time while many pages are unmapped", unmapping_is_interrupted},
    {"unmapping is broken off", unmapping_is_broken_off},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
