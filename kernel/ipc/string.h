/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String items: which bytes a message carries, and how they are copied between two address spaces.
 *
 * The kernel never uses an address that a program gave: it walks the page tables of both sides and copies in its own
 * map of physical memory. Invariant: a frame or a page table that a walk found is used only until interrupts are next
 * let in; where none came then, nothing can have changed, and the walk holds on.
 *
 * A message that was broken off for a page of its sender's is sent from the beginning when that is there, since the
 * receiver's buffers are others' meanwhile. So that this takes no time for each page that is missing, as many times as
 * there are such, the sender's other pages are looked at before anything is copied again: looking goes on where the
 * last sending ended, and each page that is missing is asked for then. A message whose pages are brought one by one is
 * copied twice at most, unless pages are taken away again meanwhile.
 */
#ifndef SALTO_IPC_STRING_H
#define SALTO_IPC_STRING_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/errors.h"
#include "abi/message.h"

struct space;

struct string {
    uint64_t from, to; /* addresses in the sender's and in the receiver's address space */
    uint32_t length;
    uint32_t item; /* which item of the message it is */
};

/* The strings of a message, as the sender's items and the receiver's buffers named them when they were read. */
struct strings {
    uint64_t done;  /* bytes of the current string that are copied, or looked at */
    uint64_t total; /* bytes of all strings */
    uint32_t count, current;
    bool looks; /* has not begun to copy: looks whether the sender's pages are there */
    struct string of[MESSAGE_MAX_STRINGS];
};

enum strings_result {
    STRINGS_COPIED,         /* all of them */
    STRINGS_MORE,           /* a part */
    STRINGS_SOURCE_MISSING, /* a part; the sender's page that comes next cannot be read */
    STRINGS_TARGET_MISSING, /* a part; the receiver's page that comes next cannot be written */
};

static inline bool is_string(uint64_t item)
{
    return (uint32_t)item == (uint32_t)ITEM_STRING << ITEM_KIND_SHIFT;
}

/* Is there a string among the first `items` items of a sender's UTCB? */
static inline bool strings_any(const struct utcb *sender, uint32_t items)
{
    for (uint32_t i = 0; i < items; i++)
        if (is_string(sender->items[i]))
            return true;
    return false;
}

/* Reads which strings the first `items` items of the sender's UTCB name, and where they go. NO_BUFFER: the receiver has
 * no buffer for one, or it is too small; BAD_ADDRESS: one lies outside the user half. */
enum error strings_read(struct strings *strings, const struct utcb *sender, uint32_t items,
                        const struct utcb *receiver);

/* Copies all of it, if it is not much and no page is missing. False: some may be copied, nothing is noted of that. */
bool strings_copy_at_once(const struct strings *strings, const struct space *from, const struct space *to);

/* Copies a piece, after which interrupts should be let in. It may let them in itself, and returns when one has come.
 * What is not copied because a page is missing can be copied when it is there. */
enum strings_result strings_copy(struct strings *strings, const struct space *from, const struct space *to);

/* How many bytes lie before what comes next. */
uint64_t strings_position(const struct strings *strings);

/* Before the first byte is copied, strings_look() is to look whether the sender's pages are there, from `position` on:
 * that is as far as it came the last time. */
void strings_look_from(struct strings *strings, uint64_t position);

/* Looks at some of the sender's pages; they `looks` no more when all are there. MORE or SOURCE_MISSING. */
enum strings_result strings_look(struct strings *strings, const struct space *from);

/* The address that comes next, of the sender's (`source`) or of the receiver's, in the address space `space`; `*code`
 * is the error code that a program's page fault there would have (Intel SDM volume 3, 4.7). */
uint64_t strings_missing(const struct strings *strings, bool source, const struct space *space, uint64_t *code);

/* Tells the receiver, in its UTCB, what has arrived where. */
void strings_arrive(const struct strings *strings, struct utcb *receiver);

#endif
