/* SPDX-License-Identifier: BSD-2-Clause */
/* See scene.h. */
#include "scene.h"

#include <salto/page_item.h>

#include "idl/supervisor.h"

enum order { ORDER_READ, ORDER_WRITE, ORDER_EXECUTE, ORDER_FILL, ORDER_COUNT, ORDER_GIVE };

memory_space_t bank;

/* ---- The thread -------------------------------------------------------------------------------------------------- */

static uint64_t count(volatile uint64_t *place, uint64_t pages, uint64_t value)
{
    uint64_t found = 0;
    for (uint64_t page = 0; page < pages; page++)
        found += place[page * PAGE_SIZE / 8] == value;
    return found;
}

static uint64_t fill(volatile uint64_t *place, uint64_t pages, uint64_t value)
{
    for (uint64_t page = 0; page < pages; page++)
        place[page * PAGE_SIZE / 8] = value;
    return 0;
}

static uint64_t carry_out(const uint64_t *words)
{
    volatile uint64_t *place = (volatile uint64_t *)words[1];
    switch (words[0]) {
    case ORDER_GIVE:
        ipc_page(0, (uint32_t)words[3], (void *)words[1], PAGE_SHIFT, (uint32_t)words[2]);
        return *place;
    case ORDER_WRITE:
        *place = words[2];
        return *place;
    case ORDER_EXECUTE:
        ((void (*)(void))words[1])();
        return 0;
    case ORDER_FILL:
        return fill(place, words[3], words[2]);
    case ORDER_COUNT:
        return count(place, words[3], words[2]);
    default:
        return *place;
    }
}

/* A worker_function: takes orders on values[0]. */
static void take_orders(struct area *area)
{
    struct ipc_message message = {0};
    uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[0], &message);
    while (message_is_tag(tag)) {
        uint32_t items = message.words[0] == ORDER_GIVE;
        message.words[0] = carry_out(message.words);
        for (int i = 1; i < MESSAGE_REGISTER_WORDS; i++)
            message.words[i] = 0;
        tag = ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 1, items), area->values[0], &message);
    }
}

static uint64_t order(const struct scene *scene, enum order order, uint64_t address, uint64_t value, uint64_t pages)
{
    uint64_t words[MESSAGE_REGISTER_WORDS] = {order, address, value, pages};
    uint64_t tag = ipc_call(tag_of(0, MESSAGE_CALL, 4, 0), scene->endpoint, words);
    EXPECT_EQUAL(tag, tag_of(0, MESSAGE_REPLY_AND_WAIT, 1, 0));
    return words[0];
}

/* ---- The test's side --------------------------------------------------------------------------------------------- */

void scene_create(struct scene *scene, uint64_t pages)
{
    kernel_pager_t pager = {0};
    *scene = (struct scene){.endpoint = guest_endpoint(), .supervisor = guest_endpoint()};
    EXPECT_EQUAL(memory_space_divide(bank, pages, &scene->client), 0);
    worker_create(&scene->worker, true);
    EXPECT_EQUAL(kernel_task_set_supervisor(scene->worker.task, (kernel_endpoint_t){scene->supervisor}), 0);
    EXPECT_EQUAL(memory_space_adopt(scene->client, scene->worker.task, &pager), 0);
    EXPECT_EQUAL(kernel_thread_set_pager(scene->worker.thread, (kernel_endpoint_t){pager.handle}), 0);
    guest_delete(pager.handle);
    scene->worker.area->values[0] = worker_give(&scene->worker, scene->endpoint, RIGHT_READ);
    worker_start(&scene->worker, take_orders);
}

void scene_destroy(struct scene *scene)
{
    EXPECT_EQUAL(memory_space_close(scene->client), 0);
    guest_delete(scene->client.handle);
    worker_destroy(&scene->worker);
    guest_delete(scene->endpoint);
    guest_delete(scene->supervisor);
}

uint64_t scene_read(const struct scene *scene, uint64_t address)
{
    return order(scene, ORDER_READ, address, 0, 0);
}

void scene_write(const struct scene *scene, uint64_t address, uint64_t value)
{
    EXPECT_EQUAL(order(scene, ORDER_WRITE, address, value, 0), value);
}

void scene_execute(const struct scene *scene, uint64_t address)
{
    order(scene, ORDER_EXECUTE, address, 0, 0);
}

void scene_fill(const struct scene *scene, uint64_t address, uint64_t pages, uint64_t value)
{
    order(scene, ORDER_FILL, address, value, pages);
}

uint64_t scene_count(const struct scene *scene, uint64_t address, uint64_t pages, uint64_t value)
{
    return order(scene, ORDER_COUNT, address, value, pages);
}

uint64_t scene_give(const struct scene *scene, uint64_t address, uint32_t rights, uint32_t kind)
{
    uint64_t words[MESSAGE_REGISTER_WORDS] = {ORDER_GIVE, address, rights, kind};
    ipc_window((void *)GIVEN, GIVEN_LOG2);
    uint64_t tag = ipc_call(tag_of(0, MESSAGE_CALL, 4, 0), scene->endpoint, words);
    ipc_window(0, 0);
    EXPECT_EQUAL(tag, tag_of(0, MESSAGE_REPLY_AND_WAIT, 1, 1));
    return ipc_utcb()->item_addresses[0];
}

/* The kernel tells the supervisor by a message that waits for it: the receive waits for the refusal. */
static void refused(const struct scene *scene, enum order what, uint64_t address)
{
    struct ipc_message message = {0};
    uint64_t words[MESSAGE_REGISTER_WORDS] = {what, address};
    EXPECT(message_is_tag(ipc_send(tag_of(0, MESSAGE_SEND, 4, 0), scene->endpoint, words)));
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, scene->supervisor, &message), KERNEL_SUPERVISOR_FAULT_REQUEST);
    EXPECT_EQUAL(message.words[1], 14);
    EXPECT_EQUAL(message.words[3], address);
}

void scene_read_refused(const struct scene *scene, uint64_t address)
{
    refused(scene, ORDER_READ, address);
}

void scene_write_refused(const struct scene *scene, uint64_t address)
{
    refused(scene, ORDER_WRITE, address);
}

void scene_execute_refused(const struct scene *scene, uint64_t address)
{
    refused(scene, ORDER_EXECUTE, address);
}

uint64_t scene_allocate(const struct scene *scene, uint64_t address, uint64_t pages, uint32_t rights)
{
    uint64_t start = 0;
    EXPECT_EQUAL(memory_space_allocate(scene->client, address, pages, rights, address ? FIXED : 0, &start), 0);
    EXPECT(address == 0 || start == address);
    return start;
}

int scene_attach(const struct scene *scene, memory_object_t object, uint64_t pages, uint32_t rights)
{
    uint64_t start = 0;
    return memory_space_attach(scene->client, object, PLACE, 0, pages, rights, FIXED, &start);
}

struct memory_statistics scene_statistics(memory_space_t client)
{
    struct memory_statistics statistics = {0};
    EXPECT_EQUAL(memory_space_statistics(client, &statistics), 0);
    return statistics;
}
