/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the debug object: idl/kernel/debug.idl describes them. */
#include "cap/capability.h"
#include "debug/observe.h"
#include "debug/panic.h"
#include "debug/walk.h"
#include "idl/debug_kernel.h"
#include "ipc/dispatch.h"
#include "ipc/endpoint.h"
#include "mem/frame.h"
#include "mem/pcid.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu.h"
#include "x86/cpu_state.h"
#include "x86/smp.h"

#define CANONICAL_SHIFT 16 /* 48-bit addresses, sign-extended */

/* What is being destroyed would be counted or not, as it happens. */
static void finish_destruction(void)
{
    while (object_destroy_piece())
        continue;
}

enum error kernel_debug_free_frames(struct kernel_call *call, struct debug *self, uint64_t *frames)
{
    (void)call, (void)self;
    finish_destruction();
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

enum error kernel_debug_search(struct kernel_call *call, struct debug *self, uint64_t complement, uint64_t mask,
                               struct task *owner, uint64_t *in_shared, uint64_t *in_private, uint64_t *in_user,
                               uint64_t *address)
{
    struct search_result result = walk_search(~complement & mask, mask, owner, kernel_call_thread(call)->task);
    (void)self;
    *in_shared = result.shared;
    *in_private = result.private;
    *in_user = result.user;
    *address = result.address;
    return ERROR_NONE;
}

/* The last-level entry for `address`, or 0: no such address, or a table is missing. */
static uint64_t *find_entry(struct task *task, uint64_t address)
{
    bool canonical = (uint64_t)((int64_t)(address << CANONICAL_SHIFT) >> CANONICAL_SHIFT) == address;
    return canonical ? space_entry(&task->space, address) : 0;
}

enum error kernel_debug_page_entry(struct kernel_call *call, struct debug *self, struct task *task, uint64_t address,
                                   uint64_t *entry)
{
    const uint64_t *found = find_entry(task, address);
    (void)call, (void)self;
    if (!found)
        return ERROR_BAD_ADDRESS;
    *entry = *found;
    return ERROR_NONE;
}

enum error kernel_debug_set_page_entry(struct kernel_call *call, struct debug *self, struct task *task,
                                       uint64_t address, uint64_t entry, bool flush)
{
    uint64_t *found = find_entry(task, address);
    (void)call, (void)self;
    if (!found)
        return ERROR_BAD_ADDRESS;
    *found = entry;
    if (flush) {
        pcid_flush_page(task->space.cr3, address);
        invlpg(address); /* global translations too */
    }
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
    finish_destruction();
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

enum error kernel_debug_task(struct kernel_call *call, struct debug *self, uint32_t index, uint32_t *task,
                             uint32_t *handles)
{
    struct task *found = task_first();
    (void)self;
    while (found && index-- > 0)
        found = found->next;
    if (!found)
        return ERROR_BAD_ARGUMENT;
    *handles = found->table.limit;
    return capability_publish(kernel_call_thread(call)->task, &found->object, RIGHTS_ALL, task);
}

enum error kernel_debug_fail_allocation(struct kernel_call *call, struct debug *self, uint64_t number, uint64_t *left)
{
    (void)call, (void)self;
    *left = frame_fail_allocation(number);
    return ERROR_NONE;
}

enum error kernel_debug_barriers(struct kernel_call *call, struct debug *self, uint64_t *crossings,
                                 uint64_t *predictors, uint64_t *buffers, uint64_t *caches)
{
    const struct barrier_counts *counts = &this_cpu()->barriers;
    (void)call, (void)self;
    *crossings = counts->crossings;
    *predictors = counts->predictors;
    *buffers = counts->buffers;
    *caches = counts->caches;
    return ERROR_NONE;
}

enum error kernel_debug_entries(struct kernel_call *call, struct debug *self, uint64_t *count)
{
    (void)call, (void)self;
    *count = observe_count();
    return ERROR_NONE;
}

void debug_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_debug_dispatch(call, (struct debug *)capability->object, capability->rights);
}
