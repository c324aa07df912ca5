/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of tasks: idl/kernel/task.idl describes them. */
#include "cap/factory.h"
#include "idl/task_kernel.h"
#include "ipc/dispatch.h"
#include "mem/space.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"

#define REVOKED_AT_ONCE 12 /* capabilities between two preemption points */

/* Capability `source` of `task`, if it may be copied on. */
static struct capability *copy_source(struct task *task, uint32_t source, enum error *error)
{
    struct capability *capability = capability_find(&task->table, source);
    if (!capability)
        *error = ERROR_BAD_HANDLE;
    else if (!(capability->rights & RIGHT_COPY))
        *error = ERROR_NO_RIGHT;
    else
        return capability;
    return 0;
}

static enum error derive(struct task *to, struct capability *source, uint32_t rights, uint64_t badge, uint32_t *handle)
{
    enum error error = ERROR_NONE;
    const struct capability *copy = capability_derive(to, source, rights, badge, &error);
    if (copy)
        *handle = copy->handle;
    return error;
}

enum error kernel_task_copy(struct kernel_call *call, struct task *self, uint32_t source, struct task *to,
                            kernel_rights_t rights, uint32_t *handle)
{
    enum error error = ERROR_NONE;
    if (!kernel_call_ready(call))
        return ERROR_BUSY;
    struct capability *capability = copy_source(self, source, &error);
    return capability ? derive(to, capability, rights, capability->badge, handle) : error;
}

enum error kernel_task_mint(struct kernel_call *call, struct task *self, uint32_t source, struct task *to,
                            kernel_rights_t rights, uint64_t badge, uint32_t *handle)
{
    enum error error = ERROR_NONE;
    if (!kernel_call_ready(call))
        return ERROR_BUSY;
    struct capability *capability = copy_source(self, source, &error);
    if (capability && capability->badge != 0)
        return ERROR_NO_RIGHT;
    return capability ? derive(to, capability, rights, badge, handle) : error;
}

static enum error give(struct task *from, struct task *to, const struct kernel_gift *gift, uint32_t *handle)
{
    enum error error = ERROR_NONE;
    struct capability *capability = copy_source(from, gift->source, &error);
    if (capability && capability->badge != 0 && gift->badge != 0)
        return ERROR_NO_RIGHT;
    return capability ? derive(to, capability, gift->rights, capability->badge | gift->badge, handle) : error;
}

enum error kernel_task_give(struct kernel_call *call, struct task *self, struct task *to, uint32_t count,
                            const struct kernel_gift gifts[KERNEL_LIST_LENGTH], uint32_t handles[KERNEL_LIST_LENGTH])
{
    enum error error = ERROR_NONE;
    uint32_t given = 0;
    if (count == 0 || count > KERNEL_LIST_LENGTH)
        return ERROR_BAD_ARGUMENT;
    if (!kernel_call_ready(call))
        return ERROR_BUSY;
    while (given < count && (error = give(self, to, &gifts[given], &handles[given])) == ERROR_NONE)
        given++;
    return given > 0 ? ERROR_NONE : error;
}

enum error kernel_task_move(struct kernel_call *call, struct task *self, uint32_t source, struct task *to,
                            uint32_t *handle)
{
    enum error error = ERROR_NONE;
    if (!kernel_call_ready(call))
        return ERROR_BUSY;
    struct capability *capability = capability_find(&self->table, source);
    if (!capability)
        return ERROR_BAD_HANDLE;
    const struct capability *moved = capability_move(to, capability, RIGHTS_ALL, &error);
    if (moved)
        *handle = moved->handle;
    return error;
}

enum error kernel_task_revoke(struct kernel_call *call, struct task *self, uint32_t handle)
{
    struct capability *capability = capability_find(&self->table, handle);
    if (!capability)
        return ERROR_BAD_HANDLE;
    while (!capability_revoke(capability, REVOKED_AT_ONCE))
        if (preemption_due())
            return kernel_call_restart(call);
    return ERROR_NONE;
}

/* The capability behind `handle` after others were destroyed, which may have been the caller, this task, or its
 * table. */
static struct capability *find_again(struct kernel_call *call, struct task *self, uint32_t handle)
{
    const struct thread *caller = kernel_call_thread(call);
    if (!kernel_call_goes_on(call))
        return 0;
    const struct capability *invoked = capability_find(&caller->task->table, call->handle);
    return invoked && invoked->object == &self->object ? capability_find(&self->table, handle) : 0;
}

