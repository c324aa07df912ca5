/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 100,000 system calls with random tags, handles, labels and words, of tasks that hold an endpoint, memory and themselves.
 * Whatever they do to themselves (end, unmap their stack, delete what they hold) is allowed, and another task goes on;
 * the kernel, this program and its memory must not notice. guest_run() checks that everything comes back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../common/worker.h"
#include "abi/addresses.h"

#define CALLS_WANTED 50000 /* each test runs twice */
#define CALLS_PER_TASK 500
#define VICTIM_WORDS 1024
#define INTERFACES 10
#define OPERATIONS 13

static uint64_t seed;

static inline uint64_t random_word(uint64_t *state)
{
    uint64_t noise = random_next(state);
    switch (noise >> 60) {
    case 0:
        return noise;
    case 1:
        return USER_END - (noise & 0xff) * PAGE_SIZE;
    case 2:
        return SHARED_BASE + (noise & 0xffffff);
    case 3:
        return 65536 + (noise & 3);
    case 4:
        return (noise & 0xffff) * PAGE_SIZE;
    case 5:
        return 1UL << (noise & 63);
    default:
        return noise & 31;
    }
}

static inline uint64_t random_tag(uint64_t *state)
{
    static const uint32_t forms[] = {0x100, 0x200, 0x300, 0x400, 0x500, 0x600, 0xf00};
    uint64_t noise = random_next(state);
    uint64_t label = (uint64_t)((noise & 0xff) % INTERFACES) << 16 | (noise >> 8 & 0xff) % OPERATIONS;
    uint32_t low = TAG_PLAIN_CALL + (uint32_t)(noise >> 16 & 0xf); /* calls, replies, and two forms that are none */
    if ((noise >> 20 & 3) == 0)                                    /* a general form; polled, so that it comes back */
        low = TAG_NATIVE | forms[(noise >> 24) % 7] | TAG_POLL | (uint32_t)(noise >> 32 & 0x703f);
    if ((noise >> 40 & 31) == 0)
        low = (uint32_t)noise | TAG_NATIVE | TAG_POLL;
    return label << 32 | low;
}

/* values[0]: seed. `done` counts calls. */
static void call_at_random(struct area *area)
{
    uint64_t state = area->values[0];
    struct ipc_message message;
    while (area->done < CALLS_PER_TASK) {
        uint64_t tag = random_tag(&state);
        for (int i = 0; i < 6; i++)
            message.words[i] = random_word(&state);
        area->values[1] = tag;
        ipc_transfer(tag, random_word(&state), &message);
        area->done++;
    }
}

/* Lets a new task make calls until it is through, has ended itself, or waits for what never comes. */
static uint32_t run_task(uint64_t task_seed)
{
    struct worker worker;
    worker_create(&worker, true);
    worker.area->values[0] = task_seed;
    worker_give(&worker, worker.task.handle, RIGHTS_ALL);
    worker_give(&worker, worker.memory.handle, RIGHTS_ALL);
    worker_give(&worker, worker.thread.handle, RIGHTS_ALL);
    worker_start(&worker, call_at_random);
    for (uint32_t before = ~0U; worker.area->done != before && worker.area->done < CALLS_PER_TASK;) {
        before = worker.area->done;
        guest_yield();
        guest_yield();
    }
    uint32_t calls = worker.area->done;
    /* It may hold itself: what it was given goes before it does. */
    for (uint32_t handle = 1; handle < 64; handle++)
        (void)!kernel_task_delete(worker.task, handle);
    worker_destroy(&worker);
    return calls;
}

static bool victim_intact(const uint64_t *victim)
{
    for (uint64_t i = 0; i < VICTIM_WORDS; i++)
        if (victim[i] != seed * i)
            return false;
    return true;
}

static void random_calls(void)
{
    static uint64_t victim[VICTIM_WORDS];
    uint64_t state = seed, tables = 0, pages = 0, wrong = ~0UL;
    for (uint64_t i = 0; i < VICTIM_WORDS; i++)
        victim[i] = seed * i;
    for (uint32_t calls = 0; calls < CALLS_WANTED;) {
        uint32_t made = run_task(random_next(&state) | 1);
        if (!EXPECT(victim_intact(victim)))
            return;
        calls += made ? made : 1;
    }
    EXPECT_EQUAL(kernel_debug_walk(debug, &tables, &pages, &wrong), 0);
    EXPECT_EQUAL(wrong, 0);
}

static const struct guest_test tests[] = {{"random calls change nothing of others", random_calls}};

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) | 1 : 1;
    return guest_run(tests, 1);
}
