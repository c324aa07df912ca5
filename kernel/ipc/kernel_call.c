/* SPDX-License-Identifier: BSD-2-Clause */
/* What generated dispatchers call. See kernel_call.h. */
#include "ipc/kernel_call.h"

#include "cap/capability.h"
#include "mem/frame.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"

struct thread *kernel_call_thread(struct kernel_call *call)
{
    return (struct thread *)((char *)call - THREAD_CALL);
}

uint64_t *kernel_call_utcb(struct kernel_call *call)
{
    return thread_utcb(kernel_call_thread(call))->words;
}

struct capability *kernel_call_capability(struct kernel_call *call, uint64_t handle, uint32_t type, uint32_t rights,
                                          enum error *error)
{
    struct capability *capability = capability_find(&kernel_call_thread(call)->task->table, handle);
    if (!capability)
        *error = ERROR_BAD_HANDLE;
    else if (capability->object->type == OBJECT_DEAD)
        *error = ERROR_DEAD;
    else if (capability->object->type != type)
        *error = ERROR_WRONG_TYPE;
    else if ((capability->rights & rights) != rights)
        *error = ERROR_NO_RIGHT;
    else
        return capability;
    return 0;
}

bool kernel_call_ready(struct kernel_call *call)
{
    while (!frame_stock_is_full() && frame_stock_piece()) {
        if (!preemption_due())
            continue;
        (void)kernel_call_restart(call);
        return false;
    }
    return true;
}

bool kernel_call_goes_on(struct kernel_call *call)
{
    const struct thread *caller = kernel_call_thread(call);
    return caller->state != THREAD_DEAD && !caller->task->ended;
}

enum error kernel_call_restart(struct kernel_call *call)
{
    if (kernel_call_goes_on(call))
        schedule_restart(kernel_call_thread(call));
    return ERROR_BUSY;
}

void *kernel_capability_object(struct capability *capability)
{
    return capability->object;
}
