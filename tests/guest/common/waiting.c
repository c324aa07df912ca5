/* SPDX-License-Identifier: BSD-2-Clause */
/* See waiting.h. */
#include "waiting.h"

#include "idl/factory.h"

#include <salto/startup.h>
#include <salto/wait.h>

#define LABEL 3
#define SHORTEST_SLICE 10000 /* nanoseconds */
#define PATIENCE 10000       /* milliseconds until a worker counts as stuck */

uint64_t with_deadline(uint64_t tag)
{
    return ipc_tag_with_deadline(tag);
}

void worker_spins(const struct worker *worker)
{
    EXPECT_EQUAL(kernel_thread_set_times(worker->thread, SHORTEST_SLICE, 0, 0), 0);
}

uint64_t time_now(void)
{
    uint64_t nanoseconds = 0;
    EXPECT_EQUAL(kernel_clock_now((kernel_clock_t){salto_require("clock")}, &nanoseconds), 0);
    return nanoseconds;
}

void sleep_for(uint64_t nanoseconds)
{
    EXPECT_EQUAL(ipc_sleep_until(time_now() + nanoseconds), 0);
}

bool sleep_until_done(const struct worker *worker, uint32_t count)
{
    for (int i = 0; i < PATIENCE && worker->area->done < count; i++)
        sleep_for(MILLISECOND);
    return EXPECT(worker->area->done >= count);
}

kernel_notification_t guest_notification(void)
{
    kernel_notification_t notification = {0};
    EXPECT_EQUAL(kernel_factory_create_notification(own_factory, &notification), 0);
    return notification;
}

kernel_reply_t guest_reply(void)
{
    kernel_reply_t reply = {0};
    EXPECT_EQUAL(kernel_factory_create_reply(own_factory, &reply), 0);
    return reply;
}

uint64_t guest_signal(kernel_notification_t notification, uint64_t bits)
{
    struct ipc_message message = {.words = {bits}};
    return ipc_transfer(tag_of(0, MESSAGE_SEND, 1, 0), notification.handle, &message);
}

/* ---- Waiters ----------------------------------------------------------------------------------------------------- */

uint64_t waiter_phase(enum wait_kind kind)
{
    return kind <= WAIT_SEND_AND_WAIT ? PHASE_SEND : PHASE_RECEIVE;
}

static uint32_t give(struct waiter *waiter, uint32_t handle, uint32_t rights)
{
    uint32_t given = worker_give(&waiter->worker, handle, rights);
    if (EXPECT(waiter->given_count < WAITER_GIVEN))
        waiter->given[waiter->given_count++] = given;
    return given;
}

/* The deadline is for the phase that shall wait; the other one has none. */
static void add_last(struct waiter *waiter, enum wait_kind kind, uint64_t tag, uint64_t handle, uint64_t deadline)
{
    bool sends = waiter_phase(kind) == PHASE_SEND;
    waiter->step = worker_add(&waiter->worker, deadline == NO_DEADLINE ? tag : with_deadline(tag), handle);
    waiter->step->send_deadline = sends ? deadline : DEADLINE_NEVER;
    waiter->step->receive_deadline = sends ? DEADLINE_NEVER : deadline;
}

/* The partner receives, keeps if it shall, blocks until it is let go, and answers. */
static void add_partner(struct waiter *waiter, bool keeps)
{
    struct worker *partner = &waiter->partner;
    worker_create(partner, true);
    waiter->partnered = true;
    worker_add(partner, TAG_RECEIVE, worker_give(partner, waiter->endpoint, RIGHT_READ));
    if (keeps) {
        waiter->reply = guest_reply();
        worker_add(partner, TAG_KEEP, worker_give(partner, waiter->reply.handle, RIGHT_WRITE));
    }
    worker_add(partner, tag_of(0, MESSAGE_SEND, 0, 0), worker_give(partner, partner->park, RIGHT_WRITE));
    if (!keeps)
        worker_add(partner, tag_of(5, MESSAGE_REPLY, 0, 0), 0);
    worker_go(partner);
}

