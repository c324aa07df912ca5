/* SPDX-License-Identifier: BSD-2-Clause */
/* Quotas. See factory.h. */
#include "cap/factory.h"

#include "debug/panic.h"
#include "mem/frame.h"
#include "mem/slab.h"

#define BYTES_PER_SLOT 16384 /* a thread with its UTCB and stack takes about as much */

#define RELEASED_AT_ONCE 4

static struct factory *reclaimed; /* all that they paid for is being destroyed; the last one first */
static struct factory *unused;    /* nothing refers to them any more, and their records are still there */

struct factory *factory_create_first(uint64_t limit)
{
    uint64_t frame = frame_allocate(); /* nobody could pay for a slab */
    assert(frame);
    struct factory *factory = physical_to_virtual(frame);
    factory->object.type = OBJECT_FACTORY;
    factory->limit = limit;
    factory->references = 1;
    factory->named = true;
    return factory;
}

static bool has_slots(const struct factory *factory, const struct hot_slots *slots)
{
    return slots->threads <= factory->slots.threads - factory->slots_used.threads &&
           slots->endpoints <= factory->slots.endpoints - factory->slots_used.endpoints;
}

static void take_slots(struct factory *factory, const struct hot_slots *slots)
{
    factory->slots_used.threads += slots->threads;
    factory->slots_used.endpoints += slots->endpoints;
}

static void return_slots(struct factory *factory, const struct hot_slots *slots)
{
    assert(factory->slots_used.threads >= slots->threads && factory->slots_used.endpoints >= slots->endpoints);
    factory->slots_used.threads -= slots->threads;
    factory->slots_used.endpoints -= slots->endpoints;
}

