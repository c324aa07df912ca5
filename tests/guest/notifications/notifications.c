/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications: what a signal sets, who is told and when, and what holds bits back; binding and its end; rights;
 * signal and wait in one system call; serving with a handler for signals.
 */
#include <salto/startup.h>
#include <salto/wait.h>

#include "../common/waiting.h"
#include "serving.h"

#define LABEL 9
#define ROUNDS 200

static uint64_t collect(kernel_notification_t notification)
{
    uint64_t bits = ~0UL;
    EXPECT_EQUAL(kernel_notification_collect(notification, &bits), 0);
    return bits;
}

static void expect_bits(const struct step *step, uint64_t bits)
{
    EXPECT_EQUAL(step->result, TAG_SIGNALS);
    EXPECT_EQUAL(step->message.badge, 0);
    EXPECT_EQUAL(step->words[0], bits);
    for (int i = 1; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL(step->words[i], 0);
}

/* ---- Bits -------------------------------------------------------------------------------------------------------- */

/* Signals add up until they are taken; without a badge they are word 0, whatever else is sent. */
static void bits_of_word(void)
{
    kernel_notification_t notification = guest_notification();
    struct ipc_message message = {.words = {1UL << 63, 2, 4, 8, 16, 32}};
    EXPECT_EQUAL(collect(notification), 0);
    EXPECT_EQUAL(guest_signal(notification, 0x11), TAG_DONE);
    EXPECT_EQUAL(guest_signal(notification, 0x12), TAG_DONE);
    EXPECT_EQUAL(guest_signal(notification, 0), TAG_DONE);
    EXPECT_EQUAL(ipc_transfer(tag_of(77, MESSAGE_SEND, 6, 0), notification.handle, &message), TAG_DONE);
    EXPECT_EQUAL(collect(notification), 1UL << 63 | 0x13);
    EXPECT_EQUAL(collect(notification), 0);
    guest_delete(notification.handle);
}

/* A badge says which bits, and the sender has no say: neither by words nor by other capabilities. */
static void bits_of_badge(void)
{
    kernel_notification_t notification = guest_notification();
    const uint64_t badges[] = {1, 0x80, 1UL << 63, ~0UL};
    for (unsigned i = 0; i < COUNT(badges); i++) {
        uint32_t badged = 0;
        EXPECT_EQUAL(kernel_task_mint(own_task, notification.handle, own_task, RIGHT_WRITE, badges[i], &badged), 0);
        EXPECT_EQUAL(guest_signal((kernel_notification_t){badged}, ~badges[i]), TAG_DONE);
        EXPECT_EQUAL(collect(notification), badges[i]);
        guest_delete(badged);
    }
    guest_delete(notification.handle);
}

/* A signal never waits: neither poll bit nor deadline matters, nor whether anybody listens. */
static void never_waits(void)
{
    kernel_notification_t notification = guest_notification();
    struct ipc_message message = {.words = {1}};
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 1, 0), notification.handle, &message), TAG_DONE);
    ipc_set_deadlines(0, 0);
    message = (struct ipc_message){.words = {2}};
    EXPECT_EQUAL(ipc_transfer(with_deadline(tag_of(0, MESSAGE_SEND, 1, 0)), notification.handle, &message), TAG_DONE);
    EXPECT_EQUAL(collect(notification), 3);
    EXPECT_EQUAL(ipc_signal(notification.handle, 4), 0);
    EXPECT_EQUAL(collect(notification), 4);
    guest_delete(notification.handle);
}

/* ---- Who is told ------------------------------------------------------------------------------------------------- */

/* In every kind of wait that is open to signals they come as a message; the others are not disturbed. */
static void told_in(enum wait_kind kind, bool separate)
{
    struct waiter waiter;
    bool open = kind >= WAIT_RECEIVE && kind != WAIT_CLOSED;
    waiter_create(&waiter, kind, separate, NO_DEADLINE);
    kernel_notification_t notification = waiter.notification;
    if (kind != WAIT_BOUND && kind != WAIT_SIGNALS && kind != WAIT_CLOSED) {
        notification = guest_notification();
        EXPECT_EQUAL(kernel_notification_bind(notification, waiter.worker.thread), 0);
    }
    EXPECT_EQUAL(guest_signal(notification, 0x22), TAG_DONE);
    if (open) {
        worker_wait(&waiter.worker, waiter.worker.area->count);
        expect_bits(waiter.step, 0x22);
        EXPECT_EQUAL(collect(notification), 0);
    } else {
        guest_yield();
        waiter_expect_waiting(&waiter);
        EXPECT_EQUAL(collect(notification), 0x22);
    }
    if (notification.handle != waiter.notification.handle)
        guest_delete(notification.handle);
    waiter_destroy(&waiter);
}

