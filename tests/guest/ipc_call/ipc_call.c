/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call and reply-and-wait with messages that fit registers: what arrives on either side, whom an answer reaches, and
 * every error. Partners are threads of this task and of others.
 */
#include <stdlib.h>

#include "../common/worker.h"

#define BADGE 0x8000000000000001UL
#define ROUNDS 2000
#define CHAIN 8

static const uint32_t labels[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
static uint64_t seed;

static uint64_t word_of(uint32_t round, int number)
{
    return 0x9e3779b97f4a7c15UL * (round * 16 + (uint32_t)number + 1);
}

static void add_conversation(const struct worker *client, uint64_t handle)
{
    for (uint32_t i = 0; i < COUNT(labels); i++) {
        struct step *step = worker_add(client, tag_of(labels[i], MESSAGE_CALL, i, 0), handle);
        for (int j = 0; j < MESSAGE_REGISTER_WORDS; j++)
            step->words[j] = word_of(i, j);
    }
    worker_add(client, tag_of(0, MESSAGE_SEND, 0, 0), handle);
}

/* Answers each call with another label, another number of words, and its words complemented. */
static void serve_conversation(uint32_t endpoint)
{
    struct ipc_message message;
    uint64_t tag = ipc_transfer(TAG_RECEIVE, endpoint, &message);
    for (uint32_t i = 0; i < COUNT(labels); i++) {
        EXPECT_EQUAL(tag, tag_of(labels[i], MESSAGE_CALL, i, 0));
        EXPECT_EQUAL(message.badge, BADGE);
        for (int j = 0; j < MESSAGE_REGISTER_WORDS; j++) {
            EXPECT_EQUAL(message.words[j], word_of(i, j));
            message.words[j] = ~message.words[j];
        }
        tag = ipc_transfer(tag_of(~labels[i], MESSAGE_REPLY_AND_WAIT, 6 - i, 0), endpoint, &message);
    }
    EXPECT_EQUAL(tag, tag_of(0, MESSAGE_SEND, 0, 0));
}

static void check_answers(const struct worker *client)
{
    for (uint32_t i = 0; i < COUNT(labels); i++) {
        const struct step *step = &client->area->steps[i];
        EXPECT_EQUAL(step->result, tag_of(~labels[i], MESSAGE_REPLY_AND_WAIT, 6 - i, 0));
        EXPECT_EQUAL(step->message.badge, 0);
        for (int j = 0; j < MESSAGE_REGISTER_WORDS; j++)
            EXPECT_EQUAL(step->words[j], ~word_of(i, j));
    }
}

static void conversation(bool separate)
{
    struct worker client;
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, separate);
    uint32_t handle = worker_mint(&client, endpoint, RIGHT_WRITE, BADGE);
    add_conversation(&client, handle);
    worker_start(&client, worker_steps);
    serve_conversation(endpoint);
    if (worker_wait(&client, COUNT(labels) + 1))
        check_answers(&client);
    worker_drop(&client, handle);
    worker_destroy(&client);
    guest_delete(endpoint);
}

static void conversation_here(void)
{
    conversation(false);
}

static void conversation_elsewhere(void)
{
    conversation(true);
}

/* A server whose answers depend on their requests; answers its handle for the server. */
static uint32_t start_echo(struct worker *server, bool separate, uint32_t endpoint, uint64_t change)
{
    worker_create(server, separate);
    uint32_t handle = worker_give(server, endpoint, RIGHT_READ);
    server->area->values[0] = handle;
    server->area->values[2] = change;
    worker_start(server, worker_echo);
    return handle;
}

static void expect_echo(uint32_t handle, uint64_t tag, const uint64_t *words, uint64_t change)
{
    struct ipc_message message;
    uint32_t count = (uint32_t)tag - TAG_PLAIN_CALL;
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        message.words[i] = words[i];
    EXPECT_EQUAL(ipc_transfer(tag, handle, &message), tag_of(message_label(tag), MESSAGE_REPLY_AND_WAIT, count, 0));
    EXPECT_EQUAL(message.badge, 0);
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL(message.words[i], echo_of(words[i], change));
}

static void random_rounds(bool separate)
{
    struct worker server;
    uint32_t endpoint = guest_endpoint(), given = start_echo(&server, separate, endpoint, seed);
    uint64_t state = seed, words[MESSAGE_REGISTER_WORDS];
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t noise = random_next(&state);
        for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
            words[i] = random_next(&state);
        expect_echo(endpoint, tag_of((uint32_t)(noise >> 32), MESSAGE_CALL, noise % 7, 0), words, seed);
    }
    worker_drop(&server, given);
    worker_destroy(&server);
    guest_delete(endpoint);
}

