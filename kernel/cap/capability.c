/* SPDX-License-Identifier: BSD-2-Clause */
/* Capability tables. See capability.h. */
#include "cap/capability.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/endpoint.h"
#include "mem/frame.h"
#include "thread/task.h"

#define DELETED_AT_ONCE 4

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
    assert(!table->free);
    struct capability ***half = &table->directory[table->limit >> 15];
    if (!*half) {
        uint64_t frame = factory_allocate_frame(payer_of(task));
        if (frame == 0)
            return ERROR_NO_MEMORY;
        *half = physical_to_virtual(frame);
    }
    uint64_t frame = factory_allocate_raw_frame(payer_of(task)); /* what a free entry has not, attach() sets */
    if (frame == 0)
        return ERROR_NO_MEMORY;
    struct capability *page = physical_to_virtual(frame);
    (*half)[(table->limit >> 6) & 511] = page;
    for (uint32_t i = 0; i < CAPABILITIES_PER_PAGE; i++) {
        page[i].handle = table->limit + i;
        page[i].task = task;
        page[i].object = 0;
        page[i].next_free = &page[i + 1];
    }
    page[CAPABILITIES_PER_PAGE - 1].next_free = 0;
    table->free = table->limit ? page : page + 1;
    table->limit += CAPABILITIES_PER_PAGE;
    return ERROR_NONE;
}

static uint64_t slot_address(uint32_t handle)
{
    return CAPABILITY_SLOTS + (uint64_t)handle * CAPABILITY_SLOT_SIZE;
}

/* The hot slot of a handle, or 0 if its page cannot be had. */
static struct hot_slot *hot_slot(struct task *task, uint32_t handle)
{
    uint64_t address = slot_address(handle);
    char *page = space_private_page(&task->space, payer_of(task), address & ~(uint64_t)(PAGE_SIZE - 1));
    return page ? (struct hot_slot *)(page + (address & (PAGE_SIZE - 1))) : 0;
}

static bool is_hot(const struct task *task, const struct object *object, uint32_t rights)
{
    return object->type == OBJECT_ENDPOINT && (rights & RIGHT_WRITE) && !task->guarded;
}

static void count_receive_right(const struct capability *capability)
{
    if (capability->object->type == OBJECT_ENDPOINT && (capability->rights & RIGHT_READ))
        endpoint_receive_right_added((struct endpoint *)capability->object);
}

static __attribute__((always_inline)) inline void attach(struct capability *capability, struct object *object,
                                                         uint32_t rights, uint64_t badge, struct derivation *list)
{
    assert(!capability->object);
    capability->object = object;
    capability->rights = rights;
    capability->badge = badge;
    capability->node = (struct derivation_node){{0, 0}, 0, 0};
    if (list)
        derivation_insert(list, &capability->node);
    count_receive_right(capability);
}

void capability_attach(struct capability *capability, struct object *object, uint32_t rights, uint64_t badge)
{
    attach(capability, object, rights, badge, &object->capabilities);
}

void capability_attach_derived(struct capability *capability, struct capability *source, uint32_t rights)
{
    attach(capability, source->object, source->rights & rights, source->badge, &source->node.children);
}

enum error capability_reserve(struct task *task)
{
    if (task->ended)
        return ERROR_DEAD;
    return task->table.free ? ERROR_NONE : table_grow(task);
}

/* Fills in a free entry of `task`. Where `list` is 0, the caller finds it a place in the forest. */
static struct capability *install(struct task *task, struct object *object, uint32_t rights, uint64_t badge,
                                  struct derivation *list, enum error *error)
{
    struct capability_table *table = &task->table;
    if (object->condemned || task->ended) {
        *error = ERROR_DEAD;
        return 0;
    }
    if (!table->free && (*error = table_grow(task)) != ERROR_NONE)
        return 0;
    struct capability *capability = table->free;
    struct hot_slot *slot = 0;
    if (is_hot(task, object, rights) && !(slot = hot_slot(task, capability->handle))) {
        *error = ERROR_NO_MEMORY;
        return 0;
    }
    table->free = capability->next_free;
    attach(capability, object, rights, badge, list);
    capabilities++;
    table->used++;
    if (slot) {
        slot->badge = badge;
        slot->endpoint = ((struct endpoint *)object)->offset;
    }
    return capability;
}

struct capability *capability_create(struct task *task, struct object *object, uint32_t rights, uint64_t badge,
                                     enum error *error)
{
    return install(task, object, rights, badge, &object->capabilities, error);
}

