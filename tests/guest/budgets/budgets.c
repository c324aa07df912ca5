/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time: slices among equal priorities, budgets in each period, and who pays for a server's work. Times are guest
 * instructions (option --icount), and what is compared is rounds of loops: nothing depends on how fast the machine is.
 */
#include "../common/actors.h"

#define MICROSECOND 1000UL
#define SLICE (50 * MICROSECOND)
#define PERIOD (400 * MICROSECOND)
#define BUDGET (100 * MICROSECOND)
#define PERIODS 40
#define WATCHER 200  /* the priority of whoever looks on */
#define TOLERANCE 20 /* one part in so many */
#define SHORTEST 10000UL
#define HOUR 3600000000000UL

static uint32_t endpoint;
static volatile bool go;

static uint64_t rounds(unsigned number)
{
    return actors[number].area->values[1];
}

static void times(unsigned number, uint64_t slice, uint64_t budget, uint64_t period)
{
    EXPECT_EQUAL(kernel_thread_set_times(actors[number].thread, slice, budget, period), 0);
}

static unsigned enter_spinner(uint32_t priority, uint64_t slice, uint64_t budget, uint64_t period)
{
    unsigned number = actor_create(priority, play_spinner, 0);
    times(number, slice, budget, period);
    actor_start(number);
    return number;
}

/* Is `part` that part of `whole`, give or take? */
static void expect_share(uint64_t part, uint64_t whole, uint64_t share, uint64_t of)
{
    uint64_t expected = whole * share / of, slack = whole / TOLERANCE;
    EXPECT(part + slack >= expected);
    EXPECT(part <= expected + slack);
}

/* Lets the actors run for some periods, above all of them; spinners that it is to see are below STAGE_PRIORITY. Answers
 * how long it was. */
static uint64_t look_on(void)
{
    EXPECT_EQUAL(kernel_thread_set_priority(own_thread, WATCHER), 0);
    uint64_t start = actor_now();
    actor_sleep(PERIODS * PERIOD);
    return actor_now() - start;
}

static void end(void)
{
    actors_leave();
    EXPECT_EQUAL(kernel_thread_set_priority(own_thread, STAGE_PRIORITY), 0);
}

/* ---- Slices ------------------------------------------------------------------------------------------------------ */

/* Equal slices, equal shares; a slice of three times the length, three times the share. A lower one gets nothing. */
static void slices(void)
{
    unsigned first = enter_spinner(5, SLICE, 0, 0), second = enter_spinner(5, SLICE, 0, 0);
    unsigned long_slice = enter_spinner(5, 3 * SLICE, 0, 0), lower = enter_spinner(4, SLICE, 0, 0);
    look_on();
    uint64_t all = rounds(first) + rounds(second) + rounds(long_slice);
    expect_share(rounds(first), all, 1, 5);
    expect_share(rounds(second), all, 1, 5);
    expect_share(rounds(long_slice), all, 3, 5);
    EXPECT_EQUAL(rounds(lower), 0);
    end();
}

static volatile uint64_t turns;
static volatile uint64_t whose;

/* Counts, in values[1], how often it got the CPU after another one of its kind. */
static void play_taker(struct area *area)
{
    for (;;) {
        uint64_t number = area->values[0];
        if (whose == number)
            continue;
        whose = number;
        turns++;
    }
}

/* Turns are as long as the slices say: so many in a time, and no more. */
static void turns_of_a_slice(void)
{
    turns = whose = 0;
    for (uint64_t i = 1; i <= 2; i++)
        times(actor_create(5, play_taker, i), SLICE, 0, 0);
    actor_start(0);
    actor_start(1);
    look_on();
    expect_share(turns, PERIODS * PERIOD / SLICE, 1, 1);
    end();
}

#define SAMPLES 32
#define SAMPLE (SLICE / 4)

/* Notes, in values[1] and [2], how often it found each of the takers running, and in values[3] how often they
 * changed. */
static void play_sampler(struct area *area)
{
    uint64_t before = 0;
    for (int i = 0; i < SAMPLES; i++) {
        area->values[whose]++;
        area->values[3] += before != 0 && before != whose;
        before = whose;
        actor_sleep(SAMPLE);
    }
}

/* Whoever is preempted by a higher one goes on before its equals, and with the rest of its slice: in two slices, of 16
 * samples each, both takers have one, and each sees the sampler come and go many times. */
