/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Endpoints. The one thread that the trampoline may hand a message to stands in the hot line's waiter word, and waits
 * if its HOT_WAITS names this endpoint; any further receivers, and all senders that found nobody, are on queues here.
 *
 * The waiter word keeps the thread that received last: that is the server whom senders in the queue wait for. Where
 * several threads receive, nobody knows which of them will, and `shared` says so.
 *
 * Invariants: while senders are queued, no thread waits here; HOT_RECEIVE_HANDLE of a thread is valid only if the
 * waiter word of its HOT_RECEIVE_ENDPOINT names it and no sender is queued there; a thread on `receivers` is not the
 * waiter.
 */
#ifndef SALTO_IPC_ENDPOINT_H
#define SALTO_IPC_ENDPOINT_H

#include <stdbool.h>

#include "cap/object.h"
#include "ipc/wait.h"
#include "thread/thread.h"

struct endpoint {
    struct object object;
    struct hot_endpoint *hot;
    uint64_t offset;         /* of the hot line: the endpoint word of capability slots */
    uint32_t receive_rights; /* capabilities with the right to receive; with none, senders fail with DEAD */
    bool shared;             /* more than one thread has received here */
    struct priority_queue senders, receivers;
    struct endpoint *orphan_next, *orphan_previous; /* others whose senders have to be told that nobody receives */
};

/* A new endpoint charged to `payer`; 0 and `*error` (NO_MEMORY, NO_SLOT). */
struct endpoint *endpoint_create(struct factory *payer, enum error *error);

/* The last capability is gone: tells some of those who wait, and then goes. */
void endpoint_destroy_piece(struct endpoint *endpoint);

/* A capability with the right to receive came or went. With the last one all senders fail with DEAD, the first few,
 * those of the highest priority, at once, the others by and by. */
void endpoint_receive_right_added(struct endpoint *endpoint);
void endpoint_receive_right_removed(struct endpoint *endpoint, const struct capability *capability);

/* Tells a few more of them. False if there are none. */
bool endpoint_orphan_piece(void);
bool endpoint_any_orphan(void);

/* The thread whose place in a queue `node` is; 0 for 0. */
static inline struct thread *endpoint_thread_of(struct queue_node *node)
{
    return node ? (struct thread *)((char *)node - __builtin_offsetof(struct thread, node)) : 0;
}

/* The thread in the waiter's place, if it waits; else 0. */
static inline struct thread *endpoint_waiter(const struct endpoint *endpoint)
{
    const struct hot_thread *waiter = endpoint->hot->waiter;
    return (waiter->waits & ~WAIT_KERNEL) == endpoint->offset ? waiter->thread : 0;
}

/* The thread that may be handed a message now, or 0. */
static inline struct thread *endpoint_receiver(const struct endpoint *endpoint)
{
    struct thread *waiter = endpoint_waiter(endpoint);
    return waiter ? waiter : endpoint_thread_of(endpoint->receivers.first);
}

/* The same, and it stops waiting. */
struct thread *endpoint_take_receiver(struct endpoint *endpoint);

/* Makes `thread` wait: as the waiter that the trampoline sees if that place is free, else on the queue. `handle` is
 * what it may use for plain waits from now on. */
void endpoint_wait(struct endpoint *endpoint, struct thread *thread, uint64_t handle);

/* `thread` received a message here without waiting: it is the endpoint's server now. */
void endpoint_note_server(struct endpoint *endpoint, struct thread *thread);

/* The one thread that receives here, or 0 if there is none, or several. */
struct thread *endpoint_server(const struct endpoint *endpoint);

/* Queues a sender, at its present priority, to which those are raised for whom it waits; plain waits go through the
 * kernel from now on. */
void endpoint_queue_sender(struct endpoint *endpoint, struct thread *thread);

/* A queued sender goes behind those of `priority`, if its own is lower: then true. */
bool endpoint_raise_sender(struct thread *thread, uint32_t priority);

/* Takes the first queued sender, or 0. */
struct thread *endpoint_take_sender(struct endpoint *endpoint);

/* `thread` leaves the endpoint queue that it is on, if any. */
void endpoint_leave(struct thread *thread);

/* `thread` may not wait plainly: its next wait goes through the kernel. */
void endpoint_end_plain_waits(struct thread *thread);

/* Forgets that `thread` ever received anywhere. It must not wait. */
void endpoint_forget(struct thread *thread);

/* Endpoints that exist. */
uint32_t endpoint_count(void);

#endif