static void who_is_told(void)
{
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++) {
        told_in(kind, false);
        told_in(kind, true);
    }
}

/* A deadline that was set ends with the wait that a signal ended. */
static void signal_beats_deadline(void)
{
    struct waiter waiter;
    uint64_t deadline = time_now() + 5 * MILLISECOND;
    waiter_create(&waiter, WAIT_BOUND, true, deadline);
    bool waited = waiter.worker.area->done == 0;
    EXPECT_EQUAL(guest_signal(waiter.notification, 1), TAG_DONE);
    sleep_for(6 * MILLISECOND);
    EXPECT(waiter.step->result == TAG_SIGNALS || (waiter.step->result == ERROR_TIMEOUT && time_now() >= deadline));
    EXPECT(waited || waiter.step->result == ERROR_TIMEOUT);
    waiter_destroy(&waiter);
}

/* Bits that are pending end the next open wait before it begins, before any message that is queued. */
static void pending(uint64_t tag, uint64_t handle, kernel_notification_t notification, bool taken)
{
    struct ipc_message message = {0};
    EXPECT_EQUAL(guest_signal(notification, 5), TAG_DONE);
    EXPECT_EQUAL(guest_signal(notification, 8), TAG_DONE);
    uint64_t result = ipc_transfer(tag, handle, &message);
    EXPECT_EQUAL(result == TAG_SIGNALS, taken);
    if (taken)
        EXPECT_EQUAL(message.words[0], 13);
    EXPECT_EQUAL(collect(notification), taken ? 0 : 13);
}

static void pending_before_wait(void)
{
    struct waiter waiter;
    kernel_notification_t notification = guest_notification();
    waiter_create(&waiter, WAIT_SEND, true, NO_DEADLINE); /* its message is queued all the time */
    EXPECT_EQUAL(kernel_notification_bind(notification, own_thread), 0);
    ipc_set_deadlines(0, 0);
    pending(TAG_RECEIVE, waiter.endpoint, notification, true);
    pending(TAG_RECEIVE_NOW, waiter.endpoint, notification, true);
    pending(with_deadline(TAG_RECEIVE), waiter.endpoint, notification, true);
    pending(TAG_RECEIVE, notification.handle, notification, true);
    pending(TAG_RECEIVE_NOW, notification.handle, notification, true);
    pending(TAG_RECEIVE, 0, notification, true);
    pending(with_deadline(TAG_RECEIVE), 0, notification, true);
    pending(with_deadline(TAG_RECEIVE | TAG_CLOSED), 0, notification, false);
    pending(TAG_RECEIVE | TAG_CLOSED, waiter.endpoint, notification, false);
    worker_wait(&waiter.worker, 1);
    EXPECT_EQUAL(waiter.step->result, TAG_DONE);
    guest_delete(notification.handle);
    waiter_destroy(&waiter);
}

/* With nothing pending, a poll of the notification does not wait. */
static void poll(void)
{
    kernel_notification_t notification = guest_notification();
    struct ipc_message message = {0};
    EXPECT_EQUAL(kernel_notification_bind(notification, own_thread), 0);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, notification.handle, &message), ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(message.badge, PHASE_RECEIVE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, 0, &message), ERROR_WOULD_BLOCK);
    guest_delete(notification.handle);
}

