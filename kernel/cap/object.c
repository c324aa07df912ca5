/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens to an object when its last capability is gone. */
#include "cap/object.h"

#include "cap/capability.h"
#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/endpoint.h"
#include "ipc/notification.h"
#include "ipc/reply.h"
#include "irq/line.h"
#include "irq/ports.h"
#include "mem/memory.h"
#include "mem/revoke.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"

#define CAPABILITIES_AT_ONCE 8

/* Objects to be destroyed, the last one first: what an object holds the last capability of goes before it. */
static struct object *condemned;
static bool destroying; /* what dies meanwhile is condemned, and left to later pieces */
static struct object dead_object = {.type = OBJECT_DEAD};

/* One piece of the work on an object that no capability names. */
static void destroy_piece(struct object *object)
{
    switch (object->type) {
    case OBJECT_FACTORY:
        return factory_destroy_piece((struct factory *)object);
    case OBJECT_TASK:
        return task_destroy_piece((struct task *)object);
    case OBJECT_THREAD:
        return (void)thread_destroy_piece((struct thread *)object);
    case OBJECT_ENDPOINT:
        return endpoint_destroy_piece((struct endpoint *)object);
    case OBJECT_MEMORY:
        return memory_destroy_piece((struct memory *)object);
    case OBJECT_INTERRUPT:
        return interrupt_destroy((struct interrupt *)object);
    case OBJECT_PORTS:
        return ports_destroy_piece((struct ports *)object);
    case OBJECT_NOTIFICATION:
        return notification_destroy((struct notification *)object);
    case OBJECT_REPLY:
        return reply_destroy((struct reply *)object);
    default:
        panic("an object of type %u cannot be destroyed", object->type);
    }
}

/* What exists from boot is there for ever, but for the first factory: the dead object, to which a dying task's threads
 * may give capabilities again, and what root was given. */
static bool is_permanent(const struct object *object)
{
    return !object->payer && object->type != OBJECT_FACTORY;
}

static struct object **list_of(const struct object *object)
{
    if (object->condemned)
        return &condemned;
    return object->payer ? &object->payer->objects : 0;
}

void object_unlist(struct object *object)
{
    struct object **list = list_of(object);
    if (object->next)
        object->next->previous = object->previous;
    if (object->previous)
        object->previous->next = object->next;
    else if (list && *list == object)
        *list = object->next;
    object->next = object->previous = 0;
}

void object_condemn(struct object *object)
{
    if (object->condemned || is_permanent(object))
        return;
    object_unlist(object);
    object->condemned = true;
    object->next = condemned;
    if (condemned)
        condemned->previous = object;
    condemned = object;
}

bool object_work_left(void)
{
    return condemned || factory_work_left() || task_any_ended() || endpoint_any_orphan() || mapping_any_abandoned();
}

bool object_destroy_piece(void)
{
    struct object *object = condemned;
    destroying = true;
    if (object && object_kill_capabilities(object, CAPABILITIES_AT_ONCE))
        destroy_piece(object);
    bool any = object || factory_work_piece() || task_empty_piece() || endpoint_orphan_piece() ||
               mapping_abandoned_piece() || revoke_cancelled_piece();
    destroying = false;
    return any;
}

bool object_destroy_some(void)
{
    while (object_destroy_piece())
        if (preemption_due())
            return false;
    return true;
}

void object_destroy(struct object *object)
{
    const struct object *others = condemned;
    assert(!object->capabilities.first);
    if (is_permanent(object) || object->condemned)
        return;
    if (object->type == OBJECT_FACTORY) /* what it paid for stays, and so does its record */
        return factory_destroy((struct factory *)object);
    if (object->type == OBJECT_THREAD && !destroying && thread_destroy_piece((struct thread *)object))
        return;
    object_condemn(object);
    if (destroying || object->type == OBJECT_THREAD)
        return;
    while (condemned && condemned != others)
        object_destroy_piece();
}

bool object_kill_capabilities(struct object *object, uint32_t most)
{
    for (uint32_t i = 0; i < most && object->capabilities.first; i++)
        capability_redirect(object_capability(object), &dead_object);
    return !object->capabilities.first;
}

/* Nearly all threads are one piece of work; and the one that entered the kernel could not delete the capability
 * later. */
static bool is_destroyed_at_once(const struct thread *thread)
{
    return !thread->parked.first || thread_is_current(thread);
}

void object_condemn_last(struct capability *capability)
{
    struct object *object = capability->object;
    if (object->type == OBJECT_THREAD) /* what it makes may be large */
        memory_give_up((struct thread *)object);
    if (is_permanent(object) || (object->type == OBJECT_THREAD && is_destroyed_at_once((struct thread *)object)))
        return;
    capability_redirect(capability, &dead_object);
    if (object->type == OBJECT_FACTORY)
        factory_destroy((struct factory *)object);
    else
        object_condemn(object);
}