enum error kernel_task_delete(struct kernel_call *call, struct task *self, uint32_t handle)
{
    struct capability *capability = capability_find(&self->table, handle);
    if (!capability)
        return ERROR_BAD_HANDLE;
    if (capability_is_only(capability))
        object_condemn_last(capability);
    /* It names the dead object until the one that it named is gone, so that a restarted operation finds it. */
    if (object_work_left()) {
        if (!object_destroy_some())
            return kernel_call_restart(call);
        capability = find_again(call, self, handle);
    }
    if (capability)
        capability_delete(capability);
    return ERROR_NONE;
}

enum error kernel_task_exit(struct kernel_call *call, struct task *self, uint32_t status)
{
    struct thread *caller = kernel_call_thread(call);
    task_exit(self, status);
    if (caller->task == self)
        thread_end(caller);
    while (!task_stop_piece(self))
        if (preemption_due())
            return kernel_call_restart(call);
    return object_destroy_some() ? ERROR_NONE : kernel_call_restart(call);
}

enum error kernel_task_set_supervisor(struct kernel_call *call, struct task *self, struct capability *endpoint)
{
    (void)call;
    if (self->supervisor.object)
        return ERROR_BUSY;
    /* The task does not keep the endpoint's right to receive alive: only who may receive does. */
    capability_attach_derived(&self->supervisor, endpoint, RIGHT_WRITE);
    return ERROR_NONE;
}

enum error kernel_task_set_supervisor_badged(struct kernel_call *call, struct task *self, struct capability *endpoint,
                                             uint64_t badge)
{
    if (endpoint->badge)
        return ERROR_NO_RIGHT;
    enum error error = kernel_task_set_supervisor(call, self, endpoint);
    if (error == ERROR_NONE)
        self->supervisor.badge = badge;
    return error;
}

enum error kernel_task_set_linux_handler(struct kernel_call *call, struct task *self, uint64_t address)
{
    if (address != 0 && (address < USER_START || address >= USER_END))
        return ERROR_BAD_ADDRESS;
    while (!task_set_linux_handler_piece(self, address))
        if (preemption_due())
            return kernel_call_restart(call);
    return ERROR_NONE;
}

enum error kernel_task_set_guarded(struct kernel_call *call, struct task *self)
{
    (void)call;
    return task_guard(self) ? ERROR_NONE : ERROR_BUSY;
}

/* A name is printed on the console, where control characters could pass for lines of the kernel's own. */
static char name_character(uint8_t byte)
{
    return byte >= ' ' && byte <= '~' ? (char)byte : '?';
}

enum error kernel_task_set_name(struct kernel_call *call, struct task *self, const uint8_t name[32])
{
    int length = 0;
    (void)call;
    for (; length < TASK_NAME_SIZE && name[length]; length++)
        self->name[length] = name_character(name[length]);
    __builtin_memset(self->name + length, 0, (size_t)(TASK_NAME_SIZE - length));
    return ERROR_NONE;
}

enum error kernel_task_name(struct kernel_call *call, struct task *self, uint8_t name[32])
{
    (void)call;
    task_copy_name(self, name);
    return ERROR_NONE;
}

enum error kernel_task_set_priority_limit(struct kernel_call *call, struct task *self, uint32_t priority)
{
    if (priority >= PRIORITIES)
        return ERROR_BAD_ARGUMENT;
    if (priority > kernel_call_thread(call)->task->priority_limit)
        return ERROR_NO_RIGHT;
    self->priority_limit = priority;
    return ERROR_NONE;
}

enum error kernel_task_inspect(struct kernel_call *call, struct task *self, uint32_t handle, uint32_t *type,
                               kernel_rights_t *rights)
{
    const struct capability *capability = capability_find(&self->table, handle);
    (void)call;
    *type = capability ? capability->object->type : 0;
    *rights = capability ? capability->rights : 0;
    return ERROR_NONE;
}

enum error kernel_task_identify(struct kernel_call *call, struct task *self, uint32_t handle,
                                struct capability *endpoint, uint64_t *badge)
{
    const struct capability *capability = capability_find(&self->table, handle);
    (void)call;
    if (!capability)
        return ERROR_BAD_HANDLE;
    if (capability->object != endpoint->object)
        return ERROR_BAD_ARGUMENT;
    *badge = capability->badge;
    return ERROR_NONE;
}

void task_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_task_dispatch(call, (struct task *)capability->object, capability->rights);
}
