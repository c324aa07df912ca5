/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of factories: idl/kernel/factory.idl describes them. What they create gets its first capability in the
 * caller's table; where that fails, it is destroyed again. */
#include "cap/capability.h"
#include "cap/factory.h"
#include "idl/factory_kernel.h"
#include "ipc/dispatch.h"
#include "ipc/endpoint.h"
#include "ipc/notification.h"
#include "ipc/reply.h"
#include "mem/make_operation.h"
#include "mem/memory.h"
#include "thread/task.h"
#include "thread/thread.h"

static enum error publish(struct kernel_call *call, struct object *object, uint32_t *handle)
{
    return capability_publish(kernel_call_thread(call)->task, object, RIGHTS_ALL, handle);
}

enum error kernel_factory_create_factory(struct kernel_call *call, struct factory *self, uint64_t bytes,
                                         uint32_t *factory)
{
    struct hot_slots slots = factory_default_slots(self, bytes);
    enum error error;
    struct factory *child = factory_create(self, bytes, &slots, &error);
    return child ? publish(call, &child->object, factory) : error;
}

enum error kernel_factory_create_factory_with_slots(struct kernel_call *call, struct factory *self, uint64_t bytes,
                                                    uint32_t threads, uint32_t endpoints, uint32_t *factory)
{
    struct hot_slots slots = {threads, endpoints};
    enum error error;
    struct factory *child = factory_create(self, bytes, &slots, &error);
    return child ? publish(call, &child->object, factory) : error;
}

enum error kernel_factory_slots(struct kernel_call *call, struct factory *self, uint32_t *threads,
                                uint32_t *threads_used, uint32_t *endpoints, uint32_t *endpoints_used)
{
    (void)call;
    *threads = self->slots.threads;
    *threads_used = self->slots_used.threads;
    *endpoints = self->slots.endpoints;
    *endpoints_used = self->slots_used.endpoints;
    return ERROR_NONE;
}

/* Nobody gets more by creating than it may give: that of new threads, and the limit of new tasks. */
static uint32_t initial_priority(struct kernel_call *call)
{
    uint32_t limit = kernel_call_thread(call)->task->priority_limit;
    return limit < DEFAULT_PRIORITY ? limit : DEFAULT_PRIORITY;
}

enum error kernel_factory_create_task(struct kernel_call *call, struct factory *self, uint32_t *task)
{
    enum error error = capability_reserve(kernel_call_thread(call)->task); /* a task takes long to destroy again */
    if (error != ERROR_NONE)
        return error;
    struct task *created = task_create(self, &error);
    if (!created)
        return error;
    created->priority_limit = initial_priority(call);
    return publish(call, &created->object, task);
}

enum error kernel_factory_create_thread(struct kernel_call *call, struct factory *self, struct task *task,
                                        uint32_t *thread, uint32_t *number)
{
    enum error error;
    if (task->ended)
        return ERROR_DEAD;
    struct thread *created = thread_create(self, task, &error);
    if (!created)
        return error;
    created->context.priority = initial_priority(call);
    *number = created->number;
    return publish(call, &created->object, thread);
}

enum error kernel_factory_create_endpoint(struct kernel_call *call, struct factory *self, uint32_t *endpoint)
{
    enum error error;
    struct endpoint *created = endpoint_create(self, &error);
    return created ? publish(call, &created->object, endpoint) : error;
}

static enum error create_memory(struct kernel_call *call, struct factory *self, struct memory_plan plan,
                                uint32_t *memory)
{
    enum error error;
    struct memory *made = memory_begin(kernel_call_thread(call), self, &plan, &error);
    return made ? make_operation(call, made, RIGHTS_ALL, memory) : error;
}

enum error kernel_factory_create_memory(struct kernel_call *call, struct factory *self, uint32_t pages,
                                        uint32_t *memory)
{
    return create_memory(call, self, (struct memory_plan){.pages = pages}, memory);
}

enum error kernel_factory_create_large_memory(struct kernel_call *call, struct factory *self, uint32_t pages,
                                              uint32_t *memory)
{
    return create_memory(call, self, (struct memory_plan){.pages = pages, .kind = MEMORY_LARGE}, memory);
}

enum error kernel_factory_create_notification(struct kernel_call *call, struct factory *self, uint32_t *notification)
{
    struct notification *created = notification_create(self);
    return created ? publish(call, &created->object, notification) : ERROR_NO_MEMORY;
}

enum error kernel_factory_create_reply(struct kernel_call *call, struct factory *self, uint32_t *reply)
{
    struct reply *created = reply_create(self);
    return created ? publish(call, &created->object, reply) : ERROR_NO_MEMORY;
}

enum error kernel_factory_quota(struct kernel_call *call, struct factory *self, uint64_t *limit, uint64_t *used)
{
    (void)call;
    *limit = self->limit;
    *used = self->used;
    return ERROR_NONE;
}

enum error kernel_factory_reclaim(struct kernel_call *call, struct factory *self)
{
    if (!self->parent)
        return ERROR_BAD_ARGUMENT;
    factory_reclaim(self);
    return object_destroy_some() ? ERROR_NONE : kernel_call_restart(call);
}

void factory_dispatch(struct kernel_call *call, const struct capability *capability)
{
    if (!kernel_call_ready(call))
        return;
    kernel_factory_dispatch(call, (struct factory *)capability->object, capability->rights);
}
