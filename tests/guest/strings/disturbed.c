/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies that something happens to at every moment. See strings.c. */
#include <string.h>

#include <salto/string_item.h>
#include <salto/wait.h>

#include "strings.h"

#define LONG (200UL * PAGE_SIZE)
#define FEW (16UL * PAGE_SIZE)
#define COPY_TIME \
    130000UL        /* more than the nanoseconds, which are instructions, that a copy and what is around it takes */
#define STEP 1700UL /* less than the kernel copies in one step */
#define PATIENCE 80 /* copying times: more than the kernel that checks its invariants takes for all of them */
#define PTE_FRAME 0x000ffffffffff000UL

void call_once(struct area *area)
{
    struct ipc_message message = {0};
    ipc_string(0, (void *)FROM, (uint32_t)area->values[LENGTH]);
    ipc_string_buffer(0, (void *)BACK, area->values[LENGTH]);
    ipc_set_deadlines(area->values[TIME], area->values[TIME]);
    area->begun++;
    area->values[RESULT] = ipc_transfer(area->values[TAG], area->values[TARGET], &message);
    area->values[RESULT_PHASE] = message.badge;
    area->done++;
}

void make_client(struct worker *client, uint64_t length, uint64_t flags)
{
    worker_create(client, true);
    EXPECT_EQUAL(kernel_thread_set_priority(client->thread, LOW_PRIORITY), 0);
    EXPECT_EQUAL(kernel_memory_map(sent, client->task, FROM, 0, PAGES, READ_WRITE), 0);
    EXPECT_EQUAL(kernel_memory_map(returned, client->task, BACK, 0, PAGES, READ_WRITE), 0);
    client->area->values[TARGET] = worker_give(client, endpoint, RIGHT_WRITE);
    client->area->values[LENGTH] = length;
    client->area->values[TAG] = tag_of(LABEL, MESSAGE_CALL, 0, 1) | flags;
}

/* What happens in the middle, and how the client's call may end then. */
struct disturbance {
    void (*happens)(struct worker *client);
    uint64_t errors[3];
    bool client_goes;
    bool server_goes; /* then a call that comes after that waits for another server */
    bool frames_go;   /* what the test has in their place stays as it is; and each single step is disturbed */
};

static void client_page_goes(struct worker *client)
{
    EXPECT_EQUAL(kernel_memory_unmap(sent, client->task, FROM + 150 * PAGE_SIZE, 1), 0);
    EXPECT_EQUAL(kernel_memory_unmap(returned, client->task, BACK + 150 * PAGE_SIZE, 1), 0);
}

static void server_page_goes(struct worker *client)
{
    (void)client;
    EXPECT_EQUAL(kernel_memory_unmap(taken, server.task, TAKEN + 150 * PAGE_SIZE, 1), 0);
}

static uint64_t frame_at(uint64_t address)
{
    uint64_t entry = 0;
    EXPECT_EQUAL(kernel_debug_page_entry(debug, own_task, address, &entry), 0);
    return entry & PTE_FRAME;
}

/* Frames go, and come to others at once: what the server would write to is SEEN by the test alone now. */
static void all_memory_goes(struct worker *client)
{
    uint64_t first = frame_at(SEEN), last = first, again = 0;
    for (uint64_t page = 1; page < PAGES; page++) {
        uint64_t frame = frame_at(SEEN + page * PAGE_SIZE);
        first = frame < first ? frame : first;
        last = frame > last ? frame : last;
    }
    (void)client;
    guest_delete(taken.handle);
    taken.handle = guest_memory(PAGES);
    EXPECT_EQUAL(kernel_memory_map(taken, own_task, SEEN, 0, PAGES, READ_WRITE), 0);
    memset((void *)SEEN, GUARD, PAGES * PAGE_SIZE);
    for (uint64_t page = 0; page < PAGES; page++)
        again += frame_at(SEEN + page * PAGE_SIZE) >= first && frame_at(SEEN + page * PAGE_SIZE) <= last;
    EXPECT(again > PAGES / 2); /* the same ones, as a rule */
}

static void client_ends(struct worker *client)
{
    EXPECT_EQUAL(kernel_thread_end(client->thread), 0);
}

static void client_task_ends(struct worker *client)
{
    EXPECT_EQUAL(kernel_task_exit(client->task, 0), 0);
}

