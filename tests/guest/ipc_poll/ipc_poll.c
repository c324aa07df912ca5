/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The poll bit: a call, send or receive that would wait for a partner returns WOULD_BLOCK at once and has changed
 * nothing; with a partner that waits, all is as without the bit.
 */
#include "../common/worker.h"

#define QUEUED 6

/* Every shape of request, where nobody waits: none is left on the queue, and no capability has been moved. */
static void nobody_receives(void)
{
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), memory = guest_memory(1);
    for (uint32_t words = 0; words <= MESSAGE_MAX_WORDS; words++)
        for (uint32_t items = 0; items <= MESSAGE_MAX_ITEMS; items++) {
            ipc_utcb()->items[0] = item_of(memory, RIGHTS_ALL, ITEM_MOVE);
            EXPECT_EQUAL(ipc_transfer(polled_tag_of(words, MESSAGE_CALL, words, items), endpoint, &message),
                         ERROR_WOULD_BLOCK);
            EXPECT_EQUAL(ipc_transfer(polled_tag_of(words, MESSAGE_SEND, words, items), endpoint, &message),
                         ERROR_WOULD_BLOCK);
        }
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message), ERROR_WOULD_BLOCK);
    EXPECT(guest_type(memory) != 0);
    guest_delete(memory);
    guest_delete(endpoint);
}

/* A server that has not answered yet does not wait. */
static void receiver_is_busy(void)
{
    struct worker client;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, true);
    uint32_t handle = worker_give(&client, endpoint, RIGHT_WRITE);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), handle);
    worker_add(&client, polled_tag_of(2, MESSAGE_CALL, 0, 0), handle);
    worker_add(&client, polled_tag_of(3, MESSAGE_SEND, 0, 0), handle);
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), TAG_DONE);
    worker_wait(&client, 3);
    EXPECT_EQUAL(client.area->steps[1].result, ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(client.area->steps[2].result, ERROR_WOULD_BLOCK);
    worker_destroy(&client);
    guest_delete(endpoint);
}

/* Repeats a polled request until a receiver waits. */
static uint64_t insist(uint64_t tag, uint32_t handle, struct ipc_message *message)
{
    struct ipc_message request = *message;
    uint64_t result = ERROR_WOULD_BLOCK;
    for (int i = 0; i < 1000 && result == ERROR_WOULD_BLOCK; i++) {
        *message = request;
        result = ipc_transfer(tag, handle, message);
        if (result == ERROR_WOULD_BLOCK)
            guest_yield();
    }
    return result;
}

/* Where a receiver waits, the message arrives; the caller waits for the answer all the same. */
static void somebody_receives(bool separate)
{
    struct worker server;
    struct ipc_message message = {.words = {1, 2, 3, 4, 5, 6}};
    uint32_t endpoint = guest_endpoint();
    worker_create(&server, separate);
    uint32_t handle = worker_give(&server, endpoint, RIGHT_READ);
    worker_add(&server, TAG_RECEIVE, handle);
    worker_add(&server, TAG_RECEIVE, handle);
    worker_add(&server, tag_of(8, MESSAGE_REPLY, 2, 0), 0)->words[1] = 17;
    worker_start(&server, worker_steps);
    EXPECT_EQUAL(insist(polled_tag_of(5, MESSAGE_SEND, 3, 0), endpoint, &message), TAG_DONE);
    message = (struct ipc_message){.words = {7, 8, 9}};
    EXPECT_EQUAL(insist(polled_tag_of(6, MESSAGE_CALL, 3, 0), endpoint, &message),
                 tag_of(8, MESSAGE_REPLY_AND_WAIT, 2, 0));
    EXPECT_EQUAL(message.words[1], 17);
    worker_wait(&server, 3);
    EXPECT_EQUAL(server.area->steps[0].result, tag_of(5, MESSAGE_SEND, 3, 0));
    EXPECT_EQUAL(server.area->steps[0].words[5], 6);
    EXPECT_EQUAL(server.area->steps[1].result, tag_of(6, MESSAGE_CALL, 3, 0));
    EXPECT_EQUAL(server.area->steps[1].words[2], 9);
    worker_drop(&server, handle);
    worker_destroy(&server);
    guest_delete(endpoint);
}

static void somebody_receives_here(void)
{
    somebody_receives(false);
}

static void somebody_receives_elsewhere(void)
{
    somebody_receives(true);
}

/* A poll takes those that are queued, one at a time and in order, and then there is nobody. */
static void drains(void)
{
    struct worker clients[QUEUED];
    struct ipc_message message;
    uint32_t endpoint = guest_endpoint();
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message), ERROR_WOULD_BLOCK);
    for (uint32_t i = 0; i < QUEUED; i++) {
        worker_create(&clients[i], i % 2);
        uint32_t handle = worker_mint(&clients[i], endpoint, RIGHT_WRITE, i);
        worker_add(&clients[i], tag_of(i, i % 3 ? MESSAGE_CALL : MESSAGE_SEND, i, 0), handle);
        worker_go(&clients[i]);
    }
    for (uint32_t i = 0; i < QUEUED; i++) {
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message),
                     tag_of(i, i % 3 ? MESSAGE_CALL : MESSAGE_SEND, i, 0));
        EXPECT_EQUAL(message.badge, i);
        if (i % 3)
            EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), TAG_DONE);
    }
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message), ERROR_WOULD_BLOCK);
    for (uint32_t i = 0; i < QUEUED; i++) {
        worker_wait(&clients[i], 1);
        EXPECT_EQUAL(clients[i].area->steps[0].result, TAG_DONE);
        worker_drop(&clients[i], (uint32_t)clients[i].area->steps[0].handle);
        worker_destroy(&clients[i]);
    }
    guest_delete(endpoint);
}

