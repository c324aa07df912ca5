/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guarded tasks. The same conversations as with other tasks have the same results, and the kernel counts each of their
 * crossings, with the barriers that the CPU has: a message by the fast path would be missing.
 */
#include <salto/startup.h>
#include <stdlib.h>
#include <string.h>

#include "../common/worker.h"
#include "idl/notification.h"
#include "idl/reply.h"

#define BADGE 0x1234567890UL
#define CALLS 100
#define CALLS_UNSEEN 1000
#define PREDICTORS 1
#define BUFFERS 2
#define CACHES 4

/* What CALLS_UNSEEN calls in a row need: values of a worker. */
enum value { HANDLE, WRONG = 3, OTHER };

static const uint32_t lengths[] = {0, 1, 5, 6, 7, 8, 62, 63};
static uint32_t kinds; /* barriers that this CPU is said to have */

static uint64_t crossings(void)
{
    uint64_t count = 0, predictors, buffers, caches;
    EXPECT_EQUAL(kernel_debug_barriers(debug, &count, &predictors, &buffers, &caches), 0);
    return count;
}

static uint64_t call_tag(uint32_t words)
{
    return tag_of(0x5a17, MESSAGE_CALL, words, 0);
}

static void make_worker(struct worker *worker, bool guarded)
{
    if (guarded)
        worker_create_guarded(worker);
    else
        worker_create(worker, true);
}

/* An echo in a task of its own. */
static void start_echo(struct worker *server, bool guarded, uint32_t endpoint)
{
    make_worker(server, guarded);
    server->area->values[HANDLE] = worker_give(server, endpoint, RIGHT_READ);
    worker_start(server, worker_echo);
    guest_yield();
}

static void stop(struct worker *worker, uint32_t endpoint)
{
    worker_destroy(worker);
    guest_delete(endpoint);
}

/* ---- Crossings --------------------------------------------------------------------------------------------------- */

/* A worker_function: calls values[HANDLE] CALLS_UNSEEN times. */
static void call_unseen(struct area *area)
{
    struct ipc_message message = {0};
    for (uint64_t i = 0; i < CALLS_UNSEEN; i++) {
        message.words[0] = i;
        uint64_t tag = ipc_transfer(tag_of(0, MESSAGE_CALL, 1, 0), area->values[HANDLE], &message);
        area->values[WRONG] += !message_is_tag(tag) || message.words[0] != ~i;
    }
    area->done++;
}

/* This task, which is not guarded, calls one that is, or is not: so many crossings are counted. */
static uint64_t crossings_of_calls(bool guarded, uint32_t words)
{
    struct worker server;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    start_echo(&server, guarded, endpoint);
    uint64_t before = crossings();
    for (int i = 0; i < CALLS; i++)
        EXPECT_EQUAL(ipc_transfer(call_tag(words), endpoint, &message),
                     tag_of(0x5a17, MESSAGE_REPLY_AND_WAIT, words, 0));
    uint64_t count = crossings() - before;
    stop(&server, endpoint);
    return count;
}

static void guarded_server(void)
{
    for (unsigned i = 0; i < COUNT(lengths); i++)
        EXPECT_EQUAL(crossings_of_calls(true, lengths[i]), 2 * CALLS);
}

static void nothing_guarded(void)
{
    EXPECT_EQUAL(crossings_of_calls(false, 0), 0);
    EXPECT_EQUAL(crossings_of_calls(false, 63), 0);
}

/* Serves `endpoint` until a call with number `last` came, and answers it; answers the crossings since the first. */
static uint64_t serve_until(uint32_t endpoint, uint64_t *first, uint64_t count)
{
    struct ipc_message message;
    uint64_t tag = ipc_transfer(TAG_RECEIVE, endpoint, &message), before = crossings();
    *first = message.words[0];
    for (uint64_t i = 1; i < count && message_is_tag(tag); i++) {
        EXPECT_EQUAL(message.words[0], *first + i - 1);
        message.words[0] = ~message.words[0];
        tag = ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 1, 0), endpoint, &message);
    }
    EXPECT_EQUAL(tag, tag_of(0, MESSAGE_CALL, 1, 0));
    uint64_t counted = crossings() - before;
    message.words[0] = ~message.words[0];
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY, 1, 0), endpoint, &message), TAG_DONE);
    return counted;
}

