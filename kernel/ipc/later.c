/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive phases that begin later. See later.h. */
#include "ipc/later.h"

#include "cap/capability.h"
#include "ipc/endpoint.h"
#include "thread/chain.h"
#include "thread/schedule.h"
#include "thread/task.h"

void later_receive(struct thread *thread, uint32_t low, uint64_t handle)
{
    thread->message = (struct kernel_call){
        .tag = TAG_NATIVE | MESSAGE_RECEIVE << TAG_OPERATION_SHIFT | (low & (TAG_DEADLINE | TAG_CLOSED)),
        .handle = handle,
    };
    thread->restarting = RESTARTS_OPERATION;
}

static bool is_anybody_queued(const struct capability *capability)
{
    if (!capability || capability->object->type != OBJECT_ENDPOINT)
        return false;
    return ((const struct endpoint *)capability->object)->senders.first;
}

/* Did `self` run for `caller`, who can go on? */
static bool ran_for(struct thread *caller)
{
    return !caller->restarting && thread_can_run(caller) && schedule_runs_for(chain_lender(caller));
}

bool later_receive_behind(struct thread *self, struct thread *caller, uint64_t handle, uint32_t low)
{
    if ((low & TAG_POLL) || !is_anybody_queued(capability_find(&self->task->table, handle)))
        return false;
    if (ran_for(caller))
        schedule_switch_to(caller);
    else if (!preemption_due())
        return false;
    later_receive(self, low, handle);
    schedule_wake(self);
    return true;
}
