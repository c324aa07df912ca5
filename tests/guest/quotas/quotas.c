/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whoever creates until refused, of whatever kind, takes nothing of what another one was guaranteed: a factory's bytes
 * and hot slots are its own from its creation on. Here all that the test has, but for the guaranteed share, is used up;
 * then the share must be had in full, and not one more; then everything comes back.
 */
#include "abi/addresses.h"

#include "../common/guest.h"

#define SHARE_THREADS 40
#define SHARE_ENDPOINTS 50
#define SHARE_BYTES (512 * 1024UL)
#define MOST 60000 /* handles that one flood may take */
#define MAPPED_AT 0x40000000UL
#define MAPPINGS 4000
#define MAPPINGS_A_FRAME 31

static uint32_t flood[MOST], flood_count;
static uint32_t share[SHARE_THREADS + SHARE_ENDPOINTS], share_count;

static void flood_add(uint32_t handle)
{
    if (EXPECT(flood_count < MOST))
        flood[flood_count++] = handle;
}

static void flood_end(void)
{
    while (flood_count > 0)
        guest_delete(flood[--flood_count]);
}

static kernel_factory_t guarantee(void)
{
    kernel_factory_t factory = {0};
    EXPECT_EQUAL(
        kernel_factory_create_factory_with_slots(own_factory, SHARE_BYTES, SHARE_THREADS, SHARE_ENDPOINTS, &factory),
        0);
    return factory;
}

static void expect_slots(kernel_factory_t factory, uint32_t threads_expected, uint32_t endpoints_expected)
{
    uint32_t threads, threads_used = 0, endpoints, endpoints_used = 0;
    EXPECT_EQUAL(kernel_factory_slots(factory, &threads, &threads_used, &endpoints, &endpoints_used), 0);
    EXPECT_EQUAL(threads_used, threads_expected);
    EXPECT_EQUAL(endpoints_used, endpoints_expected);
}

/* All that the factory was guaranteed, and not more: slots first, then every frame. */
static void take_share(kernel_factory_t factory, kernel_task_t task)
{
    kernel_thread_t thread;
    kernel_endpoint_t endpoint;
    kernel_memory_t memory;
    uint32_t number, pages = 0;
    uint64_t limit = 0, used = 0;
    for (share_count = 0; share_count < SHARE_THREADS + SHARE_ENDPOINTS; share_count++)
        if (share_count < SHARE_THREADS) {
            EXPECT_EQUAL(kernel_factory_create_thread(factory, task, &thread, &number), 0);
            share[share_count] = thread.handle;
        } else {
            EXPECT_EQUAL(kernel_factory_create_endpoint(factory, &endpoint), 0);
            share[share_count] = endpoint.handle;
        }
    EXPECT_ERROR(kernel_factory_create_thread(factory, task, &thread, &number), NO_SLOT);
    EXPECT_ERROR(kernel_factory_create_endpoint(factory, &endpoint), NO_SLOT);
    expect_slots(factory, SHARE_THREADS, SHARE_ENDPOINTS);
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    pages = (uint32_t)((limit - used) / PAGE_SIZE) - 3; /* the object itself, and two frames of addresses */
    EXPECT_EQUAL(kernel_factory_create_memory(factory, pages, &memory), 0);
    EXPECT_ERROR(kernel_factory_create_memory(factory, 1, &(kernel_memory_t){0}), NO_MEMORY);
    guest_delete(memory.handle);
    while (share_count > 0)
        guest_delete(share[--share_count]);
    expect_slots(factory, 0, 0);
}

/* The share and a task of its own, the flood, and all of the share after it. */
static void share_during(void (*run)(kernel_task_t))
{
    kernel_factory_t factory = guarantee();
    kernel_task_t task = guest_new_task(), flooded = guest_new_task();
    /* What the share needs of its task and of this one's table is there before. */
    take_share(factory, task);
    run(flooded);
    take_share(factory, task);
    flood_end();
    guest_delete(flooded.handle);
    guest_delete(task.handle);
    guest_delete(factory.handle);
}

static void endpoints_until_refused(kernel_task_t task)
{
    kernel_endpoint_t endpoint;
    int result;
    (void)task;
    while ((result = kernel_factory_create_endpoint(own_factory, &endpoint)) == 0)
        flood_add(endpoint.handle);
    EXPECT(result == -ERROR_NO_SLOT || result == -ERROR_NO_MEMORY);
    EXPECT(flood_count > SHARE_ENDPOINTS);
}

static void threads_until_refused(kernel_task_t task)
{
    kernel_thread_t thread;
    uint32_t number;
    int result;
    while ((result = kernel_factory_create_thread(own_factory, task, &thread, &number)) == 0)
        flood_add(thread.handle);
    EXPECT(result == -ERROR_NO_SLOT || result == -ERROR_NO_MEMORY);
    EXPECT(flood_count > SHARE_THREADS);
}

static void memory_until_refused(kernel_task_t task)
{
    kernel_memory_t memory;
    (void)task;
    for (uint32_t pages = 4096; pages > 0; pages /= 4)
        while (kernel_factory_create_memory(own_factory, pages, &memory) == 0)
            flood_add(memory.handle);
    EXPECT(flood_count > 0);
}

