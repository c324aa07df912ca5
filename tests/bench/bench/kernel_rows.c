/* SPDX-License-Identifier: BSD-2-Clause */
/* See kernel_rows.h. */
#include "kernel_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <salto/page_item.h>
#include <salto/server.h>
#include <salto/startup.h>

#include "abi/message.h"
#include "crowd.h"
#include "idl/factory.h"
#include "idl/memory.h"
#include "idl/notification.h"
#include "idl/reply.h"
#include "peer.h"
#include "rounds.h"

#define ALL (KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE | KERNEL_RIGHTS_EXECUTE | KERNEL_RIGHTS_COPY)
#define PIECE(name)                                               \
    extern const char peer_##name[], peer_##name##_end[];         \
    static bool create_##name(struct peer *peer)                  \
    {                                                             \
        return peer_create(peer, peer_##name, peer_##name##_end); \
    }

PIECE(answer)
PIECE(notify)
PIECE(keep)
PIECE(handle)
PIECE(take)
PIECE(open)

static uint32_t samples[ROUNDS];

static kernel_factory_t factory(void)
{
    return (kernel_factory_t){salto_require("factory")};
}

/* What the rounds did must show afterwards: else nothing was measured. */
static bool expect(bool condition, const char *row, const char *what)
{
    if (!condition)
        fprintf(stderr, "bench: %s: %s\n", row, what);
    return condition;
}

static kernel_task_t own_task(void)
{
    return (kernel_task_t){salto_require("task")};
}

static uint32_t new_notification(kernel_thread_t thread)
{
    kernel_notification_t notification;
    if (kernel_factory_create_notification(factory(), &notification) != 0 ||
        kernel_notification_bind(notification, thread) != 0)
        return 0;
    return notification.handle;
}

/* The peer signals only when it is signalled, so a round that comes back went there and back. */
static bool notify(report_row *report)
{
    static const char row[] = "ipc.notify";
    struct peer peer;
    kernel_thread_t measurer;
    bool ready = create_notify(&peer) && peer_thread(&measurer);
    uint32_t theirs = ready ? new_notification(peer.thread) : 0, ours = ready ? new_notification(measurer) : 0;
    if (!expect(theirs && ours && peer_start(&peer, peer_give(&peer, ours, KERNEL_RIGHTS_WRITE), 0), row, "no partner"))
        return false;
    bool good = expect(peer_measure(measurer, rounds_notify, theirs, samples), row, "the rounds do not end");
    report(row, MARKER_NOTIFY, false, samples);
    peer_destroy(&peer);
    return good;
}

static struct utcb *utcb(void)
{
    return ipc_utcb();
}

/* Afterwards the peer's table holds as many more capabilities as there were rounds. */
static bool call_cap(report_row *report)
{
    static const char row[] = "ipc.call.cap";
    struct peer peer;
    uint32_t endpoint = crowd_endpoint(), type = 0, last;
    kernel_rights_t rights;
    if (!expect(create_answer(&peer) && peer_start(&peer, peer_give(&peer, endpoint, KERNEL_RIGHTS_READ), 0), row,
                "no partner"))
        return false;
    utcb()->items[0] = idl_item(endpoint, KERNEL_RIGHTS_WRITE, ITEM_COPY);
    rounds_call_cap(endpoint, samples);
    last = peer_give(&peer, endpoint, KERNEL_RIGHTS_WRITE);
    bool good = expect(kernel_task_inspect(peer.task, ROUNDS, &type, &rights) == 0 && type == KERNEL_ENDPOINT_ID &&
                           last > ROUNDS,
                       row, "the capabilities did not arrive");
    report(row, MARKER_CALL_CAP, false, samples);
    peer_destroy(&peer);
    return good;
}

/* Where both sides have their strings. */
#define STRING_AREA 0x30000000UL
#define STRING_MOST (1UL << 20)

/* Where the page is that is mapped on, and where the window is. */
#define PAGE_AREA 0x40000000UL

_Static_assert(__builtin_offsetof(struct utcb, string_buffers) ==
                   8 * (1 + MESSAGE_MAX_WORDS + MESSAGE_MAX_ITEMS + 2 + MESSAGE_MAX_ITEMS),
               "peer_take writes there");

_Static_assert(__builtin_offsetof(struct utcb, window_address) ==
                   __builtin_offsetof(struct utcb, string_buffers) + 16 * MESSAGE_MAX_STRINGS,
               "peer_open writes there");

static bool map_string_area(kernel_task_t task, kernel_memory_t *memory)
{
    uint32_t pages = STRING_MOST / PAGE_SIZE;
    return kernel_factory_create_memory(factory(), pages, memory) == 0 &&
           kernel_memory_map(*memory, task, STRING_AREA, 0, pages, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE) == 0;
}

/* Repeats the samples of rows with LONG_ROUNDS until all are there. */
static void fill_samples(uint32_t rounds)
{
    for (uint32_t i = rounds; i < ROUNDS; i++)
        samples[i] = samples[i % rounds];
}

/* What a call with a string of `length` costs; the rounds are repeated until all samples are there. */
static bool call_string(report_row *report, const char *row, measure *rounds, int marker, uint64_t length,
                        uint32_t endpoint)
{
    utcb()->items[0] = length << ITEM_LENGTH_SHIFT | (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT;
    utcb()->item_addresses[0] = STRING_AREA;
    memset(samples, 0, sizeof(samples));
    uint32_t step = length == STRING_MOST ? LONG_ROUNDS : ROUNDS;
    rounds(endpoint, samples);
    fill_samples(step);
    report(row, marker, false, samples);
    return true;
}

/* The last string must have arrived as it was sent. */
static bool strings(report_row *report)
{
    static const char row[] = "string";
    static const uint8_t *const seen = (const uint8_t *)STRING_AREA + STRING_MOST;
    struct peer peer;
    kernel_memory_t sent, received;
    uint32_t endpoint = crowd_endpoint(), pages = STRING_MOST / PAGE_SIZE;
    if (!expect(create_take(&peer) && map_string_area(own_task(), &sent) && map_string_area(peer.task, &received) &&
                    kernel_memory_map(received, own_task(), STRING_AREA + STRING_MOST, 0, pages, KERNEL_RIGHTS_READ) ==
                        0 &&
                    peer_start(&peer, peer_give(&peer, endpoint, KERNEL_RIGHTS_READ), STRING_AREA),
                row, "no partner"))
        return false;
    uint8_t *string = (uint8_t *)STRING_AREA;
    for (uint64_t i = 0; i < STRING_MOST; i++)
        string[i] = (uint8_t)(i * 7 + i / PAGE_SIZE);
    call_string(report, "string.4k", rounds_string_4k, MARKER_STRING_4K, 4096, endpoint);
    call_string(report, "string.64k", rounds_string_64k, MARKER_STRING_64K, 65536, endpoint);
    call_string(report, "string.1m", rounds_string_1m, MARKER_STRING_1M, STRING_MOST, endpoint);
    bool good = expect(memcmp(string, seen, STRING_MOST) == 0, row, "the string did not arrive");
    peer_destroy(&peer);
    return good;
}

/* Maps memory of 1 << log2 bytes on to a peer, in one flexpage. Afterwards it must arrive where the window is. */
static bool map_pages(report_row *report, const char *row, measure *rounds, int marker, uint32_t log2)
{
    struct peer peer;
    kernel_memory_t memory;
    uint32_t endpoint = crowd_endpoint(), pages = 1U << (log2 - PAGE_SHIFT);
    uint64_t words[MESSAGE_REGISTER_WORDS] = {0};
    bool ready =
        create_open(&peer) &&
        (log2 == PAGE_SHIFT ? kernel_factory_create_memory(factory(), pages, &memory)
                            : kernel_factory_create_large_memory(factory(), pages, &memory)) == 0 &&
        kernel_memory_map(memory, own_task(), PAGE_AREA, 0, pages, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE) == 0 &&
        peer_start(&peer, peer_give(&peer, endpoint, KERNEL_RIGHTS_READ), PAGE_AREA);
    if (!expect(ready, row, "no partner"))
        return false;
    ipc_page(0, ITEM_MAP, (void *)PAGE_AREA, log2, RIGHT_READ | RIGHT_WRITE);
    rounds(endpoint, samples);
    fill_samples(marker == MARKER_PAGE_1G ? LONG_ROUNDS : ROUNDS);
    report(row, marker, true, samples);
    uint64_t first = ipc_call(message_tag(MESSAGE_CALL, 0, 1), endpoint, words);
    bool good =
        expect(message_is_tag(first) && ipc_call(message_tag(MESSAGE_CALL, 0, 1), endpoint, words) == ERROR_OCCUPIED,
               row, "the pages did not arrive");
    peer_destroy(&peer);
    return expect(kernel_task_delete(own_task(), memory.handle) == 0, row, "the memory does not go") && good;
}

static bool map_page(report_row *report)
{
    return map_pages(report, "page.map.4k", rounds_page_4k, MARKER_PAGE_4K, PAGE_SHIFT) &&
           map_pages(report, "page.map.4m", rounds_page_4m, MARKER_PAGE_4M, 22) &&
           map_pages(report, "page.map.1g", rounds_page_1g, MARKER_PAGE_1G, 30);
}

static bool call_deadline(report_row *report)
{
    static const char row[] = "ipc.call.deadline";
    struct peer peer;
    uint32_t endpoint = crowd_endpoint();
    uint64_t words[MESSAGE_REGISTER_WORDS] = {0};
    if (!expect(create_answer(&peer) && peer_start(&peer, peer_give(&peer, endpoint, KERNEL_RIGHTS_READ), 0), row,
                "no partner"))
        return false;
    utcb()->send_deadline = utcb()->receive_deadline = 1UL << 60;
    rounds_call_deadline(endpoint, samples);
    bool good = expect(message_is_tag(ipc_call(message_tag(MESSAGE_CALL, 0, 0), endpoint, words)), row, "no answer");
    report(row, MARKER_CALL_DEADLINE, false, samples);
    peer_destroy(&peer);
    return good;
}

static bool reply_later(report_row *report)
{
    static const char row[] = "ipc.reply.later";
    struct peer peer;
    kernel_reply_t reply;
    uint32_t endpoint = crowd_endpoint();
    uint64_t words[MESSAGE_REGISTER_WORDS] = {0};
    if (!expect(create_keep(&peer) && kernel_factory_create_reply(factory(), &reply) == 0 &&
                    peer_start(&peer, peer_give(&peer, endpoint, KERNEL_RIGHTS_READ),
                               peer_give(&peer, reply.handle, KERNEL_RIGHTS_WRITE)),
                row, "no partner"))
        return false;
    rounds_reply_later(endpoint, samples);
    bool good = expect(message_is_tag(ipc_call(message_tag(MESSAGE_CALL, 0, 0), endpoint, words)), row, "no answer");
    report(row, MARKER_REPLY_LATER, false, samples);
    peer_destroy(&peer);
    return good;
}

/* A round that ends was handled: `ud2` does not end by itself. */
static bool fault_handled(report_row *report)
{
    static const char row[] = "fault.handled";
    struct peer peer;
    kernel_thread_t measurer;
    uint32_t endpoint = crowd_endpoint();
    if (!expect(create_handle(&peer) && peer_start(&peer, peer_give(&peer, endpoint, KERNEL_RIGHTS_READ), 0) &&
                    peer_thread(&measurer) &&
                    kernel_thread_set_fault_handler(measurer, (kernel_endpoint_t){endpoint}) == 0,
                row, "no partner"))
        return false;
    bool good = expect(peer_measure(measurer, rounds_fault, 0, samples), row, "the rounds do not end");
    report(row, MARKER_FAULT, false, samples);
    peer_destroy(&peer);
    return good;
}

static bool create_kill(report_row *report)
{
    uint64_t before, after, limit;
    bool good = kernel_factory_quota(factory(), &limit, &before) == 0;
    rounds_thread(factory().handle, samples);
    report("thread.create_kill", MARKER_THREAD, true, samples);
    rounds_task(factory().handle, samples);
    report("task.create_kill", MARKER_TASK, true, samples);
    good &= kernel_factory_quota(factory(), &limit, &after) == 0;
    return expect(good && before == after, "create_kill", "not everything came back");
}

bool kernel_rows_measure(report_row *report)
{
    return notify(report) && call_cap(report) && strings(report) && map_page(report) && call_deadline(report) &&
           reply_later(report) && fault_handled(report) && create_kill(report);
}
