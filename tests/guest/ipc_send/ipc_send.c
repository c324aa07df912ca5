/* SPDX-License-Identifier: BSD-2-Clause */
/* Send, receive and reply, each on its own: who waits, who goes on, who is abandoned, and every error. */
#include "../common/worker.h"

#define BADGE 0x77UL

static const uint32_t labels[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};

static void fill(struct step *step, uint64_t base)
{
    for (uint64_t i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        step->words[i] = base + i;
}

static void expect_words(const uint64_t *words, uint64_t base)
{
    for (uint64_t i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL(words[i], base + i);
}

static void expect_done(uint64_t result, const struct ipc_message *message)
{
    EXPECT_EQUAL(result, TAG_DONE);
    EXPECT_EQUAL(message->badge, 0);
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL(message->words[i], 0);
}

/* A sender waits until it is received, and then goes on. */
static void sender_waits(bool separate)
{
    struct worker client;
    struct ipc_message message;
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, separate);
    uint32_t handle = worker_mint(&client, endpoint, RIGHT_WRITE, BADGE);
    for (uint32_t i = 0; i < COUNT(labels); i++)
        fill(worker_add(&client, tag_of(labels[i], MESSAGE_SEND, i, 0), handle), i * 100);
    worker_start(&client, worker_steps);
    for (uint32_t i = 0; i < COUNT(labels); i++) {
        worker_settle(&client, i + 1);
        EXPECT_EQUAL(client.area->done, i);
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(labels[i], MESSAGE_SEND, i, 0));
        EXPECT_EQUAL(message.badge, BADGE);
        expect_words(message.words, i * 100);
        worker_wait(&client, i + 1);
        expect_done(client.area->steps[i].result, &client.area->steps[i].message);
    }
    worker_drop(&client, handle);
    worker_destroy(&client);
    guest_delete(endpoint);
}

static void sender_waits_here(void)
{
    sender_waits(false);
}

static void sender_waits_elsewhere(void)
{
    sender_waits(true);
}

/* Whoever sends to a thread that waits already goes on at once. */
static void receiver_waits(bool separate)
{
    struct worker server;
    uint32_t endpoint = guest_endpoint();
    worker_create(&server, separate);
    uint32_t handle = worker_give(&server, endpoint, RIGHT_READ);
    for (uint32_t i = 0; i < COUNT(labels); i++)
        worker_add(&server, TAG_RECEIVE, handle);
    worker_start(&server, worker_steps);
    for (uint32_t i = 0; i < COUNT(labels); i++) {
        struct ipc_message message = {.words = {i, i + 1, i + 2, i + 3, i + 4, i + 5}};
        worker_settle(&server, i + 1);
        expect_done(ipc_transfer(tag_of(labels[i], MESSAGE_SEND, i, 0), endpoint, &message), &message);
        worker_wait(&server, i + 1);
        EXPECT_EQUAL(server.area->steps[i].result, tag_of(labels[i], MESSAGE_SEND, i, 0));
        EXPECT_EQUAL(server.area->steps[i].message.badge, 0);
        expect_words(server.area->steps[i].words, i);
    }
    worker_drop(&server, handle);
    worker_destroy(&server);
    guest_delete(endpoint);
}

static void receiver_waits_here(void)
{
    receiver_waits(false);
}

static void receiver_waits_elsewhere(void)
{
    receiver_waits(true);
}

/* Nobody waits for an answer to what was sent. */
static void sent_one_way(void)
{
    struct worker client;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, true);
    worker_add(&client, tag_of(1, MESSAGE_SEND, 0, 0), worker_give(&client, endpoint, RIGHT_WRITE));
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_SEND, 0, 0));
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, endpoint, &message), ERROR_NO_CALLER);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), endpoint, &message), ERROR_NO_CALLER);
    worker_wait(&client, 1);
    worker_destroy(&client);
    guest_delete(endpoint);
}

/* Each answer is given once, and goes out whatever the handle says. */
static void replies(bool separate)
{
    static const uint64_t handles[] = {0, 1, 65535, 65536, ~0UL};
    struct worker client;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, separate);
    uint32_t handle = worker_give(&client, endpoint, RIGHT_WRITE);
    for (uint32_t i = 0; i < COUNT(labels); i++)
        worker_add(&client, tag_of(i, MESSAGE_CALL, 0, 0), handle);
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, endpoint, &message), ERROR_NO_CALLER);
    worker_start(&client, worker_steps);
    for (uint32_t i = 0; i < COUNT(labels); i++) {
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(i, MESSAGE_CALL, 0, 0));
        message = (struct ipc_message){.words = {i, i + 1, i + 2, i + 3, i + 4, i + 5}};
        expect_done(ipc_transfer(tag_of(labels[i], MESSAGE_REPLY, i, 0), handles[i], &message), &message);
        EXPECT_EQUAL(ipc_transfer(tag_of(99, MESSAGE_REPLY, i, 0), handles[i], &message), ERROR_NO_CALLER);
        worker_wait(&client, i + 1);
        EXPECT_EQUAL(client.area->steps[i].result, tag_of(labels[i], MESSAGE_REPLY_AND_WAIT, i, 0));
        EXPECT_EQUAL(client.area->steps[i].message.badge, 0);
        expect_words(client.area->steps[i].words, i);
    }
    worker_drop(&client, handle);
    worker_destroy(&client);
    guest_delete(endpoint);
}

static void replies_here(void)
{
    replies(false);
}

static void replies_elsewhere(void)
{
    replies(true);
}

/* A receive instead of an answer fails the caller, before anything else comes: here it is the caller itself that sends
 * next. */
