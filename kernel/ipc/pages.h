/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page items: flexpages that a message maps, or grants, into the window of its receiver.
 *
 * A flexpage is a power of two of bytes, 4 KiB or more, aligned to that, all of which the sender has mapped. It lands
 * in the receiver's window, which is one too and no smaller, at the offset that its own address has modulo the window's
 * size; so a window as large as the flexpage takes it as a whole, and a larger one leaves the choice to the sender's
 * address. What lands is derived from the sender's pages (mem/mapping.h). A grant is the same, after which the sender's
 * own pages are unmapped.
 *
 * Sender's items and receiver's window are read once, before anything is mapped. Either all of a message's flexpages
 * are mapped or none.
 */
#ifndef SALTO_IPC_PAGES_H
#define SALTO_IPC_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/errors.h"
#include "abi/message.h"

struct task;
struct thread;

/* Where a receiver takes pages: 1 << log2 bytes at `address`; log2 0: nowhere. */
struct page_window {
    uint64_t address, log2;
};

/* A flexpage: as its item says, from the sender's address `source` to the receiver's address `target`. */
struct page_item {
    uint64_t item, source, target;
    uint32_t number; /* of the item in the message */
};

/* Those of a message. */
struct pages {
    uint32_t count, mapped; /* `mapped` of them are, and the first `reached` bytes of the next one */
    uint64_t reached;
    enum error failure; /* why they cannot be mapped: what was mapped of them is being taken back */
    struct page_item of[MESSAGE_MAX_ITEMS];
};

/* Is this typed item one of pages? */
static inline bool pages_is_item(uint64_t item)
{
    uint64_t kind = item >> ITEM_KIND_SHIFT & 0xf;
    return kind == ITEM_MAP || kind == ITEM_GRANT;
}

/* Is there one among the first `items` items of a sender's UTCB? */
bool pages_any(const struct utcb *sender, uint32_t items);

/* The window that a thread opened in its UTCB. */
static inline struct page_window pages_window(const struct utcb *receiver)
{
    return (struct page_window){receiver->window_address, receiver->window_log2};
}

/* Reads the page items among the first `items` of the sender's UTCB, and where they go. BAD_ARGUMENT: no such item;
 * BAD_ADDRESS: the flexpage is misaligned, or not within what can be mapped; NO_WINDOW: the window is none, or too
 * small. */
enum error pages_read(struct pages *pages, const struct utcb *sender, uint32_t items, struct page_window window);

/* May they be mapped from `from` in one go? */
bool pages_are_few(const struct pages *pages, struct task *from);

/* Has `to` the page tables for them? If they are few. */
bool pages_have_tables(const struct pages *pages, struct task *to);

/* A piece of mapping them from `from` to `to`, for `maker`, until `*done`. BAD_ADDRESS: the sender has not all of a
 * flexpage mapped; NO_RIGHT: it has it with fewer rights, or cached more strictly; OCCUPIED: something is mapped there;
 * NO_MEMORY: the quota of `to` has not enough, or that of `from` for a grant. After an error what was mapped is being
 * taken back. */
enum error pages_piece(struct pages *pages, struct thread *maker, struct task *from, struct task *to, bool *done);

/* All of it at once, for few. */
enum error pages_map(struct pages *pages, struct thread *maker, struct task *from, struct task *to);

/* Maps the one page of the only item of the message of `maker` into `to` at `address`, rounded down; as part of a
 * mapping that its neighbour came to, if there is one. False: nothing was done, as the item is another, or for any
 * error. */
bool pages_map_one(const struct utcb *sender, struct thread *maker, struct task *to, uint64_t address);

/* Maps the only item of a message of `from`, if it is one page, or a flexpage of few large pages, that one mapping has
 * and that is mapped; and tells `to`, in its UTCB. False: nothing was done, as it is another item, or for any error. */
bool pages_map_only(const struct utcb *sender, struct task *from, struct utcb *receiver, struct task *to);

/* Tells the receiver, in its UTCB, what is mapped where. */
void pages_arrive(const struct pages *pages, struct utcb *receiver);

#endif
