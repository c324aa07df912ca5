/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues by priority, first come first served among equals.
 *
 * One list holds all nodes, highest priority first. The first node of each priority (the head of its level) also knows
 * the last node of the level and the head of the next lower level, so that a queue of any length is entered and left in
 * at most as many steps as there are different priorities in it.
 * Invariants: `lower` and `last` are valid in heads of levels only; a node is on at most one queue.
 */
#ifndef SALTO_THREAD_QUEUE_H
#define SALTO_THREAD_QUEUE_H

#include <stdint.h>

struct queue_node {
    struct queue_node *next, *previous;
    struct queue_node *lower; /* head of the next lower level */
    struct queue_node *last;  /* of this level */
    uint32_t priority;
};

struct priority_queue {
    struct queue_node *first;
};

/* Enters `node`, which is on no queue, behind all that have at least its priority. */
void queue_insert(struct priority_queue *queue, struct queue_node *node, uint32_t priority);

/* Takes `node`, which must be on this queue, off it. */
void queue_remove(struct priority_queue *queue, struct queue_node *node);

#endif