static void random_here(void)
{
    random_rounds(false);
}

static void random_elsewhere(void)
{
    random_rounds(true);
}

/* Adds 1 to word 0, and lets the next in the chain do so too: values[0] is served, values[1] the next or 0. */
static void relay(struct area *area)
{
    struct ipc_message message;
    uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[0], &message);
    while (message_is_tag(tag)) {
        message.words[0]++;
        if (area->values[1] && !message_is_tag(ipc_transfer(tag_of(0, MESSAGE_CALL, 1, 0), area->values[1], &message)))
            return;
        tag = ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 1, 0), area->values[0], &message);
    }
}

/* Servers that are clients of others keep their callers meanwhile. */
static void chain(void)
{
    struct worker workers[CHAIN];
    struct ipc_message message = {0};
    uint32_t endpoints[CHAIN];
    for (int i = CHAIN - 1; i >= 0; i--) {
        endpoints[i] = guest_endpoint();
        worker_create(&workers[i], true);
        workers[i].area->values[0] = worker_give(&workers[i], endpoints[i], RIGHT_READ);
        if (i < CHAIN - 1)
            workers[i].area->values[1] = worker_give(&workers[i], endpoints[i + 1], RIGHT_WRITE);
        worker_start(&workers[i], relay);
    }
    for (uint64_t round = 1; round <= 50; round++) {
        EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 1, 0), endpoints[0], &message),
                     tag_of(0, MESSAGE_REPLY_AND_WAIT, 1, 0));
        EXPECT_EQUAL(message.words[0], round * CHAIN);
    }
    for (int i = 0; i < CHAIN; i++) {
        worker_destroy(&workers[i]);
        guest_delete(endpoints[i]);
    }
}

/* A server may answer what came in on one endpoint, and go on to wait on another. */
static void waits_elsewhere(void)
{
    struct worker server;
    struct ipc_message message = {0};
    uint32_t first = guest_endpoint(), second = guest_endpoint();
    worker_create(&server, true);
    uint32_t given[] = {worker_give(&server, first, RIGHT_READ), worker_give(&server, second, RIGHT_READ)};
    worker_add(&server, TAG_RECEIVE, given[0]);
    worker_add(&server, tag_of(1, MESSAGE_REPLY_AND_WAIT, 0, 0), given[1]);
    worker_add(&server, tag_of(2, MESSAGE_REPLY_AND_WAIT, 0, 0), given[0]);
    worker_add(&server, tag_of(3, MESSAGE_REPLY, 0, 0), 0);
    worker_start(&server, worker_steps);
    EXPECT_EQUAL(message_label(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), first, &message)), 1);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_CALL, 0, 0), first, &message), ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(message_label(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), second, &message)), 2);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_CALL, 0, 0), second, &message), ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(message_label(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), first, &message)), 3);
    worker_wait(&server, 4);
    worker_destroy(&server);
    guest_delete(first);
    guest_delete(second);
}

/* A server waits by the handle that it names, not by what that handle named when it last waited. */
static void server_handle_reused(void)
{
    struct worker client;
    struct ipc_message message = {0};
    uint32_t first = guest_endpoint(), handle = guest_copy(first, RIGHTS_ALL);
    worker_create(&client, true);
    uint32_t to_first = worker_give(&client, first, RIGHT_WRITE);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), to_first);
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, handle, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    guest_delete(handle);
    uint32_t second = guest_endpoint();
    EXPECT_EQUAL(second, handle);
    worker_add(&client, polled_tag_of(2, MESSAGE_SEND, 0, 0), to_first);
    worker_add(&client, tag_of(3, MESSAGE_SEND, 0, 0), worker_give(&client, second, RIGHT_WRITE));
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), handle, &message),
                 tag_of(3, MESSAGE_SEND, 0, 0));
    worker_wait(&client, 3);
    EXPECT_EQUAL(client.area->steps[0].result, TAG_DONE);
    EXPECT_EQUAL(client.area->steps[1].result, ERROR_WOULD_BLOCK);
    worker_destroy(&client);
    guest_delete(first);
    guest_delete(second);
}

