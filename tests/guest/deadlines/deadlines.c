/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deadlines: in the send phase and in the receive phase of every operation that waits, in the past, at the end of time;
 * which phase is told; what a deadline that struck leaves behind, and what one that did not strike does not.
 */
#include <salto/startup.h>
#include <salto/wait.h>

#include <salto/tap.h>

#include "../common/waiting.h"

#define MANY 24
#define LABEL 9
#define RACES 100

static const uint64_t far[] = {DEADLINE_NEVER, DEADLINE_NEVER - 1, DEADLINE_NEVER / 2, HOUR};

/* Runs a test on each kind of wait, in the own task and in another. */
static void on_all_kinds(void (*test)(enum wait_kind kind, bool separate))
{
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++) {
        test(kind, false);
        test(kind, true);
    }
}

/* ---- Deadlines that strike --------------------------------------------------------------------------------------- */

static void strikes(enum wait_kind kind, bool separate)
{
    struct waiter waiter;
    uint64_t deadline = time_now() + 2 * MILLISECOND;
    waiter_create(&waiter, kind, separate, deadline);
    if (sleep_until_done(&waiter.worker, waiter.worker.area->count))
        waiter_expect(&waiter, kind, ERROR_TIMEOUT);
    EXPECT(time_now() >= deadline);
    waiter_destroy(&waiter);
}

static void all_strike(void)
{
    on_all_kinds(strikes);
}

static void has_passed(enum wait_kind kind, bool separate)
{
    const uint64_t past[] = {1, time_now()};
    for (unsigned i = 0; i < COUNT(past); i++) {
        struct waiter waiter;
        waiter_create(&waiter, kind, separate, past[i]);
        if (sleep_until_done(&waiter.worker, waiter.worker.area->count))
            waiter_expect(&waiter, kind, ERROR_TIMEOUT);
        waiter_destroy(&waiter);
    }
}

static void all_passed(void)
{
    on_all_kinds(has_passed);
}

/* The smallest one there is: waiting.h takes 0 for none. */
static void at_boot(void)
{
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    ipc_set_deadlines(0, 0);
    EXPECT_EQUAL(ipc_transfer(with_deadline(tag_of(0, MESSAGE_SEND, 0, 0)), endpoint, &message), ERROR_TIMEOUT);
    EXPECT_EQUAL(message.badge, PHASE_SEND);
    EXPECT_EQUAL(ipc_transfer(with_deadline(TAG_RECEIVE), endpoint, &message), ERROR_TIMEOUT);
    EXPECT_EQUAL(message.badge, PHASE_RECEIVE);
    EXPECT_EQUAL(ipc_transfer(with_deadline(TAG_RECEIVE), 0, &message), ERROR_TIMEOUT);
    guest_delete(endpoint);
}

/* Nothing is left of a sender whose deadline struck: nothing can be received, and others behind it are. */
static void leaves_queue(void)
{
    struct waiter waiter;
    struct worker other;
    struct ipc_message message = {0};
    waiter_create(&waiter, WAIT_CALL, true, time_now() + MILLISECOND);
    sleep_until_done(&waiter.worker, 1);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, waiter.endpoint, &message), ERROR_WOULD_BLOCK);
    worker_create(&other, true);
    worker_add(&other, tag_of(LABEL, MESSAGE_SEND, 0, 0), worker_give(&other, waiter.endpoint, RIGHT_WRITE));
    worker_go(&other);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, waiter.endpoint, &message), tag_of(LABEL, MESSAGE_SEND, 0, 0));
    worker_wait(&other, 1);
    worker_destroy(&other);
    waiter_destroy(&waiter);
}

/* Nobody is received by a receiver whose deadline struck. */
static void leaves_endpoint(enum wait_kind kind)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    waiter_create(&waiter, kind, true, time_now() + MILLISECOND);
    sleep_until_done(&waiter.worker, waiter.worker.area->count);
    if (kind == WAIT_RECEIVE_BEHIND) { /* the one before it waits still */
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), waiter_source(&waiter), &message), TAG_DONE);
        worker_wait(&waiter.partner, 1);
    }
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), waiter_source(&waiter), &message),
                 ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_CALL, 0, 0), waiter_source(&waiter), &message),
                 ERROR_WOULD_BLOCK);
    waiter_destroy(&waiter);
}

static void receivers_leave(void)
{
    for (enum wait_kind kind = WAIT_RECEIVE; kind <= WAIT_BOUND; kind++)
        leaves_endpoint(kind);
}

