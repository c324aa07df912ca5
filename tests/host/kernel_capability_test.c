/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of capability tables: seeded random copies, mints, moves, deletions and revocations over several tasks
 * against a model, with allocations that fail in turn; tables, derivations and hot slots must equal the model after
 * every step. The kernel's own files run over a machine of the host (kernel_parts/). Prints TAP.
 */
#include <stdlib.h>
#include <string.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "host_tap.h"
#include "idl/task_kernel.h"
#include "ipc/endpoint.h"
#include "kernel_parts/host_derivation.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/memory.h"
#include "thread/task.h"

#define QUOTA (48UL << 20)
#define SEED 0xcab1e5UL
#define STEPS 30000
#define TASKS 3
#define OBJECTS 5
#define HANDLES 192 /* that the model follows */

/* What the model knows of an entry: object -1 where it is empty. */
struct entry {
    int object;
    uint32_t rights;
    uint64_t badge;
    struct entry *parent; /* what it was derived from, or NULL */
};

static struct entry model[TASKS][HANDLES];
static struct task *tasks[TASKS];
static struct object *objects[OBJECTS];
static struct capability task_holders[TASKS], object_holders[OBJECTS];
static struct factory *factory;
static uint64_t state = SEED;
static unsigned succeeded, refused;

static uint64_t random_below(uint64_t limit)
{
    return host_random(&state) % limit;
}

static void hold(struct capability *holder, struct object *object)
{
    *holder = (struct capability){0};
    capability_attach(holder, object, 0, 0);
}

/* ---- Comparison -------------------------------------------------------------------------------------------------- */

static const struct hot_slot *slot_of(const struct task *task, uint32_t handle)
{
    uint64_t offset = CAPABILITY_SLOTS - PRIVATE_BASE + (uint64_t)handle * CAPABILITY_SLOT_SIZE;
    uint64_t frame = task->space.private_table[offset / PAGE_SIZE] & PTE_ADDRESS;
    return (const struct hot_slot *)((const char *)physical_to_virtual(frame) + offset % PAGE_SIZE);
}

static bool entry_matches(int task, uint32_t handle)
{
    const struct entry *entry = &model[task][handle];
    const struct capability *capability = capability_find(&tasks[task]->table, handle);
    const struct hot_slot *slot = slot_of(tasks[task], handle);
    if ((capability != NULL) != (entry->object >= 0))
        return false;
    if (!capability)
        return slot->endpoint == 0 && slot->badge == 0;
    if (capability->object != objects[entry->object] || capability->rights != entry->rights ||
        capability->badge != entry->badge || capability->handle != handle)
        return false;
    if (capability->object->type != OBJECT_ENDPOINT || !(entry->rights & RIGHT_WRITE))
        return slot->endpoint == 0 && slot->badge == 0;
    return slot->endpoint == ((struct endpoint *)capability->object)->offset && slot->badge == entry->badge;
}

/* The forest of an object: as many as the model has, and the one that the test holds. */
static bool list_matches(int object)
{
    int counted = 1;
    for (struct capability *other = NULL; (other = host_next_capability(objects[object], other));)
        if (other->object != objects[object])
            return false;
    for (int task = 0; task < TASKS; task++)
        for (int handle = 0; handle < HANDLES; handle++)
            counted += model[task][handle].object == object;
    return host_count_nodes(&objects[object]->capabilities) == counted;
}

/* Is each capability that was derived from another among that one's children? */
static bool parents_match(void)
{
    int wrong = 0, derived = 0;
    for (int task = 0; task < TASKS; task++)
        for (uint32_t handle = 0; handle < HANDLES; handle++) {
            const struct capability *parent = capability_find(&tasks[task]->table, handle);
            struct derivation_node *child = parent ? parent->node.children.first : NULL;
            for (; child; child = host_parent(child->next) ? NULL : (struct derivation_node *)child->next) {
                const struct capability *other =
                    (struct capability *)((char *)child - offsetof(struct capability, node));
                int owner = tasks[1] == other->task ? 1 : tasks[2] == other->task ? 2 : 0;
                wrong += model[owner][other->handle].parent != &model[task][handle];
                derived++;
            }
        }
    for (int task = 0; task < TASKS; task++)
        for (int handle = 0; handle < HANDLES; handle++)
            derived -= model[task][handle].object >= 0 && model[task][handle].parent;
    return wrong == 0 && derived == 0;
}

static bool all_match(void)
{
    for (int task = 0; task < TASKS; task++)
        for (uint32_t handle = 0; handle < HANDLES; handle++)
            if (!entry_matches(task, handle))
                return false;
    for (int object = 0; object < OBJECTS; object++)
        if (!list_matches(object))
            return false;
    return parents_match();
}

