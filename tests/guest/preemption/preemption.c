/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that never give up the CPU: the timer takes it from them, in turn. What is counted is turns, not seconds: a
 * spinner counts a turn when another one spun since its last. A program that yields gets one turn in each round, so
 * that the others' turns are bounded by its own.
 *
 * The machine's clock must count instructions (option --icount): nothing from outside can then make a turn so short
 * that the spinner does not count it, and the bounds are exact.
 */
#include "../common/worker.h"
#include "abi/addresses.h"

#define SHARED_PAGE 0x2f0000000000UL
#define SPINNERS 4
#define ROUNDS 5
#define OBSERVER 100       /* the number of the program itself, where it spins too */
#define PATIENCE (1 << 20) /* loops until the program counts as never preempted: over ten slices for each round */
#define SLACK 1            /* a turn that is under way: begun and not yet counted, or the other way round */

/* Places of a spinner's values. */
#define NUMBER 0
#define TURN_COUNT 1
#define LOOP_COUNT 2

struct spinners {
    struct worker workers[SPINNERS];
    kernel_memory_t shared;
    unsigned count;
};

/* Writes the own number where whoever spins does; true if another one had since. Instructions that cost the emulator
 * next to nothing let its clock go on. */
static inline bool takes_turn(uint64_t number)
{
    __asm__ volatile(".rept 400\n\tnop\n\t.endr");
    return __atomic_exchange_n((uint64_t *)SHARED_PAGE, number, __ATOMIC_RELAXED) != number;
}

static void spin(struct area *area)
{
    uint64_t number = area->values[NUMBER];
    for (;; area->values[LOOP_COUNT]++)
        if (takes_turn(number))
            area->values[TURN_COUNT]++;
}

/* The same, with a system call each time, which the kernel answers with an error. */
static void spin_in_calls(struct area *area)
{
    uint64_t number = area->values[NUMBER], words[6] = {0};
    for (;;) {
        ipc_call(TAG_PLAIN_CALL, 0, words);
        if (takes_turn(number))
            area->values[TURN_COUNT]++;
    }
}

static void spinners_create(struct spinners *spinners)
{
    *spinners = (struct spinners){.shared = {guest_memory(1)}};
    EXPECT_EQUAL(kernel_memory_map(spinners->shared, own_task, SHARED_PAGE, 0, 1, KERNEL_RIGHTS_WRITE), 0);
}

static void spinners_add(struct spinners *spinners, bool separate, worker_function *function)
{
    struct worker *worker = &spinners->workers[spinners->count];
    worker_create(worker, separate);
    if (separate)
        EXPECT_EQUAL(kernel_memory_map(spinners->shared, worker->task, SHARED_PAGE, 0, 1, KERNEL_RIGHTS_WRITE), 0);
    worker->area->values[NUMBER] = ++spinners->count;
    worker_start(worker, function);
}

static void spinners_destroy(struct spinners *spinners)
{
    for (unsigned i = 0; i < spinners->count; i++)
        worker_destroy(&spinners->workers[i]);
    guest_delete(spinners->shared.handle);
}

static uint64_t turns(const struct spinners *spinners, unsigned index)
{
    return spinners->workers[index].area->values[TURN_COUNT];
}

static void expect_between(uint64_t value, uint64_t least, uint64_t most)
{
    EXPECT(value >= least);
    EXPECT(value <= most);
}

/* The program and one thread, neither of which yields: both go on, and turns alternate. */
static void two_that_never_yield(bool separate, worker_function *function)
{
    struct spinners spinners;
    uint64_t own_turns = 0;
    spinners_create(&spinners);
    spinners_add(&spinners, separate, function);
    for (unsigned i = 0; i < PATIENCE && own_turns < ROUNDS; i++)
        own_turns += takes_turn(OBSERVER);
    EXPECT_EQUAL(own_turns, ROUNDS);
    expect_between(turns(&spinners, 0), own_turns - SLACK - 1, own_turns + SLACK);
    spinners_destroy(&spinners);
}

static void two_in_a_task(void)
{
    two_that_never_yield(false, spin);
}

static void two_tasks(void)
{
    two_that_never_yield(true, spin);
}

static void in_system_calls(void)
{
    two_that_never_yield(true, spin_in_calls);
}

static void yield_rounds(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        guest_yield();
}

/* Several, in tasks of their own and in this one: in each round, which ends where the program yields, each gets a turn,
 * and all of the same length. */
static void in_turn(void)
{
    struct spinners spinners;
    spinners_create(&spinners);
    for (unsigned i = 0; i < SPINNERS; i++)
        spinners_add(&spinners, i % 2, spin);
    yield_rounds(ROUNDS);
    uint64_t work = spinners.workers[0].area->values[LOOP_COUNT];
    for (unsigned i = 0; i < SPINNERS; i++) {
        expect_between(turns(&spinners, i), ROUNDS - SLACK, ROUNDS + SLACK);
        expect_between(spinners.workers[i].area->values[LOOP_COUNT], work - work / 8, work + work / 8);
    }
    spinners_destroy(&spinners);
}

/* Who comes later gets as many turns from then on as the others, no more and no less; and so do those who stay when one
 * is ended. */
static void come_and_go(void)
{
    struct spinners spinners;
    uint64_t before[SPINNERS] = {0};
    spinners_create(&spinners);
    spinners_add(&spinners, false, spin);
    spinners_add(&spinners, true, spin);
    yield_rounds(ROUNDS);
    spinners_add(&spinners, true, spin);
    for (unsigned i = 0; i < spinners.count; i++)
        before[i] = turns(&spinners, i);
    yield_rounds(ROUNDS);
    for (unsigned i = 0; i < spinners.count; i++)
        expect_between(turns(&spinners, i) - before[i], ROUNDS - SLACK, ROUNDS + SLACK);
    worker_kill(&spinners.workers[1]);
    for (unsigned i = 0; i < spinners.count; i++)
        before[i] = turns(&spinners, i);
    yield_rounds(ROUNDS);
    EXPECT_EQUAL(turns(&spinners, 1), before[1]);
    expect_between(turns(&spinners, 0) - before[0], ROUNDS - SLACK, ROUNDS + SLACK);
    expect_between(turns(&spinners, 2) - before[2], ROUNDS - SLACK, ROUNDS + SLACK);
    spinners_destroy(&spinners);
}

static const struct guest_test tests[] = {
    {"two threads of a task that never yield", two_in_a_task},
    {"two tasks that never yield", two_tasks},
    {"system calls do not keep the timer off", in_system_calls},
    {"several spinners get the same turns, of the same length", in_turn},
    {"turns of those who come later, and of those who stay", come_and_go},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
