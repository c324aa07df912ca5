/* SPDX-License-Identifier: BSD-2-Clause */
/* Capability tables. See capability.h. */
#include "cap/capability.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/endpoint.h"
#include "mem/frame.h"
#include "thread/task.h"

static uint32_t capabilities;

static struct factory *payer_of(const struct task *task)
{
    return task->object.payer;
}

/* Gives the table 64 more entries. Entry 0 stays out of the free list: handle 0 never names anything. */
static enum error table_grow(struct task *task)
{
    struct capability_table *table = &task->table;
    if (table->limit == MAX_CAPABILITIES)
        return ERROR_NO_SLOT;
    struct capability ***half = &table->directory[table->limit >> 15];
    if (!*half) {
        uint64_t frame = factory_allocate_frame(payer_of(task));
        if (frame == 0)
            return ERROR_NO_MEMORY;
        *half = physical_to_virtual(frame);
    }
    uint64_t frame = factory_allocate_frame(payer_of(task));
    if (frame == 0)
        return ERROR_NO_MEMORY;
    struct capability *page = physical_to_virtual(frame);
    (*half)[(table->limit >> 6) & 511] = page;
    for (int i = CAPABILITIES_PER_PAGE - 1; i >= 0; i--) {
        page[i].handle = table->limit + (uint32_t)i;
        page[i].task = task;
        if (page[i].handle == 0)
            continue;
        page[i].next = table->free;
        table->free = &page[i];
    }
    table->limit += CAPABILITIES_PER_PAGE;
    return ERROR_NONE;
}

/* The hot slot of a handle, or 0 if its page cannot be had. */
static struct hot_slot *hot_slot(struct task *task, uint32_t handle)
{
    uint64_t address = CAPABILITY_SLOTS + (uint64_t)handle * CAPABILITY_SLOT_SIZE;
    char *page = space_private_page(&task->space, payer_of(task), address & ~(uint64_t)(PAGE_SIZE - 1));
    return page ? (struct hot_slot *)(page + (address & (PAGE_SIZE - 1))) : 0;
}

static bool is_hot(const struct object *object, uint32_t rights)
{
    return object->type == OBJECT_ENDPOINT && (rights & RIGHT_WRITE);
}

void capability_attach(struct capability *capability, struct object *object, uint32_t rights, uint64_t badge)
{
    assert(!capability->object);
    capability->object = object;
    capability->rights = rights;
    capability->badge = badge;
    capability->previous = 0;
    capability->next = object->capabilities;
    if (capability->next)
        capability->next->previous = capability;
    object->capabilities = capability;
    if (object->type == OBJECT_ENDPOINT && (rights & RIGHT_READ))
        endpoint_receive_right_added((struct endpoint *)object);
}

struct capability *capability_create(struct task *task, struct object *object, uint32_t rights, uint64_t badge,
                                     enum error *error)
{
    struct capability_table *table = &task->table;
    if (!table->free && (*error = table_grow(task)) != ERROR_NONE)
        return 0;
    struct capability *capability = table->free;
    struct hot_slot *slot = 0;
    if (is_hot(object, rights) && !(slot = hot_slot(task, capability->handle))) {
        *error = ERROR_NO_MEMORY;
        return 0;
    }
    table->free = capability->next;
    capability_attach(capability, object, rights, badge);
    capabilities++;
    if (slot) {
        slot->badge = badge;
        slot->endpoint = ((struct endpoint *)object)->offset;
    }
    return capability;
}

enum error capability_publish(struct task *task, struct object *object, uint32_t rights, uint32_t *handle)
{
    enum error error = ERROR_NONE;
    struct capability *capability = capability_create(task, object, rights, 0, &error);
    if (capability)
        *handle = capability->handle;
    else if (!object->capabilities)
        object_destroy(object);
    return error;
}

/* Takes the capability off its object's list, and tells an endpoint that a right to receive went. */
static void detach(struct capability *capability)
{
    struct object *object = capability->object;
    if (capability->next)
        capability->next->previous = capability->previous;
    if (capability->previous)
        capability->previous->next = capability->next;
    else
        object->capabilities = capability->next;
    capability->object = 0;
    if (object->type == OBJECT_ENDPOINT && (capability->rights & RIGHT_READ))
        endpoint_receive_right_removed((struct endpoint *)object, capability);
}

static void clear_hot_slot(struct capability *capability)
{
    if (!capability->task || !is_hot(capability->object, capability->rights))
        return;
    struct hot_slot *slot = hot_slot(capability->task, capability->handle);
    slot->endpoint = 0;
    slot->badge = 0;
}

void capability_redirect(struct capability *capability, struct object *object)
{
    clear_hot_slot(capability);
    detach(capability);
    capability_attach(capability, object, capability->rights, capability->badge);
}

void capability_unlink(struct capability *capability)
{
    struct task *task = capability->task;
    clear_hot_slot(capability);
    detach(capability);
    if (!task)
        return;
    capabilities--;
    capability->next = task->table.free;
    task->table.free = capability;
}

void capability_delete(struct capability *capability)
{
    struct object *object = capability->object;
    capability_unlink(capability);
    if (!object->capabilities)
        object_destroy(object);
}

void capability_table_destroy(struct task *task)
{
    struct capability_table *table = &task->table;
    for (uint32_t handle = 0; handle < table->limit; handle++) {
        struct capability *capability = capability_find(table, handle);
        if (capability)
            capability_delete(capability);
    }
    for (uint32_t page = 0; page < table->limit / CAPABILITIES_PER_PAGE; page++)
        factory_free_frame(payer_of(task), virtual_to_physical(table->directory[page >> 9][page & 511]));
    for (int half = 0; half < 2; half++)
        if (table->directory[half])
            factory_free_frame(payer_of(task), virtual_to_physical(table->directory[half]));
}

uint32_t capability_count(void)
{
    return capabilities;
}
