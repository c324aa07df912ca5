/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains of waiting: a caller waits for the thread that received its call, a sender in a queue for the thread that
 * serves the endpoint, the client of a transfer for its driver. Nothing records a chain; it is read off the hot lines
 * and states of the threads.
 */
#ifndef SALTO_THREAD_CHAIN_H
#define SALTO_THREAD_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

struct thread;

/* Counts the cuts: while it stays, only threads that ran have changed their places in chains. */
extern uint64_t chain_generation;

/* The thread that `thread` waits for, or 0: it can run, or waits for an event. */
struct thread *chain_next(const struct thread *thread);

/* Does `thread` wait, and for no other thread? */
bool chain_waits_for_event(const struct thread *thread);

/* The last thread of the chain that begins with `thread`. Lets interrupts in where the chain is long; 0 if something
 * may have changed then. To be called only where that does no harm. */
struct thread *chain_end(struct thread *thread);

/* Would `thread`, waiting for `other`, close a cycle (or make too long a chain)? Lets interrupts in where the chain is
 * long, which may have ended other threads' waits then. */
bool chain_closes_cycle(const struct thread *thread, const struct thread *other);

/* Whoever queues in the chain that begins with `thread` is received at `priority` at least, and deadlines in it strike
 * at that; where more than a few would have to be raised, or the chain is long, those at its beginning. */
void chain_raise(struct thread *thread, uint32_t priority);

/* The first of those for whom `thread` works: the caller whom it may answer, that one's caller, and so on; `thread`
 * itself if nobody called. Of a very long chain, one in the middle, whose context leads here as well. */
struct thread *chain_lender(struct thread *thread);

#endif