static void preempted_within_a_slice(void)
{
    turns = whose = 0;
    for (uint64_t i = 1; i <= 2; i++)
        times(actor_create(5, play_taker, i), SAMPLE * SAMPLES / 2, 0, 0);
    actor_start(0);
    actor_start(1);
    EXPECT_EQUAL(kernel_thread_set_priority(own_thread, WATCHER), 0);
    actor_sleep(SAMPLE);
    unsigned sampler = actor_enter(WATCHER + 1, play_sampler, 0);
    actor_sleep(2 * SAMPLE * SAMPLES);
    actor_expect_done(sampler);
    volatile uint64_t *values = actors[sampler].area->values;
    expect_share(values[1], SAMPLES, 1, 2);
    expect_share(values[2], SAMPLES, 1, 2);
    EXPECT(values[3] >= 1 && values[3] <= 2);
    end();
}

#define ROUNDS_A_CALL 2000UL /* several calls fit into a slice */

/* Works values[2] rounds for each caller. */
static void play_service(struct area *area)
{
    uint64_t tag = actor_receive((uint32_t)area->values[0]);
    while (message_is_tag(tag)) {
        for (uint64_t i = area->values[2]; i > 0; i--)
            area->values[1]++;
        tag = actor_reply_and_wait((uint32_t)area->values[0]);
    }
}

/* Calls for ever. */
static void play_steady_caller(struct area *area)
{
    while (message_is_tag(actor_call((uint32_t)area->values[0])))
        area->values[1]++;
}

/* A server with a long slice of its own, and who calls it: both wait, or are ready, when this returns. */
static unsigned enter_served(uint32_t handle, uint32_t reserve, uint64_t rounds_a_call)
{
    unsigned server = actor_create(20, play_service, handle), caller = actor_create(5, play_steady_caller, handle);
    actors[server].area->values[2] = rounds_a_call;
    times(server, 10 * SLICE, 0, 0);
    times(caller, SLICE, 0, 0);
    actor_start(server);
    EXPECT_EQUAL(kernel_thread_set_priority(actors[server].thread, reserve), 0);
    actor_start(caller);
    return server;
}

/* A call carries what is left of the caller's slice to the server, and the answer brings back what is left then: who
 * calls many times within a slice has the same share as an equal whose call lasts. Servers' own slices do not count. */
static void calls_keep_the_slice(void)
{
    for (uint32_t reserve = 1; reserve <= 20; reserve += 19) {
        uint32_t other = guest_endpoint();
        endpoint = guest_endpoint();
        unsigned often = enter_served(endpoint, reserve, ROUNDS_A_CALL),
                 once = enter_served(other, reserve, UINT64_MAX);
        look_on();
        expect_share(rounds(often), rounds(often) + rounds(once), 1, 2);
        EXPECT(rounds(often) > 2 * ROUNDS_A_CALL * PERIODS * PERIOD / SLICE / 2); /* two calls and more in a turn */
        end();
        guest_delete(endpoint);
        guest_delete(other);
    }
}

/* ---- Budgets ----------------------------------------------------------------------------------------------------- */

/* A quarter of each period for the higher one; the lower one has what is left. */
static void share_of_a_period(void)
{
    unsigned limited = enter_spinner(6, SLICE, BUDGET, PERIOD), rest = enter_spinner(5, SLICE, 0, 0);
    look_on();
    uint64_t all = rounds(limited) + rounds(rest);
    expect_share(rounds(limited), all, BUDGET, PERIOD);
    end();
}

/* Nobody else wants the CPU: it gets no more than its budget all the same. (While nobody runs, the clock is the host's,
 * and may jump: refills come late then, and so does the end.) */
static void budget_of_a_lone_one(void)
{
    unsigned unlimited = enter_spinner(5, SLICE, 0, 0);
    uint64_t whole_time = look_on(), whole = rounds(unlimited);
    end();
    unsigned limited = enter_spinner(5, SLICE, BUDGET, PERIOD);
    uint64_t periods = look_on() / PERIOD + 1;
    EXPECT(rounds(limited) > 0);
    EXPECT(rounds(limited) <= whole * (periods * BUDGET) / whole_time * (TOLERANCE + 1) / TOLERANCE);
    end();
}

