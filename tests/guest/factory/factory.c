/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Factories: each kind of object until the quota refuses it, quotas divided and nested, boundary amounts, and that all
 * of it comes back: to the factory when the object goes, and to its parent when the factory and all it paid for are
 * gone.
 */
#include "abi/addresses.h"

#include "../common/guest.h"

#define QUOTA (256 * 1024UL)
#define SLOTS 1500
#define MOST_OBJECTS 8192

static uint32_t handles[MOST_OBJECTS];

static uint64_t limit_of(kernel_factory_t factory)
{
    uint64_t limit = 0, used = 0;
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    return limit;
}

static uint64_t used_of(kernel_factory_t factory)
{
    uint64_t limit = 0, used = 0;
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    EXPECT(used <= limit);
    return used;
}

static kernel_factory_t new_factory(kernel_factory_t parent, uint64_t bytes)
{
    kernel_factory_t factory = {0};
    EXPECT_EQUAL(kernel_factory_create_factory(parent, bytes, &factory), 0);
    return factory;
}

/* ---- each kind until refused ------------------------------------------------------------------------------------- */

/* With more hot slots than bytes for them. */
static kernel_factory_t new_factory_with_slots(kernel_factory_t parent, uint64_t bytes)
{
    kernel_factory_t factory = {0};
    EXPECT_EQUAL(kernel_factory_create_factory_with_slots(parent, bytes, SLOTS, SLOTS, &factory), 0);
    return factory;
}

/* Creates one object and answers its handle, or the error. */
typedef int creator(kernel_factory_t factory, kernel_task_t task, uint32_t *handle);

static int make_factory(kernel_factory_t factory, kernel_task_t task, uint32_t *handle)
{
    (void)task;
    return kernel_factory_create_factory(factory, 100, (kernel_factory_t *)handle);
}

static int make_task(kernel_factory_t factory, kernel_task_t task, uint32_t *handle)
{
    (void)task;
    return kernel_factory_create_task(factory, (kernel_task_t *)handle);
}

static int make_thread(kernel_factory_t factory, kernel_task_t task, uint32_t *handle)
{
    uint32_t number;
    return kernel_factory_create_thread(factory, task, (kernel_thread_t *)handle, &number);
}

static int make_endpoint(kernel_factory_t factory, kernel_task_t task, uint32_t *handle)
{
    (void)task;
    return kernel_factory_create_endpoint(factory, (kernel_endpoint_t *)handle);
}

static int make_memory(kernel_factory_t factory, kernel_task_t task, uint32_t *handle)
{
    (void)task;
    return kernel_factory_create_memory(factory, 3, (kernel_memory_t *)handle);
}

