/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages with strings or pages, from both ends' UTCBs to what the kernel does at once. Inlined into the send and
 * receive phases, where the figures of short strings and single pages are made; what takes longer is in transfer.h.
 */
#ifndef SALTO_IPC_LONG_H
#define SALTO_IPC_LONG_H

#include "abi/errors.h"
#include "ipc/message.h"
#include "ipc/transfer.h"
#include "thread/task.h"

/* Reads the strings and pages of the message of `sender`, and what `receiver` says about where it takes them.
 * NO_BUFFER, NO_WINDOW: nowhere; BAD_ADDRESS, BAD_ARGUMENT: there can be no such string or flexpage. */
static inline enum error read_long(struct transfer *transfer, const struct thread *sender,
                                   const struct thread *receiver)
{
    uint32_t items = tag_items((uint32_t)sender->call.tag);
    enum error error = strings_read(&transfer->strings, thread_utcb(sender), items, thread_utcb(receiver));
    transfer->pages.count = 0;
    if (error == ERROR_NONE && items != transfer->strings.count)
        error = transfer_read_pages(transfer, sender, receiver);
    return error;
}

/* Copies and maps all of it, if it is not much. False: it is to be done in pieces. */
static inline bool at_once(struct transfer *transfer, struct thread *sender, const struct thread *receiver,
                           enum error *error)
{
    if (transfer->strings.count &&
        !strings_copy_at_once(&transfer->strings, &sender->task->space, &receiver->task->space))
        return false;
    return !transfer->pages.count || transfer_map_at_once(transfer, sender, receiver, error);
}

#endif
