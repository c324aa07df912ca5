/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String items: of all sizes and at all offsets, in requests and answers; what is refused; what is not written; and
 * copies that something happens to at every moment: a page goes, a deadline passes, a thread is broken off, ended, or
 * stopped.
 *
 * The server is a thread of another task that sends back what it got. Where a copy is disturbed, client and server run
 * at a lower priority than the test, which sleeps for a little longer each time, so that it wakes within the copy.
 * Whatever happens, the outcome is one of those that docs/ipc.md names, and nothing outside the buffers is written.
 */
#include <string.h>

#include <salto/string_item.h>
#include <salto/tap.h>
#include <salto/wait.h>

#include "../common/waiting.h"
#include "abi/addresses.h"
#include "strings.h"

kernel_memory_t sent, returned, taken;
struct worker server;
uint32_t endpoint;

/* ---- The server -------------------------------------------------------------------------------------------------- */

static uint32_t items_of(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;
    return low <= TAG_PLAIN_REPLY_LAST ? 0 : low >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
}

static bool is_call(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;
    return low <= TAG_PLAIN_CALL_LAST || (low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK) == MESSAGE_CALL;
}

static void note_failure(struct area *area, uint64_t error, uint64_t phase)
{
    area->values[FAILED] = error;
    area->values[PHASE] = phase;
    area->values[FAILURES]++;
}

/* A worker_function: returns the strings of each call. */
static void return_strings(struct area *area)
{
    struct ipc_message message = {0};
    for (uint32_t i = 0; i < MESSAGE_MAX_STRINGS; i++)
        ipc_string_buffer(i, (void *)(area->values[BUFFERS] + i * area->values[STRIDE]), area->values[SIZE]);
    uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[ENDPOINT], &message);
    for (;;) {
        uint64_t next = TAG_RECEIVE;
        if (!message_is_tag(tag)) {
            note_failure(area, tag, message.badge);
            if (message.badge == PHASE_SEND)
                next = tag_of(REFUSED, MESSAGE_REPLY_AND_WAIT, 0, 0);
        } else {
            area->done++;
            if (is_call(tag))
                next = tag_of(message_label(tag), MESSAGE_REPLY_AND_WAIT, 0, items_of(tag));
        }
        tag = ipc_transfer(next, area->values[ENDPOINT], &message);
        if (next != TAG_RECEIVE && tag == ERROR_NO_CALLER) /* its copy was broken off: it is not waited for any more */
            tag = ipc_transfer(TAG_RECEIVE, area->values[ENDPOINT], &message);
    }
}

static kernel_memory_t map_new(kernel_task_t task, uint64_t address)
{
    kernel_memory_t memory = {guest_memory(PAGES)};
    EXPECT_EQUAL(kernel_memory_map(memory, task, address, 0, PAGES, READ_WRITE), 0);
    return memory;
}

/* `offset` bytes into its memory the server has `size` bytes for each string, `stride` apart. */
void start_server(uint64_t offset, uint64_t size, uint64_t stride)
{
    endpoint = guest_endpoint();
    worker_create(&server, true);
    sent = map_new(own_task, FROM);
    returned = map_new(own_task, BACK);
    taken = map_new(server.task, TAKEN);
    EXPECT_EQUAL(kernel_memory_map(taken, own_task, SEEN, 0, PAGES, READ_WRITE), 0);
    server.area->values[ENDPOINT] = worker_give(&server, endpoint, RIGHT_READ);
    server.area->values[BUFFERS] = TAKEN + offset;
    server.area->values[SIZE] = size;
    server.area->values[STRIDE] = stride;
    worker_start(&server, return_strings);
    guest_yield();
}

void end_server(void)
{
    for (uint32_t i = 0; i < MESSAGE_MAX_STRINGS; i++)
        ipc_string_buffer(i, NULL, 0);
    worker_destroy(&server);
    guest_delete(sent.handle);
    guest_delete(returned.handle);
    guest_delete(taken.handle);
    guest_delete(endpoint);
}

/* ---- Whole copies ------------------------------------------------------------------------------------------------ */

static uint8_t pattern(uint64_t i, uint64_t seed)
{
    return (uint8_t)((i * 2654435761UL + seed * 40503) >> 13);
}

void fill(uint8_t *string, uint64_t length, uint64_t seed)
{
    for (uint64_t i = 0; i < length; i++)
        string[i] = pattern(i, seed);
}

bool is_filled(const uint8_t *string, uint64_t length, uint64_t seed)
{
    for (uint64_t i = 0; i < length; i++)
        if (string[i] != pattern(i, seed))
            return false;
    return true;
}

bool is_guard(const uint8_t *bytes, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        if (bytes[i] != GUARD)
            return false;
    return true;
}

