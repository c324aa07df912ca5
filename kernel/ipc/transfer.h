/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages with strings or pages on their way. Copying and mapping take long, stop at preemption points, and may find
 * pages missing; so they are a state of both threads, and not a step of one system call. First all strings are copied,
 * then the pages are mapped.
 *
 * Two threads are in a transfer, bound by `transfer_partner`. The client (who called, sends, or waits for the answer)
 * waits in state TRANSFER, and lends its scheduling context. The driver (the server: who receives the request, or
 * answers) is ACTIVE, and copies and maps: within the system call of either if nothing comes between, and from then on
 * when it is chosen to run (`restarting` is RESTARTS_TRANSFER).
 *
 * Invariants: client and driver name each other; a thread in a transfer is in a system call, not `interrupted`, so that
 * what is copied can stand where vector registers would (thread.h). The receiver's words, items and registers are as
 * they were until all is copied; whatever ends a transfer before that leaves it with a part of the bytes in its
 * buffers, nothing else.
 *
 * How a transfer ends: all is copied, and the message arrives. Or the client's wait ends (its deadline, break-off,
 * death, its memory): then the driver of a request waits on as if nothing had been sent, and an answer counts as given.
 * Or the driver fails (break-off, death, its memory): then the client's wait ends with an error.
 */
#ifndef SALTO_IPC_TRANSFER_H
#define SALTO_IPC_TRANSFER_H

#include <stdbool.h>

#include "abi/errors.h"
#include "ipc/pages.h"
#include "ipc/string.h"

struct thread;

struct transfer {
    struct strings strings; /* the driver's */
    struct pages pages;     /* the same */
    uint32_t again;         /* the driver's, of a request: tag with which it receives again, on its `wait_handle` */
    bool answers;           /* the message goes from driver to client */
};

/* Is there a string or a flexpage among the first `items` items of a sender's UTCB? */
static inline bool transfer_is_needed(const struct utcb *sender, uint32_t items)
{
    for (uint32_t i = 0; i < items; i++)
        if (is_string(sender->items[i]) || pages_is_item(sender->items[i]))
            return true;
    return false;
}

/* Reads the pages of a message with such, and its window. Errors as pages_read(). */
enum error transfer_read_pages(struct transfer *transfer, const struct thread *sender, const struct thread *receiver);

/* Maps the pages of `sender`'s message at once, if they are few: true, and `*error` as pages_map(). False: in
 * pieces. */
bool transfer_map_at_once(struct transfer *transfer, struct thread *sender, const struct thread *receiver,
                          enum error *error);

/* `thread`, which is in a system call and does not wait, receives on its wait_handle, as `tag` says, before it goes
 * on. */
void transfer_receive_again(struct thread *thread, uint32_t tag);

/* Begins to copy and map the request of `sender`, which is not queued, for `receiver`, which does not wait, and goes on
 * as far as possible. Strings and pages were read into `receiver->transfer`. `again`: tag with which the receiver
 * receives again should nothing come of it. */
void transfer_request(struct thread *sender, struct thread *receiver, uint32_t again);

/* Likewise for the answer in `server->call`, which was read into `server->transfer`, to `caller`, which waits for
 * it. */
void transfer_answer(struct thread *server, struct thread *caller);

/* The items of a message arrive whose strings are copied, and whose pages are mapped. */
void transfer_deliver_items(struct thread *from, struct thread *to, const struct transfer *transfer);

/* The driver was chosen to run: goes on with the transfer. */
void transfer_go_on(struct thread *driver);

/* The client's wait is over, whyever. */
void transfer_client_leaves(struct thread *client);

/* The driver's part is over: the client fails with `error`. The driver waits for nothing then, and has no result
 * yet. */
void transfer_driver_leaves(struct thread *driver, enum error error);

/* `thread` waited for a page that a transfer needs, and will not get it: `error` is INTERRUPTED or TIMEOUT where its
 * wait was ended, else whatever. */
void transfer_page_refused(struct thread *thread, enum error error);

/* The driver is broken off, and goes on with INTERRUPTED; so does the client. */
void transfer_break_off(struct thread *driver);

#endif
