/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Something happens at every moment while many pages are mapped, faulted in, or copied. Which moment it is does not
 * matter for what is expected: it went well or failed with the error that belongs to it, nothing is left half done, and
 * the page tables are what the kernel's books say.
 */
#include "page_life.h"

#include <string.h>

#include <salto/string_item.h>

#include "../common/taker.h"
#include "../common/waiting.h"
#include "idl/fault.h"

#define MANY_LOG2 20
#define MANY_PAGES 256
#define LOW_PRIORITY 50 /* of those that are disturbed: whoever sleeps until a moment runs at once then */
#define FIRST_MOMENT 200UL
#define NEXT_MOMENT 2300UL
#define LAST_MOMENT 24000UL /* instructions: more than a transfer and what is around it takes */
#define QUIET 200000UL      /* and much more */
#define TARGET_VALUE 0
#define RESULT_VALUE 1
#define KIND_VALUE 2
#define BROKEN_VALUE 3

/* Nothing is mapped that should not be, and all that should. */
static void expect_sound(void)
{
    uint64_t tables, pages, wrong = 1;
    EXPECT_EQUAL(kernel_debug_walk(debug, &tables, &pages, &wrong), 0);
    EXPECT_EQUAL(wrong, 0);
}

/* ---- Many pages in a message ------------------------------------------------------------------------------------- */

static struct taker receiver;
static struct worker sender;
static kernel_memory_t sent;
static uint32_t failures; /* of a sweep */

/* A worker_function: sends all that it has at HERE. */
static void send_all(struct area *area)
{
    uint64_t words[6] = {0};
    ipc_page(0, (uint32_t)area->values[KIND_VALUE], (void *)HERE, MANY_LOG2, RW);
    area->begun++;
    area->values[RESULT_VALUE] = ipc_call(tag_of(REQUEST_TAKE, MESSAGE_CALL, 0, 1), area->values[TARGET_VALUE], words);
    area->done++;
}

/* A worker_function: the same, and again at once where it is broken off. */
static void send_all_again(struct area *area)
{
    do {
        send_all(area);
        area->values[BROKEN_VALUE] += area->values[RESULT_VALUE] == ERROR_INTERRUPTED;
    } while (area->values[RESULT_VALUE] == ERROR_INTERRUPTED);
}

static void begin(uint32_t kind)
{
    sent = taker_map_here(MANY_PAGES, RW);
    taker_create(&receiver, MANY_LOG2, 0);
    EXPECT_EQUAL(kernel_thread_set_priority(receiver.worker.thread, LOW_PRIORITY), 0);
    worker_create(&sender, true);
    EXPECT_EQUAL(kernel_thread_set_priority(sender.thread, LOW_PRIORITY), 0);
    EXPECT_EQUAL(kernel_task_map_on(own_task, HERE, sender.task, HERE, MANY_PAGES, RW), 0);
    sender.area->values[TARGET_VALUE] = worker_give(&sender, receiver.endpoint, RIGHT_WRITE);
    sender.area->values[KIND_VALUE] = kind;
    sleep_for(QUIET); /* the receiver waits */
}

/* How many of the pages at `address` are mapped: all or none, unless a grant did not come to its end. */
static uint32_t count_mapped(kernel_task_t task, uint64_t address)
{
    uint32_t count = 0;
    for (uint64_t page = 0; page < MANY_PAGES; page++)
        count += page_is_mapped(task, address + page * PAGE_SIZE);
    return count;
}

static void expect_result(const uint64_t *errors, uint32_t kind, bool some_go)
{
    uint64_t result = sender.area->values[RESULT_VALUE];
    bool good = message_is_tag(result);
    failures += !good;
    EXPECT_EQUAL(sender.area->done, 1);
    if (!EXPECT(good || result == errors[0] || result == errors[1]) || some_go)
        return;
    uint32_t here = count_mapped(sender.task, HERE), there = count_mapped(receiver.worker.task, THERE);
    if (good)
        EXPECT_EQUAL(there, MANY_PAGES);
    if (kind == ITEM_MAP) {
        EXPECT_EQUAL(here, MANY_PAGES);
        EXPECT(there == MANY_PAGES || (there == 0 && !good));
    } else {
        EXPECT(here == 0 || !good);
    }
}