static void receive_abandons(void)
{
    struct worker client;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, true);
    uint32_t handle = worker_give(&client, endpoint, RIGHT_WRITE);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), handle);
    worker_add(&client, tag_of(2, MESSAGE_SEND, 0, 0), handle);
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(2, MESSAGE_SEND, 0, 0));
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), ERROR_NO_CALLER);
    worker_wait(&client, 2);
    EXPECT_EQUAL(client.area->steps[0].result, ERROR_ABANDONED);
    EXPECT_EQUAL(client.area->steps[1].result, TAG_DONE);
    worker_destroy(&client);
    guest_delete(endpoint);
}

/* Who was abandoned waits for somebody else by now: it is not answered by who abandoned it. */
static void abandoned_is_not_answered(void)
{
    struct worker client, other;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), second = guest_endpoint(), never = guest_endpoint();
    worker_create(&client, true);
    worker_create(&other, true);
    uint32_t handle = worker_give(&client, endpoint, RIGHT_WRITE);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), handle);
    worker_add(&client, tag_of(2, MESSAGE_CALL, 0, 0), worker_give(&client, second, RIGHT_WRITE));
    worker_add(&other, tag_of(3, MESSAGE_SEND, 0, 0), worker_give(&other, endpoint, RIGHT_WRITE));
    worker_add(&other, TAG_RECEIVE, worker_give(&other, second, RIGHT_READ));
    worker_add(&other, tag_of(4, MESSAGE_SEND, 0, 0), worker_give(&other, never, RIGHT_WRITE)); /* keeps its caller */
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    worker_start(&other, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(3, MESSAGE_SEND, 0, 0));
    worker_wait(&other, 2);
    EXPECT_EQUAL(other.area->steps[1].result, tag_of(2, MESSAGE_CALL, 0, 0));
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), ERROR_NO_CALLER);
    worker_settle(&client, 2);
    EXPECT_EQUAL(client.area->done, 1);
    EXPECT_EQUAL(client.area->steps[0].result, ERROR_ABANDONED);
    worker_destroy(&client);
    worker_destroy(&other);
    guest_delete(endpoint);
    guest_delete(second);
    guest_delete(never);
}

static void expect_receives_refused(uint32_t endpoint, uint32_t writer)
{
    struct ipc_message message = {0};
    uint32_t memory = guest_memory(1), nothing = guest_copy(memory, 0);
    for (uint32_t words = 1; words <= MESSAGE_MAX_WORDS; words++)
        EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_RECEIVE, words, 0), endpoint, &message), ERROR_BAD_TAG);
    for (uint32_t items = 1; items <= MESSAGE_MAX_ITEMS; items++)
        EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_RECEIVE, 0, items), 0, &message), ERROR_BAD_TAG);
    expect_bad_handles(TAG_RECEIVE, endpoint);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, nothing, &message), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, own_thread.handle, &message), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, writer, &message), ERROR_NO_RIGHT);
    guest_delete(nothing);
    guest_delete(memory);
}

/* What is refused does not abandon the caller: it is answered afterwards. */
static void receive_refused(void)
{
    struct worker client;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), writer = guest_copy(endpoint, RIGHTS_ALL & ~RIGHT_READ);
    worker_create(&client, true);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), worker_give(&client, endpoint, RIGHT_WRITE));
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    expect_receives_refused(endpoint, writer);
    EXPECT_EQUAL(ipc_transfer(tag_of(7, MESSAGE_REPLY, 0, 0), 0, &message), TAG_DONE);
    worker_wait(&client, 1);
    EXPECT_EQUAL(client.area->steps[0].result, tag_of(7, MESSAGE_REPLY_AND_WAIT, 0, 0));
    worker_destroy(&client);
    guest_delete(writer);
    guest_delete(endpoint);
}

static void send_refused(void)
{
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), reader = guest_copy(endpoint, RIGHTS_ALL & ~RIGHT_WRITE);
    uint32_t writer = guest_copy(endpoint, RIGHT_WRITE), nothing = guest_copy(endpoint, 0);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 0) | 0x40, 0, &message), ERROR_BAD_TAG);
    for (uint32_t words = 0; words <= MESSAGE_MAX_WORDS; words++)
        expect_bad_handles(tag_of(0, MESSAGE_SEND, words, words % 8), endpoint);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 0), reader, &message), ERROR_NO_RIGHT);
    guest_delete(reader);
    guest_delete(endpoint);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 0), nothing, &message), ERROR_NO_RIGHT);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 63, 7), writer, &message), ERROR_DEAD);
    guest_delete(nothing);
    guest_delete(writer);
}

/* Kernel objects are called, plainly or with many words, and nothing else. */
static void not_to_kernel_objects(void)
{
    struct ipc_message message = {0};
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 0), own_task.handle, &message), ERROR_BAD_TAG);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 1), own_task.handle, &message), ERROR_BAD_TAG);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_CALL, 0, 0), own_task.handle, &message), ERROR_BAD_TAG);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 63, 7), own_factory.handle, &message), ERROR_BAD_TAG);
}

static const struct guest_test tests[] = {
    {"a sender of the own task waits until it is received", sender_waits_here},
    {"a sender of another task waits until it is received", sender_waits_elsewhere},
    {"a sender goes on at once where a receiver of the own task waits", receiver_waits_here},
    {"a sender goes on at once where a receiver of another task waits", receiver_waits_elsewhere},
    {"what was sent cannot be answered", sent_one_way},
    {"a reply within the own task reaches the caller once", replies_here},
    {"a reply to another task reaches the caller once", replies_elsewhere},
    {"a receive abandons the caller", receive_abandons},
    {"who was abandoned is not answered any more", abandoned_is_not_answered},
    {"receives that are refused abandon nobody", receive_refused},
    {"sends that are refused", send_refused},
    {"kernel objects are only called", not_to_kernel_objects},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
