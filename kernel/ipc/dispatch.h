/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who serves a call, by the type of the object that is called: the dispatchers that idlc generates from idl/kernel, and
 * for endpoints the IPC path.
 */
#ifndef SALTO_IPC_DISPATCH_H
#define SALTO_IPC_DISPATCH_H

#include "cap/capability.h"
#include "ipc/kernel_call.h"

/* Serves the request in `call` on the object of the caller's `capability`; the answer replaces it. */
typedef void kernel_dispatcher(struct kernel_call *call, const struct capability *capability);

kernel_dispatcher factory_dispatch, task_dispatch, thread_dispatch, memory_dispatch, console_dispatch, clock_dispatch,
    power_dispatch, debug_dispatch, notification_dispatch, ports_dispatch, reply_dispatch, interrupt_dispatch,
    interrupt_control_dispatch, physical_dispatch, endpoint_dispatch;

extern kernel_dispatcher *const dispatchers[OBJECT_TYPES];

#endif