static void capabilities_until_refused(kernel_task_t task)
{
    uint32_t handle;
    int result;
    memory_until_refused(task);
    guest_delete(flood[--flood_count]);
    while ((result = kernel_task_copy(own_task, flood[0], task, RIGHT_READ, &handle)) == 0)
        continue;
    EXPECT_ERROR(result, NO_MEMORY);
}

/* Records of mappings, of which one in each frame is left: they are paid for by the frame. */
static void holes_until_refused(kernel_task_t task)
{
    kernel_memory_t memory = {guest_memory(1)};
    int made = 0;
    flood_add(memory.handle);
    while (made < MAPPINGS &&
           kernel_memory_map(memory, task, MAPPED_AT + (uint64_t)made * PAGE_SIZE, 0, 1, KERNEL_RIGHTS_READ) == 0)
        made++;
    EXPECT_EQUAL(made, MAPPINGS);
    for (int i = 0; i < MAPPINGS; i++)
        if (i % MAPPINGS_A_FRAME)
            EXPECT_EQUAL(kernel_memory_unmap(memory, task, MAPPED_AT + (uint64_t)i * PAGE_SIZE, 1), 0);
    memory_until_refused(task);
}

/* Factories that take all slots, though hardly any bytes. */
static void factories_until_refused(kernel_task_t task)
{
    kernel_factory_t factory;
    (void)task;
    for (uint32_t slots = 4096; slots > 0; slots /= 2)
        for (int kind = 0; kind < 2; kind++)
            while (kernel_factory_create_factory_with_slots(own_factory, 0, kind ? 0 : slots, kind ? slots : 0,
                                                            &factory) == 0)
                flood_add(factory.handle);
    EXPECT_ERROR(kernel_factory_create_factory_with_slots(own_factory, 0, 1, 0, &factory), NO_SLOT);
    EXPECT_ERROR(kernel_factory_create_factory_with_slots(own_factory, 0, 0, 1, &factory), NO_SLOT);
    EXPECT_ERROR(kernel_factory_create_factory_with_slots(own_factory, 0, UINT32_MAX, UINT32_MAX, &factory), NO_SLOT);
    EXPECT_ERROR(kernel_factory_create_endpoint(own_factory, &(kernel_endpoint_t){0}), NO_SLOT);
}

static void endpoints(void)
{
    share_during(endpoints_until_refused);
}

static void threads(void)
{
    share_during(threads_until_refused);
}

static void memory(void)
{
    share_during(memory_until_refused);
}

static void capabilities(void)
{
    share_during(capabilities_until_refused);
}

static void holes(void)
{
    share_during(holes_until_refused);
}

static void factories(void)
{
    share_during(factories_until_refused);
}

static void slots_of(kernel_factory_t factory, uint32_t *threads_left, uint32_t *endpoints_left)
{
    uint32_t threads_used = 0, endpoints_used = 0;
    EXPECT_EQUAL(kernel_factory_slots(factory, threads_left, &threads_used, endpoints_left, &endpoints_used), 0);
    *threads_left -= threads_used;
    *endpoints_left -= endpoints_used;
}

/* A share comes out of the parent's, and goes back to it when the factory and all that it paid for are gone. */
static void divided(void)
{
    uint32_t before[2], after[2], child[2];
    kernel_factory_t factory = {0}, inner = {0};
    kernel_endpoint_t endpoint = {0};
    slots_of(own_factory, &before[0], &before[1]);
    EXPECT_EQUAL(kernel_factory_create_factory_with_slots(own_factory, SHARE_BYTES, 30, 20, &factory), 0);
    slots_of(own_factory, &after[0], &after[1]);
    EXPECT_EQUAL(before[0] - after[0], 30);
    EXPECT_EQUAL(before[1] - after[1], 20);
    EXPECT_ERROR(kernel_factory_create_factory_with_slots(factory, 0, 31, 0, &inner), NO_SLOT);
    EXPECT_ERROR(kernel_factory_create_factory_with_slots(factory, 0, 0, 21, &inner), NO_SLOT);
    EXPECT_ERROR(kernel_factory_create_factory_with_slots(factory, SHARE_BYTES, 1, 1, &inner), NO_MEMORY);
    EXPECT_EQUAL(kernel_factory_create_factory(factory, 5 * 16384 + 1, &inner), 0);
    slots_of(inner, &child[0], &child[1]);
    EXPECT_EQUAL(child[0], 6);
    EXPECT_EQUAL(child[1], 6);
    EXPECT_EQUAL(kernel_factory_create_endpoint(inner, &endpoint), 0);
    guest_delete(factory.handle);
    guest_delete(inner.handle);
    slots_of(own_factory, &after[0], &after[1]);
    EXPECT_EQUAL(before[0] - after[0], 30);
    guest_delete(endpoint.handle);
    slots_of(own_factory, &after[0], &after[1]);
    EXPECT_EQUAL(before[0], after[0]);
    EXPECT_EQUAL(before[1], after[1]);
}

static const struct guest_test tests[] = {
    {"shares of hot slots are divided and come back", divided},
    {"a share while endpoints are created until refused", endpoints},
    {"a share while threads are created until refused", threads},
    {"a share while memory is created until refused", memory},
    {"a share while capabilities are copied until refused", capabilities},
    {"a share while factories take all slots", factories},
    {"a share while frames are held by single records", holes},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
