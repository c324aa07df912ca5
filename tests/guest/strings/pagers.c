/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that are missing while a string is copied, and pagers that bring them. The test is the pager; it has a higher
 * priority than client and server. See strings.c.
 */
#include <string.h>

#include <salto/string_item.h>
#include <salto/tap.h>
#include <salto/wait.h>

#include "idl/fault.h"
#include "strings.h"

#define LENGTH_PAGES 20UL
#define MISSING 5UL              /* the first page that is, */
#define MISSING_PAGES 8UL        /* and how many are */
#define QUIET (10 * MILLISECOND) /* longer than the kernel that checks its invariants takes for all of them, too */
#define ACCESS_READ 4            /* error codes of page faults of programs: Intel SDM volume 3, 4.7 */
#define ACCESS_WRITE 6
#define LIES 5
#define NO_ANSWER 1 /* label that is no answer to a fault */

/* Pages of a task that the test brings: where in it, and out of which memory. */
struct paged {
    kernel_task_t task;
    kernel_memory_t memory;
    uint64_t address;
};

static uint32_t pager;

static void take_pages(const struct paged *paged)
{
    EXPECT_EQUAL(kernel_memory_unmap(paged->memory, paged->task, paged->address + MISSING * PAGE_SIZE, MISSING_PAGES),
                 0);
}

/* Answers page faults, with `label`, until none comes any more; with 0 brings the pages. Answers how many came. */
static uint32_t bring_pages(const struct paged *paged, uint64_t access, uint32_t label)
{
    struct ipc_message message = {0};
    uint64_t next = TAG_RECEIVE;
    for (uint32_t faults = 0;; faults++) {
        ipc_set_deadlines(DEADLINE_NEVER, time_now() + QUIET);
        uint64_t tag = ipc_transfer(with_deadline(next), pager, &message);
        if (tag != KERNEL_PAGER_PAGE_FAULT_REQUEST) {
            EXPECT_EQUAL(tag, ERROR_TIMEOUT);
            return faults;
        }
        EXPECT_EQUAL(message.words[1], access);
        uint64_t page = (message.words[2] - paged->address) / PAGE_SIZE;
        EXPECT(page >= MISSING && page < MISSING + MISSING_PAGES);
        if (label == 0)
            EXPECT_EQUAL(kernel_memory_map(paged->memory, paged->task, paged->address + page * PAGE_SIZE,
                                           (uint32_t)page, 1, READ_WRITE),
                         0);
        next = tag_of(label, MESSAGE_REPLY_AND_WAIT, 0, 0);
    }
}

static void start(struct worker *client, uint64_t flags)
{
    start_server(0, LENGTH_PAGES * PAGE_SIZE, 0);
    EXPECT_EQUAL(kernel_thread_set_priority(server.thread, LOW_PRIORITY), 0);
    make_client(client, LENGTH_PAGES * PAGE_SIZE, flags);
    pager = guest_endpoint();
    fill((uint8_t *)FROM, LENGTH_PAGES * PAGE_SIZE, 1);
    sleep_for(MILLISECOND); /* the server waits */
}

static void end(struct worker *client)
{
    worker_destroy(client);
    end_server();
    guest_delete(pager);
}

static void set_pager(const struct worker *worker)
{
    EXPECT_EQUAL(kernel_thread_set_pager(worker->thread, (kernel_endpoint_t){pager}), 0);
}

static void expect_arrived(const struct worker *client)
{
    EXPECT_EQUAL(client->area->values[RESULT], tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 1));
    EXPECT(is_filled((uint8_t *)BACK, LENGTH_PAGES * PAGE_SIZE, 1));
    EXPECT_EQUAL(server.area->done, 1);
    EXPECT_EQUAL(server.area->values[FAILURES], 0);
}

static void expect_failed(const struct worker *client, uint64_t error, uint64_t phase)
{
    EXPECT_EQUAL(client->area->values[RESULT], error);
    EXPECT_EQUAL(client->area->values[RESULT_PHASE], phase);
}

/* The server serves another one meanwhile. */
static void expect_served(void)
{
    struct ipc_message message = {0};
    ipc_set_deadlines(time_now() + QUIET, time_now() + QUIET);
    EXPECT_EQUAL(ipc_transfer(with_deadline(tag_of(LABEL, MESSAGE_CALL, 0, 0)), endpoint, &message),
                 tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 0));
}

void paged_strings(void)
{
    struct worker client;
    start(&client, 0);
    const struct paged paged = {client.task, sent, FROM};
    set_pager(&client);
    take_pages(&paged);
    worker_start(&client, call_once);
    EXPECT_EQUAL(bring_pages(&paged, ACCESS_READ, 0), MISSING_PAGES);
    expect_arrived(&client);
    end(&client);
}

