/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of tasks that concern pages: idl/kernel/task.idl describes them. */
#include "abi/capability.h"
#include "idl/task_kernel.h"
#include "ipc/dispatch.h"
#include "mem/frame.h"
#include "mem/map_operation.h"
#include "mem/mapping.h"
#include "mem/memory.h"
#include "mem/revoke.h"
#include "mem/space.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"

/* Words of the requests. */
#define REQUEST_ADDRESS 0
#define REQUEST_PAGES 1

#define RUN_FRAMES 6 /* zeroed, that a run takes at most: page tables, where it lies on both sides of a boundary */

static inline bool is_range(uint64_t address, uint32_t pages)
{
    return pages > 0 && space_mappable(address, pages);
}

enum error kernel_task_unmap(struct kernel_call *call, struct task *self, uint64_t address, uint32_t pages)
{
    enum error error;
    uint64_t end = address + (uint64_t)pages * PAGE_SIZE;
    if (!is_range(address, pages))
        return ERROR_BAD_ADDRESS;
    while (mapping_abandoned_piece() || !mapping_drop_range_piece(self, address, end, &error))
        if (preemption_due())
            return kernel_call_restart(call);
    return error;
}

/* What is left is a request of the same kind, and the state of the operation. */
static enum error restart_revoke(struct kernel_call *call, uint64_t address, uint32_t pages)
{
    call->words[REQUEST_ADDRESS] = address;
    call->words[REQUEST_PAGES] = pages;
    return kernel_call_restart(call);
}

enum error kernel_task_revoke_pages(struct kernel_call *call, struct task *self, uint64_t address, uint32_t pages,
                                    kernel_rights_t take, kernel_page_use_t *used)
{
    struct thread *caller = kernel_call_thread(call);
    if (!is_range(address, pages))
        return ERROR_BAD_ADDRESS;
    if (take & ~(uint32_t)(RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE))
        return ERROR_BAD_ARGUMENT;
    bool done = pages == 1 ? (take & RIGHT_READ) && revoke_page(caller, self, address)
                           : revoke_large_pages(caller, self, address, pages, take);
    while (!done) {
        revoke_piece(caller, self, &address, &pages, take);
        if (pages == 0)
            break;
        if (preemption_due())
            return restart_revoke(call, address, pages);
    }
    *used = caller->found / PTE_ACCESSED;
    revoke_forget(caller);
    return ERROR_NONE;
}

/* Completes a request to map the pages at `source` of `from` on. */
static enum error find_source(struct task *from, struct map_request *request)
{
    uint64_t source = request->source, end = source + (uint64_t)request->pages * PAGE_SIZE;
    if (!is_range(source, request->pages))
        return request->pages == 0 ? ERROR_BAD_ARGUMENT : ERROR_BAD_ADDRESS;
    const struct mapping *mapping = mapping_find(from, source, end);
    bool whole = mapping && mapping_is_settled(mapping);
    if (!whole || mapping_address(mapping) > source || mapping_end(mapping) < end)
        return ERROR_BAD_ADDRESS;
    if (request->rights & ~(mapping->rights | (uint32_t)RIGHT_READ))
        return ERROR_NO_RIGHT;
    request->memory = mapping->memory;
    request->giver = from;
    request->offset = mapping->offset + (uint32_t)((source - mapping_address(mapping)) / PAGE_SIZE);
    request->cache = mapping->cache;
    return ERROR_NONE;
}

enum error kernel_task_map_on(struct kernel_call *call, struct task *self, uint64_t source, struct task *to,
                              uint64_t address, uint32_t pages, kernel_rights_t rights)
{
    struct thread *caller = kernel_call_thread(call);
    struct map_request request = {.task = to, .address = address, .source = source, .pages = pages, .rights = rights};
    if (rights & RIGHT_COPY)
        return ERROR_BAD_ARGUMENT;
    if (caller->failure == ERROR_NONE)
        caller->failure = find_source(self, &request);
    if (caller->failure != ERROR_NONE)
        mapping_give_up(caller); /* what was made of it before the source went */
    return map_operation(call, &request);
}

static enum error map_run(struct task *from, struct task *to, const struct kernel_run *run)
{
    struct map_request request = {
        .task = to, .address = run->address, .source = run->source, .pages = run->pages, .rights = run->rights};
    if (run->pages > KERNEL_RUN_PAGES || (run->rights & RIGHT_COPY))
        return ERROR_BAD_ARGUMENT;
    enum error error = find_source(from, &request);
    return error == ERROR_NONE ? memory_map_few(&request) : error;
}

/* Each run is whole or not there, so this can end behind each: the caller goes on from there. */
enum error kernel_task_map_list(struct kernel_call *call, struct task *self, struct task *to, uint32_t count,
                                const struct kernel_run runs[KERNEL_LIST_LENGTH], uint32_t *mapped)
{
    enum error error;
    uint32_t done = 0;
    if (count == 0 || count > KERNEL_LIST_LENGTH)
        return ERROR_BAD_ARGUMENT;
    if (!kernel_call_ready(call))
        return ERROR_BUSY;
    do
        error = map_run(self, to, &runs[done]);
    while (error == ERROR_NONE && ++done < count && frame_stock_count >= RUN_FRAMES && !preemption_due());
    *mapped = done;
    return done > 0 ? ERROR_NONE : error;
}