/* The program beside this one, which calls whenever it can. */
static void guarded_by_manifest(void)
{
    uint64_t first, again;
    EXPECT_EQUAL(serve_until(salto_require("echo"), &first, CALLS), 2 * (CALLS - 1));
    EXPECT_EQUAL(serve_until(salto_require("echo"), &again, CALLS), 2 * (CALLS - 1));
    EXPECT_EQUAL(again, first + CALLS);
}

static void guarded_client(void)
{
    struct worker client;
    uint64_t first;
    uint32_t endpoint = guest_endpoint();
    worker_create_guarded(&client);
    client.area->values[HANDLE] = worker_give(&client, endpoint, RIGHT_WRITE);
    worker_start(&client, call_unseen);
    EXPECT_EQUAL(serve_until(endpoint, &first, CALLS_UNSEEN), 2 * (CALLS_UNSEEN - 1));
    worker_wait(&client, 1);
    EXPECT_EQUAL(client.area->values[WRONG], 0);
    stop(&client, endpoint);
}

/* Crossings of CALLS_UNSEEN calls between two workers that nothing else watches. */
static uint64_t crossings_between(struct worker *server, struct worker *client, uint32_t endpoint)
{
    client->area->values[HANDLE] = worker_give(client, endpoint, RIGHT_WRITE);
    uint64_t before = crossings();
    worker_start(client, call_unseen);
    worker_wait(client, 1);
    EXPECT_EQUAL(client->area->values[WRONG], 0);
    EXPECT_EQUAL(server->area->done, CALLS_UNSEEN);
    return crossings() - before;
}

static void guarded_both(void)
{
    struct worker server, client;
    uint32_t endpoint = guest_endpoint();
    start_echo(&server, true, endpoint);
    worker_create_guarded(&client);
    EXPECT(crossings_between(&server, &client, endpoint) >= 2 * CALLS_UNSEEN);
    worker_destroy(&client);
    stop(&server, endpoint);
}

static void guarded_same(void)
{
    struct worker server, client;
    uint32_t endpoint = guest_endpoint();
    start_echo(&server, true, endpoint);
    worker_create_in(&client, &server);
    EXPECT(crossings_between(&server, &client, endpoint) < CALLS_UNSEEN);
    worker_destroy(&client);
    stop(&server, endpoint);
}

#define TAG_SIGNAL_AND_WAIT tag_of(0, MESSAGE_SEND_AND_WAIT, 1, 0)

/* A worker_function: waits for a signal, and signals by values[OTHER], for ever. */
static void signal_back(struct area *area)
{
    struct ipc_message message = {0};
    uint64_t tag = ipc_transfer(TAG_RECEIVE, 0, &message);
    while (message_is_tag(tag)) {
        area->done++;
        message.words[0] = 1;
        tag = ipc_transfer(TAG_SIGNAL_AND_WAIT, area->values[OTHER], &message);
    }
}

static kernel_notification_t bound(kernel_thread_t thread)
{
    kernel_notification_t notification = {0};
    EXPECT_EQUAL(kernel_factory_create_notification(own_factory, &notification), 0);
    EXPECT_EQUAL(kernel_notification_bind(notification, thread), 0);
    return notification;
}

