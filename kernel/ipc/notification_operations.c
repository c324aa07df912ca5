/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of notifications: idl/kernel/notification.idl describes them. */
#include "cap/capability.h"
#include "debugger.h"
#include "idl/notification_kernel.h"
#include "ipc/dispatch.h"
#include "ipc/notification.h"
#include "thread/task.h"

enum error kernel_notification_bind(struct kernel_call *call, struct notification *self, struct thread *thread)
{
    (void)call;
    /* A thread of a task that has ended may still queue, with the kernel's message about that: it is dead all the
     * same. */
    if (thread->state == THREAD_DEAD || thread->task->ended)
        return ERROR_DEAD;
    if (self->thread || thread->notification)
        return ERROR_BUSY;
    notification_bind(self, thread);
    return ERROR_NONE;
}

enum error kernel_notification_unbind(struct kernel_call *call, struct notification *self)
{
    (void)call;
    notification_unbind(self);
    return ERROR_NONE;
}

enum error kernel_notification_collect(struct kernel_call *call, struct notification *self, uint64_t *bits)
{
    (void)call;
    debugger_note(EVENT_COLLECT, 0, 0, self, self->bits);
    *bits = self->bits;
    self->bits = 0;
    return ERROR_NONE;
}

void notification_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_notification_dispatch(call, (struct notification *)capability->object, capability->rights);
}