/* Two limited ones of the same priority, and a third that has no limit. */
static void several_budgets(void)
{
    unsigned first = enter_spinner(5, SLICE, BUDGET, PERIOD), second = enter_spinner(5, SLICE, BUDGET / 2, PERIOD);
    unsigned rest = enter_spinner(4, SLICE, 0, 0);
    look_on();
    uint64_t all = rounds(first) + rounds(second) + rounds(rest);
    expect_share(rounds(first), all, BUDGET, PERIOD);
    expect_share(rounds(second), all, BUDGET / 2, PERIOD);
    end();
}

/* The longest that it ran, and the shortest time from one begin to the next, in ticks: values[2] and [3]. */
static void play_measured(struct area *area)
{
    uint64_t begun = ticks_now(), last = begun;
    for (;;) {
        uint64_t now = ticks_now();
        if (now - last > BUDGET / 2) { /* it was away */
            if (last - begun > area->values[2])
                area->values[2] = last - begun;
            if (area->values[1]++ > 0 && now - begun < area->values[3])
                area->values[3] = now - begun;
            begun = now;
        }
        last = now;
    }
}

/* Looked at closely: in no period more than the budget, and each period as long as it should be. */
static void every_period(void)
{
    uint64_t hertz = 0;
    EXPECT_EQUAL(kernel_clock_frequency(clock_object, &hertz), 0);
    unsigned measured = actor_create(6, play_measured, 0);
    times(measured, SLICE, BUDGET, PERIOD);
    volatile uint64_t *values = actors[measured].area->values;
    values[3] = UINT64_MAX;
    enter_spinner(5, SLICE, 0, 0); /* a clock that counts instructions is exact while somebody runs */
    actor_start(measured);
    look_on();
    uint64_t budget = BUDGET * hertz / 1000000000, period = PERIOD * hertz / 1000000000;
    EXPECT(values[1] >= PERIODS - 2);
    EXPECT(values[2] <= budget + budget / TOLERANCE);
    EXPECT(values[2] >= budget - budget / TOLERANCE);
    EXPECT(values[3] >= period - period / TOLERANCE);
    end();
}

static void play_sleep_and_measure(struct area *area)
{
    actor_sleep(PERIODS / 2 * PERIOD);
    play_measured(area);
}

/* Whoever slept for many periods has saved what was left, and no more. */
static void budget_after_sleep(void)
{
    unsigned measured = actor_create(6, play_sleep_and_measure, 0);
    times(measured, SLICE, BUDGET, PERIOD);
    enter_spinner(5, SLICE, 0, 0);
    actor_start(measured);
    look_on();
    uint64_t longest = actors[measured].area->values[2]; /* the clock ticks once in a nanosecond, nearly */
    EXPECT(longest > BUDGET);
    EXPECT(longest <= 2 * BUDGET + BUDGET / TOLERANCE);
    end();
}

static void play_wait_for_go(struct area *area)
{
    (void)area;
    while (!go)
        __asm__ volatile("pause");
    trace('g');
}

/* Whoever has used up its budget and is given a new one runs at once, before whoever gave it. */
static void new_budget(void)
{
    go = false;
    unsigned limited = actor_create(20, play_wait_for_go, 0);
    times(limited, SLICE, SHORTEST, HOUR);
    actor_start(limited);
    go = true;
    trace('a');
    actor_sleep(PERIODS * PERIOD);
    trace('b');
    times(limited, SLICE, 0, 0);
    trace('c');
    EXPECT_TRACE("abgc");
    end();
}

/* Waiting uses nothing up. */
static void play_sleeper(struct area *area)
{
    for (int i = 0; i < PERIODS; i++) {
        actor_sleep(PERIOD / 8);
        area->values[1]++;
    }
}

static void sleep_uses_nothing(void)
{
    unsigned sleeper = actor_create(20, play_sleeper, 0);
    times(sleeper, SLICE, 2 * PERIOD, HOUR);
    enter_spinner(5, SLICE, 0, 0);
    actor_start(sleeper);
    look_on();
    EXPECT_EQUAL(rounds(sleeper), PERIODS); /* for many budgets' time */
    end();
}

/* ---- Who pays ---------------------------------------------------------------------------------------------------- */

/* Works for its caller for ever. */
static void play_spinning_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    play_spinner(area);
}

static void play_caller(struct area *area)
{
    EXPECT_EQUAL(actor_call((uint32_t)area->values[0]), TAG_DONE);
    trace('c');
}

