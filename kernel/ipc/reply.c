/* SPDX-License-Identifier: BSD-2-Clause */
/* Reply objects. See reply.h. */
#include "ipc/reply.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "debugger.h"
#include "ipc/wait.h"
#include "thread/schedule.h"

struct reply *reply_create(struct factory *payer)
{
    struct reply *reply = object_allocate(payer, OBJECT_REPLY, sizeof(struct reply));
    if (reply)
        debugger_note(EVENT_CREATE, 0, 0, reply, 0);
    return reply;
}

void reply_destroy(struct reply *reply)
{
    debugger_note(EVENT_DROP, 0, 0, reply, 0);
    if (reply->caller)
        wait_fail(reply->caller, ERROR_ABANDONED);
    object_free(&reply->object);
}

void reply_keep(struct reply *reply, struct thread *caller)
{
    assert(!reply->caller && caller->state == THREAD_ACTIVE && caller->hot->partner);
    caller->hot->partner = 0;
    caller->state = THREAD_KEPT;
    caller->reply = reply;
    reply->caller = caller;
    schedule_chain_cut();
}

void reply_forget(struct reply *reply)
{
    reply->caller->reply = 0;
    reply->caller = 0;
}
