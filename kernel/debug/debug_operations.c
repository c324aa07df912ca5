/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the debug object: idl/kernel/debug.idl describes them. */
#include "cap/capability.h"
#include "debug/panic.h"
#include "debug/walk.h"
#include "idl/debug_kernel.h"
#include "ipc/dispatch.h"
#include "ipc/endpoint.h"
#include "mem/frame.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu_state.h"
#include "x86/smp.h"

enum error kernel_debug_free_frames(struct kernel_call *call, struct debug *self, uint64_t *frames)
{
    (void)call, (void)self;
    *frames = frame_count_free();
    return ERROR_NONE;
}

enum error kernel_debug_walk(struct kernel_call *call, struct debug *self, uint64_t *tables, uint64_t *supervisor_pages,
                             uint64_t *wrong)
{
    struct walk_result result = walk_all_tasks();
    (void)call, (void)self;
    *tables = result.tables;
    *supervisor_pages = result.supervisor_pages;
    *wrong = result.wrong;
    return ERROR_NONE;
}

enum error kernel_debug_search(struct kernel_call *call, struct debug *self, uint64_t value, uint64_t *found)
{
    (void)call, (void)self;
    *found = walk_search_shared(value);
    return ERROR_NONE;
}

enum error kernel_debug_interrupt_cpus(struct kernel_call *call, struct debug *self, uint32_t *started,
                                       uint32_t *answered)
{
    (void)call, (void)self;
    *started = cpu_count;
    *answered = smp_count_answers();
    return ERROR_NONE;
}

enum error kernel_debug_objects(struct kernel_call *call, struct debug *self, uint32_t *threads, uint32_t *tasks,
                                uint32_t *endpoints, uint32_t *capabilities)
{
    (void)call, (void)self;
    *threads = thread_count();
    *tasks = task_count();
    *endpoints = endpoint_count();
    *capabilities = capability_count();
    return ERROR_NONE;
}

enum error kernel_debug_crash(struct kernel_call *call, struct debug *self, uint32_t kind)
{
    (void)call, (void)self;
    if (kind == 0)
        panic("asked for by Debug.crash");
    if (kind == 1)
        __builtin_trap();
    return ERROR_BAD_ARGUMENT;
}

void debug_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_debug_dispatch(call, (struct debug *)capability->object, capability->rights);
}
