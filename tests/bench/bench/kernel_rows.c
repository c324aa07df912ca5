/* SPDX-License-Identifier: BSD-2-Clause */
/* See kernel_rows.h. */
#include "kernel_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <salto/ipc.h>
#include <salto/server.h>
#include <salto/startup.h>

#include "abi/message.h"
#include "crowd.h"
#include "idl/factory.h"
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
    return notify(report) && call_cap(report) && call_deadline(report) && reply_later(report) &&
           fault_handled(report) && create_kill(report);
}
