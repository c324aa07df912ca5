/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications. See notification.h. */
#include "ipc/notification.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/endpoint.h"
#include "ipc/message.h"
#include "ipc/wait.h"
#include "thread/schedule.h"

struct notification *notification_create(struct factory *payer)
{
    struct notification *notification = object_allocate(payer, OBJECT_NOTIFICATION, sizeof(struct notification));
    if (notification)
        debugger_note(EVENT_CREATE, 0, 0, notification, 0);
    return notification;
}

static bool waits_for_signals_alone(const struct thread *thread)
{
    return thread->state == THREAD_WAITING || (thread->state == THREAD_RECEIVING && !thread->endpoint);
}

void notification_destroy(struct notification *notification)
{
    struct thread *thread = notification->thread;
    if (thread && waits_for_signals_alone(thread) && thread->takes_signals)
        wait_fail(thread, ERROR_DEAD);
    notification_unbind(notification);
    object_free(&notification->object);
}

void notification_bind(struct notification *notification, struct thread *thread)
{
    assert(!notification->thread && !thread->notification);
    notification->thread = thread;
    thread->notification = notification;
    debugger_note(EVENT_BIND, thread, 0, notification, 0);
    notification_signal(notification, 0);
}

void notification_unbind(struct notification *notification)
{
    debugger_note(EVENT_UNBIND, 0, 0, notification, 0);
    if (notification->thread)
        notification->thread->notification = 0;
    notification->thread = 0;
}

bool notification_take(struct thread *thread)
{
    struct notification *notification = thread->notification;
    if (!notification || !notification->bits)
        return false;
    debugger_note(EVENT_NOTIFY, thread, 0, notification, notification->bits);
    thread->call = (struct kernel_call){.tag = TAG_SIGNAL, .words = {notification->bits}};
    message_clear_preserved(thread);
    notification->bits = 0;
    return true;
}

static bool waits_for_signals(const struct thread *thread)
{
    return thread->takes_signals &&
           (thread->hot->waits || thread->state == THREAD_RECEIVING || thread->state == THREAD_WAITING);
}

struct thread *notification_set(struct notification *notification, uint64_t bits)
{
    struct thread *thread = notification->thread;
    debugger_note(EVENT_SIGNAL, 0, 0, notification, bits);
    notification->bits |= bits;
    if (!thread || !notification->bits)
        return 0;
    if (!waits_for_signals(thread))
        return endpoint_end_plain_waits(thread), (struct thread *)0;
    wait_end(thread);
    notification_take(thread);
    return thread;
}

void notification_signal(struct notification *notification, uint64_t bits)
{
    struct thread *thread = notification->thread;
    if (thread && thread->state == THREAD_WAITING && (bits | notification->bits)) {
        debugger_note(EVENT_SIGNAL, 0, 0, notification, bits);
        notification_give(thread, bits | notification->bits);
        notification->bits = 0;
        return schedule_wake_by_interrupt(thread);
    }
    thread = notification_set(notification, bits);
    if (thread && thread_can_run(thread))
        schedule_wake(thread);
}

void notification_wait(struct thread *thread, bool closed)
{
    thread->takes_signals = !closed;
    thread->state = closed ? THREAD_RECEIVING : THREAD_WAITING;
    assert(!thread->endpoint);
}
