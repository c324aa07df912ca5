/* SPDX-License-Identifier: BSD-2-Clause */
/* Quotas. See factory.h. */
#include "cap/factory.h"

#include "debug/panic.h"
#include "mem/frame.h"
#include "mem/slab.h"

struct factory *factory_create_first(uint64_t limit)
{
    struct factory *factory = slab_allocate(sizeof(struct factory));
    assert(factory);
    factory->object.type = OBJECT_FACTORY;
    factory->limit = limit;
    factory->references = 1;
    return factory;
}

struct factory *factory_create(struct factory *parent, uint64_t limit)
{
    if (!factory_charge(parent, limit))
        return 0;
    struct factory *factory = object_allocate(parent, OBJECT_FACTORY, sizeof(struct factory));
    if (!factory) {
        factory_refund(parent, limit);
        return 0;
    }
    factory->limit = limit;
    factory->references = 1;
    factory->parent = parent;
    return factory;
}

bool factory_charge(struct factory *factory, uint64_t bytes)
{
    if (bytes > factory->limit - factory->used)
        return false;
    factory->used += bytes;
    factory->references++;
    return true;
}

/* Drops a reference; the last one returns what the factory had to its parent. A loop, since a program may nest factories
 * to any depth; object_free() does not lead back here for good: the parent still has the reference of the limit. */
static void factory_release(struct factory *factory)
{
    assert(factory->references > 0);
    while (--factory->references == 0) {
        struct factory *parent = factory->parent;
        uint64_t limit = factory->limit;
        assert(factory->used == 0);
        object_free(&factory->object);
        if (!parent)
            return;
        assert(parent->used >= limit && parent->references > 0);
        parent->used -= limit;
        factory = parent;
    }
}

void factory_refund(struct factory *factory, uint64_t bytes)
{
    assert(factory->used >= bytes);
    factory->used -= bytes;
    factory_release(factory);
}

void factory_destroy(struct factory *factory)
{
    factory_release(factory);
}

void *object_allocate(struct factory *factory, enum object_type type, size_t size)
{
    if (!factory_charge(factory, size))
        return 0;
    struct object *object = slab_allocate(size);
    if (!object) {
        factory_refund(factory, size);
        return 0;
    }
    object->type = type;
    object->charge = (uint32_t)size;
    object->payer = factory;
    object->next = factory->objects;
    if (object->next)
        object->next->previous = object;
    factory->objects = object;
    return object;
}

void factory_forget(struct object *object)
{
    struct factory *payer = object->payer;
    if (object->next)
        object->next->previous = object->previous;
    if (object->previous)
        object->previous->next = object->next;
    else if (payer && payer->objects == object)
        payer->objects = object->next;
    object->next = object->previous = 0;
}

void object_free(struct object *object)
{
    struct factory *payer = object->payer;
    uint64_t charge = object->charge;
    assert(!object->capabilities.first);
    factory_forget(object);
    slab_free(object);
    if (payer)
        factory_refund(payer, charge);
}

uint64_t factory_allocate_frame(struct factory *factory)
{
    if (!factory_charge(factory, PAGE_SIZE))
        return 0;
    uint64_t frame = frame_allocate();
    if (frame == 0)
        factory_refund(factory, PAGE_SIZE);
    return frame;
}

void factory_free_frame(struct factory *factory, uint64_t frame)
{
    frame_free(frame);
    factory_refund(factory, PAGE_SIZE);
}
