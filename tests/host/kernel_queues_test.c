/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the scheduler's data structures, queues by priority and the heaps of timeouts: random operations,
 * compared after each with a naive model that looks at everything. Prints TAP.
 */
#include <stdlib.h>
#include <string.h>

#include "host_tap.h"
#include "kernel_parts/host_machine.h"
#include "thread/queue.h"
#include "thread/timeout.h"

#define SEED 0x9e0e5UL
#define NODES 60
#define QUEUES 3
#define QUEUE_ROUNDS 200000
#define TIMEOUTS 1000
#define TIMEOUT_ROUNDS 60000

static uint64_t state = SEED;

static uint64_t random_below(uint64_t limit)
{
    return host_random(&state) % limit;
}

/* ---- Queues ------------------------------------------------------------------------------------------------------ */

/* The model: where a node is, with which priority, and when it came. */
struct modelled_node {
    struct queue_node node;
    unsigned queue; /* from 1; 0: on none */
    uint32_t priority;
    uint64_t since;
};

static struct priority_queue queues[QUEUES + 1];
static struct modelled_node nodes[NODES];

/* The node of `queue` that should come behind `before`, or first; found by looking at all. */
static struct modelled_node *model_next(unsigned queue, const struct modelled_node *before)
{
    struct modelled_node *best = NULL;
    for (unsigned i = 0; i < NODES; i++) {
        struct modelled_node *node = &nodes[i];
        if (node->queue != queue || node == before)
            continue;
        if (before &&
            (node->priority > before->priority || (node->priority == before->priority && node->since < before->since)))
            continue;
        if (!best || node->priority > best->priority || (node->priority == best->priority && node->since < best->since))
            best = node;
    }
    return best;
}

/* Are the links of `node`, which stands behind `before`, right? Heads of levels must know the end and the next head. */
static bool links_good(const struct modelled_node *node, const struct modelled_node *before,
                       const struct modelled_node *next)
{
    const struct queue_node *links = &node->node;
    if (links->previous != (before ? &before->node : NULL) || links->next != (next ? &next->node : NULL) ||
        links->priority != node->priority)
        return false;
    if (before && before->priority == node->priority)
        return true;
    const struct queue_node *last = links;
    while (last->next && last->next->priority == links->priority)
        last = last->next;
    return links->last == last && links->lower == last->next;
}

static bool queue_good(unsigned queue)
{
    struct modelled_node *before = NULL, *node = model_next(queue, NULL);
    if (queues[queue].first != (node ? &node->node : NULL))
        return false;
    while (node) {
        struct modelled_node *next = model_next(queue, node);
        if (!links_good(node, before, next))
            return false;
        before = node;
        node = next;
    }
    return true;
}

/* Enters a node that is on no queue, or takes one off. Answers the queue that changed. `levels` bounds the
 * priorities. */
static unsigned queue_step(uint64_t round, uint32_t levels)
{
    struct modelled_node *node = &nodes[random_below(NODES)];
    unsigned queue = node->queue;
    if (queue) {
        queue_remove(&queues[queue], &node->node);
        node->queue = 0;
        return queue;
    }
    node->queue = queue = 1 + (unsigned)random_below(QUEUES);
    node->priority = (uint32_t)random_below(levels);
    node->since = round;
    queue_insert(&queues[queue], &node->node, node->priority);
    return queue;
}

static void test_queues(uint32_t levels)
{
    bool good = true;
    uint64_t round = 0;
    while (good && round < QUEUE_ROUNDS)
        good = queue_good(queue_step(++round, levels));
    for (unsigned i = 0; i < NODES; i++) {
        if (nodes[i].queue)
            queue_remove(&queues[nodes[i].queue], &nodes[i].node);
        nodes[i].queue = 0;
    }
    bool empty = true;
    for (unsigned queue = 1; queue <= QUEUES; queue++)
        empty &= !queues[queue].first;
    host_ok(good && empty, "queues of %u priorities: %lu operations (seed %#lx)", levels, round, SEED);
}

/* ---- Timeouts ---------------------------------------------------------------------------------------------------- */

static struct timeout timeouts[TIMEOUTS];
static bool armed[TIMEOUTS]; /* the model: which are in, beside their `when` and `priority` */
static uint32_t armed_count;

static uint64_t model_earliest(uint32_t least)
{
    uint64_t earliest = TIMEOUT_NEVER;
    for (unsigned i = 0; i < TIMEOUTS; i++)
        if (armed[i] && timeouts[i].priority >= least && timeouts[i].when < earliest)
            earliest = timeouts[i].when;
    return earliest;
}

static bool model_any_below(uint32_t priority)
{
    for (unsigned i = 0; i < TIMEOUTS; i++)
        if (armed[i] && timeouts[i].priority < priority)
            return true;
    return false;
}

/* Whom to take: the highest that is due, among equals the earliest. -1: nobody. */
static int model_due(uint64_t now, uint32_t least)
{
    int best = -1;
    for (int i = 0; i < TIMEOUTS; i++) {
        const struct timeout *timeout = &timeouts[i];
        if (!armed[i] || timeout->priority < least || timeout->when > now)
            continue;
        if (best < 0 || timeout->priority > timeouts[best].priority ||
            (timeout->priority == timeouts[best].priority && timeout->when < timeouts[best].when))
            best = i;
    }
    return best;
}