/* ---- The model's derivations ------------------------------------------------------------------------------------- */

/* What was derived from `entry` is derived from `parent` now. */
static void model_adopt(const struct entry *entry, struct entry *parent)
{
    for (int task = 0; task < TASKS; task++)
        for (int handle = 0; handle < HANDLES; handle++)
            if (model[task][handle].object >= 0 && model[task][handle].parent == entry)
                model[task][handle].parent = parent;
}

static void model_delete(struct entry *entry)
{
    if (entry->object < 0)
        return;
    model_adopt(entry, entry->parent);
    entry->object = -1;
}

static void model_revoke(const struct entry *entry)
{
    for (int task = 0; task < TASKS; task++)
        for (int handle = 0; handle < HANDLES; handle++) {
            struct entry *other = &model[task][handle];
            if (other->object < 0 || other->parent != entry)
                continue;
            model_revoke(other);
            other->object = -1;
        }
}

/* ---- Operations: each on the kernel and on the model ------------------------------------------------------------- */

static bool note(enum error error, enum error expected, int to, uint32_t handle, struct entry entry)
{
    if (error == ERROR_NO_MEMORY && host_memory_failed()) {
        refused++;
        return true;
    }
    if (error != expected)
        return false;
    if (error != ERROR_NONE)
        return true;
    succeeded++;
    if (handle == 0 || handle >= HANDLES || model[to][handle].object >= 0)
        return false;
    model[to][handle] = entry;
    return true;
}

static bool copy(int from, uint32_t source, int to, uint32_t rights)
{
    struct entry entry = model[from][source];
    uint32_t handle = 0;
    enum error expected = entry.object < 0               ? ERROR_BAD_HANDLE
                          : !(entry.rights & RIGHT_COPY) ? ERROR_NO_RIGHT
                                                         : ERROR_NONE;
    enum error error = kernel_task_copy(NULL, tasks[from], source, tasks[to], rights, &handle);
    entry.rights &= rights;
    entry.parent = &model[from][source];
    return note(error, expected, to, handle, entry);
}

static bool mint(int from, uint32_t source, int to, uint32_t rights, uint64_t badge)
{
    struct entry entry = model[from][source];
    uint32_t handle = 0;
    enum error expected = entry.object < 0                                   ? ERROR_BAD_HANDLE
                          : !(entry.rights & RIGHT_COPY) || entry.badge != 0 ? ERROR_NO_RIGHT
                                                                             : ERROR_NONE;
    enum error error = kernel_task_mint(NULL, tasks[from], source, tasks[to], rights, badge, &handle);
    entry.rights &= rights;
    entry.badge = badge;
    entry.parent = &model[from][source];
    return note(error, expected, to, handle, entry);
}

static bool move(int from, uint32_t source, int to)
{
    struct entry entry = model[from][source];
    uint32_t handle = 0;
    enum error error = kernel_task_move(NULL, tasks[from], source, tasks[to], &handle);
    if (!note(error, entry.object < 0 ? ERROR_BAD_HANDLE : ERROR_NONE, to, handle, entry))
        return false;
    if (error != ERROR_NONE)
        return true;
    model_adopt(&model[from][source], &model[to][handle]);
    model[from][source].object = -1;
    return true;
}

static bool delete (int from, uint32_t source)
{
    enum error expected = model[from][source].object < 0 ? ERROR_BAD_HANDLE : ERROR_NONE;
    model_delete(&model[from][source]);
    return kernel_task_delete(NULL, tasks[from], source) == expected;
}

static bool revoke(int from, uint32_t source)
{
    enum error expected = model[from][source].object < 0 ? ERROR_BAD_HANDLE : ERROR_NONE;
    if (expected == ERROR_NONE)
        model_revoke(&model[from][source]);
    return kernel_task_revoke(NULL, tasks[from], source) == expected;
}

static bool create(int to)
{
    int object = (int)random_below(OBJECTS);
    uint32_t rights = (uint32_t)random_below(16), handle = 0;
    enum error error = capability_publish(tasks[to], objects[object], rights, &handle);
    return note(error, ERROR_NONE, to, handle, (struct entry){object, rights, 0, NULL});
}

/* A task dies with its table, and a new one with an empty table takes its place. */
static bool replace(int task)
{
    enum error error;
    if (tasks[task])
        capability_delete(&task_holders[task]);
    tasks[task] = task_create(factory, &error);
    hold(&task_holders[task], &tasks[task]->object);
    for (int handle = 0; handle < HANDLES; handle++)
        model_delete(&model[task][handle]);
    return true;
}

