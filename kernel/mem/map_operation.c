/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapping as an operation. See map_operation.h. */
#include "mem/map_operation.h"

#include "ipc/dispatch.h"
#include "mem/memory.h"
#include "thread/schedule.h"
#include "thread/thread.h"

/* What others left half mapped would be in the way, and what this operation has made of it if it fails. */
bool map_operation_take_back(void)
{
    while (mapping_abandoned_piece())
        if (preemption_due())
            return false;
    return true;
}

/* All of it. False: the operation stops at a preemption point. Else the thread's `failure` says how it went. */
static bool map_all(struct thread *maker, const struct map_request *request)
{
    bool done = false;
    while (!done && maker->failure == ERROR_NONE) {
        maker->failure = memory_map_piece(maker, request, &done);
        if (!done && preemption_due())
            return false;
    }
    if (done)
        mapping_keep_made(maker);
    return done || map_operation_take_back();
}

enum error map_operation(struct kernel_call *call, const struct map_request *request)
{
    struct thread *caller = kernel_call_thread(call);
    if (!kernel_call_ready(call)) /* page tables are new frames */
        return ERROR_BUSY;
    if (!map_operation_take_back() || !map_all(caller, request))
        return kernel_call_restart(call);
    enum error error = caller->failure;
    caller->failure = ERROR_NONE;
    return error;
}