struct disturbance {
    void (*happens)(void);
    uint64_t errors[2];
    bool sender_goes, some_go; /* then there is no result; or no pages to be counted */
};

static void disturb(const struct disturbance *disturbance, uint32_t kind, uint64_t after)
{
    begin(kind);
    worker_start(&sender, send_all);
    sleep_for(after);
    disturbance->happens();
    sleep_for(QUIET);
    if (!disturbance->sender_goes)
        expect_result(disturbance->errors, kind, disturbance->some_go);
    expect_sound();
    taker_revoke(HERE, MANY_PAGES, RIGHT_READ);
    EXPECT_EQUAL(count_mapped(sender.task, HERE) + count_mapped(receiver.worker.task, THERE), 0);
    worker_destroy(&sender);
    taker_destroy(&receiver);
    if (sent.handle)
        guest_delete(sent.handle);
}

/* Some moments must be in the middle, where it fails, and some behind the end. */
static void sweep(const struct disturbance *disturbance)
{
    uint32_t tried = 0;
    failures = 0;
    for (uint64_t after = FIRST_MOMENT; after < LAST_MOMENT; after += NEXT_MOMENT) {
        disturb(disturbance, ITEM_MAP, after);
        disturb(disturbance, ITEM_GRANT, after);
        tried += 2;
    }
    EXPECT(disturbance->sender_goes || (failures > 2 && failures < tried));
}

static void break_off(kernel_thread_t thread)
{
    uint64_t old;
    int result = kernel_thread_break_off(thread, 0, &old);
    EXPECT(result == 0 || result == -ERROR_BUSY); /* it has ended */
}

static void break_off_sender(void)
{
    break_off(sender.thread);
}

static void break_off_receiver(void)
{
    break_off(receiver.worker.thread);
}

static void end_sender(void)
{
    EXPECT_EQUAL(kernel_thread_end(sender.thread), 0);
}

static void end_sender_task(void)
{
    EXPECT_EQUAL(kernel_task_exit(sender.task, 0), 0);
}

static void end_receiver(void)
{
    EXPECT_EQUAL(kernel_thread_end(receiver.worker.thread), 0);
}

static void end_receiver_task(void)
{
    EXPECT_EQUAL(kernel_task_exit(receiver.worker.task, 0), 0);
}

static void revoke_source(void)
{
    taker_revoke(HERE, MANY_PAGES, RIGHT_READ);
}

static void delete_memory(void)
{
    guest_delete(sent.handle);
    sent.handle = 0;
}

void sender_is_broken_off(void)
{
    static const struct disturbance disturbance = {break_off_sender, {ERROR_INTERRUPTED, 0}, false, false};
    sweep(&disturbance);
}

static uint64_t broken_after(uint64_t moment)
{
    begin(ITEM_MAP);
    worker_start(&sender, send_all_again);
    sleep_for(moment);
    break_off_sender();
    sleep_for(QUIET);
    uint64_t broken = sender.area->values[BROKEN_VALUE], result = sender.area->values[RESULT_VALUE];
    if (!message_is_tag(result)) /* it had arrived, and the sender waited for the answer */
        EXPECT(result == ERROR_OCCUPIED && broken-- == 1 && receiver.worker.area->done == 1);
    EXPECT_EQUAL(count_mapped(receiver.worker.task, THERE), MANY_PAGES);
    expect_sound();
    worker_destroy(&sender);
    taker_destroy(&receiver);
    guest_delete(sent.handle);
    return broken;
}

void sender_sends_again(void)
{
    uint64_t broken = 0;
    for (uint64_t moment = FIRST_MOMENT; moment < LAST_MOMENT / 2; moment += NEXT_MOMENT / 3)
        broken += broken_after(moment);
    EXPECT(broken > 2);
}

void sender_ends(void)
{
    static const struct disturbance disturbance = {end_sender, {0}, true, true};
    sweep(&disturbance);
}

void sender_task_ends(void)
{
    static const struct disturbance disturbance = {end_sender_task, {0}, true, true};
    sweep(&disturbance);
}

