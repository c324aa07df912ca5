/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens to an object when its last capability is gone. */
#include "cap/object.h"

#include <stdbool.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/endpoint.h"
#include "ipc/notification.h"
#include "ipc/reply.h"
#include "irq/line.h"
#include "irq/ports.h"
#include "mem/memory.h"
#include "thread/task.h"
#include "thread/thread.h"

/* Objects to be destroyed, linked through `next`: none of them may get a capability, or be destroyed in another way, while
 * it is here. */
static struct object *condemned;
static bool destroying;
static struct object dead_object = {.type = OBJECT_DEAD};

static void destroy_now(struct object *object)
{
    switch (object->type) {
    case OBJECT_FACTORY:
        factory_destroy((struct factory *)object);
        break;
    case OBJECT_TASK:
        task_destroy((struct task *)object);
        break;
    case OBJECT_ENDPOINT:
        endpoint_destroy((struct endpoint *)object);
        break;
    case OBJECT_MEMORY:
        memory_destroy((struct memory *)object);
        break;
    case OBJECT_INTERRUPT:
        interrupt_destroy((struct interrupt *)object);
        break;
    case OBJECT_PORTS:
        ports_destroy((struct ports *)object);
        break;
    case OBJECT_NOTIFICATION:
        notification_destroy((struct notification *)object);
        break;
    case OBJECT_REPLY:
        reply_destroy((struct reply *)object);
        break;
    default:
        break;
    }
}

/* What exists from boot is there for ever, but for the first factory: the dead object, to which a dying task's threads
 * may give capabilities again, and what root was given. */
static bool is_permanent(const struct object *object)
{
    return !object->payer && object->type != OBJECT_FACTORY;
}

static struct object *take_condemned(void)
{
    struct object *object = condemned;
    condemned = object->next;
    object->next = 0;
    return object;
}

void object_destroy(struct object *object)
{
    assert(!object->capabilities.first);
    if (is_permanent(object))
        return;
    if (object->type ==
        OBJECT_THREAD) /* its task may be condemned too, and takes its threads with it; nobody follows */
        return thread_destroy((struct thread *)object);
    factory_forget(object);
    object->next = condemned;
    condemned = object;
    if (destroying)
        return;
    destroying = true;
    while (condemned)
        destroy_now(take_condemned());
    destroying = false;
}

void object_kill_capabilities(struct object *object)
{
    struct capability *capability;
    while ((capability = object_capability(object)))
        capability_redirect(capability, &dead_object);
}
