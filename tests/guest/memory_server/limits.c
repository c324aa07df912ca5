/* SPDX-License-Identifier: BSD-2-Clause */
/* Quotas, other limits, and the end of clients. */
#include "scene.h"

#define VALUE 0x7777
#define REGIONS 4096 /* the most of a client */

/* All that a client can do that costs it something; false when it was refused, which must be for its quota. */
static bool do_everything(const struct scene *scene)
{
    memory_object_t object = {0}, copy = {0};
    memory_space_t child = {0};
    uint64_t start = 0, moved = 0;
    int result = memory_space_allocate(scene->client, 0, 20, RW, 0, &start);
    result = result ? result : memory_space_create(scene->client, 5000, &object);
    result = result ? result : scene_attach(scene, object, 5000, RW);
    result = result ? result : memory_space_protect(scene->client, start + PAGE_SIZE, 1, RIGHT_READ);
    result = result ? result : memory_space_detach(scene->client, start + 3 * PAGE_SIZE, 1);
    result = result ? result : memory_space_snapshot(scene->client, object, &copy);
    result = result ? result : memory_space_resize(scene->client, start + 4 * PAGE_SIZE, 30, true, &moved);
    result = result ? result : memory_space_divide(scene->client, 1, &child);
    EXPECT(result == 0 || result == MEMORY_ERROR_QUOTA);
    const uint32_t handles[] = {object.handle, copy.handle, child.handle};
    for (unsigned i = 0; i < COUNT(handles); i++)
        if (handles[i])
            guest_delete(handles[i]);
    return result == 0;
}

void quota_of_each_size(void)
{
    uint64_t used = scene_statistics(bank).used, pages = 0;
    for (bool done = false; !done; pages++) {
        struct scene scene;
        scene_create(&scene, pages);
        done = do_everything(&scene);
        EXPECT(scene_statistics(scene.client).used <= pages);
        scene_destroy(&scene);
        EXPECT_EQUAL(scene_statistics(bank).used, used);
        if (!EXPECT(pages < 100))
            break;
    }
    EXPECT(pages > 4);
}

void quota_exhausted_by_touching(void)
{
    struct scene scene, other;
    scene_create(&scene, 30);
    scene_create(&other, 30);
    uint64_t start = scene_allocate(&scene, 0, 100, RW), page = 0;
    while (scene_statistics(scene.client).used < 30)
        scene_write(&scene, start + page++ * PAGE_SIZE, VALUE);
    EXPECT(scene_statistics(scene.client).resident >= 20);
    scene_write_refused(&scene, start + 90 * PAGE_SIZE);
    EXPECT_EQUAL(scene_statistics(scene.client).used, 30);
    scene_write(&other, scene_allocate(&other, 0, 1, RW), VALUE);
    scene_destroy(&other);
    scene_destroy(&scene);
}

void quotas_divided(void)
{
    memory_space_t first = {0}, second = {0}, third = {0};
    struct memory_statistics before = scene_statistics(bank);
    EXPECT_EQUAL(memory_space_divide(bank, before.quota, &first), MEMORY_ERROR_QUOTA);
    EXPECT_EQUAL(memory_space_divide(bank, UINT64_MAX, &first), MEMORY_ERROR_QUOTA);
    EXPECT_EQUAL(memory_space_divide(bank, 100, &first), 0);
    EXPECT_EQUAL(scene_statistics(bank).used, before.used + 101);
    EXPECT_EQUAL(scene_statistics(bank).clients, before.clients + 1);
    EXPECT_EQUAL(memory_space_divide(first, 100, &second), MEMORY_ERROR_QUOTA);
    EXPECT_EQUAL(memory_space_divide(first, 99, &second), 0);
    EXPECT_EQUAL(scene_statistics(first).used, 100);
    EXPECT_EQUAL(memory_space_divide(first, 0, &third), MEMORY_ERROR_QUOTA);
    EXPECT_EQUAL(memory_space_divide(second, 0, &third), 0);
    EXPECT_EQUAL(memory_space_close(second), 0);
    EXPECT_EQUAL(memory_space_close(third), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(scene_statistics(first).used, 0);
    EXPECT_EQUAL(memory_space_close(first), 0);
    EXPECT_EQUAL(scene_statistics(bank).used, before.used);
    guest_delete(first.handle);
    guest_delete(second.handle);
    guest_delete(third.handle);
}

/* Page tables are the task's own matter. */
void task_quota_exhausted(void)
{
    struct scene scene;
    kernel_factory_t factory = {0};
    kernel_pager_t pager = {0};
    kernel_task_t task = {0};
    uint64_t start = 0;
    scene_create(&scene, 200);
    EXPECT_EQUAL(memory_space_leave(scene.client), 0);
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, 64 * 1024, &factory), 0);
    EXPECT_EQUAL(kernel_factory_create_task(factory, &task), 0);
    EXPECT_EQUAL(memory_space_adopt(scene.client, task, &pager), 0);
    for (uint64_t i = 0; i < 40; i++)
        EXPECT_EQUAL(memory_space_allocate(scene.client, PLACE + i * 0x40000000, 1, RW, FIXED, &start), 0);
    EXPECT_EQUAL(kernel_factory_reclaim(factory), 0);
    EXPECT_EQUAL(memory_space_detach(scene.client, PLACE, 1), 0);
    guest_delete(pager.handle);
    guest_delete(task.handle);
    guest_delete(factory.handle);
    scene_destroy(&scene);
}