struct capability *capability_derive(struct task *task, struct capability *source, uint32_t rights, uint64_t badge,
                                     enum error *error)
{
    return install(task, source->object, source->rights & rights, badge, &source->node.children, error);
}

enum error capability_publish(struct task *task, struct object *object, uint32_t rights, uint32_t *handle)
{
    enum error error = ERROR_NONE;
    struct capability *capability = capability_create(task, object, rights, 0, &error);
    if (capability)
        *handle = capability->handle;
    else if (!object->capabilities.first)
        object_destroy(object);
    return error;
}

/* The capability, which is in no forest, names nothing any more. */
static void forget_object(struct capability *capability)
{
    struct object *object = capability->object;
    capability->object = 0;
    if (object->type == OBJECT_ENDPOINT && (capability->rights & RIGHT_READ))
        endpoint_receive_right_removed((struct endpoint *)object, capability);
}

static void clear_hot_slot(struct capability *capability)
{
    if (!capability->task || !is_hot(capability->task, capability->object, capability->rights))
        return;
    struct hot_slot *slot = hot_slot(capability->task, capability->handle);
    slot->endpoint = 0;
    slot->badge = 0;
}

void capability_redirect(struct capability *capability, struct object *object)
{
    clear_hot_slot(capability);
    derivation_remove(&capability->node);
    forget_object(capability);
    capability_attach(capability, object, capability->rights, capability->badge);
}

/* An entry that was emptied goes back to its table. */
static void release(struct capability *capability)
{
    struct task *task = capability->task;
    if (!task)
        return;
    capabilities--;
    task->table.used--;
    capability->next_free = task->table.free;
    task->table.free = capability;
}

void capability_unlink(struct capability *capability)
{
    clear_hot_slot(capability);
    derivation_remove(&capability->node);
    forget_object(capability);
    release(capability);
}

struct capability *capability_move(struct task *task, struct capability *source, uint32_t rights, enum error *error)
{
    struct capability *moved = install(task, source->object, source->rights & rights, source->badge, 0, error);
    if (!moved)
        return 0;
    clear_hot_slot(source);
    derivation_replace(&source->node, &moved->node);
    forget_object(source);
    release(source);
    return moved;
}

static struct capability *capability_of(struct derivation_node *node)
{
    return (struct capability *)((char *)node - __builtin_offsetof(struct capability, node));
}

struct capability *object_capability(const struct object *object)
{
    return object->capabilities.first ? capability_of(object->capabilities.first) : 0;
}

/* The first child goes until there is none: its children take its place, so each step deletes one of all the
 * derived. */
bool capability_revoke(struct capability *capability, uint32_t most)
{
    for (uint32_t i = 0; i < most && capability->node.children.first; i++)
        capability_unlink(capability_of(capability->node.children.first));
    return !capability->node.children.first;
}

void capability_delete(struct capability *capability)
{
    struct object *object = capability->object;
    capability_unlink(capability);
    if (!object->capabilities.first)
        object_destroy(object);
}

bool capability_is_only(const struct capability *capability)
{
    const struct derivation *list = &capability->object->capabilities;
    return list->first == &capability->node && list->last == list->first && !capability->node.children.first;
}

/* Deletes some of the capabilities of the table's last page. Are they all gone? */
static bool empty_last_page(const struct capability_table *table, struct capability *page)
{
    int deleted = 0;
    for (int i = 0; i < CAPABILITIES_PER_PAGE && table->used > 0; i++) {
        if (!page[i].object)
            continue;
        if (deleted++ == DELETED_AT_ONCE)
            return false;
        capability_delete(&page[i]);
    }
    return true;
}

/* Frees the directory's halves, which name no page any more. One may be there before its first page, which could not
 * be had. */
static void free_directory(struct task *task)
{
    for (int half = 0; half < 2; half++) {
        if (task->table.directory[half])
            factory_free_zeroed_frame(payer_of(task), virtual_to_physical(task->table.directory[half]));
        task->table.directory[half] = 0;
    }
}

bool capability_table_destroy_piece(struct task *task)
{
    struct capability_table *table = &task->table;
    if (table->limit == 0) {
        free_directory(task);
        return true;
    }
    uint32_t last = table->limit / CAPABILITIES_PER_PAGE - 1;
    struct capability *page = table->directory[last >> 9][last & 511];
    if (!empty_last_page(table, page))
        return false;
    table->free = 0;
    table->limit -= CAPABILITIES_PER_PAGE;
    table->directory[last >> 9][last & 511] = 0;
    factory_free_frame(payer_of(task), virtual_to_physical(page));
    return false;
}

uint32_t capability_count(void)
{
    return capabilities;
}