/* Who answers after the deadline finds no caller: the server that received it, and whoever has it in a reply object. */
static void answer_comes_late(void)
{
    for (enum wait_kind kind = WAIT_ANSWER; kind <= WAIT_KEPT; kind++) {
        struct waiter waiter;
        waiter_create(&waiter, kind, true, time_now() + MILLISECOND);
        sleep_until_done(&waiter.worker, 1);
        waiter_expect(&waiter, kind, ERROR_TIMEOUT);
        EXPECT_EQUAL(waiter_answer(&waiter), ERROR_NO_CALLER);
        waiter_destroy(&waiter);
    }
}

/* Many deadlines at one moment, and many at moments in no order. */
static void many_strike(bool together)
{
    static struct waiter waiters[MANY];
    uint64_t random = 4711, start = time_now() + 50 * MILLISECOND;
    for (uint32_t i = 0; i < MANY; i++)
        waiter_create(&waiters[i], i % WAIT_KINDS, i % 2,
                      start + (together ? 0 : random_next(&random) % (30 * MILLISECOND)));
    for (uint32_t i = 0; i < MANY; i++) {
        if (sleep_until_done(&waiters[i].worker, waiters[i].worker.area->count))
            waiter_expect(&waiters[i], i % WAIT_KINDS, ERROR_TIMEOUT);
        waiter_destroy(&waiters[i]);
    }
}

static void many_at_once(void)
{
    many_strike(true);
}

static void many_in_no_order(void)
{
    many_strike(false);
}

/* Those whose time comes first wake first, in whatever order they began to wait. */
static void earliest_first(void)
{
    struct waiter waiters[5];
    const uint32_t order[5] = {3, 0, 4, 1, 2};
    uint64_t start = time_now() + 100 * MILLISECOND;
    for (uint32_t i = 0; i < 5; i++)
        waiter_create(&waiters[i], WAIT_RECEIVE, true, start + order[i] * 20 * MILLISECOND);
    for (uint32_t turn = 0; turn < 5; turn++)
        for (uint32_t i = 0; i < 5; i++)
            if (order[i] == turn)
                sleep_until_done(&waiters[i].worker, 1);
    for (uint32_t i = 0; i < 5; i++)
        waiter_destroy(&waiters[i]);
}

/* ---- Deadlines that do not strike -------------------------------------------------------------------------------- */

/* One that is far away changes nothing: what is waited for comes. */
static void far_away(enum wait_kind kind, bool separate)
{
    for (unsigned i = 0; i < COUNT(far); i++) {
        struct waiter waiter;
        waiter_create(&waiter, kind, separate, far[i]);
        waiter_expect_waiting(&waiter);
        waiter_destroy(&waiter);
    }
}

static void all_far_away(void)
{
    on_all_kinds(far_away);
}

static void received_before(enum wait_kind kind)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    waiter_create(&waiter, kind, true, time_now() + HOUR);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, waiter.endpoint, &message) >> 32, 3);
    if (kind == WAIT_CALL)
        EXPECT_EQUAL(ipc_transfer(tag_of(5, MESSAGE_REPLY, 0, 0), 0, &message), TAG_DONE);
    if (kind == WAIT_SEND_AND_WAIT) {
        worker_settle(&waiter.worker, 1);
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(5, MESSAGE_SEND, 0, 0), waiter.source, &message), TAG_DONE);
    }
    worker_wait(&waiter.worker, 1);
    EXPECT_EQUAL(waiter.step->result, kind == WAIT_CALL   ? tag_of(5, MESSAGE_REPLY_AND_WAIT, 0, 0)
                                      : kind == WAIT_SEND ? TAG_DONE
                                                          : tag_of(5, MESSAGE_SEND, 0, 0));
    waiter_destroy(&waiter);
}

static void senders_received(void)
{
    for (enum wait_kind kind = WAIT_SEND; kind <= WAIT_SEND_AND_WAIT; kind++)
        received_before(kind);
}

static void answered_before(void)
{
    for (enum wait_kind kind = WAIT_ANSWER; kind <= WAIT_KEPT; kind++) {
        struct waiter waiter;
        waiter_create(&waiter, kind, true, time_now() + HOUR);
        EXPECT_EQUAL(waiter_answer(&waiter), TAG_DONE);
        worker_wait(&waiter.worker, 1);
        EXPECT_EQUAL(waiter.step->result, tag_of(5, MESSAGE_REPLY_AND_WAIT, 0, 0));
        waiter_destroy(&waiter);
    }
}

static void receivers_receive(void)
{
    for (enum wait_kind kind = WAIT_RECEIVE; kind <= WAIT_BOUND; kind++) {
        struct waiter waiter;
        struct ipc_message message = {0};
        waiter_create(&waiter, kind, true, time_now() + HOUR);
        for (int i = 0; i < (kind == WAIT_RECEIVE_BEHIND ? 2 : 1); i++)
            EXPECT_EQUAL(ipc_transfer(tag_of(LABEL, MESSAGE_SEND, 0, 0), waiter_source(&waiter), &message), TAG_DONE);
        worker_wait(&waiter.worker, waiter.worker.area->count);
        EXPECT_EQUAL(waiter.step->result, tag_of(LABEL, MESSAGE_SEND, 0, 0));
        waiter_destroy(&waiter);
    }
}

