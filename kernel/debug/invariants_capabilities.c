/* SPDX-License-Identifier: BSD-2-Clause */
/* Invariants of capabilities and of what objects count of them. See invariants.h. */
#include "debug/invariants.h"

#include "cap/capability.h"
#include "cap/factory.h"
#include "ipc/endpoint.h"
#include "mem/frame.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"

#define PARENT 1UL /* derivation.h: bit 0 of a link that names the parent's list */

/* What the inspection of all tables counts. */
struct totals {
    uint32_t in_tables;  /* entries that name an object */
    uint32_t in_forests; /* of the capabilities in the forests of those objects, those that stand in tables */
};

static struct capability *capability_of(struct derivation_node *node)
{
    return (struct capability *)((char *)node - __builtin_offsetof(struct capability, node));
}

/* ---- Forests ----------------------------------------------------------------------------------------------------- */

/* A node, the list that it is a child in, and what it must name as its previous. */
struct position {
    struct derivation *list;
    struct derivation_node *node;
    uintptr_t previous;
};

static struct position first_position(struct derivation *list)
{
    return (struct position){list, list->first, (uintptr_t)list | PARENT};
}

static bool links_agree(struct position at)
{
    uintptr_t next = at.node->next;
    if (at.node->previous != at.previous)
        return false;
    return next & PARENT ? next == ((uintptr_t)at.list | PARENT) && at.list->last == at.node : next != 0;
}

/* The list in which `node` is a child. */
static struct derivation *list_of(const struct derivation_node *node)
{
    while (!(node->next & PARENT))
        node = (const struct derivation_node *)node->next;
    return (struct derivation *)(node->next - PARENT);
}

/* The position after one whose links agree: parents come before their children, and there is no recursion. */
static struct position next_position(struct derivation *root, struct position at)
{
    struct derivation_node *node = at.node;
    if (node->children.first)
        return first_position(&node->children);
    while (node->next & PARENT) {
        if (at.list == root)
            return (struct position){root, 0, 0};
        node = (struct derivation_node *)(void *)at.list; /* whose children the list holds */
        at.list = list_of(node);
    }
    return (struct position){at.list, (struct derivation_node *)node->next, (uintptr_t)node};
}

_Static_assert(__builtin_offsetof(struct derivation_node, children) == 0, "next_position() takes one for the other");

/* Looks at all capabilities that name `object`; answers how many of them stand in tables. */
static uint32_t check_forest(struct inspection *inspection, struct object *object)
{
    uint32_t in_tables = 0, receive_rights = 0;
    struct position at = first_position(&object->capabilities);
    while (at.node) {
        const struct capability *capability = capability_of(at.node);
        if (!invariant(inspection, links_agree(at), "neighbours in a derivation forest know each other") ||
            !invariant(inspection, capability->object == object, "what was derived names the same object"))
            return 0;
        in_tables += capability->task != 0;
        receive_rights += (capability->rights & RIGHT_READ) != 0;
        at = next_position(&object->capabilities, at);
    }
    if (object->type == OBJECT_ENDPOINT)
        invariant(inspection, receive_rights == ((struct endpoint *)object)->receive_rights,
                  "rights to receive are counted");
    return in_tables;
}

/* Is it the first in its object's forest of those that stand in tables? Then the object is looked at with it. */
static bool stands_for_object(const struct capability *capability)
{
    struct derivation *root = &capability->object->capabilities;
    struct position at = first_position(root);
    while (at.node && !capability_of(at.node)->task)
        at = next_position(root, at);
    return at.node == &capability->node;
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static struct hot_slot slot_of(const struct task *task, uint32_t handle)
{
    uint64_t offset = CAPABILITY_SLOTS - PRIVATE_BASE + (uint64_t)handle * CAPABILITY_SLOT_SIZE;
    uint64_t entry = task->space.private_table[offset / PAGE_SIZE];
    return *(struct hot_slot *)((char *)physical_to_virtual(entry & PTE_ADDRESS) + offset % PAGE_SIZE);
}

static void check_slot(struct inspection *inspection, const struct task *task, uint32_t handle)
{
    const struct capability *capability = capability_find(&task->table, handle);
    struct hot_slot slot = slot_of(task, handle), wanted = {0, 0};
    if (capability && capability->object->type == OBJECT_ENDPOINT && (capability->rights & RIGHT_WRITE) &&
        !task->guarded)
        wanted = (struct hot_slot){((const struct endpoint *)capability->object)->offset, capability->badge};
    invariant(inspection, slot.endpoint == wanted.endpoint && slot.badge == wanted.badge,
              "hot slots repeat capabilities");
}

static void check_entry(struct inspection *inspection, const struct task *task, uint32_t handle, struct totals *totals)
{
    const struct capability *capability = capability_find(&task->table, handle);
    if (!capability)
        return;
    totals->in_tables++;
    if (!invariant(inspection, capability->task == task && capability->handle == handle,
                   "a capability knows its table and its handle") ||
        !invariant(inspection, capability->node.next && capability->node.previous,
                   "a capability stands in its object's forest"))
        return;
    if (!stands_for_object(capability))
        return;
    totals->in_forests += check_forest(inspection, capability->object);
    if (capability->object->type == OBJECT_ENDPOINT)
        invariants_endpoint(inspection, (const struct endpoint *)capability->object);
}

/* Free entries are empty, and each empty entry but that of handle 0 is free. */
static void check_free_entries(struct inspection *inspection, const struct task *task)
{
    uint32_t empty = 0, free = 0;
    for (uint32_t handle = 1; handle < task->table.limit; handle++)
        empty += !capability_find(&task->table, handle);
    for (const struct capability *entry = task->table.free; entry && free <= empty; entry = entry->next_free)
        if (!invariant(inspection, !entry->object && entry->task == task, "free entries of a table are empty"))
            return;
        else
            free++;
    invariant(inspection, free == empty, "empty entries of a table are free");
}

static void check_quota(struct inspection *inspection, const struct task *task)
{
    for (const struct factory *factory = task->object.payer; factory; factory = factory->parent)
        invariant(inspection,
                  factory->used <= factory->limit && factory->slots_used.threads <= factory->slots.threads &&
                      factory->slots_used.endpoints <= factory->slots.endpoints,
                  "no quota is exceeded");
}

void invariants_capabilities(struct inspection *inspection)
{
    struct totals totals = {0, 0};
    uint32_t used = 0;
    for (const struct task *task = task_first(); task; task = task->next) {
        for (uint32_t handle = 0; handle < task->table.limit && !inspection->broken; handle++) {
            check_slot(inspection, task, handle);
            check_entry(inspection, task, handle, &totals);
        }
        if (!task->ended) /* the table of one that has ended shrinks, and nothing is entered in it */
            check_free_entries(inspection, task);
        check_quota(inspection, task);
        used += task->table.used;
    }
    if (inspection->broken)
        return;
    invariant(inspection, totals.in_tables == capability_count() && totals.in_tables == used,
              "capabilities are counted");
    invariant(inspection, totals.in_forests == totals.in_tables, "objects know the capabilities that tables hold");
}
