/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partners that die and objects that go, in every kind of wait: whoever waits for them is told, in the phase in which
 * it waits, and nobody else is.
 */
#include <salto/wait.h>

#include "../common/waiting.h"

#define LABEL 9

/* ---- Who waits to be received ------------------------------------------------------------------------------------ */

/* The only task that could receive dies, or loses its right. */
static void receiver_goes(enum wait_kind kind, bool separate)
{
    struct waiter waiter;
    struct worker server;
    waiter_create(&waiter, kind, separate, NO_DEADLINE);
    worker_create(&server, true);
    worker_give(&server, waiter.endpoint, RIGHT_READ);
    guest_delete(waiter.endpoint);
    waiter.endpoint = 0;
    guest_yield();
    waiter_expect_waiting(&waiter); /* the other task might receive */
    worker_die(&server, TASK_DELETED);
    waiter_expect(&waiter, kind, ERROR_DEAD);
    worker_destroy(&server);
    waiter_destroy(&waiter);
}

static void receivers_go(void)
{
    for (enum wait_kind kind = WAIT_SEND; kind <= WAIT_SEND_AND_WAIT; kind++)
        for (int separate = 0; separate < 2; separate++)
            receiver_goes(kind, separate);
}

/* The endpoint's last capability, that of the sender included, goes. */
static void endpoint_goes_under_sender(enum wait_kind kind)
{
    struct waiter waiter;
    waiter_create(&waiter, kind, true, NO_DEADLINE);
    waiter_take_back(&waiter);
    waiter_expect_waiting(&waiter);
    guest_delete(waiter.endpoint);
    waiter.endpoint = 0;
    waiter_expect(&waiter, kind, ERROR_DEAD);
    waiter_destroy(&waiter);
}

static void endpoints_go_under_senders(void)
{
    for (enum wait_kind kind = WAIT_SEND; kind <= WAIT_SEND_AND_WAIT; kind++)
        endpoint_goes_under_sender(kind);
}

/* ---- Who waits for an answer ------------------------------------------------------------------------------------- */

static void server_dies(void)
{
    for (enum death death = TASK_ENDS; death < DEATHS; death++)
        for (int separate = 0; separate < 2; separate++) {
            struct waiter waiter;
            waiter_create(&waiter, WAIT_ANSWER, separate, NO_DEADLINE);
            worker_die(&waiter.partner, death);
            waiter_expect(&waiter, WAIT_ANSWER, ERROR_DEAD);
            waiter_destroy(&waiter);
        }
}

/* The endpoint goes after the call was received: that is no concern of the caller's. */
static void endpoint_goes_under_caller(void)
{
    struct waiter waiter;
    waiter_create(&waiter, WAIT_ANSWER, true, NO_DEADLINE);
    waiter_take_back(&waiter);
    guest_delete(waiter.endpoint);
    waiter.endpoint = 0;
    EXPECT_EQUAL(waiter_answer(&waiter), TAG_DONE);
    worker_wait(&waiter.worker, 1);
    EXPECT_EQUAL(waiter.step->result, tag_of(5, MESSAGE_REPLY_AND_WAIT, 0, 0));
    waiter_destroy(&waiter);
}

/* The death of the thread that keeps a caller matters only if the reply object goes with it. */
static void keeper_dies(bool last)
{
    for (enum death death = TASK_ENDS; death < DEATHS; death++) {
        struct waiter waiter;
        waiter_create(&waiter, WAIT_KEPT, true, NO_DEADLINE);
        if (last) {
            guest_delete(waiter.reply.handle);
            waiter.reply.handle = 0;
        }
        waiter_expect_waiting(&waiter);
        worker_die(&waiter.partner, death);
        if (last && (death == TASK_ENDS || death == TASK_DELETED)) { /* its capabilities went */
            waiter_expect(&waiter, WAIT_KEPT, ERROR_ABANDONED);
        } else {
            guest_yield();
            waiter_expect_waiting(&waiter);
        }
        waiter_destroy(&waiter);
    }
}

static void keeper_dies_alone(void)
{
    keeper_dies(false);
}

static void keeper_dies_with_reply(void)
{
    keeper_dies(true);
}

/* ---- Who waits to receive ---------------------------------------------------------------------------------------- */

/* The endpoint's last capability goes, that of the receiver included. */
static void endpoint_goes_under_receiver(enum wait_kind kind)
{
    struct waiter waiter;
    waiter_create(&waiter, kind, true, NO_DEADLINE);
    if (waiter.partnered) /* it holds a capability of its own */
        worker_die(&waiter.partner, TASK_DELETED);
    waiter_take_back(&waiter);
    waiter_expect_waiting(&waiter);
    guest_delete(waiter.source ? waiter.source : waiter.endpoint);
    waiter.endpoint = waiter.source ? waiter.endpoint : 0;
    waiter.source = 0;
    waiter_expect(&waiter, kind, ERROR_DEAD);
    waiter_destroy(&waiter);
}

static void endpoints_go_under_receivers(void)
{
    for (enum wait_kind kind = WAIT_RECEIVE; kind <= WAIT_BOUND; kind++)
        endpoint_goes_under_receiver(kind);
}