/* A priority out of `levels`, spread over all of them. */
static uint32_t random_priority(uint32_t levels)
{
    return (uint32_t)random_below(levels) * (TIMEOUT_PRIORITIES / levels);
}

static void toggle(unsigned index, uint64_t limit, uint32_t levels)
{
    if (armed[index]) {
        timeout_remove(&timeouts[index]);
        armed_count--;
    } else {
        timeout_add(&timeouts[index], random_below(limit), random_priority(levels));
        armed_count++;
    }
    armed[index] = !armed[index];
}

static bool take(uint64_t now, uint32_t least)
{
    int expected = model_due(now, least);
    const struct timeout *due = timeout_take_due(now, least);
    if (!due || expected < 0)
        return !due && expected < 0;
    const struct timeout *model = &timeouts[expected];
    bool good = armed[due - timeouts] && due->rank == 0 && due->when == model->when && due->priority == model->priority;
    armed[due - timeouts] = false;
    armed_count--;
    return good;
}

/* What is not in can be taken out: nothing happens. */
static void remove_absent(void)
{
    unsigned index = (unsigned)random_below(TIMEOUTS);
    if (!armed[index])
        timeout_remove(&timeouts[index]);
}

static bool raise(uint32_t priority)
{
    unsigned index = (unsigned)random_below(TIMEOUTS);
    struct timeout *timeout = &timeouts[index];
    uint32_t before = timeout->priority;
    bool higher = armed[index] && before < priority;
    return timeout_raise(timeout, priority) == higher && timeout->priority == (higher ? priority : before) &&
           (timeout->rank > 0) == armed[index];
}

static bool timeout_step(uint64_t limit, uint32_t levels)
{
    uint32_t priority = random_below(2) ? random_priority(levels) : (uint32_t)random_below(TIMEOUT_PRIORITIES);
    switch (random_below(8)) {
    case 0:
        return take(random_below(limit), priority);
    case 1:
        remove_absent();
        break;
    case 2:
        return raise(random_priority(levels));
    default:
        toggle((unsigned)random_below(TIMEOUTS), limit, levels);
    }
    return timeout_earliest(priority) == model_earliest(priority) &&
           timeout_any_below(priority) == model_any_below(priority);
}

/* Is the way to the right nowhere longer than what the heap's size allows, as the ranks say? */
static bool are_ranks_right(void)
{
    for (unsigned i = 0; i < TIMEOUTS; i++) {
        const struct timeout *timeout = &timeouts[i], *left = timeout->left, *right = timeout->right;
        uint32_t left_rank = left ? left->rank : 0, right_rank = right ? right->rank : 0;
        if (armed[i] && (left_rank < right_rank || timeout->rank != right_rank + 1))
            return false;
    }
    return true;
}

static bool drain(void)
{
    while (armed_count > 0)
        if (!take(TIMEOUT_NEVER, 0))
            return false;
    return !timeout_take_due(TIMEOUT_NEVER, 0) && timeout_earliest(0) == TIMEOUT_NEVER &&
           !timeout_any_below(TIMEOUT_PRIORITIES - 1);
}

/* `limit` bounds the times: a small one makes many equal. */
static void test_timeouts(uint64_t limit, uint32_t levels)
{
    bool good = true;
    uint64_t round = 0;
    for (; good && round < TIMEOUT_ROUNDS; round++)
        good = timeout_step(limit, levels);
    host_ok(good, "timeouts before %lu of %u priorities: %lu operations (seed %#lx)", limit, levels, round, SEED);
    host_ok(are_ranks_right(), "no way to the right is longer than the one to the left");
    for (unsigned i = 0; i < TIMEOUTS; i++)
        if (!armed[i])
            toggle(i, limit, levels);
    host_ok(are_ranks_right() && drain(), "all come out in order, each once");
}

/* Times that come in order, either way, make heaps of one row. */
static void test_rows(void)
{
    for (unsigned i = 0; i < TIMEOUTS; i++)
        timeout_add(&timeouts[i], i % 2 ? i : TIMEOUTS - i, 7);
    for (unsigned i = 0; i < TIMEOUTS; i++)
        armed[i] = true;
    armed_count = TIMEOUTS;
    host_ok(are_ranks_right() && drain(), "times in rows come out in order");
}

static void add_twice(void)
{
    static struct timeout timeout;
    timeout_add(&timeout, 5, 1);
    timeout_add(&timeout, 5, 1);
}

int main(void)
{
    host_machine_start();
    test_queues(1);
    test_queues(4);
    test_queues(256);
    host_ok(timeout_earliest(0) == TIMEOUT_NEVER && !timeout_take_due(TIMEOUT_NEVER, 0), "nothing is due at first");
    test_timeouts(50, 1);
    test_timeouts(1UL << 40, 1);
    test_timeouts(1UL << 40, 4);
    test_timeouts(50, 256);
    test_rows();
    host_ok(host_panics(add_twice), "to enter one that is in is a fault of the kernel's");
    return host_done();
}
