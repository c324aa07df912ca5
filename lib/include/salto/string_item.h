/* SPDX-License-Identifier: BSD-2-Clause */
/* String items of messages: memory that the kernel copies along with a message. See docs/ipc.md, "Strings". */
#ifndef SALTO_STRING_ITEM_H
#define SALTO_STRING_ITEM_H

#include "salto/ipc.h"

/* Item `i` of the next message (below MESSAGE_MAX_ITEMS; the tag must count it) is the string of `length` bytes at
 * `address`. What came with a message, or was said before, in that item's place is lost. */
static inline void ipc_string(uint32_t i, const void *address, uint32_t length)
{
    struct utcb *utcb = ipc_utcb();

    utcb->items[i] = (uint64_t)length << ITEM_LENGTH_SHIFT | (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT;
    utcb->item_addresses[i] = (uint64_t)address;
}

/* This thread takes string `i` of each message that it receives (below MESSAGE_MAX_STRINGS), of up to `size` bytes, at
 * `address`; with size 0, from now on none. */
static inline void ipc_string_buffer(uint32_t i, void *address, uint64_t size)
{
    ipc_utcb()->string_buffers[i] = (struct string_buffer){(uint64_t)address, size};
}

/* Is item `i` of the message that came a string? */
static inline int ipc_is_string(uint32_t i)
{
    return (uint32_t)ipc_utcb()->items[i] == (uint32_t)ITEM_STRING << ITEM_KIND_SHIFT;
}

/* Its length in bytes, and where it is. */
static inline uint32_t ipc_string_length(uint32_t i)
{
    return (uint32_t)(ipc_utcb()->items[i] >> ITEM_LENGTH_SHIFT);
}

static inline void *ipc_string_address(uint32_t i)
{
    return (void *)ipc_utcb()->item_addresses[i];
}

#endif