/* What is there is received even if the deadline has passed. */
static void ready_beats_deadline(void)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    waiter_create(&waiter, WAIT_SEND, true, NO_DEADLINE);
    ipc_set_deadlines(0, 0);
    EXPECT_EQUAL(ipc_transfer(with_deadline(TAG_RECEIVE), waiter.endpoint, &message), tag_of(3, MESSAGE_SEND, 0, 0));
    waiter_destroy(&waiter);
    waiter_create(&waiter, WAIT_RECEIVE, true, NO_DEADLINE);
    ipc_set_deadlines(0, 0);
    EXPECT_EQUAL(ipc_transfer(with_deadline(tag_of(1, MESSAGE_SEND, 0, 0)), waiter.endpoint, &message), TAG_DONE);
    waiter_destroy(&waiter);
}

/* A deadline holds for one wait: the next one of the same thread is not touched when it comes. */
static void is_taken_back(void)
{
    struct worker worker;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    uint64_t deadline = time_now() + 20 * MILLISECOND;
    worker_create(&worker, true);
    uint32_t handle = worker_give(&worker, endpoint, RIGHT_READ);
    worker_add(&worker, with_deadline(TAG_RECEIVE), handle)->receive_deadline = deadline;
    worker_add(&worker, TAG_RECEIVE, handle);
    worker_go(&worker);
    EXPECT_EQUAL(ipc_transfer(tag_of(1, MESSAGE_SEND, 0, 0), endpoint, &message), TAG_DONE);
    worker_settle(&worker, 2);
    if (worker.area->steps[0].result == tag_of(1, MESSAGE_SEND, 0, 0)) { /* unless the machine was slow */
        EXPECT_EQUAL(ipc_sleep_until(deadline + MILLISECOND), 0);
        EXPECT_EQUAL(worker.area->done, 1);
        EXPECT_EQUAL(ipc_transfer(tag_of(2, MESSAGE_SEND, 0, 0), endpoint, &message), TAG_DONE);
        worker_wait(&worker, 2);
        EXPECT_EQUAL(worker.area->steps[1].result, tag_of(2, MESSAGE_SEND, 0, 0));
    }
    worker_destroy(&worker);
    guest_delete(endpoint);
}

/* The send deadline is none for the answer, nor the other way round. */
static void phases_apart(void)
{
    struct waiter waiter;
    struct worker *worker = &waiter.worker;
    struct ipc_message message = {0};
    waiter_create(&waiter, WAIT_CALL, true, time_now() + HOUR);
    worker->area->count = 2; /* a second call, whose answer shall not come */
    worker->area->steps[1] = worker->area->steps[0];
    worker->area->steps[1].receive_deadline = 1;
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, waiter.endpoint, &message), tag_of(3, MESSAGE_CALL, 0, 0));
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), TAG_DONE);
    worker_settle(worker, 2);
    sleep_for(MILLISECOND);
    EXPECT_EQUAL(worker->area->done, 1); /* it is queued, and has an hour for that */
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, waiter.endpoint, &message), tag_of(3, MESSAGE_CALL, 0, 0));
    worker_wait(worker, 2); /* not by sleeping: a receive would abandon it */
    EXPECT_EQUAL(worker->area->steps[1].result, ERROR_TIMEOUT);
    EXPECT_EQUAL(worker->area->steps[1].message.badge, PHASE_RECEIVE);
    waiter_destroy(&waiter);
}

