/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of memory objects: idl/kernel/memory.idl describes them. */
#include "abi/capability.h"
#include "idl/memory_kernel.h"
#include "ipc/dispatch.h"
#include "mem/memory.h"
#include "thread/task.h"
#include "thread/thread.h"

/* Rights of the capability that is being invoked: the generated dispatcher checks fixed rights, not asked-for ones. */
static uint32_t invoked_rights;

enum error kernel_memory_map(struct kernel_call *call, struct memory *self, struct task *task, uint64_t address,
                             uint32_t offset, uint32_t pages, kernel_rights_t rights)
{
    (void)call;
    if ((rights | RIGHT_READ) & ~invoked_rights)
        return ERROR_NO_RIGHT;
    if (rights & RIGHT_COPY)
        return ERROR_BAD_ARGUMENT;
    return memory_map(self, task, address, offset, pages, rights);
}

enum error kernel_memory_unmap(struct kernel_call *call, struct memory *self, struct task *task, uint64_t address,
                               uint32_t pages)
{
    (void)call;
    return memory_unmap(self, task, address, pages);
}

enum error kernel_memory_size(struct kernel_call *call, struct memory *self, uint32_t *pages)
{
    (void)call;
    *pages = self->pages;
    return ERROR_NONE;
}

void memory_dispatch(struct kernel_call *call, const struct capability *capability)
{
    invoked_rights = capability->rights;
    kernel_memory_dispatch(call, (struct memory *)capability->object, capability->rights);
}