static uint64_t crossings_of_signals(bool guard)
{
    struct worker worker;
    struct ipc_message message;
    make_worker(&worker, guard);
    kernel_notification_t there = bound(worker.thread), here = bound(own_thread);
    worker.area->values[OTHER] = worker_give(&worker, here.handle, RIGHT_WRITE);
    worker_start(&worker, signal_back);
    guest_yield();
    uint64_t before = crossings();
    for (int i = 0; i < CALLS; i++) {
        message.words[0] = 1;
        EXPECT(message_is_tag(ipc_transfer(TAG_SIGNAL_AND_WAIT, there.handle, &message)));
    }
    uint64_t count = crossings() - before;
    EXPECT_EQUAL(worker.area->done, CALLS);
    guest_delete(here.handle);
    worker_destroy(&worker);
    guest_delete(there.handle);
    return count;
}

static void guarded_signals(void)
{
    EXPECT_EQUAL(crossings_of_signals(true), 2 * CALLS);
    EXPECT_EQUAL(crossings_of_signals(false), 0);
}

/* A guarded client of this thread, which keeps its caller and answers it by send-and-wait on the reply object. */
static void guarded_answered_late(void)
{
    struct worker client;
    struct ipc_message message;
    kernel_reply_t reply = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create_guarded(&client);
    client.area->values[HANDLE] = worker_give(&client, endpoint, RIGHT_WRITE);
    EXPECT_EQUAL(kernel_factory_create_reply(own_factory, &reply), 0);
    worker_start(&client, call_unseen);
    uint64_t tag = ipc_transfer(TAG_RECEIVE, endpoint, &message), before = crossings();
    for (int i = 1; i < CALLS_UNSEEN && message_is_tag(tag); i++) {
        uint64_t word = message.words[0];
        EXPECT_EQUAL(kernel_reply_keep(reply), 0);
        message.words[0] = ~word;
        tag = ipc_transfer(TAG_SIGNAL_AND_WAIT, (uint64_t)endpoint << WAIT_HANDLE_SHIFT | reply.handle, &message);
    }
    EXPECT_EQUAL(crossings() - before, 2 * (CALLS_UNSEEN - 1));
    message.words[0] = ~message.words[0];
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY, 1, 0), endpoint, &message), TAG_DONE);
    worker_wait(&client, 1);
    EXPECT_EQUAL(client.area->values[WRONG], 0);
    guest_delete(reply.handle);
    stop(&client, endpoint);
}

/* Each crossing has every barrier of the CPU. */
static void kinds_counted(void)
{
    uint64_t count = 0, predictors = 0, buffers = 0, caches = 0;
    EXPECT_EQUAL(kernel_debug_barriers(debug, &count, &predictors, &buffers, &caches), 0);
    EXPECT(count > 0);
    EXPECT_EQUAL(predictors, kinds & PREDICTORS ? count : 0);
    EXPECT_EQUAL(buffers, kinds & BUFFERS ? count : 0);
    EXPECT_EQUAL(caches, kinds & CACHES ? count : 0);
}

/* ---- Results ----------------------------------------------------------------------------------------------------- */

#define RESULTS 4096

/* Everything that came back in a conversation. */
struct record {
    uint32_t count;
    uint64_t results[RESULTS];
};

static struct record plain, guarded;

static void note(struct record *record, uint64_t result)
{
    if (EXPECT(record->count < RESULTS))
        record->results[record->count++] = result;
}

/* Those of the UTCB beyond the message's are what was there before. */
static void note_words(struct record *record, const struct ipc_message *message, uint32_t words)
{
    note(record, message->badge);
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        note(record, message->words[i]);
    for (uint32_t i = MESSAGE_REGISTER_WORDS; i < words; i++)
        note(record, ipc_utcb()->words[i]);
}

static uint32_t words_of(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;
    return low <= TAG_PLAIN_CALL_LAST ? low - TAG_PLAIN_CALL : low & TAG_WORDS_MASK;
}

