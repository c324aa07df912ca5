/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The message: tag, words, typed items; and the UTCB that carries what registers do not.
 *
 * Registers of the IPC system call (`syscall`):
 *   rax  tag             in: what to send and how; out: tag of what came in, or an error (see below)
 *   rdi  handle          in: capability to send to (call, send) or to receive on (receive, reply-and-wait); for
 *                        send-and-wait both, the one to receive on in the upper half;
 *                        out: for a receiver the badge of the sender's capability, for an answered caller zero; with an
 *                        error the phase that failed (PHASE_*)
 *   rsi rdx r8 r9 r10 rbx  words 0 to 5, both ways. All six always travel: the sender clears those beyond its count
 *   rcx r11              lost (the processor's own use in `syscall`)
 *   rbp r12 r13 r14 r15  a caller gets them back; whoever receives gets zeros
 *   xmm0-15, x87, MXCSR  lost: wiped to their defaults at every native IPC
 *   rsp                  kept
 * Words 6 to 62 and typed items stand in the UTCB of sender and receiver.
 *
 * The tag: the label in the high half is the programs' own (idlc: interface id << 16 | operation, or the result of an
 * operation in a reply); the low half is the kernel's. It is always negative as an int32_t, and that tells it from a
 * Linux call number; 0xffffffff (-1) stays Linux'. The smallest values are those that the trampoline takes:
 *   0x80000000 + w   plain call, w = 0..6 words, no items
 *   0x80000007 + w   plain reply-and-wait, w = 0..6 words, no items
 * everything else has the general form
 *   bits 0-5 words | bits 8-11 operation | bits 12-14 typed items | bit 15 poll | bit 16 deadline | bit 17 closed |
 *   bits 18-30 zero (reserved) | bit 31
 * A call or reply-and-wait that fits a plain form must use it (message_tag() does): each request has one spelling.
 *
 * What arrives has the same shape: a server sees the caller's tag with its operation (call or send), an answered
 * caller sees a reply-and-wait tag, however the answer was sent. If the IPC failed, rax holds an error number from
 * errors.h instead: its low half is never negative, so the two cannot be mistaken.
 */
#ifndef SALTO_ABI_MESSAGE_H
#define SALTO_ABI_MESSAGE_H

#define MESSAGE_REGISTER_WORDS 6
#define MESSAGE_MAX_WORDS 63
#define MESSAGE_MAX_ITEMS 7

/* Low half of the plain forms. The numbers are signed 32-bit, as the trampoline compares them. */
#define TAG_PLAIN_CALL 0x80000000
#define TAG_PLAIN_CALL_LAST 0x80000006
#define TAG_PLAIN_REPLY 0x80000007
#define TAG_PLAIN_REPLY_LAST 0x8000000d

/* General form. */
#define TAG_NATIVE 0x80000000
#define TAG_WORDS_MASK 0x3f
#define TAG_OPERATION_SHIFT 8
#define TAG_OPERATION_MASK 0xf
#define TAG_ITEMS_SHIFT 12
#define TAG_ITEMS_MASK 0x7
#define TAG_POLL 0x8000
#define TAG_DEADLINE 0x10000 /* the UTCB's deadlines hold for this IPC */
#define TAG_CLOSED 0x20000   /* receive from the endpoint only: signals of the bound notification stay pending */
#define TAG_RESERVED 0x7ffc00c0

#define MESSAGE_CALL 1           /* send, then wait for the answer of whoever received it */
#define MESSAGE_REPLY_AND_WAIT 2 /* answer the current caller, then receive on the handle */
#define MESSAGE_SEND 3           /* one way; waits until it is received, or with TAG_POLL fails with would_block */
#define MESSAGE_RECEIVE 4        /* receive on the handle; with TAG_POLL fails with would_block if nobody sends */
#define MESSAGE_REPLY 5          /* answer the current caller and go on */
#define MESSAGE_SEND_AND_WAIT 6  /* send, answer by a reply capability, or signal; then receive on the other handle */
#define MESSAGE_SIGNAL 7         /* never sent: what arrives from the bound notification, its bits in word 0 */

#define WAIT_HANDLE_SHIFT 32 /* send-and-wait: where the handle to receive on stands in rdi */

/* rdi beside an error: the phase in which the IPC failed. In the send phase nothing has left the sender. */
#define PHASE_SEND 0
#define PHASE_RECEIVE 1

/* Deadlines are nanoseconds since boot, as Clock.now tells them. One that has passed ends the wait at once. */
#define DEADLINE_NEVER 0xffffffffffffffff

