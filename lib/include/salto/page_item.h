/* SPDX-License-Identifier: BSD-2-Clause */
/* Page items of messages: memory that one task maps into another. See docs/memory.md. */
#ifndef SALTO_PAGE_ITEM_H
#define SALTO_PAGE_ITEM_H

#include "abi/capability.h"
#include "salto/ipc.h"

/* Item `i` of the next message (below MESSAGE_MAX_ITEMS; the tag must count it) is the flexpage of 1 << log2 bytes at
 * `address`, which is mapped (kind ITEM_MAP) or granted (ITEM_GRANT) with `rights` (RIGHT_READ, ...), and cached as
 * here. */
static inline void ipc_page(uint32_t i, uint32_t kind, const void *address, uint32_t log2, uint32_t rights)
{
    struct utcb *utcb = ipc_utcb();

    utcb->items[i] =
        (uint64_t)log2 << ITEM_SIZE_SHIFT | (uint64_t)kind << ITEM_KIND_SHIFT | (uint64_t)rights << ITEM_RIGHTS_SHIFT;
    utcb->item_addresses[i] = (uint64_t)address;
}

/* This thread takes pages of each message that it receives in the 1 << log2 bytes at `address`, a multiple of that;
 * with log2 0, from now on nowhere. */
static inline void ipc_window(void *address, uint32_t log2)
{
    ipc_utcb()->window_address = (uint64_t)address;
    ipc_utcb()->window_log2 = log2;
}

#endif
