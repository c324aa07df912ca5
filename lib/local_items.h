/* SPDX-License-Identifier: BSD-2-Clause */
/* Typed items of messages that stay in one program: what the kernel does with them otherwise. For lib/local.c. */
#ifndef SALTO_LIB_LOCAL_ITEMS_H
#define SALTO_LIB_LOCAL_ITEMS_H

#include "abi/message.h"

#include <stdint.h>

/* What a caller has in its UTCB that the server's handler must not find there. */
struct local_setup {
    struct string_buffer buffers[MESSAGE_MAX_STRINGS]; /* where it takes strings of the answer */
    uint64_t addresses[MESSAGE_MAX_ITEMS];             /* of its own strings */
    uint64_t items[MESSAGE_MAX_ITEMS];
    uint64_t refused; /* what idl_refused_parameter() tells */
};

static inline uint32_t local_items(uint32_t low)
{
    return low <= TAG_PLAIN_REPLY_LAST ? 0 : low >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
}

/* Keeps what this thread's UTCB says, and closes its buffers. */
void local_put_aside(struct local_setup *setup);
/* Undoes that; the first `items` items are again those of the request. */
void local_put_back(const struct local_setup *setup, uint32_t items);

/* Copies the strings of a request of `items` items, which are all strings, to `buffers`, and keeps them as they
 * were. 0, or ERROR_NO_BUFFER. */
int local_request_strings(uint32_t items, const struct string_buffer *buffers, struct local_setup *setup);

/* Brings the items of an answer with `low` tag, which stand in the UTCB as the server gave them, to the caller: strings
 * to its buffers; capabilities, which stay in this task, to handles of the caller's own (0 where that cannot be). 0, or
 * ERROR_* that the kernel would have told the server: NO_BUFFER, NO_WINDOW; then none has come. */
int local_answer_items(uint32_t low, const struct local_setup *setup);

#endif
