/* SPDX-License-Identifier: BSD-2-Clause */
/* Making memory as an operation. See make_operation.h. */
#include "mem/make_operation.h"

#include "cap/capability.h"
#include "ipc/dispatch.h"
#include "thread/schedule.h"
#include "thread/thread.h"

/* The first capability of an object that is whole; without it, the object fails, and is to go in pieces too. */
static void publish(struct kernel_call *call, struct memory *memory, uint32_t rights, uint32_t *handle)
{
    const struct capability *capability =
        capability_create(kernel_call_thread(call)->task, &memory->object, rights, 0, &memory->failure);
    if (capability)
        *handle = capability->handle;
}

static bool make(struct memory *memory)
{
    while (!memory_make_piece(memory))
        if (preemption_due())
            return false;
    return true;
}

enum error make_operation(struct kernel_call *call, struct memory *memory, uint32_t rights, uint32_t *handle)
{
    if (!make(memory))
        return kernel_call_restart(call);
    if (memory->failure == ERROR_NONE)
        publish(call, memory, rights, handle);
    if (memory->failure != ERROR_NONE && !make(memory))
        return kernel_call_restart(call);
    return memory_finish(memory);
}