static void client_is_broken_off(struct worker *client)
{
    uint64_t old;
    EXPECT_EQUAL(kernel_thread_break_off(client->thread, 0, &old), 0);
}

static void client_is_stopped(struct worker *client)
{
    EXPECT_EQUAL(kernel_thread_stop(client->thread), 0);
    EXPECT_EQUAL(kernel_thread_resume(client->thread, false), 0);
}

static void server_ends(struct worker *client)
{
    (void)client;
    EXPECT_EQUAL(kernel_thread_end(server.thread), 0);
}

static void server_task_ends(struct worker *client)
{
    (void)client;
    EXPECT_EQUAL(kernel_task_exit(server.task, 0), 0);
}

static void server_is_broken_off(struct worker *client)
{
    uint64_t old;
    (void)client;
    EXPECT_EQUAL(kernel_thread_break_off(server.thread, 0, &old), 0);
}

static void server_is_stopped(struct worker *client)
{
    (void)client;
    EXPECT_EQUAL(kernel_thread_stop(server.thread), 0);
    sleep_for(20000);
    EXPECT_EQUAL(kernel_thread_resume(server.thread, false), 0);
}

static void nothing_happens(struct worker *client)
{
    (void)client;
}

static bool is_among(uint64_t result, const uint64_t *errors)
{
    for (int i = 0; i < 3; i++)
        if (errors[i] && result == errors[i])
            return true;
    return false;
}

/* One copy, with what happens `after` its beginning; `deadline` after that the call's deadline passes, 0: never.
 * Answers whether it ended with an error. */
static bool disturb(const struct disturbance *disturbance, uint64_t after, uint64_t deadline)
{
    struct worker client;
    start_server(0, LONG, 0);
    EXPECT_EQUAL(kernel_thread_set_priority(server.thread, LOW_PRIORITY), 0);
    make_client(&client, LONG, deadline ? TAG_DEADLINE : 0);
    fill((uint8_t *)FROM, LONG, after);
    memset((void *)(BACK + LONG), GUARD, PAGE_SIZE);
    memset((void *)(SEEN + LONG), GUARD, PAGE_SIZE);
    sleep_for(MILLISECOND); /* the server waits */
    client.area->values[TIME] = time_now() + deadline;
    worker_start(&client, call_once);
    sleep_for(after);
    disturbance->happens(&client);
    for (int i = 0; i < 3 || (i < PATIENCE && !client.area->done); i++)
        sleep_for(COPY_TIME);
    uint64_t result = client.area->values[RESULT];
    bool ended = !disturbance->client_goes && (client.area->done || !disturbance->server_goes);
    bool failed = ended && result != tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 1);
    if (failed)
        EXPECT(is_among(result, disturbance->errors));
    else if (ended)
        EXPECT(is_filled((uint8_t *)BACK, LONG, after));
    EXPECT(is_guard((uint8_t *)BACK + LONG, PAGE_SIZE) && is_guard((uint8_t *)SEEN + LONG, PAGE_SIZE));
    EXPECT(!disturbance->frames_go || is_guard((uint8_t *)SEEN, PAGES * PAGE_SIZE));
    worker_destroy(&client);
    end_server();
    return failed;
}

/* At every moment of a copy there and back. Errors come, and success too. */
static void sweep(const struct disturbance *disturbance, bool errors, uint64_t deadlines)
{
    uint64_t failed = 0, tried = 0;
    for (uint64_t after = STEP; after < COPY_TIME * 2; after += disturbance->frames_go ? STEP : STEP * 5) {
        failed += disturb(disturbance, after, deadlines ? after : 0);
        tried++;
    }
    EXPECT(errors ? failed > 2 : failed == 0);
    EXPECT(failed < tried);
}

#define DISTURBED(name, error, server_goes, ...)                                                        \
    void when_##name(void)                                                                              \
    {                                                                                                   \
        static const struct disturbance disturbance = {name, {__VA_ARGS__}, false, server_goes, false}; \
        sweep(&disturbance, error, 0);                                                                  \
    }
