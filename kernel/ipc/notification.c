/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications. See notification.h. */
#include "ipc/notification.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/endpoint.h"
#include "ipc/wait.h"
#include "thread/schedule.h"

#define TAG_SIGNAL (TAG_NATIVE | MESSAGE_SIGNAL << TAG_OPERATION_SHIFT | 1)

struct notification *notification_create(struct factory *payer)
{
    return object_allocate(payer, OBJECT_NOTIFICATION, sizeof(struct notification));
}

void notification_destroy(struct notification *notification)
{
    struct thread *thread = notification->thread;
    if (thread && thread->state == THREAD_RECEIVING && !thread->endpoint && thread->takes_signals)
        wait_fail(thread, ERROR_DEAD);
    notification_unbind(notification);
    object_free(&notification->object);
}

void notification_bind(struct notification *notification, struct thread *thread)
{
    assert(!notification->thread && !thread->notification);
    notification->thread = thread;
    thread->notification = notification;
    notification_signal(notification, 0);
}

void notification_unbind(struct notification *notification)
{
    if (notification->thread)
        notification->thread->notification = 0;
    notification->thread = 0;
}

bool notification_take(struct thread *thread)
{
    struct notification *notification = thread->notification;
    if (!notification || !notification->bits)
        return false;
    thread->call = (struct kernel_call){.tag = TAG_SIGNAL, .words = {notification->bits}};
    *thread->save = (struct save_slot){0};
    notification->bits = 0;
    return true;
}

static bool waits_for_signals(const struct thread *thread)
{
    return thread->takes_signals && (thread->hot->waits || thread->state == THREAD_RECEIVING);
}

void notification_signal(struct notification *notification, uint64_t bits)
{
    struct thread *thread = notification->thread;
    notification->bits |= bits;
    if (!thread || !notification->bits)
        return;
    if (!waits_for_signals(thread))
        return endpoint_end_plain_waits(thread);
    wait_end(thread);
    notification_take(thread);
    schedule_wake(thread);
}

void notification_wait(struct thread *thread, bool closed)
{
    thread->takes_signals = !closed;
    thread->state = THREAD_RECEIVING;
    assert(!thread->endpoint);
}
