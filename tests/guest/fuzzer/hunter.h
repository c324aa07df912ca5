/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hunter: a thread that makes random calls. Its state lies in a memory object that the fuzzer's first program maps
 * too, so that what was counted outlives the thread, which may end itself or lose its memory at any call.
 *
 * Hunters run in tasks that map the program's image read-only: no variables, and nothing of libc with state.
 */
#ifndef FUZZER_HUNTER_H
#define FUZZER_HUNTER_H

#include "../common/worker.h"
#include "operation.h"

#define KNOWN_HANDLES 64
#define KNOWN_ADDRESSES 16
#define CAPABILITIES_PER_PLACE 2 /* all rights; to send, with a badge */
#define MEETING_PLACES (3 * CAPABILITIES_PER_PLACE)
#define HUNTING_GROUND 0x40000000UL /* where tasks of hunters map what they like */
#define GROUNDS 8

/* Ways to call that no IDL file names, counted as operations are. */
enum raw_way {
    RAW_CALL,
    RAW_CALL_POLL,
    RAW_SEND,
    RAW_SEND_POLL,
    RAW_RECEIVE,
    RAW_RECEIVE_POLL,
    RAW_REPLY,
    RAW_REPLY_AND_WAIT,
    RAW_CALL_DEADLINE,
    RAW_SEND_DEADLINE,
    RAW_RECEIVE_DEADLINE,
    RAW_REPLY_AND_WAIT_DEADLINE,
    RAW_RECEIVE_CLOSED,
    RAW_SEND_AND_WAIT,
    RAW_SEND_AND_WAIT_DEADLINE,
    RAW_WAIT_SIGNALS, /* on a notification, or on handle 0 */
    RAW_WAIT_NOTHING, /* on handle 0, closed, until a deadline */
    RAW_SIGNAL,
    RAW_ANSWER_KEPT, /* by a reply object */
    RAW_CYCLE,       /* a call to the own endpoint */
    RAW_NOISE,       /* tags that are no message's */
    RAW_LINUX,       /* numbers of Linux calls */
    RAW_WAYS
};

#define ROWS (OPERATIONS + RAW_WAYS)

const char *row_name(unsigned row);

struct known_handle {
    uint32_t handle, type; /* type: enum object_type, or that of an object that came later to the kernel */
};

struct hunter {
    uint64_t random;       /* never 0 */
    volatile uint64_t now; /* nanoseconds since boot, when the first program looked last */
    uint32_t turn;         /* the operation that is called next in turn, so that each is, whatever is drawn */
    volatile uint32_t calls;
    uint32_t wanted;
    uint32_t own_thread;   /* handle, to yield with */
    uint32_t own_endpoint; /* handle of one that no other hunter knows */
    uint32_t handles_count, addresses_count;
    struct known_handle handles[KNOWN_HANDLES];
    uint32_t meeting_places[MEETING_PLACES]; /* handles of endpoints where others come by */
    uint64_t addresses[KNOWN_ADDRESSES];
    uint64_t tag, target;                   /* of the call under way */
    volatile uint64_t strange, strange_tag; /* a result that is neither a tag nor an error, and the call's tag */
    uint32_t counts[ROWS][ERROR_LAST];
    uint64_t buffer[1024] __attribute__((aligned(4096))); /* for strings and pages of messages */
};

#define HUNTER_PAGES ((sizeof(struct hunter) + 4095) / 4096)

/* Addresses within that where hunters map. */
static inline uint64_t hunting_ground(uint64_t number)
{
    return HUNTING_GROUND + number % GROUNDS * 0x1ff000;
}

/* A worker_function. values[0]: address of its struct hunter. */
void hunter_main(struct area *area);

/* Makes a few raw IPCs and faults: where threads that hunters start may begin. */
void hunter_child(uint64_t argument, uint64_t second);

void hunter_knows(struct hunter *hunter, uint32_t handle, uint32_t type);

/* ---- draw.c ------------------------------------------------------------------------------------------------------ */

/* xorshift64*: never 0. */
uint64_t draw_noise(uint64_t *random);
/* True once in `times`. */
bool draw_once_in(uint64_t *random, uint32_t times);
uint64_t draw_boundary(uint64_t *random);
uint64_t draw_handle(struct hunter *hunter, uint32_t type);
uint64_t draw_address(struct hunter *hunter);
uint64_t draw_integer(struct hunter *hunter);
/* Past, near, far, or never. */
uint64_t draw_deadline(struct hunter *hunter);
uint64_t draw_argument(struct hunter *hunter, const struct argument *argument);

/* ---- items.c ----------------------------------------------------------------------------------------------------- */

/* Typed items in the UTCB; answers how many, mostly none. */
uint32_t draw_items(struct hunter *hunter);
/* Where the thread takes strings and pages from now on. */
void draw_places(struct hunter *hunter);

#endif
