/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that a client should not make: stale and foreign capabilities, ranges that cannot be, rubbish, and
 * chance. */
#include <salto/page_item.h>
#include <salto/startup.h>

#include "scene.h"

#define VALUE 0x4444
#define MESSAGES 4000
#define OPERATIONS 1500
#define PAGES 64
#define INTERFACES 3

void stale_capabilities(void)
{
    memory_space_t client = {0}, child = {0};
    memory_object_t object = {0}, copy = {0};
    struct memory_statistics statistics;
    struct memory_region region;
    uint64_t start = 0;
    EXPECT_EQUAL(memory_space_divide(bank, 50, &client), 0);
    EXPECT_EQUAL(memory_space_create(client, 5, &object), 0);
    EXPECT_EQUAL(memory_space_close(client), 0);
    EXPECT_EQUAL(memory_space_close(client), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_divide(client, 1, &child), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_allocate(client, 0, 1, RW, 0, &start), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_statistics(client, &statistics), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_region(client, 0, &region), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_object_share(object, RW, &copy), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_object_destroy(object), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_snapshot(bank, object, &copy), MEMORY_ERROR_GONE);
    /* The next client and object in their places are others. */
    EXPECT_EQUAL(memory_space_divide(bank, 50, &child), 0);
    EXPECT_EQUAL(memory_space_create(child, 5, &copy), 0);
    EXPECT_EQUAL(memory_space_statistics(client, &statistics), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_object_resize(object, 1), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_close(child), 0);
    const uint32_t handles[] = {client.handle, child.handle, object.handle, copy.handle};
    for (unsigned i = 0; i < COUNT(handles); i++)
        guest_delete(handles[i]);
}

/* Those of the manifest that name no client, and capabilities of the wrong kind in every place that takes one. */
void foreign_capabilities(void)
{
    struct scene scene;
    kernel_pager_t pager = {0};
    memory_object_t object = {0};
    memory_space_t nothing = {salto_require("nothing")}, child = {0};
    const uint32_t strangers[] = {salto_require("unknown"), salto_require("plain")};
    uint64_t start = 0;
    scene_create(&scene, 50);
    for (unsigned i = 0; i < COUNT(strangers); i++)
        EXPECT_EQUAL(memory_space_divide((memory_space_t){strangers[i]}, 0, &child), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_divide(nothing, 0, &child), MEMORY_ERROR_QUOTA);
    EXPECT_EQUAL(memory_space_allocate(nothing, 0, 1, RW, 0, &start), MEMORY_ERROR_QUOTA);
    uint32_t endpoint = guest_endpoint(), notification_like = guest_memory(1);
    memory_object_t no_objects[] = {{endpoint}, {notification_like}, {scene.client.handle}, {own_task.handle}};
    for (unsigned i = 0; i < COUNT(no_objects); i++) {
        uint32_t copyable = guest_rights(no_objects[i].handle) & RIGHT_COPY;
        int result = memory_space_attach(scene.client, no_objects[i], 0, 0, 1, RW, 0, &start);
        EXPECT_EQUAL(result, copyable ? MEMORY_ERROR_GONE : -ERROR_NO_SLOT);
    }
    EXPECT_EQUAL(memory_space_leave(scene.client), 0);
    EXPECT_EQUAL(memory_space_adopt(scene.client, (kernel_task_t){endpoint}, &pager), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_adopt(scene.client, (kernel_task_t){scene.client.handle}, &pager), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_create(scene.client, 1, &object), 0);
    EXPECT_EQUAL(memory_space_close((memory_space_t){object.handle}), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_object_destroy((memory_object_t){scene.client.handle}), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_copy_to(bank, (memory_space_t){object.handle}), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(scene_attach(&scene, object, 1, RW), MEMORY_ERROR_NO_SPACE);
    guest_delete(object.handle);
    guest_delete(endpoint);
    guest_delete(notification_like);
    scene_destroy(&scene);
}

/* A client maps something of its own where its region lies: the answer to its fault there cannot be carried out. */
void own_pages_in_regions(void)
{
    struct scene scene;
    scene_create(&scene, 50);
    uint64_t start = scene_allocate(&scene, PLACE, 4, RW), place = start + PAGE_SIZE;
    uint32_t own = guest_memory(1);
    scene_write(&scene, start, VALUE);
    EXPECT_EQUAL(kernel_memory_map((kernel_memory_t){own}, scene.worker.task, place, 0, 1, RIGHT_READ), 0);
    EXPECT_EQUAL(scene_read(&scene, place), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).faults, 1);
    scene_write_refused(&scene, place);
    EXPECT_EQUAL(memory_space_detach(scene.client, start, 4), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 0);
    /* It is the client's own matter, and not a part of the region. */
    EXPECT_EQUAL(kernel_memory_unmap((kernel_memory_t){own}, scene.worker.task, place, 1), 0);
    guest_delete(own);
    scene_destroy(&scene);
}