/* The worker that receives ends its wait, and receives again. */
void receiver_is_broken_off(void)
{
    static const struct disturbance disturbance = {
        break_off_receiver, {ERROR_ABANDONED, ERROR_INTERRUPTED}, false, false};
    sweep(&disturbance);
}

/* The endpoint stays, so whoever has not been received waits for another receiver. */
void receiver_ends(void)
{
    static const struct disturbance disturbance = {end_receiver, {0}, true, true};
    sweep(&disturbance);
}

void receiver_task_ends(void)
{
    static const struct disturbance disturbance = {end_receiver_task, {0}, true, true};
    sweep(&disturbance);
}

void source_is_revoked(void)
{
    static const struct disturbance disturbance = {revoke_source, {ERROR_BAD_ADDRESS, ERROR_NO_RIGHT}, false, true};
    sweep(&disturbance);
}

void memory_goes(void)
{
    static const struct disturbance disturbance = {delete_memory, {ERROR_BAD_ADDRESS, ERROR_NO_RIGHT}, false, true};
    sweep(&disturbance);
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

#define FAULT_PAGES 16
#define ROUNDS 20
#define MISTAKES_VALUE 3

/* A worker_function: answers page faults at THERE by what it has at HERE, each page at its place. */
static void serve_faults(struct area *area)
{
    struct ipc_message message = {0};
    uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[TARGET_VALUE], &message);
    while (tag == KERNEL_PAGER_PAGE_FAULT_REQUEST) {
        uint64_t page = (message.words[2] - THERE) / PAGE_SIZE;
        ipc_page(0, ITEM_MAP, (void *)(HERE + page * PAGE_SIZE), PAGE_SHIFT, RIGHT_READ);
        area->done++;
        tag = ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 1), area->values[TARGET_VALUE], &message);
    }
    area->values[RESULT_VALUE] = tag;
}

/* A worker_function: reads each page again and again, which has its number in it. */
static void read_rounds(struct area *area)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint64_t page = 0; page < FAULT_PAGES; page++)
            area->values[MISTAKES_VALUE] += *(volatile uint64_t *)(THERE + page * PAGE_SIZE) != page;
        area->done++;
    }
}

/* The pager's pages stay; what was derived from them goes, again and again. */
void revoked_while_faulting(void)
{
    struct worker pager, reader;
    uint32_t endpoint = guest_endpoint();
    kernel_page_use_t used;
    kernel_memory_t memory = taker_map_here(FAULT_PAGES, RW);
    for (uint64_t page = 0; page < FAULT_PAGES; page++)
        *(volatile uint64_t *)(HERE + page * PAGE_SIZE) = page;
    worker_create(&pager, true);
    worker_create(&reader, true);
    pager.area->values[TARGET_VALUE] = worker_give(&pager, endpoint, RIGHTS_ALL);
    EXPECT_EQUAL(kernel_task_map_on(own_task, HERE, pager.task, HERE, FAULT_PAGES, RIGHT_READ), 0);
    EXPECT_EQUAL(kernel_thread_set_pager(reader.thread, (kernel_endpoint_t){endpoint}), 0);
    EXPECT_EQUAL(kernel_thread_set_priority(pager.thread, LOW_PRIORITY), 0);
    EXPECT_EQUAL(kernel_thread_set_priority(reader.thread, LOW_PRIORITY), 0);
    worker_start(&pager, serve_faults);
    worker_start(&reader, read_rounds);
    for (uint64_t moment = 0; reader.area->done < ROUNDS; moment++) {
        sleep_for(1000 + moment * 37 % 4000);
        EXPECT_EQUAL(kernel_task_revoke_pages(pager.task, HERE, FAULT_PAGES, RIGHT_READ, &used), 0);
        if (!EXPECT(moment < 100000))
            break;
    }
    EXPECT_EQUAL(reader.area->values[MISTAKES_VALUE], 0);
    EXPECT(pager.area->done > FAULT_PAGES); /* some came more than once */
    EXPECT_EQUAL(pager.area->values[RESULT_VALUE], 0);
    expect_sound();
    worker_destroy(&reader);
    worker_destroy(&pager);
    guest_delete(memory.handle);
    guest_delete(endpoint);
}

