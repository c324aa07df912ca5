/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dispatchers and stubs do seldom: refusing a request, and giving capabilities back.
 */
#include "salto/server.h"

#include "idl/task.h"

uint32_t salto_own_task;

void idl_release(uint32_t handle)
{
    if (handle == 0)
        return;
    /* It fails only where the program has no capability to its own task, and then nothing else could be done. */
    if (kernel_task_delete((kernel_task_t){salto_own_task}, handle) != 0)
        return;
}

struct idl_answer idl_refuse_empty(uint64_t tag, int error)
{
    uint32_t operation = (uint32_t)tag >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK;

    if (operation == MESSAGE_SEND || operation == MESSAGE_SIGNAL)
        return idl_no_answer();
    return idl_error_answer(-error);
}

struct idl_answer idl_refuse(uint64_t tag, int error)
{
    uint32_t count = (uint32_t)tag >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
    const struct utcb *utcb;

    if (count) {
        utcb = ipc_utcb();
        for (uint32_t i = 0; i < count; i++)
            idl_release((uint32_t)utcb->items[i]);
    }
    return idl_refuse_empty(tag, error);
}