/* A client unmaps its own pages, or grants them away: the server's books have them as mapped. The next access finds
 * what was there. */
void own_pages_taken_out(void)
{
    struct scene scene;
    scene_create(&scene, 50);
    uint64_t start = scene_allocate(&scene, PLACE, 4, RW);
    scene_fill(&scene, start, 4, VALUE);
    EXPECT_EQUAL(kernel_task_unmap(scene.worker.task, start + PAGE_SIZE, 2), 0);
    EXPECT_EQUAL(scene_count(&scene, start, 4, VALUE), 4);
    EXPECT_EQUAL(memory_space_protect(scene.client, start, 4, RIGHT_READ), 0);
    EXPECT_EQUAL(scene_count(&scene, start, 4, VALUE), 4);
    uint64_t given = scene_give(&scene, start, RIGHT_READ, ITEM_GRANT);
    EXPECT_EQUAL(scene_count(&scene, start, 4, VALUE), 4);
    EXPECT_EQUAL(*(volatile uint64_t *)given, VALUE);
    EXPECT_EQUAL(memory_space_protect(scene.client, start, 4, RW), 0);
    scene_fill(&scene, start, 4, VALUE + 1);
    EXPECT_EQUAL(kernel_task_unmap(own_task, given, 1), 0);
    scene_destroy(&scene);
}

/* The task's capability is taken from the server while it has pages there: it can unmap nothing any more, and the
 * frames are recalled all the same when they come to others. */
void task_taken_from_server(void)
{
    struct scene scene, other;
    kernel_pager_t pager = {0};
    kernel_task_t task;
    uint64_t entry = 0;
    scene_create(&scene, 200);
    EXPECT_EQUAL(memory_space_leave(scene.client), 0);
    task.handle = guest_copy(scene.worker.task.handle, RIGHTS_ALL);
    EXPECT_EQUAL(memory_space_adopt(scene.client, task, &pager), 0);
    uint64_t start = scene_allocate(&scene, PLACE, 100, RW);
    scene_fill(&scene, start, 100, VALUE);
    EXPECT_EQUAL(kernel_task_revoke(own_task, task.handle), 0);
    EXPECT_EQUAL(memory_space_protect(scene.client, start, 10, RIGHT_READ), 0);
    EXPECT_EQUAL(memory_space_discard(scene.client, start + 10 * PAGE_SIZE, 10), 0);
    EXPECT_EQUAL(memory_space_detach(scene.client, start + 20 * PAGE_SIZE, 80), 0);
    for (uint64_t page = 10; page < 100; page++)
        EXPECT(kernel_debug_page_entry(debug, scene.worker.task, start + page * PAGE_SIZE, &entry) != 0 || entry == 0);
    scene_create(&other, 200);
    EXPECT_EQUAL(scene_count(&other, scene_allocate(&other, PLACE, 100, RW), 100, 0), 100);
    EXPECT_EQUAL(scene_read(&scene, start + 10 * PAGE_SIZE), 0);
    scene_read_refused(&scene, start + 20 * PAGE_SIZE);
    guest_delete(pager.handle);
    guest_delete(task.handle);
    scene_destroy(&other);
    scene_destroy(&scene);
}