/* Calls with strings; answers the tag or error, and the phase of an error. */
static uint64_t call(uint32_t items, uint64_t *phase)
{
    struct ipc_message message = {0};
    uint64_t tag = ipc_transfer(tag_of(LABEL, MESSAGE_CALL, 0, items), endpoint, &message);
    *phase = message.badge;
    return tag;
}

static void expect_error(uint32_t items, uint64_t error, uint64_t phase)
{
    uint64_t found;
    EXPECT_EQUAL(call(items, &found), error);
    EXPECT_EQUAL(found, phase);
}

/* There and back, with a page of other bytes on both sides of each buffer. */
static void carry(uint64_t length, uint64_t from, uint64_t to, uint64_t back)
{
    uint8_t *string = (uint8_t *)(FROM + from), *seen = (uint8_t *)(SEEN + to), *answer = (uint8_t *)(BACK + back);
    uint64_t phase, seed = length + from;
    fill(string, length, seed);
    memset(seen - PAGE_SIZE, GUARD, length + 2 * PAGE_SIZE);
    memset(answer - PAGE_SIZE, GUARD, length + 2 * PAGE_SIZE);
    ipc_string_buffer(0, answer, length);
    ipc_string(0, string, (uint32_t)length);
    EXPECT_EQUAL(call(1, &phase), tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 1));
    EXPECT(ipc_is_string(0) && ipc_string_length(0) == length && ipc_string_address(0) == answer);
    EXPECT(is_filled(string, length, seed) && is_filled(seen, length, seed) && is_filled(answer, length, seed));
    EXPECT(is_guard(seen - PAGE_SIZE, PAGE_SIZE) && is_guard(seen + length, PAGE_SIZE));
    EXPECT(is_guard(answer - PAGE_SIZE, PAGE_SIZE) && is_guard(answer + length, PAGE_SIZE));
}

static void sizes(void)
{
    static const uint64_t lengths[] = {0, 1, 7, 8, 9, 4095, 4096, 4097, 8192, 8193, 12288, 65536, 65543, MEBIBYTE};
    start_server(PAGE_SIZE, PAGES * PAGE_SIZE, 0);
    for (unsigned i = 0; i < COUNT(lengths); i++)
        carry(lengths[i], PAGE_SIZE, PAGE_SIZE, PAGE_SIZE);
    end_server();
}

static void offsets(void)
{
    static const uint64_t lengths[] = {1, 8, 100, 4096, 8191, 20000}, places[] = {0, 1, 5, 8, 2048, 4088, 4095};
    for (unsigned to = 0; to < COUNT(places); to++) {
        start_server(PAGE_SIZE + places[to], PAGES * PAGE_SIZE, 0);
        for (unsigned from = 0; from < COUNT(places); from++)
            for (unsigned i = 0; i < COUNT(lengths); i++)
                carry(lengths[i], PAGE_SIZE + places[from], PAGE_SIZE + places[to], PAGE_SIZE + 3 * places[from]);
        end_server();
    }
}

/* Strings and a capability in one message; each string in the next buffer. */
static void four_strings(void)
{
    static const uint32_t lengths[MESSAGE_MAX_STRINGS] = {5000, 0, 17, 12345};
    uint64_t phase;
    start_server(11, 16384, 20000);
    for (uint32_t i = 0; i < MESSAGE_MAX_STRINGS; i++) {
        uint32_t item = i < 2 ? i : i + 1;
        fill((uint8_t *)FROM + 30000 * i, lengths[i], i);
        ipc_string(item, (void *)(FROM + 30000 * i), lengths[i]);
        ipc_string_buffer(i, (void *)(BACK + 40000 * i), lengths[i]);
    }
    ipc_utcb()->items[2] = item_of(endpoint, RIGHT_WRITE, ITEM_COPY);
    EXPECT_EQUAL(call(5, &phase), tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 5));
    for (uint32_t i = 0; i < MESSAGE_MAX_STRINGS; i++) {
        uint32_t item = i < 2 ? i : i + 1;
        EXPECT(ipc_is_string(item) && ipc_string_length(item) == lengths[i]);
        EXPECT_EQUAL(ipc_string_address(item), BACK + 40000 * i);
        EXPECT(is_filled((uint8_t *)SEEN + 11 + 20000 * i, lengths[i], i));
        EXPECT(is_filled((uint8_t *)BACK + 40000 * i, lengths[i], i));
    }
    EXPECT(ipc_utcb()->items[2] == 0); /* returned without the right to copy */
    end_server();
}