/* Bits that come while a server works end its next wait, plain ones too: the caller is answered, and the bits come. */
static void plain_waits(void)
{
    struct worker server;
    kernel_notification_t notification = guest_notification();
    uint32_t endpoint = guest_endpoint();
    struct ipc_message message = {0};
    worker_create(&server, true);
    uint32_t handle = worker_give(&server, endpoint, RIGHT_READ);
    uint32_t signal = worker_give(&server, notification.handle, RIGHT_WRITE);
    EXPECT_EQUAL(kernel_notification_bind(notification, server.thread), 0);
    worker_add(&server, TAG_RECEIVE, handle);
    worker_add(&server, tag_of(1, MESSAGE_REPLY_AND_WAIT, 0, 0), handle);        /* waits plainly from here on */
    worker_add(&server, tag_of(0, MESSAGE_SEND, 1, 0), signal)->words[0] = 0x40; /* while it owes an answer */
    worker_add(&server, tag_of(2, MESSAGE_REPLY_AND_WAIT, 0, 0), handle);
    worker_add(&server, TAG_RECEIVE, handle);
    worker_add(&server, tag_of(3, MESSAGE_REPLY_AND_WAIT, 0, 0), handle);
    worker_go(&server);
    for (uint32_t i = 1; i <= 3; i++)
        EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), endpoint, &message),
                     tag_of(i, MESSAGE_REPLY_AND_WAIT, 0, 0));
    worker_settle(&server, 6);
    expect_bits(&server.area->steps[3], 0x40);
    EXPECT_EQUAL(server.area->done, 5);
    EXPECT_EQUAL(guest_signal(notification, 0x80), TAG_DONE); /* and one that comes while it waits plainly */
    worker_wait(&server, 6);
    expect_bits(&server.area->steps[5], 0x80);
    worker_destroy(&server);
    guest_delete(notification.handle);
    guest_delete(endpoint);
}

/* A receive that takes bits fails an unanswered caller, as every receive does. */
static void unanswered_caller(void)
{
    struct waiter waiter;
    kernel_notification_t notification = guest_notification();
    struct ipc_message message = {0};
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    EXPECT_EQUAL(kernel_notification_bind(notification, own_thread), 0);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, waiter.endpoint, &message), tag_of(3, MESSAGE_CALL, 0, 0));
    EXPECT_EQUAL(guest_signal(notification, 1), TAG_DONE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, waiter.endpoint, &message), TAG_SIGNALS);
    waiter_expect(&waiter, WAIT_ANSWER, ERROR_ABANDONED);
    guest_delete(notification.handle);
    waiter_destroy(&waiter);
}

/* Waiting behind another receiver, it is told as well, and no message is lost. */
static void many_signals(void)
{
    struct worker worker;
    kernel_notification_t notification = guest_notification();
    worker_create(&worker, true);
    uint32_t handle = worker_give(&worker, notification.handle, RIGHT_READ);
    EXPECT_EQUAL(kernel_notification_bind(notification, worker.thread), 0);
    for (uint32_t i = 0; i < WORKER_STEPS; i++)
        worker_add(&worker, TAG_RECEIVE, handle);
    worker_go(&worker);
    for (uint32_t i = 0; i < WORKER_STEPS; i++) {
        worker_settle(&worker, i + 1);
        EXPECT_EQUAL(guest_signal(notification, 1UL << i), TAG_DONE);
        worker_wait(&worker, i + 1);
        expect_bits(&worker.area->steps[i], 1UL << i);
    }
    worker_destroy(&worker);
    guest_delete(notification.handle);
}

/* ---- Binding ----------------------------------------------------------------------------------------------------- */

static void bound_once(void)
{
    struct worker first, second;
    kernel_notification_t one = guest_notification(), other = guest_notification();
    worker_create(&first, true);
    worker_create(&second, false);
    EXPECT_EQUAL(kernel_notification_bind(one, first.thread), 0);
    EXPECT_ERROR(kernel_notification_bind(one, first.thread), BUSY);
    EXPECT_ERROR(kernel_notification_bind(one, second.thread), BUSY);
    EXPECT_ERROR(kernel_notification_bind(other, first.thread), BUSY);
    EXPECT_EQUAL(kernel_notification_unbind(one), 0);
    EXPECT_EQUAL(kernel_notification_unbind(one), 0); /* again: nothing happens */
    EXPECT_EQUAL(kernel_notification_bind(other, first.thread), 0);
    EXPECT_EQUAL(kernel_notification_bind(one, second.thread), 0);
    worker_destroy(&first);
    worker_destroy(&second);
    EXPECT_EQUAL(kernel_notification_bind(one, own_thread), 0); /* who is gone is not bound */
    guest_delete(one.handle);
    EXPECT_EQUAL(kernel_notification_bind(other, own_thread), 0); /* nor to what is gone */
    guest_delete(other.handle);
}

