/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deadlines and priorities: a deadline strikes as soon as nobody of a higher priority runs, but not before. So threads
 * of low priority take no time from one of high priority, however many deadlines they have; and a deadline that
 * somebody of high priority waits for comes in its time, whatever runs between the two.
 *
 * Run under --icount: an instruction is a nanosecond.
 */
#include "../common/actors.h"
#include <salto/wait.h>

#define MICROSECOND 1000UL
#define SLEEPERS 100
#define STARTED (20000 * MICROSECOND) /* by when all sleep, and wait for what comes */
#define INTERVAL (30 * MICROSECOND)   /* from sleeper to sleeper */
#define ROUNDS 2000000                /* of a loop: longer than all their deadlines take */
#define NOISE 1500                    /* instructions: an interrupt for deadlines that then are put off */
#define LATENCY (60 * MICROSECOND) /* from a deadline to a thread's next look at the clock, with others that wake too */
#define LOW 20
#define MIDDLE 50
#define HIGH 90

static uint64_t start;
static volatile unsigned woken;
static unsigned woken_while_computing;

static void begin(void)
{
    woken = 0;
    start = actor_now() + STARTED;
}

/* Sleeps until values[0] nanoseconds from `start`; values[1] is when it woke. */
static void play_sleeper(struct area *area)
{
    EXPECT_EQUAL(actor_sleep_until(start + area->values[0]), ERROR_TIMEOUT);
    area->values[1] = actor_now() - start;
    woken++;
}

/* Computes from `start` on; values[1] is how long that took. */
static void play_computer(struct area *area)
{
    actor_sleep_until(start);
    uint64_t before = ticks_now();
    for (uint32_t i = 0; i < ROUNDS; i++)
        __asm__ volatile("");
    area->values[1] = ticks_now() - before;
    woken_while_computing = woken;
}

/* Computes from values[0] to values[1] nanoseconds from `start`. */
static void play_hog(struct area *area)
{
    actor_sleep_until(start + area->values[0]);
    while (actor_now() < start + area->values[1])
        ;
}

static unsigned enter_hog(uint32_t priority, uint64_t from, uint64_t to)
{
    unsigned hog = actor_create(priority, play_hog, from);
    actors[hog].area->values[1] = to;
    actor_start(hog);
    return hog;
}

/* How long a thread of MIDDLE computes beside sleepers of `priority`, all of which wake meanwhile, or before, or
 * after. */
static uint64_t compute_beside(unsigned sleepers, uint32_t priority)
{
    begin();
    for (unsigned i = 0; i < sleepers; i++)
        actor_enter(priority, play_sleeper, (i * 37 % sleepers + 1) * INTERVAL);
    unsigned computer = actor_enter(MIDDLE, play_computer, 0);
    EXPECT(actor_now() < start);
    actor_sleep_until(start + 2 * (SLEEPERS * INTERVAL + ROUNDS));
    EXPECT_EQUAL(woken, sleepers);
    actor_expect_done(computer);
    uint64_t took = actors[computer].area->values[1];
    for (unsigned i = 0; i < sleepers; i++)
        EXPECT(actors[i].area->values[1] >= actors[i].area->values[0]);
    actors_leave();
    return took;
}

/* Nobody below takes anything. */
static void undisturbed(void)
{
    uint64_t alone = compute_beside(0, LOW), disturbed = compute_beside(SLEEPERS, LOW);
    EXPECT(alone > SLEEPERS * INTERVAL);
    EXPECT_EQUAL(woken_while_computing, 0);
    EXPECT(disturbed < alone + NOISE);
}

/* Those above do, each at its time. */
static void disturbed(void)
{
    uint64_t alone = compute_beside(0, HIGH), beside = compute_beside(SLEEPERS, HIGH);
    EXPECT_EQUAL(woken_while_computing, SLEEPERS);
    EXPECT(beside > alone + NOISE);
}

/* Whoever sleeps above a thread that computes, and beside many that sleep below it, wakes on time; they do when that
 * one is through, though another one computes below them. */
static void on_time(void)
{
    begin();
    for (unsigned i = 0; i < SLEEPERS; i++)
        actor_enter(LOW, play_sleeper, (i + 1) * INTERVAL);
    unsigned first = actor_enter(HIGH, play_sleeper, 20 * INTERVAL);
    unsigned second = actor_enter(HIGH, play_sleeper, 60 * INTERVAL + 7);
    enter_hog(MIDDLE, 0, 2 * SLEEPERS * INTERVAL);
    enter_hog(LOW - 1, 0, 4 * SLEEPERS * INTERVAL);
    actor_sleep_until(start + 5 * SLEEPERS * INTERVAL);
    EXPECT(actors[first].area->values[1] < 20 * INTERVAL + LATENCY);
    EXPECT(actors[second].area->values[1] < 60 * INTERVAL + LATENCY);
    for (unsigned i = 0; i < SLEEPERS; i++) {
        EXPECT(actors[i].area->values[1] >= 2 * SLEEPERS * INTERVAL);
        EXPECT(actors[i].area->values[1] <= 3 * SLEEPERS * INTERVAL);
    }
    EXPECT_EQUAL(woken, SLEEPERS + 2);
    actors_leave();
}

/* ---- Somebody higher waits for a deadline ------------------------------------------------------------------------ */

#define STRIKES (2000 * MICROSECOND) /* the server's deadline, from `start` */
#define HOGGED (9000 * MICROSECOND)

static uint32_t front, behind;

/* Receives a call, and never answers. */
static void play_hung(struct area *area)
{
    actor_receive(behind);
    kernel_reply_t reply = {(uint32_t)area->values[0]};
    EXPECT_EQUAL(kernel_reply_keep(reply), 0);
    actor_sleep_until(DEADLINE_NEVER - 1);
}