static void fill(struct ipc_message *message, uint64_t base)
{
    for (uint64_t i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        message->words[i] = base + i;
    for (uint64_t i = MESSAGE_REGISTER_WORDS; i < MESSAGE_MAX_WORDS; i++)
        ipc_utcb()->words[i] = base + i;
}

/* Calls of all lengths to an echo that dies in the end, while its endpoint lives, and then not. */
static void call_echo(struct record *record, bool guard)
{
    struct worker server;
    struct ipc_message message;
    uint32_t endpoint = guest_endpoint(), sender = guest_copy(endpoint, RIGHT_WRITE);
    start_echo(&server, guard, endpoint);
    for (unsigned i = 0; i < COUNT(lengths); i++) {
        fill(&message, 0x1000 * i);
        note(record, ipc_transfer(call_tag(lengths[i]), endpoint, &message));
        note_words(record, &message, lengths[i]);
    }
    note(record, ipc_transfer(polled_tag_of(1, MESSAGE_SEND, 1, 0), endpoint, &message));
    worker_kill(&server);
    note(record, ipc_transfer(polled_tag_of(1, MESSAGE_SEND, 1, 0), endpoint, &message));
    stop(&server, endpoint);
    note(record, ipc_transfer(call_tag(0), sender, &message));
    guest_delete(sender);
}

/* What a worker does: calls of all lengths, with an item, polls, and mistakes. */
static void add_steps(const struct worker *worker, uint32_t endpoint, uint32_t idle)
{
    uint32_t handle = worker_mint(worker, endpoint, RIGHT_WRITE | RIGHT_COPY, BADGE);
    uint32_t nobody = worker_give(worker, idle, RIGHT_WRITE);
    for (unsigned i = 0; i < COUNT(lengths); i++)
        memset(worker_add(worker, call_tag(lengths[i]), handle)->words, (int)i + 1, lengths[i] * sizeof(uint64_t));
    worker_add(worker, tag_of(2, MESSAGE_CALL, 1, 1), handle)->items[0] = item_of(handle, RIGHT_WRITE, ITEM_COPY);
    worker_add(worker, polled_tag_of(3, MESSAGE_CALL, 0, 0), nobody);
    worker_add(worker, call_tag(0), 12345);
    worker_add(worker, tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), handle);
    worker_add(worker, TAG_REPLY, 0);
    worker_add(worker, tag_of(9, MESSAGE_SEND, 1, 0), handle);
}

static void serve_steps(struct record *record, uint32_t endpoint)
{
    struct ipc_message message;
    uint64_t tag = ipc_transfer(TAG_RECEIVE, endpoint, &message);
    while (message_is_tag(tag)) {
        note(record, tag);
        note_words(record, &message, words_of(tag));
        if ((uint32_t)tag == message_tag(MESSAGE_CALL, 1, 1))
            guest_delete((uint32_t)ipc_utcb()->items[0]);
        if (message_label(tag) == 9)
            return;
        fill(&message, 0x77000 + record->count);
        tag = ipc_transfer(tag_of(8, MESSAGE_REPLY_AND_WAIT, words_of(tag), 0), endpoint, &message);
    }
    note(record, tag);
}

static void answer_client(struct record *record, bool guard)
{
    struct worker client;
    uint32_t endpoint = guest_endpoint(), idle = guest_endpoint();
    make_worker(&client, guard);
    add_steps(&client, endpoint, idle);
    worker_start(&client, worker_steps);
    serve_steps(record, endpoint);
    worker_wait(&client, client.area->count);
    for (uint32_t i = 0; i < client.area->count; i++) {
        const struct step *step = &client.area->steps[i];
        note(record, step->result);
        note(record, step->message.badge);
        for (int j = 0; j < MESSAGE_REGISTER_WORDS; j++)
            note(record, step->words[j]);
    }
    guest_delete(idle);
    stop(&client, endpoint);
}

