/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that map their pages on, or grant them, to a task of which the server does not know: the test's own. Whatever
 * becomes of a frame, that task has no part in it any more.
 */
#include <salto/page_item.h>

#include "scene.h"

#define FIRST 0x1111
#define SECOND 0x2222
#define PTE_PRESENT 1UL
#define PTE_WRITE 2UL

static bool has_entry(uint64_t address, uint64_t bits)
{
    uint64_t entry = 0;
    return kernel_debug_page_entry(debug, own_task, address, &entry) == 0 && (entry & bits) == bits;
}

static bool is_mapped(uint64_t address)
{
    return has_entry(address, PTE_PRESENT);
}

/* The ways in which a client gives memory back. */
enum way { WAY_DETACH, WAY_DISCARD, WAY_RESIZE, WAY_LEAVE, WAY_CLOSE, WAYS };

static int give_back(memory_space_t client, uint64_t start, enum way way)
{
    switch (way) {
    case WAY_DETACH:
        return memory_space_detach(client, start, 2);
    case WAY_DISCARD:
        return memory_space_discard(client, start, 2);
    case WAY_RESIZE:
        return memory_space_resize(client, start, 1, false, &start);
    case WAY_LEAVE:
        return memory_space_leave(client);
    default:
        return memory_space_close(client);
    }
}

static void end(struct scene *scene, enum way way)
{
    if (way != WAY_CLOSE)
        return scene_destroy(scene);
    guest_delete(scene->client.handle);
    worker_destroy(&scene->worker);
    guest_delete(scene->endpoint);
    guest_delete(scene->supervisor);
}

static void given_back(enum way way, uint32_t kind, uint32_t rights)
{
    struct scene scene;
    scene_create(&scene, 100);
    uint64_t start = scene_allocate(&scene, 0, 2, RW);
    scene_fill(&scene, start, 2, FIRST);
    EXPECT_EQUAL(memory_space_protect(scene.client, start, 2, rights), 0);
    uint64_t given = scene_give(&scene, start + PAGE_SIZE, rights, kind);
    EXPECT_EQUAL(*(volatile uint64_t *)given, FIRST);
    EXPECT_EQUAL(give_back(scene.client, start, way), 0);
    if (!EXPECT(!is_mapped(given)))
        EXPECT_EQUAL(kernel_task_unmap(own_task, given, 1), 0);
    end(&scene, way);
}

void mapped_on_and_given_back(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        given_back(way, ITEM_MAP, RW);
        given_back(way, ITEM_GRANT, RIGHT_READ);
        given_back(way, ITEM_MAP, RIGHT_READ | RIGHT_EXECUTE);
    }
}

/* A snapshot is what was there, whoever could write to it before. */
void mapped_on_and_copied(void)
{
    struct scene first, second;
    memory_object_t object = {0}, copy = {0};
    scene_create(&first, 100);
    scene_create(&second, 100);
    EXPECT_EQUAL(memory_space_create(first.client, 2, &object), 0);
    EXPECT_EQUAL(scene_attach(&first, object, 2, RW), 0);
    scene_fill(&first, PLACE, 2, FIRST);
    uint64_t given = scene_give(&first, PLACE, RW, ITEM_MAP);
    EXPECT_EQUAL(memory_space_snapshot(second.client, object, &copy), 0);
    EXPECT_EQUAL(scene_attach(&second, copy, 2, RIGHT_READ), 0);
    EXPECT_EQUAL(scene_count(&second, PLACE, 2, FIRST), 2);
    EXPECT(is_mapped(given) && !has_entry(given, PTE_WRITE));
    EXPECT_EQUAL(*(volatile uint64_t *)given, FIRST);
    EXPECT_EQUAL(kernel_task_unmap(own_task, given, 1), 0);
    guest_delete(object.handle);
    guest_delete(copy.handle);
    scene_destroy(&first);
    scene_destroy(&second);
}

/* The frame that both had is left to the copy alone: who had it from the first must not see what is written to it. */
void mapped_on_and_left_to_the_copy(void)
{
    struct scene first, second;
    memory_object_t object = {0}, copy = {0};
    scene_create(&first, 100);
    scene_create(&second, 100);
    EXPECT_EQUAL(memory_space_create(first.client, 1, &object), 0);
    EXPECT_EQUAL(scene_attach(&first, object, 1, RW), 0);
    scene_write(&first, PLACE, FIRST);
    EXPECT_EQUAL(memory_space_snapshot(second.client, object, &copy), 0);
    EXPECT_EQUAL(scene_attach(&second, copy, 1, RW), 0);
    EXPECT_EQUAL(scene_read(&first, PLACE), FIRST);
    uint64_t given = scene_give(&first, PLACE, RIGHT_READ, ITEM_MAP);
    scene_write(&first, PLACE, SECOND);
    uint64_t copies = scene_statistics(second.client).copies;
    scene_write(&second, PLACE, SECOND);
    EXPECT_EQUAL(scene_statistics(second.client).copies, copies);
    if (!EXPECT(!is_mapped(given)))
        EXPECT_EQUAL(kernel_task_unmap(own_task, given, 1), 0);
    guest_delete(object.handle);
    guest_delete(copy.handle);
    scene_destroy(&first);
    scene_destroy(&second);
}