void many_regions(void)
{
    struct scene scene;
    uint64_t start = 0;
    scene_create(&scene, 1000);
    for (uint64_t i = 0; i < REGIONS; i++)
        if (!EXPECT_EQUAL(memory_space_allocate(scene.client, 0, 1, i % 2 ? RW : RIGHT_READ, 0, &start), 0))
            break;
    EXPECT_EQUAL(memory_space_allocate(scene.client, 0, 1, RW, 0, &start), MEMORY_ERROR_TOO_MANY);
    EXPECT_EQUAL(scene_statistics(scene.client).regions, REGIONS);
    EXPECT_EQUAL(memory_space_detach(scene.client, PROGRAM_MMAP_BASE + 1000 * PAGE_SIZE, 1), 0);
    EXPECT_EQUAL(memory_space_allocate(scene.client, 0, 1, RW, 0, &start), 0);
    EXPECT_EQUAL(start, PROGRAM_MMAP_BASE + 1000 * PAGE_SIZE);
    scene_write(&scene, start, VALUE);
    EXPECT_EQUAL(scene_read(&scene, PROGRAM_MMAP_BASE + 4095 * PAGE_SIZE), 0);
    scene_destroy(&scene);
}

/* Its task is ended while it has memory of all kinds; then it is closed. */
void client_dies(void)
{
    struct scene scene;
    uint64_t used = scene_statistics(bank).used;
    scene_create(&scene, 1000);
    uint64_t start = scene_allocate(&scene, 0, 500, RW);
    scene_fill(&scene, start, 500, VALUE);
    EXPECT_EQUAL(kernel_task_exit(scene.worker.task, 0), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 500);
    EXPECT_EQUAL(memory_space_detach(scene.client, start + 10 * PAGE_SIZE, 10), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 490);
    scene_destroy(&scene);
    EXPECT_EQUAL(scene_statistics(bank).used, used);
}

void frames_are_zeroed(void)
{
    struct scene scene;
    scene_create(&scene, 700);
    uint64_t start = scene_allocate(&scene, 0, 600, RW);
    scene_fill(&scene, start, 600, VALUE);
    scene_destroy(&scene);
    scene_create(&scene, 700);
    start = scene_allocate(&scene, 0, 600, RW);
    scene_fill(&scene, start, 300, VALUE);
    EXPECT_EQUAL(memory_space_detach(scene.client, start, 200), 0);
    EXPECT_EQUAL(memory_space_discard(scene.client, start, 600), 0);
    EXPECT_EQUAL(scene_count(&scene, start + 200 * PAGE_SIZE, 400, 0), 400);
    scene_destroy(&scene);
}

#define ALLOCATIONS_MOST 2000
#define MORE_THAN_SPARE 1150 /* pages: the server has 16 chunks of 64 in stock at most */
#define EVERYTHING (MORE_THAN_SPARE + 150)

/* As do_everything(), but whatever is made fails as it does where the machine has no memory left. */
static bool try_everything(const struct scene *scene)
{
    memory_object_t object = {0}, copy = {0};
    uint8_t bytes[480] = {1};
    uint64_t start = 0;
    int result = memory_space_allocate(scene->client, 0, MORE_THAN_SPARE, RW, 0, &start);
    for (uint64_t page = 0; result == 0 && page < MORE_THAN_SPARE; page++)
        result = memory_space_write(scene->client, start + page * PAGE_SIZE, sizeof(bytes), bytes);
    result = result ? result : memory_space_create(scene->client, 20, &object);
    result = result ? result : memory_object_write(object, 0, sizeof(bytes), bytes);
    result = result ? result : memory_space_snapshot(scene->client, object, &copy);
    result = result ? result : memory_object_write(copy, 0, sizeof(bytes), bytes);
    result = result ? result : scene_attach(scene, copy, 20, RW);
    EXPECT(result == 0 || result == MEMORY_ERROR_QUOTA || result == MEMORY_ERROR_TOO_MANY ||
           result == -ERROR_NO_MEMORY || result == -ERROR_NO_SLOT);
    if (object.handle)
        guest_delete(object.handle);
    if (copy.handle)
        guest_delete(copy.handle);
    return result == 0;
}

/* It takes more frames than the server has in stock, so that it asks the kernel for some; each time another of the
 * kernel's allocations fails. */
void allocations_fail(void)
{
    uint64_t used = scene_statistics(bank).used, number = 1, left = 0;
    for (; left == 0 && EXPECT(number < ALLOCATIONS_MOST); number++) {
        struct scene scene;
        scene_create(&scene, EVERYTHING);
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, number, &left), 0);
        bool good = try_everything(&scene);
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, 0, &left), 0);
        EXPECT(good || left == 0);
        EXPECT(scene_statistics(scene.client).used <= EVERYTHING);
        scene_destroy(&scene);
        EXPECT_EQUAL(scene_statistics(bank).used, used);
    }
}