void bad_ranges(void)
{
    static const struct {
        uint64_t address, pages;
    } cases[] = {
        {PLACE, 0},
        {PLACE + 1, 1},
        {PLACE, UINT64_MAX},
        {PLACE, 1UL << 52},
        {0, 1},
        {PAGE_SIZE, 1},
        {UTCB_BASE, 1},
        {UTCB_BASE - PAGE_SIZE, 2},
        {USER_END, 1},
        {0xffff800000000000, 1},
        {UINT64_MAX - PAGE_SIZE + 1, 1},
        {UINT64_MAX - PAGE_SIZE + 1, 2},
    };
    struct scene scene;
    uint64_t start = 0;
    scene_create(&scene, 50);
    for (unsigned i = 0; i < COUNT(cases); i++) {
        uint64_t address = cases[i].address, pages = cases[i].pages;
        EXPECT_EQUAL(memory_space_allocate(scene.client, address, pages, RW, FIXED, &start), MEMORY_ERROR_BAD_RANGE);
        EXPECT_EQUAL(memory_space_detach(scene.client, address, pages), MEMORY_ERROR_BAD_RANGE);
        EXPECT_EQUAL(memory_space_protect(scene.client, address, pages, RW), MEMORY_ERROR_BAD_RANGE);
        EXPECT_EQUAL(memory_space_discard(scene.client, address, pages), MEMORY_ERROR_BAD_RANGE);
        EXPECT(memory_space_resize(scene.client, address, pages, true, &start) != 0);
    }
    EXPECT_EQUAL(memory_space_allocate(scene.client, 0, 1UL << 29, RW, 0, &start), 0); /* 2 TiB of nothing */
    EXPECT_EQUAL(memory_space_allocate(scene.client, 0, (1UL << 30) + 1, RW, 0, &start), MEMORY_ERROR_BAD_RANGE);
    EXPECT_EQUAL(memory_space_allocate(scene.client, 0, 1, RW | RIGHT_EXECUTE, 0, &start), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_space_allocate(scene.client, 0, 1, RW | RIGHT_COPY, 0, &start), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(scene_statistics(scene.client).regions, 1);
    scene_destroy(&scene);
}

/* A message of the client's with a label that is, or nearly is, one of the server's. */
static void send_rubbish(uint32_t handle, uint64_t *state)
{
    static const uint32_t interfaces[INTERFACES] = {MEMORY_SPACE_ID, MEMORY_OBJECT_ID, KERNEL_PAGER_ID};
    struct ipc_message message = {0};
    uint32_t words = (uint32_t)(random_next(state) % 24), items = (uint32_t)(random_next(state) % 3);
    uint32_t interface = interfaces[random_next(state) % INTERFACES], operation = (uint32_t)(random_next(state) % 18);
    struct utcb *utcb = ipc_utcb();
    for (uint32_t i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        message.words[i] = random_next(state) >> random_next(state) % 64;
    for (uint32_t i = MESSAGE_REGISTER_WORDS; i < MESSAGE_MAX_WORDS; i++)
        utcb->words[i] = random_next(state) >> random_next(state) % 64;
    for (uint32_t i = 0; i < items; i++)
        utcb->items[i] = item_of(handle, RIGHTS_ALL, ITEM_COPY);
    uint64_t tag = tag_of(interface << 16 | operation, MESSAGE_CALL, words, items);
    tag = ipc_transfer(tag, handle, &message);
    EXPECT(message_is_tag(tag));
    uint32_t received = (uint32_t)tag >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
    for (uint32_t i = 0; message_is_tag(tag) && (uint32_t)tag > TAG_PLAIN_REPLY_LAST && i < received; i++)
        guest_delete((uint32_t)utcb->items[i]);
}

void rubbish(void)
{
    struct scene scene, honest;
    memory_object_t object = {0};
    uint64_t state = 0x1234567, used = scene_statistics(bank).used;
    scene_create(&scene, 100);
    scene_create(&honest, 100);
    uint64_t start = scene_allocate(&honest, 0, PAGES, RW);
    scene_fill(&honest, start, PAGES, VALUE);
    EXPECT_EQUAL(memory_space_create(scene.client, 5, &object), 0);
    for (int i = 0; i < MESSAGES; i++)
        send_rubbish(i % 2 ? scene.client.handle : object.handle, &state);
    EXPECT_EQUAL(scene_count(&honest, start, PAGES, VALUE), PAGES);
    scene_destroy(&honest);
    guest_delete(object.handle);
    if (memory_space_close(scene.client) != 0) /* it may have closed itself */
        EXPECT_EQUAL(scene_statistics(bank).used, used);
    guest_delete(scene.client.handle);
    worker_destroy(&scene.worker);
    guest_delete(scene.endpoint);
    guest_delete(scene.supervisor);
    EXPECT_EQUAL(scene_statistics(bank).used, used);
}

/* ---- Chance ------------------------------------------------------------------------------------------------------ */

/* What the pages from PLACE on hold, as the test has it: 0 where nothing is attached or writable. */
struct model {
    bool attached[PAGES], writable[PAGES];
    uint64_t values[PAGES];
};

static bool all_are(const bool *flags, uint64_t from, uint64_t count, bool value)
{
    for (uint64_t i = from; i < from + count; i++)
        if (flags[i] != value)
            return false;
    return true;
}

static void random_attach(const struct scene *scene, struct model *model, uint64_t from, uint64_t count, bool write)
{
    uint64_t start = 0;
    int result =
        memory_space_allocate(scene->client, PLACE + from * PAGE_SIZE, count, write ? RW : RIGHT_READ, FIXED, &start);
    EXPECT_EQUAL(result, all_are(model->attached, from, count, false) ? 0 : MEMORY_ERROR_OCCUPIED);
    for (uint64_t i = from; result == 0 && i < from + count; i++) {
        model->attached[i] = true;
        model->writable[i] = write;
        model->values[i] = 0;
    }
}

static void random_protect(const struct scene *scene, struct model *model, uint64_t from, uint64_t count, bool write)
{
    int result = memory_space_protect(scene->client, PLACE + from * PAGE_SIZE, count, write ? RW : RIGHT_READ);
    EXPECT_EQUAL(result, all_are(model->attached, from, count, true) ? 0 : MEMORY_ERROR_NO_REGION);
    for (uint64_t i = from; result == 0 && i < from + count; i++)
        model->writable[i] = write;
}

static void random_detach(const struct scene *scene, struct model *model, uint64_t from, uint64_t count)
{
    EXPECT_EQUAL(memory_space_detach(scene->client, PLACE + from * PAGE_SIZE, count), 0);
    for (uint64_t i = from; i < from + count; i++)
        model->attached[i] = false;
}

static void random_discard(const struct scene *scene, struct model *model, uint64_t from, uint64_t count)
{
    EXPECT_EQUAL(memory_space_discard(scene->client, PLACE + from * PAGE_SIZE, count), 0);
    for (uint64_t i = from; i < from + count; i++)
        model->values[i] = 0;
}

static void random_access(const struct scene *scene, struct model *model, uint64_t page, uint64_t value)
{
    if (model->attached[page] && model->writable[page]) {
        scene_write(scene, PLACE + page * PAGE_SIZE, value);
        model->values[page] = value;
    }
}

static void check_model(const struct scene *scene, const struct model *model)
{
    for (uint64_t page = 0; page < PAGES; page++)
        if (model->attached[page])
            EXPECT_EQUAL(scene_read(scene, PLACE + page * PAGE_SIZE), model->values[page]);
}

static void random_step(const struct scene *scene, struct model *model, uint64_t *state)
{
    uint64_t from = random_next(state) % PAGES, count = 1 + random_next(state) % 12, what = random_next(state) % 8;
    bool write = random_next(state) % 2;
    if (count > PAGES - from)
        count = PAGES - from;
    if (what == 0)
        random_attach(scene, model, from, count, write);
    else if (what == 1)
        random_protect(scene, model, from, count, write);
    else if (what == 2)
        random_detach(scene, model, from, count);
    else if (what == 3)
        random_discard(scene, model, from, count);
    else
        random_access(scene, model, from, random_next(state));
}

/* Replaces the second client by a copy of the first. */
static void copy_client(struct scene *scenes, struct model *models)
{
    scene_destroy(&scenes[1]);
    scene_create(&scenes[1], 300);
    EXPECT_EQUAL(memory_space_copy_to(scenes[0].client, scenes[1].client), 0);
    models[1] = models[0];
}

void random_operations(void)
{
    static struct model models[2];
    struct scene scenes[2], third;
    uint64_t state = 0x9876543210;
    models[0] = models[1] = (struct model){0};
    scene_create(&scenes[0], 300);
    scene_create(&scenes[1], 300);
    scene_create(&third, 100);
    uint64_t start = scene_allocate(&third, 0, PAGES, RW);
    scene_fill(&third, start, PAGES, VALUE);
    for (int i = 0; i < OPERATIONS; i++) {
        uint64_t which = random_next(&state) % 2;
        random_step(&scenes[which], &models[which], &state);
        if (i % 100 == 99)
            copy_client(scenes, models);
        if (i % 50 == 49)
            check_model(&scenes[which], &models[which]);
    }
    EXPECT_EQUAL(scene_count(&third, start, PAGES, VALUE), PAGES);
    for (int i = 0; i < 2; i++) {
        check_model(&scenes[i], &models[i]);
        scene_destroy(&scenes[i]);
    }
    scene_destroy(&third);
}
