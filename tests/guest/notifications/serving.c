/* SPDX-License-Identifier: BSD-2-Clause */
/* Server loops that are signalled. See serving.h. */
#include "serving.h"

#include <salto/server.h>

#include "../common/waiting.h"

#define LABEL 9

static struct idl_answer answer_all(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                    uint64_t word3, struct idl_frame *frame)
{
    struct area *area = frame->object;
    (void)badge, (void)word1, (void)tag, (void)word2, (void)word3;
    area->done++;
    return (struct idl_answer){message_labelled_tag(LABEL, TAG_PLAIN_REPLY + 1), word0 + 1};
}

static void note_bits(void *object, uint64_t bits)
{
    struct area *area = object;
    area->values[1] |= bits;
    area->values[2]++;
}

/* A worker_function. */
static void serve(struct area *area)
{
    area->values[3] = (uint64_t)salto_serve_signals((uint32_t)area->values[0], answer_all, area, note_bits);
}

/* A server on `endpoint`, in a task of its own if `separate`, with the notification bound to it. */
static void start_server(struct worker *server, bool separate, worker_function *function, uint32_t endpoint,
                         kernel_notification_t notification)
{
    worker_create(server, separate);
    server->area->values[0] = worker_give(server, endpoint, RIGHT_READ);
    EXPECT_EQUAL(kernel_notification_bind(notification, server->thread), 0);
    worker_start(server, function);
}

void server_loop(void)
{
    struct worker server;
    kernel_notification_t notification = guest_notification();
    uint32_t endpoint = guest_endpoint();
    start_server(&server, true, serve, endpoint, notification);
    for (uint64_t i = 0; i < 20; i++) {
        struct ipc_message message = {.words = {i}};
        EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 1, 0), endpoint, &message),
                     tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 1, 0));
        EXPECT_EQUAL(message.words[0], i + 1);
        EXPECT_EQUAL(guest_signal(notification, 1UL << i), TAG_DONE);
        guest_yield();
    }
    EXPECT_EQUAL(server.area->done, 20);
    EXPECT_EQUAL(server.area->values[1], (1UL << 20) - 1);
    EXPECT_EQUAL(server.area->values[2], 20);
    worker_drop(&server, (uint32_t)server.area->values[0]);
    guest_delete(endpoint);
    guest_yield();
    EXPECT_EQUAL((int64_t)server.area->values[3], -ERROR_BAD_HANDLE);
    worker_destroy(&server);
    guest_delete(notification.handle);
}

/* A program that expects no signals drops them, and answers its callers. */
static struct idl_answer refuse_signals(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                        uint64_t word3, struct idl_frame *frame)
{
    if (tag == TAG_SIGNALS)
        return idl_refuse(tag, ERROR_BAD_OPERATION, 0); /* as generated dispatchers do with what they do not know */
    return answer_all(badge, word0, word1, tag, word2, word3, frame);
}

static void serve_deaf(struct area *area)
{
    area->values[3] = (uint64_t)salto_serve((uint32_t)area->values[0], refuse_signals, area);
}

/* In this task: what it refuses is counted in the program's data, which other tasks of the test may not write. */
void deaf_server(void)
{
    uint64_t bits = 1;
    struct worker server;
    kernel_notification_t notification = guest_notification();
    uint32_t endpoint = guest_endpoint();
    start_server(&server, false, serve_deaf, endpoint, notification);
    for (uint64_t i = 0; i < 4; i++) {
        struct ipc_message message = {.words = {i}};
        EXPECT_EQUAL(guest_signal(notification, 1), TAG_DONE);
        EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 1, 0), endpoint, &message),
                     tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 1, 0));
        EXPECT_EQUAL(message.words[0], i + 1);
    }
    EXPECT_EQUAL(kernel_notification_collect(notification, &bits), 0);
    EXPECT_EQUAL(bits, 0);
    worker_drop(&server, (uint32_t)server.area->values[0]);
    worker_destroy(&server);
    guest_delete(endpoint);
    guest_delete(notification.handle);
}