/* A poll that finds nobody leaves the caller waiting for its answer; one that finds somebody abandons it. */
static void polls_between(bool somebody, uint64_t expected)
{
    struct worker client, other;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, true);
    worker_create(&other, true);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), worker_give(&client, endpoint, RIGHT_WRITE));
    worker_add(&other, tag_of(2, MESSAGE_SEND, 0, 0), worker_give(&other, endpoint, RIGHT_WRITE));
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    if (somebody)
        worker_go(&other);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message),
                 somebody ? tag_of(2, MESSAGE_SEND, 0, 0) : ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(ipc_transfer(tag_of(3, MESSAGE_REPLY, 0, 0), 0, &message), somebody ? ERROR_NO_CALLER : TAG_DONE);
    worker_wait(&client, 1);
    EXPECT_EQUAL(client.area->steps[0].result, expected);
    worker_destroy(&client);
    worker_destroy(&other);
    guest_delete(endpoint);
}

static void poll_finds_nobody(void)
{
    polls_between(false, tag_of(3, MESSAGE_REPLY_AND_WAIT, 0, 0));
}

static void poll_finds_somebody(void)
{
    polls_between(true, ERROR_ABANDONED);
}

/* A poll changes nothing for a thread that serves: it is called again by the fast path after its next wait. */
static void server_polls(void)
{
    struct worker server;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&server, true);
    uint32_t handle = worker_give(&server, endpoint, RIGHT_READ);
    worker_add(&server, TAG_RECEIVE, handle);
    worker_add(&server, TAG_RECEIVE_NOW, handle);
    worker_add(&server, tag_of(1, MESSAGE_REPLY_AND_WAIT, 0, 0), handle);
    worker_add(&server, TAG_RECEIVE_NOW, handle);
    worker_add(&server, tag_of(2, MESSAGE_REPLY, 0, 0), handle);
    worker_start(&server, worker_steps);
    for (uint32_t i = 1; i <= 2; i++)
        EXPECT_EQUAL(ipc_transfer(tag_of(i, MESSAGE_CALL, 0, 0), endpoint, &message),
                     tag_of(i, MESSAGE_REPLY_AND_WAIT, 0, 0));
    worker_wait(&server, 5);
    EXPECT_EQUAL(server.area->steps[1].result, ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(server.area->steps[2].result, tag_of(2, MESSAGE_CALL, 0, 0));
    EXPECT_EQUAL(server.area->steps[3].result, ERROR_WOULD_BLOCK);
    worker_destroy(&server);
    guest_delete(endpoint);
}

/* Every other error comes before WOULD_BLOCK. */
static void other_errors_first(void)
{
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), reader = guest_copy(endpoint, RIGHT_READ);
    uint32_t writer = guest_copy(endpoint, RIGHT_WRITE);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_RECEIVE, 1, 0), endpoint, &message), ERROR_BAD_TAG);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0) | 0x80, endpoint, &message), ERROR_BAD_TAG);
    expect_bad_handles(polled_tag_of(0, MESSAGE_CALL, 0, 0), endpoint);
    expect_bad_handles(polled_tag_of(0, MESSAGE_SEND, 0, 0), endpoint);
    expect_bad_handles(TAG_RECEIVE_NOW, endpoint);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, own_task.handle, &message), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_CALL, 0, 0), reader, &message), ERROR_NO_RIGHT);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), reader, &message), ERROR_NO_RIGHT);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, writer, &message), ERROR_NO_RIGHT);
    guest_delete(reader);
    guest_delete(endpoint);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_CALL, 0, 0), writer, &message), ERROR_DEAD);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), writer, &message), ERROR_DEAD);
    guest_delete(writer);
}

/* An answer never waits, and a reply-and-wait always may. */
static void answers_do_not_poll(void)
{
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    for (uint32_t words = 0; words <= MESSAGE_MAX_WORDS; words++) {
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_REPLY, words, 0), endpoint, &message), ERROR_BAD_TAG);
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_REPLY_AND_WAIT, words, 0), endpoint, &message),
                     ERROR_BAD_TAG);
    }
    guest_delete(endpoint);
}

static const struct guest_test tests[] = {
    {"no request waits where nobody receives, nor changes anything", nobody_receives},
    {"a busy receiver does not count", receiver_is_busy},
    {"a waiting receiver of the own task gets the message", somebody_receives_here},
    {"a waiting receiver of another task gets the message", somebody_receives_elsewhere},
    {"a poll takes queued senders in order", drains},
    {"a poll that finds nobody abandons nobody", poll_finds_nobody},
    {"a poll that finds somebody abandons the caller", poll_finds_somebody},
    {"a server may poll between its waits", server_polls},
    {"other errors come first", other_errors_first},
    {"answers have no poll bit", answers_do_not_poll},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