/* A server's work is paid by its caller's budget, its own notwithstanding. */
static void caller_pays(void)
{
    endpoint = guest_endpoint();
    unsigned server = actor_enter(20, play_spinning_server, endpoint);
    unsigned caller = actor_create(6, play_caller, endpoint), rest = enter_spinner(5, SLICE, 0, 0);
    times(caller, SLICE, BUDGET, PERIOD);
    actor_start(caller);
    look_on();
    expect_share(rounds(server), rounds(server) + rounds(rest), BUDGET, PERIOD);
    end();
    guest_delete(endpoint);
}

/* Helpers pay too, each with its own budget: together they have half of the time. */
static void helpers_pay(void)
{
    endpoint = guest_endpoint();
    unsigned server = actor_enter(20, play_spinning_server, endpoint), rest = enter_spinner(5, SLICE, 0, 0);
    for (int i = 0; i < 2; i++) {
        unsigned caller = actor_create(6, play_caller, endpoint);
        times(caller, SLICE, BUDGET, PERIOD);
        actor_start(caller);
    }
    look_on();
    expect_share(rounds(server), rounds(server) + rounds(rest), 2 * BUDGET, PERIOD);
    end();
    guest_delete(endpoint);
}

static void play_long_service(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    while (!go)
        __asm__ volatile("pause");
    EXPECT(message_is_tag(actor_reply_and_wait((uint32_t)area->values[0])));
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* A caller whose budget is used up in mid-call stops the server, until somebody helps: that one does not wait for the
 * refill. */
static void exhausted_caller(void)
{
    go = false;
    endpoint = guest_endpoint();
    actor_enter(20, play_long_service, endpoint);
    unsigned poor = actor_create(30, play_caller, endpoint);
    times(poor, SLICE, SHORTEST, HOUR);
    actor_start(poor); /* until it is exhausted */
    go = true;
    trace('a');
    actor_sleep(PERIODS * PERIOD);
    trace('b');
    actor_enter(15, play_caller, endpoint);
    trace('d');
    times(poor, SLICE, 0, 0);
    EXPECT_TRACE("abcdc");
    end();
    guest_delete(endpoint);
}

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

static void bad_times(void)
{
    const struct {
        uint64_t slice, budget, period;
    } bad[] = {
        {0, 0, 0},
        {SHORTEST - 1, 0, 0},
        {HOUR + 1, 0, 0},
        {UINT64_MAX, 0, 0},
        {SHORTEST, 1, HOUR},
        {SHORTEST, SHORTEST - 1, HOUR},
        {SHORTEST, SHORTEST, SHORTEST - 1},
        {SHORTEST, SHORTEST + 1, SHORTEST},
        {SHORTEST, HOUR, HOUR + 1},
        {SHORTEST, UINT64_MAX, UINT64_MAX},
    };
    unsigned number = actor_create(5, play_spinner, 0);
    for (unsigned i = 0; i < COUNT(bad); i++)
        EXPECT_ERROR(kernel_thread_set_times(actors[number].thread, bad[i].slice, bad[i].budget, bad[i].period),
                     BAD_ARGUMENT);
    times(number, SHORTEST, SHORTEST, SHORTEST);
    times(number, HOUR, HOUR, HOUR);
    times(number, SHORTEST, 0, UINT64_MAX); /* without a budget there is no period */
    uint32_t looking = guest_copy(actors[number].thread.handle, KERNEL_RIGHTS_READ);
    EXPECT_ERROR(kernel_thread_set_times((kernel_thread_t){looking}, SLICE, 0, 0), NO_RIGHT);
    guest_delete(looking);
    end();
}

static const struct guest_test tests[] = {
    {"slices share the time among equals", slices},
    {"turns are as long as slices", turns_of_a_slice},
    {"who is preempted goes on with the rest of its slice", preempted_within_a_slice},
    {"a call carries the rest of the caller's slice", calls_keep_the_slice},
    {"a budget is the share of a period", share_of_a_period},
    {"it is a limit though nobody else runs", budget_of_a_lone_one},
    {"several budgets", several_budgets},
    {"every single period", every_period},
    {"a budget after a long sleep", budget_after_sleep},
    {"a new budget counts at once", new_budget},
    {"waiting uses no budget up", sleep_uses_nothing},
    {"a caller pays for the server's work", caller_pays},
    {"helpers pay too", helpers_pay},
    {"a server whose caller is exhausted is helped", exhausted_caller},
    {"times out of range", bad_times},
};

int main(void)
{
    return actors_run(tests, COUNT(tests));
}