/* With the poll bit nothing waits in the send phase, whatever the deadline; a call's answer may still be late. */
static void poll(void)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    ipc_set_deadlines(DEADLINE_NEVER, DEADLINE_NEVER);
    EXPECT_EQUAL(ipc_transfer(with_deadline(TAG_RECEIVE_NOW), endpoint, &message), ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(message.badge, PHASE_RECEIVE);
    EXPECT_EQUAL(ipc_transfer(with_deadline(polled_tag_of(0, MESSAGE_SEND, 0, 0)), endpoint, &message),
                 ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(message.badge, PHASE_SEND);
    EXPECT_EQUAL(ipc_transfer(with_deadline(polled_tag_of(0, MESSAGE_CALL, 0, 0)), endpoint, &message),
                 ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(message.badge, PHASE_SEND);
    EXPECT_EQUAL(ipc_transfer(with_deadline(TAG_RECEIVE_NOW), 0, &message), ERROR_WOULD_BLOCK);
    guest_delete(endpoint);
    waiter_create(&waiter, WAIT_RECEIVE, true, NO_DEADLINE);
    ipc_set_deadlines(0, time_now() + HOUR);
    EXPECT_EQUAL(ipc_transfer(with_deadline(polled_tag_of(0, MESSAGE_CALL, 0, 0)), waiter.endpoint, &message),
                 ERROR_ABANDONED); /* the worker receives on its own endpoint next */
    EXPECT_EQUAL(message.badge, PHASE_RECEIVE);
    waiter_destroy(&waiter);
}

/* Whichever comes first, answer or deadline: caller and server are told the same. */
static void race(void)
{
    uint64_t random = 815;
    uint32_t answered = 0;
    for (int i = 0; i < RACES; i++) {
        struct waiter waiter;
        waiter_create(&waiter, WAIT_ANSWER, i % 2, time_now() + random_next(&random) % (4 * MILLISECOND));
        uint64_t result = waiter_answer(&waiter);
        EXPECT(result == TAG_DONE || result == ERROR_NO_CALLER);
        answered += result == TAG_DONE;
        sleep_until_done(&waiter.worker, 1);
        EXPECT_EQUAL(waiter.step->result, result == TAG_DONE ? tag_of(5, MESSAGE_REPLY_AND_WAIT, 0, 0) : ERROR_TIMEOUT);
        waiter_destroy(&waiter);
    }
    tap_note("%u of %u were answered in time", answered, RACES);
}

/* ---- Sleeping ---------------------------------------------------------------------------------------------------- */

static void sleeps(void)
{
    const uint64_t spans[] = {0, 1, MICROSECOND, MILLISECOND, 5 * MILLISECOND};
    for (unsigned i = 0; i < COUNT(spans); i++) {
        uint64_t until = time_now() + spans[i];
        EXPECT_EQUAL(ipc_sleep_until(until), 0);
        EXPECT(time_now() >= until);
    }
}

/* The deadline and the clock count from the same moment: the least late of some sleeps was on time. */
static void on_time(void)
{
    uint64_t least = HOUR;
    for (int i = 0; i < 50; i++) {
        uint64_t until = time_now() + 100 * MICROSECOND, late;
        EXPECT_EQUAL(ipc_sleep_until(until), 0);
        late = time_now() - until;
        least = late < least ? late : least;
    }
    EXPECT(least < 5 * MILLISECOND);
}

/* Nothing but a deadline, a signal or a break-off ends a wait on handle 0: without either in sight it is refused. */
static void handle_zero(void)
{
    struct ipc_message message = {0};
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, 0, &message), ERROR_BAD_HANDLE);
    EXPECT_EQUAL(message.badge, PHASE_RECEIVE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE | TAG_CLOSED, 0, &message), ERROR_BAD_HANDLE);
    ipc_set_deadlines(0, 0);
    EXPECT_EQUAL(ipc_transfer(with_deadline(tag_of(0, MESSAGE_SEND, 0, 0)), 0, &message), ERROR_BAD_HANDLE);
    EXPECT_EQUAL(ipc_transfer(with_deadline(tag_of(0, MESSAGE_CALL, 0, 0)), 0, &message), ERROR_BAD_HANDLE);
}

/* Kernel objects answer at once: they take no deadline. */
static void kernel_objects(void)
{
    struct ipc_message message = {0};
    EXPECT_EQUAL(ipc_transfer(with_deadline(KERNEL_THREAD_YIELD_REQUEST), own_thread.handle, &message), ERROR_BAD_TAG);
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY | TAG_DEADLINE, 0, &message), ERROR_BAD_TAG);
}

static const struct guest_test tests[] = {
    {"a deadline strikes in every kind of wait", all_strike},
    {"one that has passed ends every kind of wait at once", all_passed},
    {"deadline 0", at_boot},
    {"a sender whose deadline struck is not queued", leaves_queue},
    {"a receiver whose deadline struck does not wait", receivers_leave},
    {"an answer after the deadline finds no caller", answer_comes_late},
    {"many strike at once", many_at_once},
    {"many strike in no order", many_in_no_order},
    {"the earliest strikes first", earliest_first},
    {"none, and at the end of time, in every kind of wait", all_far_away},
    {"senders are received before it", senders_received},
    {"callers are answered before it", answered_before},
    {"receivers receive before it", receivers_receive},
    {"what is ready comes although it has passed", ready_beats_deadline},
    {"it is taken back when the wait ends", is_taken_back},
    {"the phases have one each", phases_apart},
    {"polling", poll},
    {"answer and deadline race", race},
    {"sleeping", sleeps},
    {"a sleep ends when the clock says so", on_time},
    {"waiting on handle 0", handle_zero},
    {"kernel objects take none", kernel_objects},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