static void dead_thread(void)
{
    struct worker worker;
    kernel_notification_t notification = guest_notification();
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_thread_end(worker.thread), 0);
    EXPECT_ERROR(kernel_notification_bind(notification, worker.thread), DEAD);
    EXPECT_ERROR(kernel_notification_bind(notification, (kernel_thread_t){own_task.handle}), WRONG_TYPE);
    EXPECT_ERROR(kernel_notification_bind(notification, (kernel_thread_t){0}), BAD_HANDLE);
    worker_destroy(&worker);
    guest_delete(notification.handle);
}

/* A thread of a task that has ended is dead, even while it is queued with the kernel's message about that: the
 * notification would outlive it. */
static void ended_task(void)
{
    struct worker worker;
    struct ipc_message message;
    kernel_notification_t notification = guest_notification();
    uint32_t supervisor = guest_endpoint();
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_task_set_supervisor(worker.task, (kernel_endpoint_t){supervisor}), 0);
    EXPECT_EQUAL(kernel_task_exit(worker.task, 1), 0);
    EXPECT_ERROR(kernel_notification_bind(notification, worker.thread), DEAD);
    EXPECT(message_is_tag(ipc_transfer(TAG_RECEIVE, supervisor, &message)));
    EXPECT_ERROR(kernel_notification_bind(notification, worker.thread), DEAD);
    worker_destroy(&worker);
    EXPECT_EQUAL(guest_signal(notification, 1), TAG_DONE);
    EXPECT_EQUAL(collect(notification), 1);
    guest_delete(notification.handle);
    guest_delete(supervisor);
}

/* Bits that are set already reach a thread that waits when it is bound; and no others after it was unbound. */
static void bind_while_waiting(void)
{
    struct waiter waiter;
    kernel_notification_t notification = guest_notification();
    EXPECT_EQUAL(guest_signal(notification, 0x30), TAG_DONE);
    waiter_create(&waiter, WAIT_RECEIVE, true, NO_DEADLINE);
    EXPECT_EQUAL(kernel_notification_bind(notification, waiter.worker.thread), 0);
    worker_wait(&waiter.worker, 1);
    expect_bits(waiter.step, 0x30);
    waiter_destroy(&waiter);
    waiter_create(&waiter, WAIT_BOUND, true, NO_DEADLINE);
    EXPECT_EQUAL(kernel_notification_unbind(waiter.notification), 0);
    EXPECT_EQUAL(guest_signal(waiter.notification, 1), TAG_DONE);
    guest_yield();
    waiter_expect_waiting(&waiter);
    EXPECT_EQUAL(kernel_notification_bind(waiter.notification, waiter.worker.thread), 0);
    worker_wait(&waiter.worker, 1);
    expect_bits(waiter.step, 1);
    guest_delete(notification.handle);
    waiter_destroy(&waiter);
}

/* Only the bound thread may wait on it. */
static void wait_unbound(void)
{
    struct worker worker;
    kernel_notification_t notification = guest_notification();
    struct ipc_message message = {0};
    worker_create(&worker, true);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, notification.handle, &message), ERROR_BUSY);
    EXPECT_EQUAL(kernel_notification_bind(notification, worker.thread), 0);
    EXPECT_EQUAL(guest_signal(notification, 1), TAG_DONE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, notification.handle, &message), ERROR_BUSY);
    EXPECT_EQUAL(message.badge, PHASE_RECEIVE);
    EXPECT_EQUAL(collect(notification), 1);
    worker_destroy(&worker);
    guest_delete(notification.handle);
}

/* ---- Rights ------------------------------------------------------------------------------------------------------ */

