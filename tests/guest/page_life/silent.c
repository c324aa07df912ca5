/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients whose pagers never answer. The server receives a string from each; its pages are missing, and whoever should
 * bring them does not. An honest client calls meanwhile: the server must be there for it as fast as if it were alone,
 * or nearly so.
 */
#include "page_life.h"

#include <string.h>

#include <salto/string_item.h>

#include "../common/taker.h"
#include "../common/waiting.h"

#define SILENT 100
#define CALLS 50
#define STRING 64UL /* bytes */
#define LOW_PRIORITY 50
#define TARGET_VALUE 0

/* A worker_function: takes strings, and answers each. */
static void take_strings(struct area *area)
{
    struct ipc_message message = {0};
    ipc_string_buffer(0, (void *)(area + 1), STRING); /* behind what the area needs */
    uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[TARGET_VALUE], &message);
    while (message_is_tag(tag)) {
        area->done++;
        tag = ipc_transfer(TAG_DONE, area->values[TARGET_VALUE], &message);
    }
}

/* A worker_function: sends a string that is not there. */
static void send_missing(struct area *area)
{
    uint64_t words[6] = {0};
    ipc_string(0, (void *)THERE, STRING);
    area->begun++;
    area->values[1] = ipc_call(tag_of(1, MESSAGE_CALL, 0, 1), area->values[TARGET_VALUE], words);
    area->done++;
}

static void create_silent(struct worker *client, uint32_t server, uint32_t pager)
{
    worker_create(client, true);
    EXPECT_EQUAL(kernel_thread_set_priority(client->thread, LOW_PRIORITY), 0);
    EXPECT_EQUAL(kernel_thread_set_pager(client->thread, (kernel_endpoint_t){pager}), 0);
    client->area->values[TARGET_VALUE] = worker_give(client, server, RIGHT_WRITE);
    worker_start(client, send_missing);
}

/* The longest of some calls of the test's own, in instructions. */
static uint64_t longest_call(uint32_t server)
{
    static char text[STRING];
    uint64_t longest = 0;
    for (int i = 0; i < CALLS; i++) {
        uint64_t words[6] = {0}, begun = time_now();
        ipc_string(0, text, STRING);
        EXPECT(message_is_tag(ipc_call(tag_of(1, MESSAGE_CALL, 0, 1), server, words)));
        uint64_t taken = time_now() - begun;
        longest = taken > longest ? taken : longest;
    }
    return longest;
}

void hundred_silent_pagers(void)
{
    static struct worker silent[SILENT];
    struct worker server;
    uint32_t endpoint = guest_endpoint(), pager = guest_endpoint();
    worker_create(&server, true);
    server.area->values[TARGET_VALUE] = worker_give(&server, endpoint, RIGHT_READ);
    worker_start(&server, take_strings);
    guest_yield();
    longest_call(endpoint); /* all is warm */
    uint64_t alone = longest_call(endpoint);
    for (int i = 0; i < SILENT; i++)
        create_silent(&silent[i], endpoint, pager);
    sleep_for(MILLISECOND); /* all of them have sent */
    uint64_t beside = longest_call(endpoint);
    EXPECT(beside <= 2 * alone);
    for (int i = 0; i < SILENT; i++) {
        EXPECT_EQUAL(silent[i].area->begun, 1);
        EXPECT_EQUAL(silent[i].area->done, 0);
        worker_destroy(&silent[i]);
    }
    EXPECT(longest_call(endpoint) <= 2 * alone);
    worker_destroy(&server);
    guest_delete(endpoint);
    guest_delete(pager);
}