/* A client calls what its handle names now. */
static void client_handle_reused(void)
{
    struct worker servers[2];
    struct ipc_message message = {0};
    uint64_t words[MESSAGE_REGISTER_WORDS] = {1, 2, 3, 4, 5, 6}, tag = tag_of(9, MESSAGE_CALL, 6, 0);
    uint32_t first = guest_endpoint(), second = guest_endpoint();
    start_echo(&servers[0], true, first, 111);
    start_echo(&servers[1], true, second, 222);
    uint32_t handle = guest_copy(first, RIGHT_WRITE);
    expect_echo(handle, tag, words, 111);
    guest_delete(handle);
    EXPECT_EQUAL(guest_copy(second, RIGHT_WRITE), handle);
    expect_echo(handle, tag, words, 222);
    guest_delete(handle);
    EXPECT_EQUAL(ipc_transfer(tag, handle, &message), ERROR_BAD_HANDLE);
    for (int i = 0; i < 2; i++)
        worker_destroy(&servers[i]);
    guest_delete(first);
    guest_delete(second);
}

/* In the order in which errors are checked; behind each of them its cause alone. A server waits all the time. */
static void call_refused(void)
{
    struct worker server;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), reader = guest_copy(endpoint, RIGHTS_ALL & ~RIGHT_WRITE);
    uint64_t words[MESSAGE_REGISTER_WORDS] = {0};
    start_echo(&server, true, endpoint, 0);
    expect_echo(endpoint, tag_of(0, MESSAGE_CALL, 0, 0), words, 0);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0) | 0x40, 0, &message), ERROR_BAD_TAG);
    for (uint32_t count = 0; count <= MESSAGE_MAX_WORDS; count++)
        expect_bad_handles(tag_of(count, MESSAGE_CALL, count, 0), endpoint);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), reader, &message), ERROR_NO_RIGHT);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 63, 0), reader, &message), ERROR_NO_RIGHT);
    expect_echo(endpoint, tag_of(0, MESSAGE_CALL, 0, 0), words, 0);
    EXPECT_EQUAL(server.area->done, 2);
    worker_destroy(&server);
    guest_delete(reader);
    guest_delete(endpoint);
}

/* Nobody may receive: an error, but only for whoever may send. */
static void call_to_nobody(void)
{
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), sender = guest_copy(endpoint, RIGHT_WRITE), nothing = guest_copy(endpoint, 0);
    guest_delete(endpoint);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), sender, &message), ERROR_DEAD);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 63, 0), sender, &message), ERROR_DEAD);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), nothing, &message), ERROR_NO_RIGHT);
    guest_delete(sender);
    guest_delete(nothing);
}

/* An answer that is refused has not been given: the caller waits on, and gets the one that is not. */
static void expect_answers_refused(uint32_t endpoint, uint32_t writer)
{
    struct ipc_message message = {0};
    kernel_memory_t none = {guest_memory(1)};
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), 0, &message), ERROR_BAD_TAG);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_REPLY_AND_WAIT, 7, 0), endpoint, &message), ERROR_BAD_TAG);
    for (uint32_t count = 0; count <= MESSAGE_MAX_WORDS; count++)
        expect_bad_handles(tag_of(0, MESSAGE_REPLY_AND_WAIT, count, 0), endpoint);
    uint32_t memory = guest_copy(none.handle, 0);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), memory, &message), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), own_task.handle, &message), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), writer, &message), ERROR_NO_RIGHT);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 63, 0), writer, &message), ERROR_NO_RIGHT);
    guest_delete(memory);
    guest_delete(none.handle);
}

static void answer_refused(void)
{
    struct worker client;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), writer = guest_copy(endpoint, RIGHTS_ALL & ~RIGHT_READ);
    worker_create(&client, true);
    uint32_t handle = worker_give(&client, endpoint, RIGHT_WRITE);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), handle);
    worker_add(&client, tag_of(2, MESSAGE_SEND, 0, 0), handle);
    expect_answers_refused(endpoint, writer);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), endpoint, &message), ERROR_NO_CALLER);
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    expect_answers_refused(endpoint, writer);
    worker_settle(&client, 1);
    EXPECT_EQUAL(client.area->done, 0);
    EXPECT_EQUAL(ipc_transfer(tag_of(77, MESSAGE_REPLY_AND_WAIT, 0, 0), endpoint, &message),
                 tag_of(2, MESSAGE_SEND, 0, 0));
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), endpoint, &message), ERROR_NO_CALLER);
    worker_wait(&client, 2);
    EXPECT_EQUAL(client.area->steps[0].result, tag_of(77, MESSAGE_REPLY_AND_WAIT, 0, 0));
    worker_destroy(&client);
    guest_delete(writer);
    guest_delete(endpoint);
}

