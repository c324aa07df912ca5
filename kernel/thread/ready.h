/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ready queues: scheduling contexts that compete for the CPU, a queue for each priority.
 *
 * A context that is alone here is in no queue, so that threads that wake each other in turn need none. Invariants:
 * `ready_lone` is the only READY context, or 0; while it is set all queues are empty. `ready_count` counts the READY
 * contexts. Others only read them, but for READY_PUT_OFF, which is schedule.c's: it stands in the same word so that
 * ways from thread to thread that look at nothing but their own need one check for both.
 */
#ifndef SALTO_THREAD_READY_H
#define SALTO_THREAD_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "debug/panic.h"
#include "thread/schedule.h"

#define READY_PUT_OFF (1U << 31) /* in ready_count: the timer is not armed for some timeouts of low priority */

struct ready_queue {
    struct queue_node *first, *last;
};

extern struct ready_queue ready_queues[PRIORITIES];
extern struct context *ready_lone;
extern uint32_t ready_count;

/* The context whose node stands in a queue. */
static inline struct context *ready_context(struct queue_node *node)
{
    return (struct context *)node;
}

_Static_assert(__builtin_offsetof(struct context, node) == 0, "ready_context() takes one for the other");

/* The first of the highest queue that is not empty, or 0. */
struct context *ready_best_queued(void);

/* The first of the highest priority; 0 if nobody is ready. */
static inline struct context *ready_best(void)
{
    if (!ready_count)
        return 0;
    return ready_lone ? ready_lone : ready_best_queued();
}

/* Does a READY context have just this priority? */
static inline bool ready_is_anybody_at(uint32_t priority)
{
    return ready_lone ? ready_lone->priority == priority : ready_queues[priority].first != 0;
}

/* The first context that is READY at a priority, or 0: for who looks at the queues. */
static inline const struct queue_node *ready_first(uint32_t priority)
{
    if (ready_lone)
        return ready_lone->priority == priority ? &ready_lone->node : 0;
    return ready_queues[priority].first;
}

/* A context stands in the queue of its priority no longer. */
void ready_take_from_queue(struct context *context);

/* An IDLE context becomes READY, behind or before its equals. */
void ready_enter(struct context *context, bool at_the_end);

/* A READY context becomes IDLE. */
static inline void ready_leave(struct context *context)
{
    assert(context->place == CONTEXT_READY);
    if (context == ready_lone)
        ready_lone = 0;
    else
        ready_take_from_queue(context);
    context->place = CONTEXT_IDLE;
    ready_count--;
}

#endif