static void rights(void)
{
    kernel_notification_t notification = guest_notification();
    kernel_notification_t writer = {guest_copy(notification.handle, RIGHT_WRITE | RIGHT_EXECUTE | RIGHT_COPY)};
    kernel_notification_t reader = {guest_copy(notification.handle, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY)};
    struct worker worker;
    struct ipc_message message = {0};
    uint64_t bits = 0;
    worker_create(&worker, true);
    kernel_thread_t watcher = {guest_copy(worker.thread.handle, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY)};
    EXPECT_ERROR(kernel_notification_bind(writer, own_thread), NO_RIGHT);
    EXPECT_ERROR(kernel_notification_bind(reader, watcher), NO_RIGHT);
    EXPECT_EQUAL(kernel_notification_bind(reader, own_thread), 0);
    EXPECT_EQUAL(guest_signal(reader, 1), ERROR_NO_RIGHT);
    EXPECT_EQUAL(guest_signal(writer, 2), TAG_DONE);
    EXPECT_ERROR(kernel_notification_collect(writer, &bits), NO_RIGHT);
    EXPECT_ERROR(kernel_notification_unbind(writer), NO_RIGHT);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, writer.handle, &message), ERROR_NO_RIGHT);
    EXPECT_EQUAL(message.badge, PHASE_RECEIVE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, reader.handle, &message), TAG_SIGNALS);
    EXPECT_EQUAL(message.words[0], 2);
    message = (struct ipc_message){.words = {4}};
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND_AND_WAIT, 1, 0),
                              reader.handle | (uint64_t)reader.handle << WAIT_HANDLE_SHIFT, &message),
                 ERROR_NO_RIGHT);
    EXPECT_EQUAL(message.badge, PHASE_SEND);
    guest_delete(watcher.handle);
    worker_destroy(&worker);
    guest_delete(reader.handle);
    guest_delete(writer.handle);
    guest_delete(notification.handle);
}

/* It is no endpoint, and a call to it is an operation on the object. */
static void other_messages(void)
{
    kernel_notification_t notification = guest_notification();
    struct ipc_message message = {.words = {1}};
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 1, 0), notification.handle, &message), ERROR_BAD_OPERATION);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 63, 7), notification.handle, &message), TAG_DONE);
    EXPECT_EQUAL(collect(notification), 1);
    guest_delete(notification.handle);
    EXPECT_EQUAL(guest_signal(notification, 1), ERROR_BAD_HANDLE);
}

/* ---- Signal and wait --------------------------------------------------------------------------------------------- */

/* A worker_function: waits on values[0], and signals values[1] with what came, until a bit of values[2] comes. */
static void ping(struct area *area)
{
    uint64_t bits = 0;
    int result = ipc_wait_signals((uint32_t)area->values[0], DEADLINE_NEVER, &bits);
    while (result == 0 && !(bits & area->values[2])) {
        area->done++;
        result = ipc_signal_and_wait((uint32_t)area->values[1], bits, (uint32_t)area->values[0], &bits);
    }
    area->values[3] = (uint64_t)result;
}

/* There and back between two address spaces, each signal with the wait behind it. */
static void there_and_back(bool separate)
{
    struct worker worker;
    kernel_notification_t own = guest_notification(), its = guest_notification();
    uint64_t bits = 0;
    worker_create(&worker, separate);
    uint32_t source = worker_give(&worker, its.handle, RIGHT_READ);
    uint32_t target = worker_give(&worker, own.handle, RIGHT_WRITE);
    EXPECT_EQUAL(kernel_notification_bind(own, own_thread), 0);
    EXPECT_EQUAL(kernel_notification_bind(its, worker.thread), 0);
    worker.area->values[0] = source;
    worker.area->values[1] = target;
    worker.area->values[2] = 1UL << 63;
    worker_start(&worker, ping);
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        EXPECT_EQUAL(ipc_signal_and_wait(its.handle, i, own.handle, &bits), 0);
        EXPECT_EQUAL(bits, i);
    }
    EXPECT_EQUAL(worker.area->done, ROUNDS);
    EXPECT_EQUAL(ipc_signal(its.handle, 1UL << 63), 0);
    guest_yield();
    EXPECT_EQUAL(worker.area->values[3], 0);
    if (!separate) {
        guest_delete(source);
        guest_delete(target);
    }
    worker_destroy(&worker);
    guest_delete(its.handle);
    guest_delete(own.handle);
}

static void between_spaces(void)
{
    there_and_back(true);
}

static void within_a_space(void)
{
    there_and_back(false);
}

/* Signalling oneself and waiting: the bits are there at once. */
static void to_oneself(void)
{
    kernel_notification_t notification = guest_notification();
    uint64_t bits = 0;
    EXPECT_EQUAL(kernel_notification_bind(notification, own_thread), 0);
    EXPECT_EQUAL(ipc_signal_and_wait(notification.handle, 3, notification.handle, &bits), 0);
    EXPECT_EQUAL(bits, 3);
    EXPECT_EQUAL(ipc_signal_and_wait(notification.handle, 4, 0, &bits), 0);
    EXPECT_EQUAL(bits, 4);
    guest_delete(notification.handle);
}

