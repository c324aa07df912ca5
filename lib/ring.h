/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of the transport *shared*: memory that a client and a server both have, in which requests and answers stand.
 * How they wake each other is not said here: lib/ring_client.c and lib/serve_rings.c do that. See docs/transports.md.
 *
 * Requests are records, one behind the other, in order; a record never wraps: where it would, one that is withdrawn
 * fills the end. There is at most one call at a time, which is the last record, and one place for its answer. Both
 * positions count bytes since the start and never go back.
 *
 * Invariants. Neither side believes the other. What one of them reads of the memory it reads once, into its own, and
 * checks it there; each keeps its own position to itself, and the one that stands in the memory is for the other.
 * Offsets are masked, so nothing outside is touched whatever stands there. A take ends after as many records as there
 * were when it began.
 */
#ifndef SALTO_LIB_RING_H
#define SALTO_LIB_RING_H

#include "abi/message.h"

#include <stdbool.h>
#include <stdint.h>

#define RING_REQUEST_BYTES 65536 /* for requests: a power of two */
#define RING_ANSWER_BYTES 65536  /* for the answer of the one call */
#define RING_UNIT 32             /* records begin at multiples of it */
#define RING_MOST_BYTES 32768    /* of a record: with the filler before it, it finds room in an empty ring */
#define RING_PAGES 33

/* What the two tell each other by the server's endpoint: labels of no interface, since no interface has the number 0.
 * The client calls RING_AWAIT with the ring's number and a position, and is answered when what stands before that was
 * handled: RING_DONE, the answer stands in the ring; RING_AGAIN, not yet, it is to call again; RING_BY_KERNEL, it is to
 * send its message by the kernel; all else is the answer itself. It sends RING_LOOK where it cannot signal
 * RING_WAKES. */
#define RING_AWAIT 1
#define RING_LOOK 2
#define RING_DONE 0x80000001
#define RING_AGAIN 0x80000002
#define RING_BY_KERNEL 0x80000003
#define RING_WAKES 0x8000000000000000 /* badge of the client's capability to the notification */

/* What `asleep` says. Who says that it sleeps then looks at the ring once more, behind a fence: so either sees it, or
 * the client wakes it. How the server wants to be woken. The client that wakes it says AWAKE. */
enum ring_asleep { RING_AWAKE, RING_SIGNAL, RING_SEND };

struct ring {
    uint64_t written; /* the client's: where the next record begins */
    uint64_t padding[7];
    uint64_t read;     /* the server's: where the record begins that it takes next */
    uint64_t answered; /* sequence number of the last call that it is through with */
    uint32_t serving;  /* 1: the server takes messages from here */
    uint32_t padding2[11];
    uint32_t asleep; /* both sides' */
    uint32_t padding3[15];
    uint8_t rest[3904];
    uint8_t requests[RING_REQUEST_BYTES];
    uint8_t answer[RING_ANSWER_BYTES];
};

_Static_assert(sizeof(struct ring) == RING_PAGES * 4096,
               "requests begin at a page's boundary, and the ring fills pages");

/* What a record begins with. Behind it stand, each a multiple of 8 bytes: for a call, how much room the client has for
 * the strings of the answer (`uint32_t room[4]`); the words; the strings' lengths, a uint64_t each; the strings. */
struct ring_record {
    uint32_t bytes;     /* of the record: a multiple of RING_UNIT */
    uint32_t withdrawn; /* 1: nobody waits for it any more, or it is a filler */
    uint64_t tag;       /* of a call or send, in the spelling of message_tag(); its items are strings */
    uint64_t sequence;  /* of a call; 0 in other records */
    uint64_t unused;
};

/* What the answer begins with; words, lengths and strings stand behind it. */
struct ring_answer {
    uint64_t sequence; /* of the call that it belongs to */
    uint64_t tag;      /* of a reply-and-wait, in the spelling of message_tag(); its items are strings */
};