static void expect_same(void (*conversation)(struct record *record, bool guard))
{
    memset(&plain, 0, sizeof(plain));
    memset(&guarded, 0, sizeof(guarded));
    conversation(&plain, false);
    conversation(&guarded, true);
    EXPECT_EQUAL(guarded.count, plain.count);
    for (uint32_t i = 0; i < plain.count; i++)
        EXPECT_EQUAL(guarded.results[i], plain.results[i]);
}

static void same_as_server(void)
{
    expect_same(call_echo);
}

static void same_as_client(void)
{
    expect_same(answer_client);
}

/* The number that marks who has no handle to wait by is none that a program can wait by. */
static void no_such_handle(void)
{
    struct worker server;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create_guarded(&server);
    uint32_t handle = worker_give(&server, endpoint, RIGHT_READ);
    worker_add(&server, TAG_RECEIVE, handle);
    worker_add(&server, tag_of(1, MESSAGE_REPLY_AND_WAIT, 0, 0), ~0UL);
    worker_add(&server, tag_of(2, MESSAGE_REPLY_AND_WAIT, 7, 0), ~0UL);
    worker_add(&server, tag_of(3, MESSAGE_REPLY_AND_WAIT, 0, 0), handle);
    worker_go(&server);
    EXPECT_EQUAL(ipc_transfer(call_tag(0), endpoint, &message), tag_of(3, MESSAGE_REPLY_AND_WAIT, 0, 0));
    EXPECT_EQUAL(server.area->steps[1].result, ERROR_BAD_HANDLE);
    EXPECT_EQUAL(server.area->steps[2].result, ERROR_BAD_HANDLE);
    stop(&server, endpoint);
}

static void when_to_guard(void)
{
    kernel_task_t task = guest_new_task(), reader = {guest_copy(task.handle, RIGHT_READ | RIGHT_EXECUTE)};
    kernel_thread_t thread;
    uint32_t number, handle;
    EXPECT_ERROR(kernel_task_set_guarded(reader), NO_RIGHT);
    EXPECT_EQUAL(kernel_task_set_guarded(task), 0);
    EXPECT_EQUAL(kernel_task_set_guarded(task), 0);
    EXPECT_EQUAL(kernel_task_copy(own_task, own_factory.handle, task, RIGHT_READ, &handle), -ERROR_NO_RIGHT);
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
    EXPECT_ERROR(kernel_task_set_guarded(task), BUSY);
    guest_delete(thread.handle);
    EXPECT_EQUAL(kernel_task_set_guarded(task), 0);
    uint32_t endpoint = guest_endpoint();
    EXPECT_EQUAL(kernel_task_copy(own_task, endpoint, task, RIGHT_WRITE, &handle), 0);
    EXPECT_EQUAL(kernel_task_delete(task, handle), 0);
    EXPECT_ERROR(kernel_task_set_guarded(task), BUSY);
    EXPECT_ERROR(kernel_task_set_guarded(own_task), BUSY);
    guest_delete(endpoint);
    guest_delete(reader.handle);
    guest_delete(task.handle);
}

static const struct guest_test tests[] = {
    {"a program that the manifest guards: two crossings a call", guarded_by_manifest},
    {"calls to a guarded task: two crossings each, of every length", guarded_server},
    {"calls between tasks that are not guarded: no crossing", nothing_guarded},
    {"calls by a guarded task: two crossings each", guarded_client},
    {"calls from a guarded task to another: two crossings each", guarded_both},
    {"calls within a guarded task: no crossing", guarded_same},
    {"signals to a guarded task and back: two crossings each", guarded_signals},
    {"a guarded client that is answered later: two crossings each", guarded_answered_late},
    {"each crossing has the barriers that this CPU has", kinds_counted},
    {"a guarded server gives the same results", same_as_server},
    {"a guarded client gets the same results", same_as_client},
    {"a guarded server cannot answer by a handle that is none", no_such_handle},
    {"a task is guarded before it has anything", when_to_guard},
};

int main(int argc, char **argv)
{
    kinds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 0;
    return guest_run(tests, COUNT(tests));
}