/* Both handles are looked at before anything is signalled. */
static void nothing_signalled(void)
{
    kernel_notification_t notification = guest_notification(), unbound = guest_notification();
    uint32_t endpoint = guest_endpoint(), writer = guest_copy(endpoint, RIGHT_WRITE);
    uint64_t bits = 0;
    EXPECT_ERROR(ipc_signal_and_wait(notification.handle, 1, 0, &bits), BAD_HANDLE);
    EXPECT_ERROR(ipc_signal_and_wait(notification.handle, 1, 65535, &bits), BAD_HANDLE);
    EXPECT_ERROR(ipc_signal_and_wait(notification.handle, 1, UINT32_MAX, &bits), BAD_HANDLE);
    EXPECT_ERROR(ipc_signal_and_wait(notification.handle, 1, own_task.handle, &bits), WRONG_TYPE);
    EXPECT_ERROR(ipc_signal_and_wait(notification.handle, 1, writer, &bits), NO_RIGHT);
    EXPECT_ERROR(ipc_signal_and_wait(notification.handle, 1, unbound.handle, &bits), BUSY);
    EXPECT_EQUAL(collect(notification), 0);
    EXPECT_ERROR(ipc_signal_and_wait(0, 1, endpoint, &bits), BAD_HANDLE);
    EXPECT_ERROR(ipc_signal_and_wait(UINT32_MAX, 1, endpoint, &bits), BAD_HANDLE);
    EXPECT_ERROR(ipc_signal_and_wait(own_task.handle, 1, endpoint, &bits), BAD_TAG);
    guest_delete(writer);
    guest_delete(endpoint);
    guest_delete(unbound.handle);
    guest_delete(notification.handle);
}

/* Send-and-wait to a server that answers by a message of its own: what arrives is told to be a send. */
static void send_and_wait_by_endpoints(void)
{
    struct worker worker;
    uint32_t there = guest_endpoint(), back = guest_endpoint();
    struct ipc_message message = {.words = {1, 2, 3, 4, 5, 6}};
    worker_create(&worker, true);
    worker_add(&worker, TAG_RECEIVE, worker_give(&worker, there, RIGHT_READ));
    worker_add(&worker, tag_of(LABEL, MESSAGE_SEND, 6, 0), worker_give(&worker, back, RIGHT_WRITE))->words[5] = 55;
    worker_go(&worker);
    EXPECT_EQUAL(
        ipc_transfer(tag_of(7, MESSAGE_SEND_AND_WAIT, 6, 0), there | (uint64_t)back << WAIT_HANDLE_SHIFT, &message),
        tag_of(LABEL, MESSAGE_SEND, 6, 0));
    EXPECT_EQUAL(message.words[5], 55);
    worker_wait(&worker, 2);
    EXPECT_EQUAL(worker.area->steps[0].result, tag_of(7, MESSAGE_SEND, 6, 0));
    EXPECT_EQUAL(worker.area->steps[0].words[5], 6);
    EXPECT_EQUAL(worker.area->steps[1].result, TAG_DONE);
    worker_destroy(&worker);
    guest_delete(there);
    guest_delete(back);
}

static const struct guest_test tests[] = {
    {"bits of word 0 add up", bits_of_word},
    {"a badge says which bits", bits_of_badge},
    {"a signal never waits", never_waits},
    {"who is told, in every kind of wait", who_is_told},
    {"a signal ends a wait with a deadline", signal_beats_deadline},
    {"bits that are pending come before messages", pending_before_wait},
    {"polling", poll},
    {"plain waits take pending bits", plain_waits},
    {"a caller is abandoned by a receive that takes bits", unanswered_caller},
    {"one signal after the other", many_signals},
    {"a notification has one thread, and a thread one notification", bound_once},
    {"what cannot be bound", dead_thread},
    {"nor can threads of a task that has ended", ended_task},
    {"bound and unbound while the thread waits", bind_while_waiting},
    {"waiting on what is bound to others", wait_unbound},
    {"rights", rights},
    {"other messages", other_messages},
    {"signal and wait between address spaces", between_spaces},
    {"signal and wait within one", within_a_space},
    {"signal and wait to oneself", to_oneself},
    {"nothing is signalled if either handle is refused", nothing_signalled},
    {"send and wait by endpoints", send_and_wait_by_endpoints},
    {"a server with a handler for signals", server_loop},
    {"a server without one", deaf_server},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