static void add_receiver(struct waiter *waiter)
{
    waiter->partnered = true;
    worker_create(&waiter->partner, true);
    worker_add(&waiter->partner, TAG_RECEIVE, worker_give(&waiter->partner, waiter->endpoint, RIGHT_READ));
    worker_go(&waiter->partner);
}

static void bind(struct waiter *waiter)
{
    waiter->notification = guest_notification();
    EXPECT_EQUAL(kernel_notification_bind(waiter->notification, waiter->worker.thread), 0);
}

static void plan_request(struct waiter *waiter, enum wait_kind kind, uint64_t deadline)
{
    uint64_t target = give(waiter, waiter->endpoint, RIGHT_WRITE);
    if (kind == WAIT_SEND_AND_WAIT || kind == WAIT_BEHIND_QUEUED_SEND)
        waiter->source = guest_endpoint();
    if (kind == WAIT_ANSWER || kind == WAIT_KEPT)
        add_partner(waiter, kind == WAIT_KEPT);
    if (kind == WAIT_SEND)
        add_last(waiter, kind, tag_of(LABEL, MESSAGE_SEND, 0, 0), target, deadline);
    else if (waiter->source)
        add_last(waiter, kind, tag_of(LABEL, MESSAGE_SEND_AND_WAIT, 0, 0),
                 target | (uint64_t)give(waiter, waiter->source, RIGHT_READ) << WAIT_HANDLE_SHIFT, deadline);
    else
        add_last(waiter, kind, tag_of(LABEL, MESSAGE_CALL, 0, 0), target, deadline);
}

static void plan_receive(struct waiter *waiter, enum wait_kind kind, uint64_t deadline)
{
    uint64_t source = give(waiter, waiter->endpoint, RIGHT_READ), closed = kind == WAIT_CLOSED ? TAG_CLOSED : 0;
    if (kind == WAIT_RECEIVE_BEHIND)
        add_receiver(waiter);
    if (kind == WAIT_BEHIND_REPLY) {
        worker_add(&waiter->worker, TAG_RECEIVE, source);
        add_last(waiter, kind, tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 0), source, deadline);
    } else if (kind == WAIT_BEHIND_SIGNAL) {
        waiter->notification = guest_notification();
        add_last(waiter, kind, tag_of(LABEL, MESSAGE_SEND_AND_WAIT, 0, 0),
                 give(waiter, waiter->notification.handle, RIGHT_WRITE) | source << WAIT_HANDLE_SHIFT, deadline);
    } else {
        add_last(waiter, kind, TAG_RECEIVE | closed, source, deadline);
    }
}

static void plan(struct waiter *waiter, enum wait_kind kind, uint64_t deadline)
{
    if (kind == WAIT_BOUND || kind == WAIT_SIGNALS || kind == WAIT_CLOSED)
        bind(waiter);
    if (kind <= WAIT_KEPT || kind == WAIT_BEHIND_QUEUED_SEND)
        plan_request(waiter, kind, deadline);
    else if (kind == WAIT_SIGNALS)
        add_last(waiter, kind, TAG_RECEIVE, give(waiter, waiter->notification.handle, RIGHT_READ), deadline);
    else if (kind == WAIT_NOTHING)
        add_last(waiter, kind, TAG_RECEIVE, 0, deadline == NO_DEADLINE ? DEADLINE_NEVER - 1 : deadline);
    else
        plan_receive(waiter, kind, deadline);
}

/* What the test itself does to get the worker into its last step. */
static void lead(struct waiter *waiter, enum wait_kind kind)
{
    struct ipc_message message = {0};
    if (kind == WAIT_BEHIND_REPLY)
        EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), waiter->endpoint, &message) & UINT32_MAX, TAG_DONE);
    if (kind == WAIT_BEHIND_QUEUED_SEND) {
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, waiter->endpoint, &message), tag_of(LABEL, MESSAGE_SEND, 0, 0));
        EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), ERROR_NO_CALLER);
    }
    worker_settle(&waiter->worker, waiter->worker.area->count);
}