DISTURBED(client_page_goes, true, false, ERROR_BAD_ADDRESS)
DISTURBED(server_page_goes, true, false, ERROR_PARTNER_MEMORY)
DISTURBED(client_is_broken_off, true, false, ERROR_INTERRUPTED)
DISTURBED(client_is_stopped, false, false, 0)
DISTURBED(server_ends, true, true, ERROR_DEAD)
DISTURBED(server_task_ends, true, true, ERROR_DEAD)
DISTURBED(server_is_broken_off, true, false, ERROR_INTERRUPTED)
DISTURBED(server_is_stopped, false, false, 0)

void when_all_memory_goes(void)
{
    static const struct disturbance disturbance = {
        .happens = all_memory_goes, .errors = {ERROR_PARTNER_MEMORY}, .frames_go = true};
    sweep(&disturbance, true, 0);
}

/* ---- Points for interrupts --------------------------------------------------------------------------------------- */

/* The first moment after the beginning of a call for which `is_reached` says so, and for all later ones; within
 * STEP. */
static uint64_t first_moment(bool (*is_reached)(uint64_t after))
{
    uint64_t before = 0, reached = PATIENCE * COPY_TIME;
    while (reached - before > STEP) {
        uint64_t middle = before + (reached - before) / 2;
        if (is_reached(middle))
            reached = middle;
        else
            before = middle;
    }
    return reached;
}

/* How much of a copy is there, in whole pages from its beginning. */
static uint64_t pages_seen(uint64_t pages)
{
    const volatile uint64_t *words = (const volatile uint64_t *)SEEN;
    uint64_t seen = 0;
    while (seen < pages && words[(seen + 1) * PAGE_SIZE / sizeof(*words) - 1] != 0)
        seen++;
    return seen;
}

static uint64_t half_seen;

static void half_is_seen(struct worker *client)
{
    (void)client;
    half_seen = pages_seen(LONG / PAGE_SIZE);
}

static bool is_begun(uint64_t after)
{
    static const struct disturbance disturbance = {.happens = half_is_seen};
    EXPECT(!disturb(&disturbance, after, 0));
    return half_seen > 0;
}

/* A more important thread wakes while whole pages are copied, and not just behind all of them: at some moments it finds
 * a part of them, which is never the same. */
void when_half_is_seen(void)
{
    uint64_t parts = 0, last = 0, begun = first_moment(is_begun);
    for (uint64_t after = begun; after < begun + COPY_TIME; after += STEP * 5) {
        EXPECT(is_begun(after));
        parts += half_seen < LONG / PAGE_SIZE && half_seen != last;
        last = half_seen;
    }
    EXPECT(parts >= 3);
}

static bool arrived;

/* Breaks a call off: is its string copied then? `arrived` says whether its message has arrived, too. */
static bool is_copied(uint64_t after)
{
    struct worker client;
    uint64_t old;
    start_server(0, FEW, 0);
    EXPECT_EQUAL(kernel_thread_set_priority(server.thread, LOW_PRIORITY), 0);
    make_client(&client, FEW, 0);
    fill((uint8_t *)FROM, FEW, after);
    sleep_for(MILLISECOND); /* the server waits */
    worker_start(&client, call_once);
    sleep_for(after);
    bool copied = pages_seen(FEW / PAGE_SIZE) == FEW / PAGE_SIZE;
    EXPECT_EQUAL(kernel_thread_break_off(client.thread, 0, &old), 0);
    for (int i = 0; i < PATIENCE && !client.area->done; i++)
        sleep_for(COPY_TIME);
    arrived = client.area->values[RESULT] != ERROR_INTERRUPTED || client.area->values[RESULT_PHASE] != PHASE_SEND;
    worker_destroy(&client);
    end_server();
    return copied;
}

/* What interrupts the last step of a copy comes before the message arrives, which takes its own time. */
void when_just_copied(void)
{
    EXPECT(is_copied(first_moment(is_copied)));
    EXPECT(!arrived);
}

void when_client_goes(void)
{
    static const struct disturbance thread = {.happens = client_ends, .client_goes = true};
    static const struct disturbance task = {.happens = client_task_ends, .client_goes = true};
    sweep(&thread, false, 0);
    sweep(&task, false, 0);
}

void when_deadline_passes(void)
{
    static const struct disturbance disturbance = {.happens = nothing_happens, .errors = {ERROR_TIMEOUT}};
    sweep(&disturbance, true, 1);
}