/* A server answers its caller without waiting; that one calls another server, and is not the first one's to answer. */
static void answered_once(void)
{
    struct worker servers[2], client;
    struct ipc_message message = {0};
    uint32_t endpoints[2], gates[2];
    for (int i = 0; i < 2; i++) {
        endpoints[i] = guest_endpoint();
        gates[i] = guest_endpoint();
        worker_create(&servers[i], true);
    }
    uint32_t first = worker_give(&servers[0], endpoints[0], RIGHT_READ);
    uint32_t second = worker_give(&servers[1], endpoints[1], RIGHT_READ);
    worker_create(&client, true);
    worker_add(&servers[0], TAG_RECEIVE, first);
    worker_add(&servers[0], tag_of(1, MESSAGE_REPLY, 0, 0), 0);
    worker_add(&servers[0], tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&servers[0], gates[0], RIGHT_WRITE));
    const struct step *again = worker_add(&servers[0], tag_of(9, MESSAGE_REPLY_AND_WAIT, 0, 0), first);
    worker_add(&servers[1], TAG_RECEIVE, second);
    worker_add(&servers[1], tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&servers[1], gates[1], RIGHT_WRITE));
    worker_add(&servers[1], tag_of(2, MESSAGE_REPLY_AND_WAIT, 0, 0), second);
    const struct step *calls[2];
    for (int i = 0; i < 2; i++)
        calls[i] = worker_add(&client, tag_of(0, MESSAGE_CALL, 0, 0), worker_give(&client, endpoints[i], RIGHT_WRITE));
    for (int i = 0; i < 2; i++)
        worker_go(&servers[i]);
    worker_go(&client);
    worker_wait(&servers[1], 1);
    ipc_transfer(TAG_RECEIVE, gates[0], &message); /* the first server tries to answer again */
    worker_wait(&servers[0], 4);
    EXPECT_EQUAL(again->result, ERROR_NO_CALLER);
    EXPECT_EQUAL(client.area->done, 1);
    ipc_transfer(TAG_RECEIVE, gates[1], &message); /* the second one answers */
    worker_wait(&client, 2);
    EXPECT_EQUAL(message_label(calls[0]->result), 1);
    EXPECT_EQUAL(message_label(calls[1]->result), 2);
    worker_destroy(&client);
    for (int i = 0; i < 2; i++) {
        worker_destroy(&servers[i]);
        guest_delete(gates[i]);
        guest_delete(endpoints[i]);
    }
}

/* Requests with one word more than there may be, and with the first tag behind the plain ones, where the partner waits
 * and nothing else is wrong with them. */
static void malformed_between_partners(void)
{
    struct worker server;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), one_more = MESSAGE_MAX_WORDS + 1;
    worker_create(&server, true);
    uint32_t handle = worker_give(&server, endpoint, RIGHT_READ);
    worker_add(&server, TAG_RECEIVE, handle);
    const struct step *refused = worker_add(&server, TAG_PLAIN_REPLY_LAST + 1, handle);
    worker_add(&server, tag_of(0, MESSAGE_REPLY_AND_WAIT, MESSAGE_MAX_WORDS, 0) + 1, handle);
    worker_add(&server, tag_of(5, MESSAGE_REPLY_AND_WAIT, 0, 0), handle);
    worker_go(&server);
    worker_settle(&server, 1);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, one_more, 0), endpoint, &message), ERROR_BAD_TAG);
    EXPECT_EQUAL(server.area->done, 0);
    EXPECT_EQUAL(message_label(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), endpoint, &message)), 5);
    EXPECT_EQUAL(refused[0].result, ERROR_BAD_TAG);
    EXPECT_EQUAL(refused[1].result, ERROR_BAD_TAG);
    worker_destroy(&server);
    guest_delete(endpoint);
}

static const struct guest_test tests[] = {
    {"a thread of the own task calls", conversation_here},
    {"a thread of another task calls", conversation_elsewhere},
    {"random rounds within the own task", random_here},
    {"random rounds with another task", random_elsewhere},
    {"servers call servers", chain},
    {"an answer goes out from one endpoint, and the next wait is on another", waits_elsewhere},
    {"a server waits on what its handle names now", server_handle_reused},
    {"a client calls what its handle names now", client_handle_reused},
    {"calls that are refused", call_refused},
    {"calls where nobody may receive", call_to_nobody},
    {"answers that are refused leave the caller waiting", answer_refused},
    {"who was answered is not answered again while it waits elsewhere", answered_once},
    {"malformed requests between partners that wait for each other", malformed_between_partners},
};

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) | 1 : 1;
    return guest_run(tests, COUNT(tests));
}