static bool has_room(int task)
{
    int used = 0;
    for (int handle = 0; handle < HANDLES; handle++)
        used += model[task][handle].object >= 0;
    return used < HANDLES - 2;
}

static bool random_step(void)
{
    int from = (int)random_below(TASKS), to = (int)random_below(TASKS);
    uint32_t source = (uint32_t)random_below(HANDLES), rights = (uint32_t)random_below(16);
    uint64_t kind = has_room(to) ? random_below(12) : 11;
    if (random_below(60) == 0)
        return replace(to);
    if (random_below(4) == 0)
        host_memory_fail_after((long)random_below(3));
    bool good = kind == 0    ? create(to)
                : kind == 1  ? mint(from, source, to, rights, random_below(3))
                : kind == 2  ? move(from, source, to)
                : kind <= 9  ? copy(from, source, to, rights | (uint32_t)random_below(4) * RIGHT_COPY)
                : kind == 10 ? (random_below(8) ? create(to) : revoke(from, source))
                             : delete (from, source);
    host_memory_fail_after(-1);
    return good;
}

/* ---- Whole tables ------------------------------------------------------------------------------------------------ */

static void test_full_table(void)
{
    uint32_t handle = 0, count = 0;
    uint64_t used = factory->used;
    enum error error;
    struct task *task = task_create(factory, &error);
    struct capability holder;
    hold(&holder, &task->object);
    while ((error = capability_publish(task, objects[0], RIGHTS_ALL, &handle)) == ERROR_NONE)
        count += slot_of(task, handle)->endpoint == ((struct endpoint *)objects[0])->offset;
    host_ok(error == ERROR_NO_SLOT && count == MAX_CAPABILITIES - 1, "a table holds %u capabilities", count);
    host_ok(!capability_find(&task->table, 0) && !capability_find(&task->table, MAX_CAPABILITIES) &&
                !capability_find(&task->table, UINT64_MAX) && capability_find(&task->table, MAX_CAPABILITIES - 1),
            "handles outside of it find nothing");
    capability_delete(&holder);
    host_ok(factory->used == used && list_matches(0), "it goes as a whole");
}

/* A new table's first capability, with the allocation that fails moved on until none does. */
static void test_every_failure(void)
{
    uint64_t frames = host_frames_used(), pieces = host_pieces_used(), used = factory->used;
    enum error error = ERROR_NO_MEMORY;
    bool good = true;
    long attempt = 0;
    for (; error != ERROR_NONE && good && attempt < 100; attempt++) {
        uint32_t handle = 0;
        struct capability holder;
        host_memory_fail_after(attempt);
        struct task *task = task_create(factory, &error);
        if (task) {
            hold(&holder, &task->object);
            error = capability_publish(task, objects[0], RIGHTS_ALL, &handle);
            capability_delete(&holder);
        }
        good = (error == ERROR_NO_MEMORY) == host_memory_failed() && host_frames_used() == frames &&
               host_pieces_used() == pieces && factory->used == used && list_matches(0);
        host_memory_fail_after(-1);
    }
    host_ok(good && attempt > 6, "each of %ld allocations of a task with a capability may fail", attempt - 1);
}

static void create_all(void)
{
    enum error error;
    for (int task = 0; task < TASKS; task++)
        replace(task);
    for (int i = 0; i < OBJECTS; i++) {
        objects[i] =
            i < OBJECTS - 1 ? &endpoint_create(factory, &error)->object : &memory_create(factory, 1, &error)->object;
        hold(&object_holders[i], objects[i]);
    }
}

int main(void)
{
    host_kernel_start();
    factory = host_first_factory(QUOTA);
    for (int task = 0; task < TASKS; task++)
        for (int handle = 0; handle < HANDLES; handle++)
            model[task][handle].object = -1;
    create_all();
    int step = 0;
    while (step < STEPS && random_step() && all_match())
        step++;
    host_ok(step == STEPS, "%d of %d random steps equal the model (seed %#lx)", step, STEPS, SEED);
    host_ok(succeeded > STEPS / 8 && refused > 10, "%u succeeded, %u found no memory", succeeded, refused);
    test_full_table();
    test_every_failure();
    for (int task = 0; task < TASKS; task++)
        capability_delete(&task_holders[task]);
    for (int i = 0; i < OBJECTS; i++)
        capability_delete(&object_holders[i]);
    host_ok(factory->used == 0 && capability_count() == 0 && host_pieces_used() == 0, "everything comes back");
    return host_done();
}
