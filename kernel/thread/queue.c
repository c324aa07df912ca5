/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues by priority. See queue.h. */
#include "thread/queue.h"

/* Puts `node` between its neighbours. */
static void link_between(struct priority_queue *queue, struct queue_node *before, struct queue_node *node,
                         struct queue_node *after)
{
    node->previous = before;
    node->next = after;
    if (after)
        after->previous = node;
    if (before)
        before->next = node;
    else
        queue->first = node;
}

void queue_insert(struct priority_queue *queue, struct queue_node *node, uint32_t priority)
{
    struct queue_node *higher = 0, *level = queue->first;
    while (level && level->priority > priority) {
        higher = level;
        level = level->lower;
    }
    node->priority = priority;
    if (level && level->priority == priority) {
        link_between(queue, level->last, node, level->last->next);
        level->last = node;
        return;
    }
    node->lower = level;
    node->last = node;
    link_between(queue, higher ? higher->last : 0, node, level);
    if (higher)
        higher->lower = node;
}

void queue_remove(struct priority_queue *queue, struct queue_node *node)
{
    struct queue_node *higher = 0, *level = queue->first;
    while (level->priority != node->priority) {
        higher = level;
        level = level->lower;
    }
    struct queue_node *head = level;
    if (level == node) {
        head = level->last == node ? level->lower : node->next;
        if (level->last != node) {
            head->lower = level->lower;
            head->last = level->last;
        }
        if (higher)
            higher->lower = head;
    } else if (level->last == node) {
        level->last = node->previous;
    }
    if (node->next)
        node->next->previous = node->previous;
    if (node->previous)
        node->previous->next = node->next;
    else
        queue->first = node->next;
    node->next = node->previous = 0;
}
