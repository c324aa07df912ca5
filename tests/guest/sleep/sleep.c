/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleep: a receive on handle 0 with a deadline. The clock counts instructions (option --icount): it goes on by what is
 * executed, and by the deadline itself where nobody runs.
 */
#include "../common/actors.h"

#define MICROSECOND 1000UL
#define SLEEPERS 40
#define LATENCY (60 * MICROSECOND) /* from the deadline to the sleeper's next look at the clock */
#define SEED 0x51eeUL

static uint64_t start;
static uint64_t order[SLEEPERS];
static unsigned woken;

/* Sleeps until values[0] nanoseconds from `start`; values[1] is what came of it, values[2] when. */
static void play_sleeper(struct area *area)
{
    area->values[1] = actor_sleep_until(start + area->values[0]);
    area->values[2] = actor_now() - start;
    if (woken < SLEEPERS)
        order[woken++] = area->values[0];
}

static void begin(void)
{
    woken = 0;
    start = actor_now();
}

/* Many, whose deadlines come in any order: they wake by their deadlines, each not before it, and soon after. */
static void in_order(void)
{
    uint64_t random = SEED;
    begin();
    start += 20000 * MICROSECOND; /* when all sleep */
    for (unsigned i = 0; i < SLEEPERS; i++)
        actor_enter(20, play_sleeper, (1 + random_next(&random) % 64) * 100 * MICROSECOND);
    EXPECT_EQUAL(woken, 0);
    actor_enter(5, play_spinner, 0); /* the clock counts instructions while somebody runs */
    EXPECT_EQUAL(actor_sleep_until(start + 10000 * MICROSECOND), ERROR_TIMEOUT);
    EXPECT_EQUAL(woken, SLEEPERS);
    for (unsigned i = 0; i < SLEEPERS; i++) {
        volatile uint64_t *values = actors[i].area->values;
        EXPECT_EQUAL(values[1], ERROR_TIMEOUT);
        EXPECT(values[2] >= values[0]);
        EXPECT(values[2] <= values[0] + LATENCY * SLEEPERS);
        EXPECT(i == 0 || order[i - 1] <= order[i]);
    }
    actors_leave();
}

/* One that sleeps alone, and above a thread that computes: then the clock counts instructions, and it wakes at once. */
static void on_time(void)
{
    for (int company = 0; company < 2; company++) {
        begin();
        unsigned sleeper = actor_enter(20, play_sleeper, 3000 * MICROSECOND);
        if (company)
            actor_enter(5, play_spinner, 0);
        EXPECT_EQUAL(kernel_thread_set_priority(own_thread, 30), 0);
        EXPECT_EQUAL(actor_sleep_until(start + 6000 * MICROSECOND), ERROR_TIMEOUT);
        EXPECT_EQUAL(kernel_thread_set_priority(own_thread, STAGE_PRIORITY), 0);
        volatile uint64_t *values = actors[sleeper].area->values;
        EXPECT(values[2] >= values[0]);
        EXPECT(!company || values[2] <= values[0] + LATENCY);
        actors_leave();
    }
}

/* Deadlines that have passed end the wait at once, however long ago. */
static void passed(void)
{
    struct ipc_message message = {0};
    EXPECT_EQUAL(actor_sleep_until(0), ERROR_TIMEOUT);
    EXPECT_EQUAL(actor_sleep_until(1), ERROR_TIMEOUT);
    EXPECT_EQUAL(actor_sleep_until(actor_now()), ERROR_TIMEOUT);
    ipc_utcb()->receive_deadline = 0;
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE | TAG_DEADLINE, 0, &message), ERROR_TIMEOUT);
    EXPECT_EQUAL(message.badge, PHASE_RECEIVE);
}

/* Deadlines beyond the end of time never come; whoever sleeps so can be broken off. */
static void endless(void)
{
    const uint64_t ends[] = {DEADLINE_NEVER, DEADLINE_NEVER - 1, 1UL << 63};
    uint64_t old;
    begin();
    start = 0;
    for (unsigned i = 0; i < COUNT(ends); i++)
        actor_enter(20, play_sleeper, ends[i]);
    actor_sleep(20000 * MICROSECOND);
    EXPECT_EQUAL(woken, 0);
    for (unsigned i = 0; i < COUNT(ends); i++) {
        EXPECT_EQUAL(kernel_thread_break_off(actors[i].thread, 0, &old), 0);
        EXPECT_EQUAL(actors[i].area->values[1], ERROR_INTERRUPTED);
    }
    EXPECT_EQUAL(woken, COUNT(ends));
    actors_leave();
}

/* Nothing could ever come: that is no wait. */
static void for_nothing(void)
{
    struct ipc_message message = {0};
    EXPECT_EQUAL(actor_receive(0), ERROR_BAD_HANDLE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, 0, &message), ERROR_BAD_HANDLE);
}

/* Sleepers that are ended, or stopped: the latter wake, and go on when they are resumed. */
static void ended_and_stopped(void)
{
    begin();
    actor_enter(20, play_sleeper, 2000 * MICROSECOND);
    actor_enter(20, play_sleeper, 2000 * MICROSECOND);
    EXPECT_EQUAL(kernel_thread_end(actors[0].thread), 0);
    EXPECT_EQUAL(kernel_thread_stop(actors[1].thread), 0);
    EXPECT_EQUAL(actor_sleep_until(start + 4000 * MICROSECOND), ERROR_TIMEOUT);
    EXPECT_EQUAL(woken, 0);
    EXPECT_EQUAL(kernel_thread_resume(actors[1].thread, false), 0);
    EXPECT_EQUAL(woken, 1);
    EXPECT_EQUAL(actors[1].area->values[1], ERROR_TIMEOUT);
    actors_leave();
}

static const struct guest_test tests[] = {
    {"sleepers wake by their deadlines", in_order}, {"a sleeper wakes on time", on_time},
    {"deadlines that have passed", passed},         {"deadlines that never come", endless},
    {"nothing to wait for", for_nothing},           {"sleepers that are ended or stopped", ended_and_stopped},
};

int main(void)
{
    return actors_run(tests, COUNT(tests));
}
