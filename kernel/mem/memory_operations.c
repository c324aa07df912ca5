/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of memory objects: idl/kernel/memory.idl describes them. */
#include "abi/capability.h"
#include "idl/memory_kernel.h"
#include "ipc/dispatch.h"
#include "mem/derived.h"
#include "mem/map_operation.h"
#include "mem/memory.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"

#define DERIVED_TOLD 16 /* mappings of a page: finding one takes as long as its number is large */

/* Words of a request to unmap. */
#define UNMAP_ADDRESS 1
#define UNMAP_PAGES 2

/* Rights of the capability that is being invoked: the generated dispatcher checks fixed rights, not asked-for ones. */
static uint32_t invoked_rights;

enum error kernel_memory_map(struct kernel_call *call, struct memory *self, struct task *task, uint64_t address,
                             uint32_t offset, uint32_t pages, kernel_rights_t rights)
{
    struct map_request request = memory_map_request(self, task, address, offset, pages, rights);
    if ((rights | RIGHT_READ) & ~invoked_rights)
        return ERROR_NO_RIGHT;
    if (rights & RIGHT_COPY)
        return ERROR_BAD_ARGUMENT;
    return map_operation(call, &request);
}

/* What is left is a request of the same kind, and the state of the operation. */
static enum error restart_unmap(struct kernel_call *call, uint64_t address, uint32_t pages)
{
    call->words[UNMAP_ADDRESS] = address;
    call->words[UNMAP_PAGES] = pages;
    return kernel_call_restart(call);
}

enum error kernel_memory_unmap(struct kernel_call *call, struct memory *self, struct task *task, uint64_t address,
                               uint32_t pages)
{
    enum error error;
    if (!map_operation_take_back())
        return kernel_call_restart(call);
    while ((error = memory_unmap_piece(self, task, &address, &pages)) == ERROR_NONE && pages > 0)
        if (preemption_due())
            return restart_unmap(call, address, pages);
    return error;
}

enum error kernel_memory_size(struct kernel_call *call, struct memory *self, uint32_t *pages)
{
    (void)call;
    *pages = self->pages;
    return ERROR_NONE;
}

enum error kernel_memory_derived(struct kernel_call *call, struct memory *self, uint32_t page, uint32_t number,
                                 uint32_t *depth, uint64_t *address, uint32_t *pages, kernel_rights_t *rights,
                                 uint32_t *cache, uint8_t name[32])
{
    (void)call;
    if (page >= self->pages || number >= DERIVED_TOLD)
        return ERROR_BAD_ARGUMENT;
    const struct mapping *mapping = derived_mapping(self, page, number, depth);
    if (!mapping)
        return ERROR_BAD_ADDRESS;
    *address = derived_address(mapping, page);
    *pages = mapping->pages;
    *rights = mapping->rights;
    *cache = mapping->cache & ITEM_CACHE_MASK;
    task_copy_name(mapping->task, name);
    return ERROR_NONE;
}

void memory_dispatch(struct kernel_call *call, const struct capability *capability)
{
    invoked_rights = capability->rights;
    kernel_memory_dispatch(call, (struct memory *)capability->object, capability->rights);
}
