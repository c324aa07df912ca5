/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Endpoints. The one thread that the trampoline may hand a message to stands in the hot line's waiter word, and waits if
 * its HOT_WAITS names this endpoint; any further receivers, and all senders that found nobody, are on queues here.
 *
 * Invariants: while senders are queued, no thread waits here; HOT_RECEIVE_HANDLE of a thread is valid only if the waiter
 * word of its HOT_RECEIVE_ENDPOINT names it and no sender is queued there; a thread on `receivers` is not the waiter.
 */
#ifndef SALTO_IPC_ENDPOINT_H
#define SALTO_IPC_ENDPOINT_H

#include <stdbool.h>

#include "cap/object.h"
#include "thread/thread.h"

struct thread_queue {
    struct thread *head, *tail;
};

struct endpoint {
    struct object object;
    struct hot_endpoint *hot;
    uint64_t offset;         /* of the hot line: the endpoint word of capability slots */
    uint32_t receive_rights; /* capabilities with the right to receive; with none, senders fail with DEAD */
    struct thread_queue senders, receivers;
};

void queue_append(struct thread_queue *queue, struct thread *thread);
void queue_remove(struct thread_queue *queue, struct thread *thread);

/* A new endpoint charged to `payer`; 0 and `*error` (NO_MEMORY, NO_SLOT). */
struct endpoint *endpoint_create(struct factory *payer, enum error *error);

/* The last capability is gone. */
void endpoint_destroy(struct endpoint *endpoint);

/* A capability with the right to receive came or went. */
void endpoint_receive_right_added(struct endpoint *endpoint);
void endpoint_receive_right_removed(struct endpoint *endpoint, const struct capability *capability);

/* The thread that may be handed a message now, or 0: it stops waiting. */
struct thread *endpoint_take_receiver(struct endpoint *endpoint);

/* Makes `thread` wait: as the waiter that the trampoline sees if that place is free, else on the queue. `handle` is what
 * it may use for plain waits from now on. */
void endpoint_wait(struct endpoint *endpoint, struct thread *thread, uint64_t handle);

/* Queues a sender; plain waits go through the kernel from now on. */
void endpoint_queue_sender(struct endpoint *endpoint, struct thread *thread);

/* Takes the first queued sender, or 0. */
struct thread *endpoint_take_sender(struct endpoint *endpoint);

/* Forgets that `thread` waits, is queued, or may wait plainly anywhere. */
void endpoint_forget(struct thread *thread);

/* Endpoints that exist. */
uint32_t endpoint_count(void);

#endif