static uint32_t lesser(uint64_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

struct hot_slots factory_default_slots(const struct factory *parent, uint64_t limit)
{
    uint64_t wanted = limit / BYTES_PER_SLOT + (limit % BYTES_PER_SLOT != 0);
    return (struct hot_slots){
        .threads = lesser(wanted, parent->slots.threads - parent->slots_used.threads),
        .endpoints = lesser(wanted, parent->slots.endpoints - parent->slots_used.endpoints),
    };
}

struct factory *factory_create(struct factory *parent, uint64_t limit, const struct hot_slots *slots, enum error *error)
{
    *error = ERROR_NO_SLOT;
    if (!has_slots(parent, slots))
        return 0;
    *error = ERROR_NO_MEMORY;
    if (!factory_charge(parent, limit))
        return 0;
    struct factory *factory = object_allocate(parent, OBJECT_FACTORY, sizeof(struct factory));
    if (!factory) {
        factory_refund(parent, limit);
        return 0;
    }
    *error = ERROR_NONE;
    take_slots(parent, slots);
    factory->slots = *slots;
    factory->limit = limit;
    factory->references = 1;
    factory->named = true;
    factory->parent = parent;
    return factory;
}

bool factory_charge(struct factory *factory, uint64_t bytes)
{
    if (factory->closed || bytes > factory->limit - factory->used)
        return false;
    factory->used += bytes;
    factory->references++;
    return true;
}

/* Drops a reference. Answers the factory if it was the last one, else 0. */
static struct factory *drop_reference(struct factory *factory)
{
    assert(factory->references > 0);
    return --factory->references == 0 ? factory : 0;
}

/* Returns what a factory had, to which nothing refers any more, to its parent. Answers the parent if nothing refers to
 * that now. object_free() does not lead back here for good: the parent still has the reference of the limit. */
static struct factory *free_unused(struct factory *factory)
{
    struct factory *parent = factory->parent;
    uint64_t limit = factory->limit;
    struct hot_slots slots = factory->slots;
    assert(factory->used == 0 && factory->slots_used.threads == 0 && factory->slots_used.endpoints == 0);
    if (!parent)
        return frame_free(virtual_to_physical(factory)), (struct factory *)0;
    object_free(&factory->object);
    assert(parent->used >= limit && parent->references > 0);
    parent->used -= limit;
    return_slots(parent, &slots);
    return drop_reference(parent);
}

/* Frees `factory`, if it is not 0, its parent if that was unused otherwise, and so on. A program may nest factories to
 * any depth: after a few of them the rest is left for later. */
static void free_some_unused(struct factory *factory)
{
    for (int i = 0; i < RELEASED_AT_ONCE && factory; i++)
        factory = free_unused(factory);
    if (!factory)
        return;
    factory->reclaimed_next = unused;
    unused = factory;
}

static void factory_release(struct factory *factory)
{
    free_some_unused(drop_reference(factory));
}

void factory_refund(struct factory *factory, uint64_t bytes)
{
    assert(factory->used >= bytes);
    factory->used -= bytes;
    factory_release(factory);
}

void factory_destroy(struct factory *factory)
{
    factory->named = false;
    factory_release(factory);
}

void factory_destroy_piece(struct factory *factory)
{
    factory->closed = true;
    if (factory->objects)
        return object_condemn(factory->objects);
    object_unlist(&factory->object);
    factory->object.condemned = false;
    if (factory->named)
        factory_destroy(factory);
}

void factory_reclaim(struct factory *factory)
{
    if (factory->closed)
        return;
    factory->closed = true;
    factory->references++;
    factory->reclaimed_next = reclaimed;
    reclaimed = factory;
}

bool factory_work_left(void)
{
    return reclaimed || unused;
}

static bool free_unused_piece(void)
{
    struct factory *factory = unused;
    if (!factory)
        return false;
    unused = factory->reclaimed_next;
    free_some_unused(factory);
    return true;
}

bool factory_work_piece(void)
{
    struct factory *factory = reclaimed;
    if (!factory)
        return free_unused_piece();
    if (factory->objects) {
        object_condemn(factory->objects);
        return true;
    }
    reclaimed = factory->reclaimed_next;
    factory->closed = factory->object.condemned;
    factory_release(factory);
    return true;
}

bool factory_charge_slot(struct factory *factory, const struct hot_slots *slot, uint64_t bytes, enum error *error)
{
    *error = has_slots(factory, slot) ? ERROR_NO_MEMORY : ERROR_NO_SLOT;
    if (*error == ERROR_NO_SLOT || !factory_charge(factory, bytes))
        return false;
    take_slots(factory, slot);
    *error = ERROR_NONE;
    return true;
}

void factory_refund_slot(struct factory *factory, const struct hot_slots *slot, uint64_t bytes)
{
    return_slots(factory, slot);
    factory_refund(factory, bytes);
}

void *object_allocate(struct factory *factory, enum object_type type, size_t size)
{
    struct object *object = slab_allocate(factory, size);
    if (!object)
        return 0;
    object->type = type;
    object->payer = factory;
    object->next = factory->objects;
    if (object->next)
        object->next->previous = object;
    factory->objects = object;
    return object;
}

void object_free(struct object *object)
{
    assert(!object->capabilities.first);
    object_unlist(object);
    slab_free(object);
}

uint64_t factory_allocate_raw_frame(struct factory *factory)
{
    if (!factory_charge(factory, PAGE_SIZE))
        return 0;
    uint64_t frame = frame_allocate_raw();
    if (frame == 0)
        factory_refund(factory, PAGE_SIZE);
    return frame;
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

uint64_t factory_allocate_page(struct factory *factory)
{
    uint64_t frame = factory_allocate_raw_frame(factory);
    if (frame != 0)
        __builtin_memset(physical_to_virtual(frame), 0, PAGE_SIZE);
    return frame;
}

void factory_free_frame(struct factory *factory, uint64_t frame)
{
    frame_free(frame);
    factory_refund(factory, PAGE_SIZE);
}

void factory_free_zeroed_frame(struct factory *factory, uint64_t frame)
{
    frame_free_zeroed(frame);
    factory_refund(factory, PAGE_SIZE);
}

uint64_t factory_allocate_large_frame(struct factory *factory)
{
    if (!factory_charge(factory, LARGE_PAGE_SIZE))
        return 0;
    uint64_t frame = frame_allocate_large();
    if (frame == 0)
        factory_refund(factory, LARGE_PAGE_SIZE);
    return frame;
}

void factory_free_large_frame(struct factory *factory, uint64_t frame)
{
    frame_free_large(frame);
    factory_refund(factory, LARGE_PAGE_SIZE);
}