/* ---- Copies ------------------------------------------------------------------------------------------------------ */

#define COPIED (64UL * PAGE_SIZE)
#define BUFFER (HERE + COPIED) /* the second half of what is mapped: where the server takes it */
#define COPY_MOMENTS 40000UL
#define PATTERN 0x5a
#define AFTERWARDS 0x77

/* A worker_function: takes a string at THERE, and answers. */
static void take_string(struct area *area)
{
    struct ipc_message message = {0};
    ipc_string_buffer(0, (void *)THERE, COPIED);
    uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[TARGET_VALUE], &message);
    area->values[RESULT_VALUE] = tag;
    if (message_is_tag(tag))
        ipc_transfer(TAG_REPLY, 0, &message);
    area->done++;
}

/* A worker_function: sends the string at THERE. */
static void send_string(struct area *area)
{
    uint64_t words[6] = {0};
    ipc_string(0, (void *)THERE, COPIED);
    area->values[RESULT_VALUE] = ipc_call(tag_of(1, MESSAGE_CALL, 0, 1), area->values[TARGET_VALUE], words);
    area->done++;
}

static bool is_filled(uint64_t address, uint8_t value)
{
    const volatile uint64_t *place = (const volatile uint64_t *)address;
    for (uint64_t i = 0; i < COPIED / sizeof(*place); i++)
        if (place[i] != value * 0x0101010101010101UL)
            return false;
    return true;
}

/* The client's string lies in pages derived from HERE, the server's buffer in such from BUFFER. One of them is revoked
 * `after` the beginning; then the test writes to the pages itself, and nobody else does any more. Did the copy fail? */
static bool copy(bool target, uint64_t after, uint64_t error)
{
    struct worker client, server;
    uint32_t endpoint = guest_endpoint();
    kernel_memory_t memory = taker_map_here(2 * COPIED / PAGE_SIZE, RW);
    memset((void *)HERE, PATTERN, COPIED);
    worker_create(&client, true);
    worker_create(&server, true);
    EXPECT_EQUAL(kernel_task_map_on(own_task, HERE, client.task, THERE, COPIED / PAGE_SIZE, RW), 0);
    EXPECT_EQUAL(kernel_task_map_on(own_task, BUFFER, server.task, THERE, COPIED / PAGE_SIZE, RW), 0);
    client.area->values[TARGET_VALUE] = worker_give(&client, endpoint, RIGHT_WRITE);
    server.area->values[TARGET_VALUE] = worker_give(&server, endpoint, RIGHT_READ);
    EXPECT_EQUAL(kernel_thread_set_priority(client.thread, LOW_PRIORITY), 0);
    EXPECT_EQUAL(kernel_thread_set_priority(server.thread, LOW_PRIORITY), 0);
    worker_start(&server, take_string);
    sleep_for(QUIET);
    worker_start(&client, send_string);
    sleep_for(after);
    taker_revoke(target ? BUFFER : HERE, COPIED / PAGE_SIZE, RIGHT_READ);
    memset((void *)(target ? BUFFER : HERE), AFTERWARDS, COPIED);
    sleep_for(QUIET);
    uint64_t result = client.area->values[RESULT_VALUE];
    EXPECT(message_is_tag(result) || result == error || client.area->done == 0);
    EXPECT(is_filled(target ? BUFFER : HERE, AFTERWARDS));
    if (message_is_tag(result) && client.area->done && !target)
        EXPECT(is_filled(BUFFER, PATTERN));
    worker_destroy(&client);
    worker_destroy(&server);
    guest_delete(memory.handle);
    guest_delete(endpoint);
    return result == error;
}

static void sweep_copies(bool target, uint64_t error)
{
    uint32_t failed = 0, tried = 0;
    for (uint64_t after = FIRST_MOMENT; after < COPY_MOMENTS; after += NEXT_MOMENT, tried++)
        failed += copy(target, after, error);
    EXPECT(failed > 2 && failed < tried);
}

void revoked_while_copied_from(void)
{
    sweep_copies(false, ERROR_BAD_ADDRESS);
}

void revoked_while_copied_to(void)
{
    sweep_copies(true, ERROR_PARTNER_MEMORY);
}