/* One way, and queued: the server takes it when it receives next. */
static void one_way(void)
{
    struct ipc_message message = {0};
    start_server(0, 100000, 0);
    for (uint64_t length = 10; length < 100000; length *= 10) {
        uint32_t before = server.area->done;
        fill((uint8_t *)FROM, length, length);
        ipc_string(0, (void *)FROM, (uint32_t)length);
        EXPECT_EQUAL(ipc_transfer(tag_of(LABEL, MESSAGE_SEND, 0, 1), endpoint, &message), TAG_DONE);
        worker_wait(&server, before + 1);
        EXPECT(is_filled((uint8_t *)SEEN, length, length));
    }
    end_server();
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

/* The server still serves, and heard of nothing. */
static void expect_unheard(uint32_t done)
{
    uint64_t phase;
    EXPECT_EQUAL(server.area->done, done);
    EXPECT_EQUAL(server.area->values[FAILURES], 0);
    EXPECT_EQUAL(call(0, &phase), tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 0));
    EXPECT_EQUAL(server.area->done, done + 1);
}

static void no_buffer(void)
{
    start_server(0, 100, 100);
    memset((void *)SEEN, GUARD, PAGE_SIZE);
    for (uint32_t i = 0; i < MESSAGE_MAX_ITEMS; i++)
        ipc_string(i, (void *)FROM, i);
    expect_error(5, ERROR_NO_BUFFER, PHASE_SEND); /* the fifth string */
    ipc_string(0, (void *)FROM, 101);
    expect_error(1, ERROR_NO_BUFFER, PHASE_SEND);
    ipc_string(0, (void *)FROM, ~0U);
    expect_error(1, ERROR_NO_BUFFER, PHASE_SEND);
    EXPECT(is_guard((uint8_t *)SEEN, PAGE_SIZE));
    expect_unheard(0);
    end_server();
}

/* The answer does not fit: the server hears of it, and can answer otherwise. */
static void no_buffer_for_answer(void)
{
    uint64_t phase;
    start_server(0, 100, 100);
    ipc_string(0, (void *)FROM, 100);
    ipc_string_buffer(0, (void *)BACK, 99);
    memset((void *)BACK, GUARD, PAGE_SIZE);
    EXPECT_EQUAL(call(1, &phase), tag_of(REFUSED, MESSAGE_REPLY_AND_WAIT, 0, 0));
    EXPECT_EQUAL(server.area->values[FAILED], ERROR_NO_BUFFER);
    EXPECT_EQUAL(server.area->values[PHASE], PHASE_SEND);
    EXPECT(is_guard((uint8_t *)BACK, PAGE_SIZE));
    end_server();
}

static void malformed_items(void)
{
    uint64_t phase, string = 8UL << ITEM_LENGTH_SHIFT | (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT;
    const uint64_t bad[] = {string | 1, string | 1 << ITEM_RIGHTS_SHIFT, string | 1UL << 28, string | 1UL << 31};
    start_server(0, 100, 100);
    memset((void *)SEEN, GUARD, PAGE_SIZE);
    for (unsigned i = 0; i < COUNT(bad); i++) {
        ipc_utcb()->items[0] = bad[i];
        EXPECT_EQUAL(call(1, &phase), tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 1));
        EXPECT_EQUAL(ipc_utcb()->items[0], 0);
    }
    EXPECT(is_guard((uint8_t *)SEEN, PAGE_SIZE));
    end_server();
}

static const uint64_t bad_addresses[] = {0,
                                         0x1000,
                                         FROM - 1,
                                         FROM + PAGES *PAGE_SIZE - 7,
                                         USER_END - 8,
                                         USER_END - 4,
                                         USER_END,
                                         1UL << 47,
                                         (1UL << 47) + FROM,
                                         (1UL << 48) + FROM,
                                         ~0UL << 47,
                                         PHYSICAL_MAP,
                                         TRAMPOLINE_TEXT,
                                         CPU_AREA,
                                         HOT_THREADS,
                                         PRIVATE_BASE,
                                         CAPABILITY_SLOTS,
                                         ~0UL - 3,
                                         ~0UL};

/* Nothing of the sender's is there, or it may not be read. */
static void bad_sources(void)
{
    start_server(0, PAGES * PAGE_SIZE, 0);
    for (unsigned i = 0; i < COUNT(bad_addresses); i++) {
        ipc_string(0, (void *)bad_addresses[i], 8);
        expect_error(1, ERROR_BAD_ADDRESS, PHASE_SEND);
        ipc_string(0, (void *)bad_addresses[i], 100000);
        expect_error(1, ERROR_BAD_ADDRESS, PHASE_SEND);
    }
    ipc_string(0, (void *)FROM, (uint32_t)(PAGES * PAGE_SIZE));
    EXPECT_EQUAL(kernel_memory_unmap(sent, own_task, FROM + 100 * PAGE_SIZE, 1), 0);
    expect_error(1, ERROR_BAD_ADDRESS, PHASE_SEND);
    expect_unheard(0);
    end_server();
}

