/* SPDX-License-Identifier: BSD-2-Clause */
/* Who serves calls to kernel objects: by the type of the object. See dispatch.h. */
#include "ipc/dispatch.h"

#include "cap/object.h"
#include "ipc/kernel_call.h"

static void dead_dispatch(struct kernel_call *call, const struct capability *capability)
{
    (void)capability;
    call->tag = ERROR_DEAD;
    call->handle = PHASE_SEND;
}

kernel_dispatcher *const dispatchers[OBJECT_TYPES] = {
    [OBJECT_DEAD] = dead_dispatch,
    [OBJECT_FACTORY] = factory_dispatch,
    [OBJECT_TASK] = task_dispatch,
    [OBJECT_THREAD] = thread_dispatch,
    [OBJECT_ENDPOINT] = endpoint_dispatch,
    [OBJECT_MEMORY] = memory_dispatch,
    [OBJECT_CONSOLE] = console_dispatch,
    [OBJECT_CLOCK] = clock_dispatch,
    [OBJECT_POWER] = power_dispatch,
    [OBJECT_DEBUG] = debug_dispatch,
    [OBJECT_NOTIFICATION] = notification_dispatch,
    [OBJECT_REPLY] = reply_dispatch,
    [OBJECT_PORTS] = ports_dispatch,
    [OBJECT_INTERRUPT] = interrupt_dispatch,
    [OBJECT_INTERRUPT_CONTROL] = interrupt_control_dispatch,
    [OBJECT_PHYSICAL] = physical_dispatch,
};