void paged_buffers(void)
{
    struct worker client;
    start(&client, 0);
    const struct paged paged = {server.task, taken, TAKEN};
    set_pager(&server);
    take_pages(&paged);
    worker_start(&client, call_once);
    EXPECT_EQUAL(bring_pages(&paged, ACCESS_WRITE, 0), MISSING_PAGES);
    expect_arrived(&client);
    end(&client);
}

/* A worker_function: reads the pages of its string. */
static void touch_string(struct area *area)
{
    for (uint64_t page = 0; page < PAGES; page++)
        area->values[RESULT] += *(volatile uint8_t *)(FROM + page * PAGE_SIZE);
    area->done++;
}

/* Takes all pages of a client's string away, and brings them one by one. How long does that take? */
static uint64_t time_of_pages(struct worker *client, worker_function *function)
{
    struct ipc_message message = {0};
    pager = guest_endpoint();
    set_pager(client);
    EXPECT_EQUAL(kernel_memory_unmap(sent, client->task, FROM, PAGES), 0);
    sleep_for(MILLISECOND);
    uint64_t before = time_now();
    worker_start(client, function);
    for (uint64_t page = 0; page < PAGES; page++) {
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, pager, &message), KERNEL_PAGER_PAGE_FAULT_REQUEST);
        EXPECT_EQUAL(message.words[2], FROM + page * PAGE_SIZE);
        EXPECT_EQUAL(kernel_memory_map(sent, client->task, FROM + page * PAGE_SIZE, (uint32_t)page, 1, READ_WRITE), 0);
        EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), TAG_DONE);
    }
    uint64_t time = time_now() - before;
    sleep_for(QUIET);
    EXPECT_EQUAL(client->area->done, 1);
    worker_destroy(client);
    guest_delete(pager);
    return time;
}

/* It takes not much longer than where the client touches the pages: what is there already is not copied again for each
 * one. */
void many_paged_strings(void)
{
    struct worker client;
    start_server(0, PAGES * PAGE_SIZE, 0);
    EXPECT_EQUAL(kernel_thread_set_priority(server.thread, LOW_PRIORITY), 0);
    fill((uint8_t *)FROM, PAGES * PAGE_SIZE, 1);
    make_client(&client, PAGES * PAGE_SIZE, 0);
    uint64_t touched = time_of_pages(&client, touch_string);
    make_client(&client, PAGES * PAGE_SIZE, 0);
    uint64_t sent_time = time_of_pages(&client, call_once);
    EXPECT_EQUAL(server.area->done, 1);
    EXPECT(is_filled((uint8_t *)BACK, PAGES * PAGE_SIZE, 1));
    tap_note("%lu pages brought in %lu ns for who touches them, in %lu for who sends them", PAGES, touched, sent_time);
    EXPECT(sent_time < 8 * touched);
    end_server();
}

/* Another string for the server, which has no buffer for its answer. */
static void overwrite_buffer(void)
{
    struct ipc_message message = {0};
    ipc_string(0, (void *)BACK, LENGTH_PAGES * PAGE_SIZE);
    EXPECT_EQUAL(ipc_transfer(tag_of(LABEL, MESSAGE_CALL, 0, 1), endpoint, &message),
                 tag_of(REFUSED, MESSAGE_REPLY_AND_WAIT, 0, 0));
}

/* A pager that says that the page is there, and it is not: it is asked again, and nobody waits for it but its client.
 * What others send meanwhile comes where a part of the client's string was. */
void lying_pagers(void)
{
    struct worker client;
    struct ipc_message message = {0};
    start(&client, 0);
    const struct paged paged = {client.task, sent, FROM};
    set_pager(&client);
    take_pages(&paged);
    worker_start(&client, call_once);
    for (int i = 0; i < LIES; i++) {
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, pager, &message), KERNEL_PAGER_PAGE_FAULT_REQUEST);
        EXPECT_EQUAL(message.words[2], FROM + MISSING * PAGE_SIZE);
        EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), TAG_DONE);
    }
    EXPECT_EQUAL(client.area->done, 0);
    overwrite_buffer();
    EXPECT_EQUAL(bring_pages(&paged, ACCESS_READ, 0), MISSING_PAGES);
    EXPECT_EQUAL(client.area->values[RESULT], tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 1));
    EXPECT(is_filled((uint8_t *)BACK, LENGTH_PAGES * PAGE_SIZE, 1));
    end(&client);
}