/* The server's buffer is nowhere, or may not be written: both hear of it. */
static void bad_buffer(uint64_t address, uint32_t length)
{
    start_server(address - TAKEN, PAGES * PAGE_SIZE, 0);
    ipc_string(0, (void *)FROM, length);
    expect_error(1, ERROR_PARTNER_MEMORY, PHASE_SEND);
    guest_yield();
    EXPECT_EQUAL(server.area->values[FAILURES], 1);
    EXPECT_EQUAL(server.area->values[FAILED], ERROR_BAD_ADDRESS);
    EXPECT_EQUAL(server.area->values[PHASE], PHASE_RECEIVE);
    EXPECT_EQUAL(server.area->done, 0);
    end_server();
}

static void bad_buffers(void)
{
    for (unsigned i = 0; i < COUNT(bad_addresses); i++)
        if (bad_addresses[i] >> 28 != FROM >> 28) {
            bad_buffer(bad_addresses[i], 8);
            bad_buffer(bad_addresses[i], 100000);
        }
    bad_buffer(TAKEN + PAGES * PAGE_SIZE - 4, 8);
    bad_buffer((uint64_t)return_strings, 8); /* its code */
    bad_buffer((uint64_t)return_strings, 100000);
}

/* The client's own buffers, for the answer. */
static void bad_buffers_for_answer(void)
{
    start_server(0, PAGES * PAGE_SIZE, 0);
    for (unsigned i = 0; i < COUNT(bad_addresses); i++)
        for (uint32_t length = 8; length < 100000; length += 80000) {
            ipc_string_buffer(0, (void *)bad_addresses[i], length);
            ipc_string(0, (void *)FROM, length);
            expect_error(1, ERROR_BAD_ADDRESS, PHASE_RECEIVE);
        }
    guest_yield();
    EXPECT_EQUAL(server.area->values[FAILURES], 0);
    end_server();
}

/* Where both are the same memory, something of it arrives, and nothing else. */
static void overlapping(void)
{
    static const uint64_t distances[] = {0, 1, 8, 4095, 4096, 5000};
    start_server(0, PAGES * PAGE_SIZE, 0);
    EXPECT_EQUAL(kernel_memory_unmap(sent, own_task, FROM, PAGES), 0);
    EXPECT_EQUAL(kernel_memory_map(taken, own_task, FROM, 0, PAGES, READ_WRITE), 0);
    for (unsigned i = 0; i < COUNT(distances); i++)
        for (uint32_t length = 100; length < 200000; length += 90000) {
            uint64_t phase;
            memset((void *)FROM, GUARD, PAGES * PAGE_SIZE);
            fill((uint8_t *)FROM + distances[i], length, i);
            ipc_string(0, (void *)(FROM + distances[i]), length);
            ipc_string_buffer(0, (void *)BACK, length);
            EXPECT_EQUAL(call(1, &phase), tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 1));
            EXPECT(is_filled((uint8_t *)BACK, length, i)); /* copied towards lower addresses: all is there */
            EXPECT(is_guard((uint8_t *)FROM + distances[i] + length, PAGE_SIZE));
        }
    end_server();
}

static const struct guest_test tests[] = {
    {"strings of all sizes go there and back", sizes},
    {"at all offsets", offsets},
    {"four strings and a capability", four_strings},
    {"one way, and queued", one_way},
    {"a string without a buffer that takes it", no_buffer},
    {"an answer without one", no_buffer_for_answer},
    {"items that are no strings", malformed_items},
    {"strings that are not the sender's memory", bad_sources},
    {"buffers that are not the receiver's", bad_buffers},
    {"buffers that are not the caller's", bad_buffers_for_answer},
    {"overlapping strings and buffers", overlapping},
    {"others find half a copy", when_half_is_seen},
    {"there is a moment between a copy and its arrival", when_just_copied},
    {"a page of the client goes at each moment", when_client_page_goes},
    {"a page of the server", when_server_page_goes},
    {"all memory of the server, for others", when_all_memory_goes},
    {"the client is broken off", when_client_is_broken_off},
    {"the client is stopped", when_client_is_stopped},
    {"the client ends", when_client_goes},
    {"the client's deadline passes", when_deadline_passes},
    {"the server ends", when_server_ends},
    {"the server's task ends", when_server_task_ends},
    {"the server is broken off", when_server_is_broken_off},
    {"the server is stopped", when_server_is_stopped},
    {"a pager brings the pages of the client's string", paged_strings},
    {"of the server's buffer", paged_buffers},
    {"a pager brings many pages of a string, one by one", many_paged_strings},
    {"a pager says so, and brings none", lying_pagers},
    {"of the client's buffer: the answer is lost", paged_answers},
    {"pagers that refuse", refusing_pagers},
    {"pagers that never answer", silent_pagers},
    {"pagers that take part in the transfer", pagers_in_the_transfer},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
