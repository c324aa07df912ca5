/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server of waiting.idl, which keeps its callers in a table, by their tickets. A ticket stays in the table when it
 * was used, so that it can be used again.
 */
#ifndef TESTS_GUEST_DEFERRED_ROOM_H
#define TESTS_GUEST_DEFERRED_ROOM_H

#include "../common/worker.h"

#include "idl/waiting.h"
#include "idl/waiting_server.h"

#define TICKETS 24

/* All that was kept: a ticket is that of one operation. */
struct room {
    struct waiting_room_wait_token waits[TICKETS];
    struct waiting_room_read_token reads[TICKETS];
    struct waiting_room_trade_token trades[TICKETS];
    uint32_t given[TICKETS];
    uint32_t count;
    struct waiting_room_buffers buffers;
};

/* A worker_function: serves values[0] for ever, with the room at values[1]. */
void room_serve(struct area *area);

#endif
