/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications: a word of bits that can be set without waiting, and one thread that takes them.
 *
 * A notification is bound to at most one thread, and a thread has at most one. The bits reach the thread when it waits
 * on the notification itself, or on any endpoint unless that wait is closed; until then they stay, and the thread's
 * plain waits go through the kernel. Invariant: a notification with bits has no thread, or one that does not wait for
 * signals.
 */
#ifndef SALTO_IPC_NOTIFICATION_H
#define SALTO_IPC_NOTIFICATION_H

#include <stdbool.h>

#include "cap/object.h"
#include "debugger.h"
#include "ipc/message.h"
#include "thread/thread.h"

/* The tag of what a thread that takes bits receives. */
#define TAG_SIGNAL (TAG_NATIVE | MESSAGE_SIGNAL << TAG_OPERATION_SHIFT | 1)

struct notification {
    struct object object;
    uint64_t bits;
    struct thread *thread; /* 0: bound to none */
};

/* A new notification charged to `payer`, or 0 without memory. */
struct notification *notification_create(struct factory *payer);

/* The last capability is gone: a thread that waits on just this notification fails with DEAD. */
void notification_destroy(struct notification *notification);

/* Binds to `thread`, neither of them being bound; or undoes it. */
void notification_bind(struct notification *notification, struct thread *thread);
void notification_unbind(struct notification *notification);

/* Gives `thread`, which waited for signals alone (WAITING), its message. */
static inline void notification_give(struct thread *thread, uint64_t bits)
{
    struct kernel_call *call = &thread->call;
    debugger_note(EVENT_NOTIFY, thread, 0, thread->notification, bits);
    call->tag = TAG_SIGNAL;
    call->words[0] = bits;
    call->handle = call->words[1] = call->words[2] = call->words[3] = call->words[4] = call->words[5] = 0;
    message_clear_preserved(thread);
    thread->state = THREAD_ACTIVE;
}

/* Sets `bits`. The thread, if it waits for them, has them as a message then, and is answered; it must be woken. */
struct thread *notification_set(struct notification *notification, uint64_t bits);

/* Sets `bits`, and wakes the thread if it waits for them. */
void notification_signal(struct notification *notification, uint64_t bits);

/* Gives `thread`, which is about to wait, the bits that are pending for it, as a message; false if there are none. */
bool notification_take(struct thread *thread);

/* `thread` waits for signals alone, on its notification or on nothing, until a deadline if that is set. If the wait is
 * closed, it takes no signals either. */
void notification_wait(struct thread *thread, bool closed);

#endif