/* ---- the client's side ---- */
struct ring_client {
    struct ring *ring;
    uint64_t written;
    uint64_t sequence; /* of the last call */
    uint64_t call;     /* where the last record stands */
};

enum ring_put { RING_PUT, RING_FULL, RING_TOO_LONG, RING_BROKEN };

/* Puts a message at the end: registers from `words`, all else from `utcb`, as the kernel would take it. `low` is the
 * tag's low half without flags; its items are strings. RING_FULL: not until the server has read on. RING_TOO_LONG:
 * never. RING_BROKEN: the server's position cannot be. */
enum ring_put ring_put(struct ring_client *client, uint64_t tag, const uint64_t *words, const struct utcb *utcb);

/* Takes the last message back, if the server has not begun with it. */
void ring_withdraw(const struct ring_client *client);

/* The answer of the last call, as the kernel would bring it: words into `words` and `utcb`, strings into its buffers.
 * Returns its tag; 0 if what stands there cannot be it. */
uint64_t ring_take_answer(const struct ring_client *client, uint64_t *words, struct utcb *utcb);

/* Is the server through with the call `sequence`? */
static inline bool ring_is_answered(const struct ring *ring, uint64_t sequence)
{
    return __atomic_load_n(&ring->answered, __ATOMIC_ACQUIRE) == sequence;
}

/* Has the server read up to `position`? */
static inline bool ring_is_read(const struct ring *ring, uint64_t position)
{
    return (int64_t)(__atomic_load_n(&ring->read, __ATOMIC_ACQUIRE) - position) >= 0;
}

/* Must the server be woken, and how? It is told once. What was written before is seen, by it or by this. */
static inline uint32_t ring_to_be_woken(struct ring *ring)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ring->asleep, __ATOMIC_RELAXED) == RING_AWAKE)
        return RING_AWAKE;
    return __atomic_exchange_n(&ring->asleep, RING_AWAKE, __ATOMIC_ACQ_REL);
}

/* ---- the server's side; several threads may take at once ---- */
struct ring_server {
    struct ring *ring;
    uint64_t read;
    uint64_t rubbish; /* how often what stood there could not be */
    uint32_t taking;  /* 1: a thread does */
};

/* A message that was taken: what the kernel leaves in registers. */
struct ring_request {
    uint64_t tag;
    uint64_t words[MESSAGE_REGISTER_WORDS];
    uint64_t sequence; /* 0: it is no call */
    uint32_t room[MESSAGE_MAX_STRINGS];
};

/* RING_NOTHING: there is nothing of the kind, or another thread is at it. RING_UNFIT: a call that does not fit this
 * thread's buffers was dropped: the kernel is to carry it. */
enum ring_take { RING_NOTHING, RING_TAKEN, RING_UNFIT };

/* Takes the next record, if it is no call. Words beyond the registers and items go to `utcb`, strings to its buffers,
 * as the kernel would bring them. */
enum ring_take ring_take_send(struct ring_server *server, struct ring_request *request, struct utcb *utcb);

/* Takes the next record, if it is a call and ends at position `end`. */
enum ring_take ring_take_call(struct ring_server *server, uint64_t end, struct ring_request *request,
                              struct utcb *utcb);

/* Is there anything but a call? */
bool ring_has_sends(const struct ring_server *server);

/* Puts the answer of a call there. False, and nothing done, if the kernel must carry it: it has other items than
 * strings, is too long, or a string is longer than the client's buffer. */
bool ring_put_answer(const struct ring_server *server, const struct ring_request *request, uint64_t tag,
                     const uint64_t *words, const struct utcb *utcb);

/* The call was answered, one way or another: its client may make the next. */
static inline void ring_finish(const struct ring_server *server, const struct ring_request *request)
{
    __atomic_store_n(&server->ring->answered, request->sequence, __ATOMIC_RELEASE);
}

#endif