/* For each call, calls the one behind, until a deadline; then answers. */
static void play_front(struct area *area)
{
    struct ipc_message message = {0};
    uint64_t tag = actor_receive(front);
    while (message_is_tag(tag)) {
        ipc_utcb()->receive_deadline = start + STRIKES;
        ipc_utcb()->send_deadline = start + STRIKES;
        area->values[1] = ipc_transfer(ipc_tag_with_deadline(tag_of(0, MESSAGE_CALL, 0, 0)), behind, &message);
        tag = actor_reply_and_wait(front);
    }
}

/* Calls the front at values[0] nanoseconds from `start`; values[1] is when the answer came. */
static void play_client(struct area *area)
{
    actor_sleep_until(start + area->values[0]);
    EXPECT(message_is_tag(actor_call(front)));
    area->values[1] = actor_now() - start;
}

static void begin_servers(kernel_reply_t *reply)
{
    begin();
    front = guest_endpoint();
    behind = guest_endpoint();
    EXPECT_EQUAL(kernel_factory_create_reply(own_factory, reply), 0);
    actor_enter(LOW + 1, play_hung, reply->handle);
    actor_enter(LOW + 1, play_front, 0);
}

static void end_servers(kernel_reply_t reply)
{
    actors_leave();
    guest_delete(front);
    guest_delete(behind);
    guest_delete(reply.handle);
}

/* The server's deadline is that of its caller. */
static void called(void)
{
    kernel_reply_t reply;
    begin_servers(&reply);
    unsigned client = actor_enter(HIGH, play_client, 500 * MICROSECOND);
    unsigned hog = enter_hog(MIDDLE, 0, HOGGED);
    actor_sleep_until(start + 2 * HOGGED);
    actor_expect_done(hog);
    EXPECT(actors[client].area->values[1] >= STRIKES);
    EXPECT(actors[client].area->values[1] < STRIKES + LATENCY);
    end_servers(reply);
}

/* The server waits until its deadline for a caller of low priority; then a high one queues. */
static void queued(void)
{
    kernel_reply_t reply;
    begin_servers(&reply);
    unsigned low = actor_enter(LOW, play_client, 0);
    unsigned high = actor_enter(HIGH, play_client, 1500 * MICROSECOND);
    unsigned hog = enter_hog(MIDDLE, 500 * MICROSECOND, HOGGED);
    actor_sleep_until(start + 2 * HOGGED);
    actor_expect_done(hog);
    EXPECT(actors[high].area->values[1] >= STRIKES);
    EXPECT(actors[high].area->values[1] < STRIKES + LATENCY);
    EXPECT(actors[low].area->values[1] >= HOGGED);
    end_servers(reply);
}

/* Raises the priority of actor values[1] at values[0] nanoseconds from `start`. */
static void play_promoter(struct area *area)
{
    actor_sleep_until(start + area->values[0]);
    EXPECT_EQUAL(kernel_thread_set_priority(actors[area->values[1]].thread, HIGH), 0);
}

/* A sleeper that is given a higher priority while it sleeps. */
static void promoted(void)
{
    begin();
    unsigned sleeper = actor_enter(LOW, play_sleeper, STRIKES);
    unsigned other = actor_enter(LOW, play_sleeper, STRIKES);
    unsigned promoter = actor_create(HIGH, play_promoter, 1000 * MICROSECOND);
    actors[promoter].area->values[1] = sleeper;
    actor_start(promoter);
    enter_hog(MIDDLE, 500 * MICROSECOND, HOGGED);
    actor_sleep_until(start + 2 * HOGGED);
    EXPECT(actors[sleeper].area->values[1] < STRIKES + LATENCY);
    EXPECT(actors[other].area->values[1] >= HOGGED);
    actors_leave();
}

#define BUDGET (100 * MICROSECOND)
#define PERIOD (2000 * MICROSECOND)
#define WORK 150000 /* rounds of a loop: more than two budgets */

/* Works from `start` on; values[1] is when it was through. */
static void play_worker(struct area *area)
{
    actor_sleep_until(start);
    for (uint32_t i = 0; i < WORK; i++)
        __asm__ volatile("");
    area->values[1] = actor_now() - start;
}

/* A thread whose budget is used up while it has a low priority, and that then is given a higher one: it goes on when
 * its next period begins. */
static void promoted_and_refilled(void)
{
    begin();
    unsigned worker = actor_create(LOW, play_worker, 0);
    EXPECT_EQUAL(kernel_thread_set_times(actors[worker].thread, BUDGET, BUDGET, PERIOD), 0);
    actor_start(worker);
    unsigned promoter = actor_create(HIGH, play_promoter, 1000 * MICROSECOND);
    actors[promoter].area->values[1] = worker;
    actor_start(promoter);
    enter_hog(MIDDLE, 500 * MICROSECOND, HOGGED);
    actor_sleep_until(start + 2 * HOGGED);
    EXPECT(actors[worker].area->values[1] >= 1000 * MICROSECOND);
    EXPECT(actors[worker].area->values[1] < HOGGED - PERIOD);
    actors_leave();
}

static const struct guest_test tests[] = {
    {"deadlines of lower threads take no time", undisturbed},
    {"deadlines of higher threads do", disturbed},
    {"a high sleeper beside low ones", on_time},
    {"a deadline for whose end a high caller waits", called},
    {"a deadline for whose end a high caller begins to wait", queued},
    {"a sleeper that is raised", promoted},
    {"one whose budget is used up, and that is raised", promoted_and_refilled},
};

int main(void)
{
    return actors_run(tests, COUNT(tests));
}