/* All who might send have died: more may come, and nobody is told. */
static void senders_die(void)
{
    for (enum wait_kind kind = WAIT_RECEIVE; kind <= WAIT_BOUND; kind++) {
        struct waiter waiter;
        struct worker client;
        struct ipc_message message = {0};
        waiter_create(&waiter, kind, true, NO_DEADLINE);
        worker_create(&client, true);
        worker_give(&client, waiter_source(&waiter), RIGHT_WRITE);
        worker_die(&client, TASK_DELETED);
        worker_destroy(&client);
        guest_yield();
        waiter_expect_waiting(&waiter);
        if (kind == WAIT_RECEIVE_BEHIND)
            worker_die(&waiter.partner, TASK_DELETED);
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(LABEL, MESSAGE_SEND, 0, 0), waiter_source(&waiter), &message),
                     TAG_DONE);
        worker_wait(&waiter.worker, waiter.worker.area->count);
        EXPECT_EQUAL(waiter.step->result, tag_of(LABEL, MESSAGE_SEND, 0, 0));
        waiter_destroy(&waiter);
    }
}

/* The notification goes: told is who waits on it alone; who waits on an endpoint too waits on. */
static void notification_goes(enum wait_kind kind)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    waiter_create(&waiter, kind, true, NO_DEADLINE);
    if (kind == WAIT_SIGNALS)
        waiter_take_back(&waiter);
    waiter_expect_waiting(&waiter);
    guest_delete(waiter.notification.handle);
    waiter.notification.handle = 0;
    if (kind == WAIT_SIGNALS) {
        waiter_expect(&waiter, kind, ERROR_DEAD);
    } else {
        guest_yield();
        waiter_expect_waiting(&waiter);
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(LABEL, MESSAGE_SEND, 0, 0), waiter.endpoint, &message), TAG_DONE);
        worker_wait(&waiter.worker, 1);
        EXPECT_EQUAL(waiter.step->result, tag_of(LABEL, MESSAGE_SEND, 0, 0));
    }
    waiter_destroy(&waiter);
}

static void notifications_go(void)
{
    notification_goes(WAIT_SIGNALS);
    notification_goes(WAIT_BOUND);
    notification_goes(WAIT_CLOSED);
}

/* A closed wait on nothing ends with its deadline, whatever becomes of the notification. */
static void sleeper_is_not_told(void)
{
    struct worker worker;
    kernel_notification_t notification = guest_notification();
    worker_create(&worker, true);
    worker_add(&worker, with_deadline(TAG_RECEIVE | TAG_CLOSED), 0)->receive_deadline = DEADLINE_NEVER;
    EXPECT_EQUAL(kernel_notification_bind(notification, worker.thread), 0);
    worker_go(&worker);
    EXPECT_EQUAL(guest_signal(notification, 1), TAG_DONE);
    guest_yield();
    EXPECT_EQUAL(worker.area->done, 0);
    guest_delete(notification.handle);
    guest_yield();
    EXPECT_EQUAL(worker.area->done, 0);
    worker_destroy(&worker);
}

/* ---- The waiting one dies ---------------------------------------------------------------------------------------- */

/* Nothing is left of it: its partners find nobody, and the objects are as new. */
static void waiter_dies(enum wait_kind kind, enum death death)
{
    struct waiter waiter;
    uint64_t bits = 0;
    waiter_create(&waiter, kind, true, NO_DEADLINE);
    worker_die(&waiter.worker, death);
    waiter_expect_gone(&waiter, kind);
    if (kind == WAIT_BOUND || kind == WAIT_SIGNALS || kind == WAIT_CLOSED) {
        EXPECT_EQUAL(guest_signal(waiter.notification, 6), TAG_DONE);
        EXPECT_EQUAL(kernel_notification_bind(waiter.notification, own_thread), 0); /* the dead one is not bound */
        EXPECT_EQUAL(ipc_wait_signals(waiter.notification.handle, DEADLINE_NEVER, &bits), 0);
        EXPECT_EQUAL(bits, 6);
    }
    EXPECT_EQUAL(waiter.worker.area->done, waiter.worker.area->count - 1);
    waiter_destroy(&waiter);
}

static void waiters_die(void)
{
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++)
        for (enum death death = TASK_ENDS; death < DEATHS; death++)
            waiter_dies(kind, death);
}

/* The same with a deadline set: the clock finds nobody. */
static void waiters_die_with_deadlines(void)
{
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++)
        for (enum death death = TASK_ENDS; death < DEATHS; death++) {
            struct waiter waiter;
            waiter_create(&waiter, kind, true, time_now() + 2 * MILLISECOND);
            worker_die(&waiter.worker, death);
            waiter_destroy(&waiter);
        }
    sleep_for(5 * MILLISECOND);
}

static const struct guest_test tests[] = {
    {"the last task that might receive dies: all kinds of senders", receivers_go},
    {"the endpoint goes under all kinds of senders", endpoints_go_under_senders},
    {"the server dies under its caller", server_dies},
    {"the endpoint goes under a call that was received", endpoint_goes_under_caller},
    {"a keeper dies, the reply object lives", keeper_dies_alone},
    {"a keeper dies, and the reply object with its table", keeper_dies_with_reply},
    {"the endpoint goes under all kinds of receivers", endpoints_go_under_receivers},
    {"all senders die: receivers wait on", senders_die},
    {"the notification goes", notifications_go},
    {"a sleeper is not told of its notification", sleeper_is_not_told},
    {"who waits dies, in all kinds of wait", waiters_die},
    {"who waits with a deadline dies", waiters_die_with_deadlines},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