/* Each call loses its answer at the first page that is missing, and finds it there the next time. */
void paged_answers(void)
{
    struct worker client;
    start(&client, 0);
    const struct paged paged = {client.task, returned, BACK};
    set_pager(&client);
    take_pages(&paged);
    worker_start(&client, call_once);
    EXPECT_EQUAL(bring_pages(&paged, ACCESS_WRITE, 0), 1);
    expect_failed(&client, ERROR_BAD_ADDRESS, PHASE_RECEIVE);
    EXPECT_EQUAL(server.area->values[FAILURES], 0);
    expect_served();
    end(&client);
}

void refusing_pagers(void)
{
    struct worker client;
    start(&client, 0);
    const struct paged strings = {client.task, sent, FROM};
    set_pager(&client);
    take_pages(&strings);
    worker_start(&client, call_once);
    EXPECT_EQUAL(bring_pages(&strings, ACCESS_READ, NO_ANSWER), 1);
    expect_failed(&client, ERROR_BAD_ADDRESS, PHASE_SEND);
    expect_served();
    EXPECT_EQUAL(server.area->values[FAILURES], 0);
    end(&client);

    start(&client, 0);
    const struct paged buffers = {server.task, taken, TAKEN};
    set_pager(&server);
    take_pages(&buffers);
    worker_start(&client, call_once);
    EXPECT_EQUAL(bring_pages(&buffers, ACCESS_WRITE, NO_ANSWER), 1);
    expect_failed(&client, ERROR_PARTNER_MEMORY, PHASE_SEND);
    EXPECT_EQUAL(server.area->values[FAILED], ERROR_BAD_ADDRESS);
    EXPECT_EQUAL(server.area->values[PHASE], PHASE_RECEIVE);
    expect_served();
    end(&client);
}

/* The client's pager hears of a fault and does not answer: the server serves others, and the client's deadline ends it.
 * Then the server's, who hears nothing at all: the client's deadline ends it, and a break-off the server's wait. */
void silent_pagers(void)
{
    struct worker client;
    struct ipc_message message = {0};
    uint64_t old;
    start(&client, TAG_DEADLINE);
    const struct paged strings = {client.task, sent, FROM};
    set_pager(&client);
    take_pages(&strings);
    client.area->values[TIME] = time_now() + 10 * QUIET;
    worker_start(&client, call_once);
    kernel_reply_t kept = guest_reply();
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, pager, &message), KERNEL_PAGER_PAGE_FAULT_REQUEST);
    EXPECT_EQUAL(kernel_reply_keep(kept), 0);
    expect_served();
    EXPECT_EQUAL(client.area->done, 0);
    sleep_for(20 * QUIET);
    expect_failed(&client, ERROR_TIMEOUT, PHASE_SEND);
    guest_delete(kept.handle);
    end(&client);

    start(&client, TAG_DEADLINE);
    const struct paged buffers = {server.task, taken, TAKEN};
    set_pager(&server);
    take_pages(&buffers);
    client.area->values[TIME] = time_now() + 10 * QUIET;
    worker_start(&client, call_once);
    sleep_for(20 * QUIET);
    expect_failed(&client, ERROR_TIMEOUT, PHASE_SEND);
    EXPECT_EQUAL(kernel_thread_break_off(server.thread, 0, &old), 0);
    expect_served();
    EXPECT_EQUAL(server.area->values[FAILURES], 0);
    end(&client);
}

/* A worker_function: receives once where the server's faults go, so that it is who serves there, and calls. */
static void receive_and_call(struct area *area)
{
    struct ipc_message message = {0};
    area->values[RESULT] = ipc_transfer(TAG_RECEIVE, area->values[TIME], &message);
    call_once(area);
}

/* The client's pager is the server, which does not know what to answer; the server's pager is the client, which waits
 * for it. */
void pagers_in_the_transfer(void)
{
    struct worker client;
    struct ipc_message message = {0};
    start(&client, 0);
    const struct paged strings = {client.task, sent, FROM};
    EXPECT_EQUAL(kernel_thread_set_pager(client.thread, (kernel_endpoint_t){endpoint}), 0);
    take_pages(&strings);
    worker_start(&client, call_once);
    sleep_for(QUIET);
    expect_failed(&client, ERROR_BAD_ADDRESS, PHASE_SEND);
    EXPECT_EQUAL(server.area->done, 1); /* the fault */
    expect_served();
    end(&client);

    start(&client, 0);
    const struct paged buffers = {server.task, taken, TAKEN};
    set_pager(&server);
    take_pages(&buffers);
    client.area->values[TIME] = worker_give(&client, pager, RIGHT_READ);
    worker_start(&client, receive_and_call);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 0), pager, &message), TAG_DONE);
    sleep_for(QUIET);
    expect_failed(&client, ERROR_PARTNER_MEMORY, PHASE_SEND);
    EXPECT_EQUAL(server.area->values[FAILED], ERROR_BAD_ADDRESS);
    expect_served();
    end(&client);
}