static const struct {
    const char *name;
    creator *create;
} kinds[] = {
    {"factory", make_factory},   {"task", make_task},     {"thread", make_thread},
    {"endpoint", make_endpoint}, {"memory", make_memory},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint32_t create_until_refused(creator *create, kernel_factory_t factory, kernel_task_t task)
{
    uint32_t made = 0, handle = 0;
    int result = 0;
    while (made < MOST_OBJECTS && (result = create(factory, task, &handle)) == 0)
        handles[made++] = handle;
    EXPECT_ERROR(result, NO_MEMORY);
    return made;
}

/* Until refused, all deleted, and again: as many as the first time. One that goes makes room for one more. Another
 * factory creates its share all the while. */
static void exhaust(creator *create)
{
    kernel_task_t task = guest_new_task();
    kernel_factory_t factory = new_factory_with_slots(own_factory, QUOTA), other = new_factory(own_factory, QUOTA);
    uint32_t made[2], handle;
    for (int round = 0; round < 2; round++) {
        made[round] = create_until_refused(create, factory, task);
        EXPECT(made[round] > 1);
        guest_delete(handles[0]);
        EXPECT_EQUAL(create(factory, task, &handles[0]), 0);
        EXPECT_EQUAL(create(other, task, &handle), 0);
        guest_delete(handle);
        for (uint32_t i = 0; i < made[round]; i++)
            guest_delete(handles[i]);
        EXPECT_EQUAL(used_of(factory), 0);
    }
    EXPECT_EQUAL(made[0], made[1]);
    guest_delete(other.handle);
    guest_delete(factory.handle);
    guest_delete(task.handle);
}

static void each_kind_until_refused(void)
{
    for (unsigned i = 0; i < KINDS; i++)
        exhaust(kinds[i].create);
}

/* With every quota from nothing up to what the object needs: refused whole, and nothing of it stays charged. */
static void every_shortage(creator *create)
{
    kernel_task_t task = guest_new_task();
    uint32_t handle;
    uint64_t bytes = 0;
    int result = -ERROR_NO_MEMORY;
    for (; bytes < QUOTA && result != 0; bytes += 64) {
        kernel_factory_t factory = new_factory(own_factory, bytes);
        uint32_t tasks = totals_now().tasks;
        result = create(factory, task, &handle);
        if (result == 0) {
            guest_delete(handle);
        } else {
            EXPECT_ERROR(result, NO_MEMORY);
            EXPECT_EQUAL(totals_now().tasks, tasks);
        }
        EXPECT_EQUAL(used_of(factory), 0);
        guest_delete(factory.handle);
    }
    EXPECT_EQUAL(result, 0);
    EXPECT(bytes > 64);
    guest_delete(task.handle);
}

static void each_kind_short_of_quota(void)
{
    for (unsigned i = 0; i < KINDS; i++)
        every_shortage(kinds[i].create);
}

/* ---- amounts ----------------------------------------------------------------------------------------------------- */

/* What a factory itself costs its parent, besides its limit: the first one a frame, a few more none. */
#define COST PAGE_SIZE

static void boundary_amounts(void)
{
    static const uint64_t too_much[] = {1UL << 32, 1UL << 63, (1UL << 63) - 1, ~0UL, ~0UL - 4096};
    kernel_factory_t parent = new_factory(own_factory, QUOTA), child;
    for (unsigned i = 0; i < sizeof(too_much) / sizeof(too_much[0]); i++)
        EXPECT_ERROR(kernel_factory_create_factory(parent, too_much[i], &child), NO_MEMORY);
    EXPECT_ERROR(kernel_factory_create_factory(parent, QUOTA + 1, &child), NO_MEMORY);
    EXPECT_ERROR(kernel_factory_create_factory(parent, QUOTA, &child), NO_MEMORY);
    EXPECT_ERROR(kernel_factory_create_factory(parent, QUOTA - COST + 1, &child), NO_MEMORY);
    EXPECT_EQUAL(used_of(parent), 0);
    child = new_factory(parent, QUOTA - COST);
    EXPECT_EQUAL(used_of(parent), QUOTA);
    EXPECT_EQUAL(limit_of(child), QUOTA - COST);
    EXPECT_ERROR(kernel_factory_create_factory(parent, 1, &(kernel_factory_t){0}), NO_MEMORY);
    EXPECT_ERROR(kernel_factory_create_memory(parent, 1, &(kernel_memory_t){0}), NO_MEMORY);
    guest_delete(child.handle);
    EXPECT_EQUAL(used_of(parent), 0);
    guest_delete(parent.handle);
}

/* A quota of nothing is a factory that creates nothing. */
static void nothing(void)
{
    kernel_factory_t factory = new_factory(own_factory, 0);
    kernel_task_t task = guest_new_task();
    uint32_t handle;
    EXPECT_EQUAL(limit_of(factory), 0);
    for (unsigned i = 0; i < KINDS; i++)
        EXPECT_ERROR(kinds[i].create(factory, task, &handle), NO_MEMORY);
    guest_delete(task.handle);
    guest_delete(factory.handle);
}

/* ---- dividing ---------------------------------------------------------------------------------------------------- */

static void divided(void)
{
    kernel_factory_t parent = new_factory(own_factory, 4 * QUOTA), children[3];
    for (unsigned i = 0; i < 3; i++) {
        children[i] = new_factory(parent, QUOTA);
        EXPECT_EQUAL(limit_of(children[i]), QUOTA);
        EXPECT_EQUAL(used_of(children[i]), 0);
        EXPECT_EQUAL(used_of(parent), (i + 1) * QUOTA + COST);
    }
    EXPECT_EQUAL(limit_of(parent), 4 * QUOTA);
    guest_delete(children[1].handle);
    EXPECT_EQUAL(used_of(parent), 2 * QUOTA + COST);
    guest_delete(children[0].handle);
    guest_delete(children[2].handle);
    EXPECT_EQUAL(used_of(parent), 0);
    guest_delete(parent.handle);
}

/* A factory whose capability is gone has its quota until the last object that it paid for is gone. */
static void outlived_by_objects(void)
{
    kernel_factory_t parent = new_factory(own_factory, 2 * QUOTA), child = new_factory(parent, QUOTA);
    kernel_memory_t memory, other;
    EXPECT_EQUAL(kernel_factory_create_memory(child, 8, &memory), 0);
    EXPECT_EQUAL(kernel_factory_create_memory(child, 1, &other), 0);
    uint64_t used = used_of(parent);
    guest_delete(child.handle);
    EXPECT_EQUAL(used_of(parent), used);
    guest_delete(memory.handle);
    EXPECT_EQUAL(used_of(parent), used);
    guest_delete(other.handle);
    EXPECT_EQUAL(used_of(parent), 0);
    guest_delete(parent.handle);
}

/* A chain of factories, each out of the one before, from which only the last is kept: it goes, and all go. */
static void nested(void)
{
    uint64_t before = used_of(own_factory), bytes = 4 * MEBIBYTE;
    kernel_factory_t factory = new_factory(own_factory, bytes);
    unsigned depth = 1;
    while (bytes >= 2 * COST) {
        kernel_factory_t child = new_factory(factory, bytes -= COST);
        guest_delete(factory.handle);
        factory = child;
        depth++;
    }
    EXPECT(depth > 1000);
    EXPECT(used_of(own_factory) >= before + 4 * MEBIBYTE);
    guest_delete(factory.handle);
    EXPECT_EQUAL(used_of(own_factory), before);
}

/* ---- who pays ---------------------------------------------------------------------------------------------------- */

/* A task's table, page tables and records of mappings are paid by the factory that created the task. */
static void task_pays_by_its_factory(void)
{
    kernel_factory_t factory = new_factory(own_factory, QUOTA);
    uint32_t memory = guest_memory(1), handle;
    kernel_task_t task = {0};
    EXPECT_EQUAL(kernel_factory_create_task(factory, &task), 0);
    uint64_t used = used_of(factory), own = used_of(own_factory);
    EXPECT_EQUAL(kernel_task_copy(own_task, memory, task, RIGHTS_ALL, &handle), 0);
    EXPECT(used_of(factory) > used);
    used = used_of(factory);
    EXPECT_EQUAL(kernel_memory_map((kernel_memory_t){memory}, task, MEBIBYTE, 0, 1, KERNEL_RIGHTS_READ), 0);
    EXPECT(used_of(factory) >= used + 3 * PAGE_SIZE);
    EXPECT_EQUAL(used_of(own_factory), own);
    guest_delete(task.handle);
    EXPECT_EQUAL(used_of(factory), 0);
    guest_delete(memory);
    guest_delete(factory.handle);
}

/* Its quota used up, a task can neither be given capabilities beyond its table nor mappings beyond its page tables. */
static void task_without_quota(void)
{
    kernel_factory_t factory = new_factory_with_slots(own_factory, QUOTA);
    kernel_memory_t memory = {guest_memory(1)};
    kernel_task_t task = {0};
    uint32_t handle;
    EXPECT_EQUAL(kernel_factory_create_task(factory, &task), 0);
    uint32_t made = create_until_refused(make_endpoint, factory, task);
    EXPECT_ERROR(kernel_task_copy(own_task, memory.handle, task, RIGHTS_ALL, &handle), NO_MEMORY);
    EXPECT_ERROR(kernel_task_move(own_task, memory.handle, task, &handle), NO_MEMORY);
    EXPECT_ERROR(kernel_memory_map(memory, task, MEBIBYTE, 0, 1, KERNEL_RIGHTS_READ), NO_MEMORY);
    EXPECT_EQUAL(guest_type(memory.handle), 5);
    for (uint32_t i = 0; i < made; i++)
        guest_delete(handles[i]);
    EXPECT_EQUAL(kernel_memory_map(memory, task, MEBIBYTE, 0, 1, KERNEL_RIGHTS_READ), 0);
    guest_delete(task.handle);
    guest_delete(memory.handle);
    guest_delete(factory.handle);
}

/* A thread is paid by the factory that creates it, whoever's task it is in; but its task's tables are the task's. */
static void thread_paid_by_creator(void)
{
    kernel_factory_t first = new_factory(own_factory, QUOTA), second = new_factory(own_factory, QUOTA);
    kernel_task_t task = {0};
    kernel_thread_t thread = {0};
    uint32_t number;
    EXPECT_EQUAL(kernel_factory_create_task(first, &task), 0);
    EXPECT_EQUAL(kernel_factory_create_thread(second, task, &thread, &number), 0);
    EXPECT(used_of(second) >= PAGE_SIZE); /* its UTCB */
    guest_delete(task.handle);
    EXPECT_EQUAL(used_of(first), 0);
    EXPECT_EQUAL(used_of(second), 0);
    guest_delete(thread.handle);
    guest_delete(second.handle);
    guest_delete(first.handle);
}

/* The task of create_thread needs the right to control it. Factories themselves need no right. */
static void rights(void)
{
    kernel_task_t task = guest_new_task(), reader = {guest_copy(task.handle, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY)};
    kernel_factory_t factory = new_factory(own_factory, QUOTA), narrow = {guest_copy(factory.handle, 0)};
    kernel_thread_t thread;
    uint32_t number, handle;
    EXPECT_ERROR(kernel_factory_create_thread(own_factory, reader, &thread, &number), NO_RIGHT);
    EXPECT_ERROR(kernel_factory_create_thread(own_factory, (kernel_task_t){0}, &thread, &number), BAD_HANDLE);
    EXPECT_ERROR(kernel_factory_create_thread(own_factory, (kernel_task_t){65536}, &thread, &number), BAD_HANDLE);
    EXPECT_ERROR(kernel_factory_create_thread(own_factory, (kernel_task_t){factory.handle}, &thread, &number),
                 WRONG_TYPE);
    EXPECT_EQUAL(make_endpoint(narrow, task, &handle), 0);
    guest_delete(handle);
    guest_delete(narrow.handle);
    guest_delete(factory.handle);
    guest_delete(reader.handle);
    guest_delete(task.handle);
}

static const struct guest_test tests[] = {
    {"each kind of object until the quota refuses it", each_kind_until_refused},
    {"a quota too small by any amount refuses the whole object", each_kind_short_of_quota},
    {"boundary amounts of quota", boundary_amounts},
    {"a quota of nothing creates nothing", nothing},
    {"a quota is divided", divided},
    {"a factory lasts as long as what it paid for", outlived_by_objects},
    {"factories within factories", nested},
    {"a task pays by the factory that created it", task_pays_by_its_factory},
    {"a task whose quota is used up", task_without_quota},
    {"a thread is paid by the factory that created it", thread_paid_by_creator},
    {"rights that creation needs", rights},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
