/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of reply objects: idl/kernel/reply.idl describes them. */
#include "cap/capability.h"
#include "debugger.h"
#include "idl/reply_kernel.h"
#include "ipc/dispatch.h"
#include "ipc/reply.h"
#include "ipc/wait.h"
#include "thread/schedule.h"

enum error kernel_reply_keep(struct kernel_call *call, struct reply *self)
{
    struct thread *server = kernel_call_thread(call), *caller = wait_caller(server);
    if (!caller)
        return ERROR_NO_CALLER;
    if (self->caller)
        return ERROR_BUSY;
    reply_keep(self, caller);
    debugger_note(EVENT_KEEP, server, caller, self, 0);
    schedule_take_back(caller, server);
    return ERROR_NONE;
}

void reply_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_reply_dispatch(call, (struct reply *)capability->object, capability->rights);
}