/*
 * A typed item, in the UTCB:
 *   bits 0-15 handle | 16-23 rights | 24-27 kind | 28-31 zero | strings: 32-63 length in bytes
 *                                                             | pages: 32-37 log2 of the flexpage's size in bytes,
 *                                                               38-39 how they are cached (PAGE_*)
 * with the address of a string or flexpage in item_addresses. What does not belong to the kind is zero.
 *
 * capabilities (copy, move): the receiver finds the new handle in the item's place, or 0 where it could not be
 *   installed. Items are installed in order, each with rights no greater than the sender's AND the item's rights.
 * strings: at most four in a message, wherever they stand among the items. The receiver finds the item as it was, and
 *   the address where the bytes are now.
 * pages (map, grant): the receiver finds the item as it was, and the address in its window.
 *
 * The receiver says in its own UTCB where it takes strings and pages; it stays said over any number of messages.
 */
#define ITEM_HANDLE_MASK 0xffff
#define ITEM_RIGHTS_SHIFT 16
#define ITEM_RIGHTS_MASK 0xff
#define ITEM_KIND_SHIFT 24
#define ITEM_COPY 0
#define ITEM_MOVE 1
#define ITEM_STRING 2
#define ITEM_MAP 3
#define ITEM_GRANT 4
#define ITEM_LENGTH_SHIFT 32 /* strings */
#define ITEM_SIZE_SHIFT 32   /* pages */
#define ITEM_SIZE_MASK 0x3f
#define ITEM_CACHE_SHIFT 38
#define ITEM_CACHE_MASK 3

/* How pages are cached, each stricter than the one before. Whoever maps pages on may be as strict as the pages that it
 * has, or stricter; PAGE_WRITE_BACK in an item stands for the same. */
#define PAGE_WRITE_BACK 0
#define PAGE_WRITE_COMBINING 1
#define PAGE_UNCACHED 2
#define MESSAGE_MAX_STRINGS 4

#ifndef __ASSEMBLER__
#include <stdint.h>

#ifdef __cplusplus
#define _Static_assert static_assert /* as C++ spells it */
#endif

/* Where a thread takes a string: `size` bytes at `address` of its address space; size 0: nowhere. */
struct string_buffer {
    uint64_t address, size;
};

/* One page for each thread, kernel memory, found at GS:0. The kernel never reads `self`. */
struct utcb {
    uint64_t self;                     /* address of this UTCB: C finds it by reading GS:0 */
    uint64_t words[MESSAGE_MAX_WORDS]; /* words[6] to words[62] travel; 0 to 5 are never touched by the kernel */
    uint64_t items[MESSAGE_MAX_ITEMS]; /* typed items */
    uint64_t send_deadline;            /* with TAG_DEADLINE: until when the send phase may wait, and ... */
    uint64_t receive_deadline;         /* ... the receive phase, that of a call for its answer included */
    uint64_t item_addresses[MESSAGE_MAX_ITEMS]; /* of strings and flexpages: the sender's, and where they arrived */
    struct string_buffer string_buffers[MESSAGE_MAX_STRINGS]; /* the first string of a message goes to the first, ... */
    uint64_t window_address; /* where pages are taken: 1 << window_log2 bytes, aligned to that */
    uint64_t window_log2;    /* 0: nowhere */
    uint64_t reserved[422];  /* virtual registers to come */
};

_Static_assert(sizeof(struct utcb) == 4096, "a UTCB is one page");

/* The low half of the tag of `operation` with `words` and `items`, in its one spelling. */
static inline uint32_t message_tag(uint32_t operation, uint32_t words, uint32_t items)
{
    if (items == 0 && words <= MESSAGE_REGISTER_WORDS && operation == MESSAGE_CALL)
        return TAG_PLAIN_CALL + words;
    if (items == 0 && words <= MESSAGE_REGISTER_WORDS && operation == MESSAGE_REPLY_AND_WAIT)
        return TAG_PLAIN_REPLY + words;
    return TAG_NATIVE | operation << TAG_OPERATION_SHIFT | items << TAG_ITEMS_SHIFT | words;
}

/* The whole tag, with the label in the high half. */
static inline uint64_t message_labelled_tag(uint32_t label, uint32_t low)
{
    return (uint64_t)label << 32 | low;
}

/* Is `tag` what came in, rather than an error number? */
static inline int message_is_tag(uint64_t tag)
{
    return (int32_t)tag < 0;
}

/* The label of a message that came in, or is sent: any 32 bits. */
static inline uint32_t message_label(uint64_t tag)
{
    return (uint32_t)(tag >> 32);
}
#endif

#endif
