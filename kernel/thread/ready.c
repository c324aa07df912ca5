/* SPDX-License-Identifier: BSD-2-Clause */
/* The ready queues. See ready.h. */
#include "thread/ready.h"

#define LEVEL_BITS 64

struct ready_queue ready_queues[PRIORITIES];
struct context *ready_lone;
uint32_t ready_count;
static uint64_t ready_levels[PRIORITIES / LEVEL_BITS]; /* bit set: the queue is not empty */

struct context *ready_best_queued(void)
{
    for (int word = PRIORITIES / LEVEL_BITS - 1; word >= 0; word--)
        if (ready_levels[word])
            return ready_context(ready_queues[word * LEVEL_BITS + 63 - __builtin_clzl(ready_levels[word])].first);
    return 0;
}

static void put_in_queue(struct context *context, bool at_the_end)
{
    struct ready_queue *queue = &ready_queues[context->priority];
    struct queue_node *node = &context->node;
    node->previous = at_the_end ? queue->last : 0;
    node->next = at_the_end ? 0 : queue->first;
    *(node->previous ? &node->previous->next : &queue->first) = node;
    *(node->next ? &node->next->previous : &queue->last) = node;
    ready_levels[context->priority / LEVEL_BITS] |= 1UL << context->priority % LEVEL_BITS;
}

void ready_take_from_queue(struct context *context)
{
    struct ready_queue *queue = &ready_queues[context->priority];
    struct queue_node *node = &context->node;
    *(node->previous ? &node->previous->next : &queue->first) = node->next;
    *(node->next ? &node->next->previous : &queue->last) = node->previous;
    node->next = node->previous = 0;
    if (!queue->first)
        ready_levels[context->priority / LEVEL_BITS] &= ~(1UL << context->priority % LEVEL_BITS);
}

void ready_enter(struct context *context, bool at_the_end)
{
    assert(context->place == CONTEXT_IDLE);
    context->place = CONTEXT_READY;
    if (ready_lone) {
        put_in_queue(ready_lone, true);
        ready_lone = 0;
        put_in_queue(context, at_the_end);
    } else if (ready_count) {
        put_in_queue(context, at_the_end);
    } else {
        ready_lone = context;
    }
    ready_count++;
}
