/* SPDX-License-Identifier: BSD-2-Clause */
/* See items.h. */
#include "items.h"

void own_table(void)
{
    struct worker host = {.task = own_task};
    for (enum route route = SEND; route < ROUTES; route++) {
        uint32_t copied = guest_endpoint(), moved = guest_endpoint(), type = guest_type(copied);
        const uint64_t items[] = {item_of(copied, RIGHT_WRITE, ITEM_COPY), item_of(moved, RIGHT_READ, ITEM_MOVE)};
        uint64_t arrived[MESSAGE_MAX_ITEMS];
        give(&host, route, items, 2, arrived);
        EXPECT_EQUAL(guest_rights(copied), RIGHTS_ALL);
        expect_holds(&host, arrived[0], type, RIGHT_WRITE);
        expect_holds(&host, arrived[1], type, RIGHT_READ);
        EXPECT(arrived[0] != copied);
        guest_delete(copied);
        guest_delete((uint32_t)arrived[0]);
        guest_delete((uint32_t)arrived[1]);
    }
}

void beside_words(void)
{
    struct worker server;
    uint32_t endpoint = guest_endpoint(), memory = guest_memory(1);
    for (uint32_t words = 0; words <= MESSAGE_MAX_WORDS; words += words < 8 ? 1 : 11) {
        struct ipc_message message = {.words = {1, 2, 3, 4, 5, 6}};
        worker_create(&server, true);
        worker_add(&server, TAG_RECEIVE, worker_give(&server, endpoint, RIGHT_READ));
        worker_start(&server, worker_steps);
        ipc_utcb()->items[0] = item_of(memory, RIGHT_READ, ITEM_COPY);
        for (uint32_t i = MESSAGE_REGISTER_WORDS; i < MESSAGE_MAX_WORDS; i++)
            ipc_utcb()->words[i] = i + 1;
        EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, words, 1), endpoint, &message), TAG_DONE);
        worker_wait(&server, 1);
        const struct step *step = server.area->steps;
        EXPECT_EQUAL(step->result, tag_of(0, MESSAGE_SEND, words, 1));
        for (uint32_t i = 0; i < MESSAGE_MAX_WORDS; i++)
            EXPECT_EQUAL(step->words[i], i < words || i < MESSAGE_REGISTER_WORDS ? i + 1 : 0);
        expect_holds(&server, step->items[0], KERNEL_MEMORY_ID, RIGHT_READ);
        worker_destroy(&server);
    }
    guest_delete(memory);
    guest_delete(endpoint);
}

void failures_move_nothing(void)
{
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), reader = guest_copy(endpoint, RIGHT_READ);
    uint32_t writer = guest_copy(endpoint, RIGHT_WRITE), memory = guest_memory(1);
    ipc_utcb()->items[0] = item_of(memory, RIGHTS_ALL, ITEM_MOVE);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 1), 60000, &message), ERROR_BAD_HANDLE);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 1), reader, &message), ERROR_NO_RIGHT);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY, 0, 1), 0, &message), ERROR_NO_CALLER);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 1), endpoint, &message), ERROR_NO_CALLER);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 1), own_task.handle, &message), ERROR_BAD_TAG);
    guest_delete(reader);
    guest_delete(endpoint);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 1), writer, &message), ERROR_DEAD);
    EXPECT_EQUAL(guest_rights(memory), RIGHTS_ALL);
    guest_delete(writer);
    guest_delete(memory);
}

void gives_its_way_away(void)
{
    struct worker server;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), writer = guest_copy(endpoint, RIGHT_WRITE);
    worker_create(&server, true);
    worker_add(&server, TAG_RECEIVE, worker_give(&server, endpoint, RIGHT_READ));
    worker_add(&server, tag_of(5, MESSAGE_REPLY, 0, 0), 0);
    worker_start(&server, worker_steps);
    ipc_utcb()->items[0] = item_of(writer, RIGHTS_ALL, ITEM_MOVE);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 1), writer, &message),
                 tag_of(5, MESSAGE_REPLY_AND_WAIT, 0, 0));
    worker_wait(&server, 2);
    EXPECT_EQUAL(guest_type(writer), 0);
    expect_holds(&server, server.area->steps[0].items[0], guest_type(endpoint), RIGHT_WRITE);
    worker_destroy(&server);
    guest_delete(endpoint);
}

void gives_its_wait_away(void)
{
    struct worker client;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), reader = guest_copy(endpoint, RIGHT_READ);
    worker_create(&client, true);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), worker_give(&client, endpoint, RIGHT_WRITE));
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, reader, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    ipc_utcb()->items[0] = item_of(reader, RIGHTS_ALL, ITEM_MOVE);
    EXPECT_EQUAL(ipc_transfer(tag_of(2, MESSAGE_REPLY_AND_WAIT, 0, 1), reader, &message), ERROR_BAD_HANDLE);
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), ERROR_NO_CALLER);
    worker_wait(&client, 1);
    EXPECT_EQUAL(client.area->steps[0].result, tag_of(2, MESSAGE_REPLY_AND_WAIT, 0, 1));
    expect_holds(&client, client.area->steps[0].items[0], guest_type(endpoint), RIGHT_READ);
    worker_destroy(&client);
    guest_delete(endpoint);
}