void waiter_create(struct waiter *waiter, enum wait_kind kind, bool separate, uint64_t deadline)
{
    *waiter = (struct waiter){.endpoint = guest_endpoint()};
    worker_create(&waiter->worker, separate);
    plan(waiter, kind, deadline);
    worker_go(&waiter->worker);
    lead(waiter, kind);
    if (waiter->partnered)
        worker_settle(&waiter->partner, kind == WAIT_KEPT ? 3 : kind == WAIT_ANSWER ? 2 : 1);
}

void waiter_expect_waiting(const struct waiter *waiter)
{
    EXPECT_EQUAL(waiter->worker.area->begun, waiter->worker.area->count);
    EXPECT_EQUAL(waiter->worker.area->done, waiter->worker.area->count - 1);
}

void waiter_expect(const struct waiter *waiter, enum wait_kind kind, uint64_t error)
{
    uint64_t words = 0;
    if (!worker_wait(&waiter->worker, waiter->worker.area->count))
        return;
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        words |= waiter->step->words[i];
    EXPECT_EQUAL(waiter->step->result, error);
    EXPECT_EQUAL(waiter->step->message.badge, waiter_phase(kind));
    EXPECT_EQUAL(words, 0);
}

uint64_t waiter_answer(struct waiter *waiter)
{
    struct ipc_message message = {0};
    struct worker *partner = &waiter->partner;
    if (waiter->reply.handle)
        return ipc_transfer(tag_of(5, MESSAGE_SEND, 0, 0), waiter->reply.handle, &message);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, partner->park, &message), tag_of(0, MESSAGE_SEND, 0, 0));
    return worker_wait(partner, 3) ? partner->area->steps[2].result : ERROR_LAST;
}

uint32_t waiter_source(const struct waiter *waiter)
{
    return waiter->source ? waiter->source : waiter->endpoint;
}

void waiter_expect_gone(struct waiter *waiter, enum wait_kind kind)
{
    struct ipc_message message = {0};
    if (kind == WAIT_ANSWER || kind == WAIT_KEPT)
        EXPECT_EQUAL(waiter_answer(waiter), ERROR_NO_CALLER);
    else if (kind <= WAIT_SEND_AND_WAIT)
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, waiter->endpoint, &message), ERROR_WOULD_BLOCK);
    if (kind == WAIT_RECEIVE_BEHIND)
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), waiter->endpoint, &message), TAG_DONE);
    if (kind >= WAIT_RECEIVE)
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_CALL, 0, 0), waiter_source(waiter), &message),
                     ERROR_WOULD_BLOCK);
}

void waiter_take_back(struct waiter *waiter)
{
    while (waiter->given_count)
        worker_drop(&waiter->worker, waiter->given[--waiter->given_count]);
}

void waiter_destroy(struct waiter *waiter)
{
    if (!waiter->worker.separate)
        waiter_take_back(waiter);
    worker_destroy(&waiter->worker);
    if (waiter->partnered)
        worker_destroy(&waiter->partner);
    if (waiter->notification.handle)
        guest_delete(waiter->notification.handle);
    if (waiter->reply.handle)
        guest_delete(waiter->reply.handle);
    if (waiter->source)
        guest_delete(waiter->source);
    if (waiter->endpoint)
        guest_delete(waiter->endpoint);
}

void worker_die(struct worker *worker, enum death death)
{
    uint32_t stand_in = guest_copy(worker->park, RIGHTS_ALL); /* for worker_destroy() to delete */
    if (death == TASK_ENDS) {
        EXPECT_EQUAL(kernel_task_exit(worker->task, 0), 0);
        guest_delete(stand_in);
    } else if (death == THREAD_ENDS) {
        EXPECT_EQUAL(kernel_thread_end(worker->thread), 0);
        guest_delete(stand_in);
    } else if (death == THREAD_DELETED) {
        guest_delete(worker->thread.handle);
        worker->thread.handle = stand_in;
    } else {
        guest_delete(worker->task.handle);
        worker->task.handle = stand_in;
    }
}
