/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the scheduler's data structures, queues by priority and the heap of timeouts: random operations, compared
 * after each with a naive model that looks at everything. Prints TAP.
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
#define TIMEOUTS 2600 /* more than entries of five pages */
#define TIMEOUTS_PER_THREAD 2
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

/* Enters a node that is on no queue, or takes one off. Answers the queue that changed. `levels` bounds the priorities. */
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
static bool armed[TIMEOUTS]; /* the model: which are in, beside their `when` */
static uint32_t armed_count;

static uint64_t model_earliest(void)
{
    uint64_t earliest = TIMEOUT_NEVER;
    for (unsigned i = 0; i < TIMEOUTS; i++)
        if (armed[i] && timeouts[i].when < earliest)
            earliest = timeouts[i].when;
    return earliest;
}

static void toggle(unsigned index, uint64_t limit)
{
    if (armed[index]) {
        timeout_remove(&timeouts[index]);
        armed_count--;
    } else {
        timeout_add(&timeouts[index], random_below(limit));
        armed_count++;
    }
    armed[index] = !armed[index];
}

/* Takes what is due; it must be one that is in, the earliest, and due. */
static bool take(uint64_t now)
{
    uint64_t earliest = model_earliest();
    struct timeout *due = timeout_take_due(now);
    if (!due)
        return earliest > now;
    bool good = armed[due - timeouts] && due->when == earliest && earliest <= now && due->place == 0;
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

static bool timeout_step(uint64_t limit)
{
    switch (random_below(8)) {
    case 0:
        return take(random_below(limit));
    case 1:
        remove_absent();
        break;
    default:
        toggle((unsigned)random_below(TIMEOUTS), limit);
    }
    return timeout_earliest() == model_earliest();
}

static bool drain(void)
{
    uint64_t before = 0;
    for (; armed_count > 0; armed_count--) {
        struct timeout *due = timeout_take_due(TIMEOUT_NEVER);
        if (!due || due->when < before || !armed[due - timeouts])
            return false;
        before = due->when;
        armed[due - timeouts] = false;
    }
    return !timeout_take_due(TIMEOUT_NEVER) && timeout_earliest() == TIMEOUT_NEVER;
}

/* `limit` bounds the times: a small one makes many equal. */
static void test_timeouts(uint64_t limit)
{
    bool good = true;
    uint64_t round = 0;
    for (; good && round < TIMEOUT_ROUNDS; round++)
        good = timeout_step(limit);
    host_ok(good, "timeouts before %lu: %lu operations (seed %#lx)", limit, round, SEED);
    for (unsigned i = 0; i < TIMEOUTS; i++)
        if (!armed[i])
            toggle(i, limit);
    host_ok(drain(), "as many as there is room for come out in order, each once");
}

static void add_one_too_many(void)
{
    static struct timeout more;
    for (unsigned i = 0; i < TIMEOUTS; i++)
        toggle(i, 1000);
    timeout_add(&more, 5);
}

static void release_one_too_many(void)
{
    timeout_release();
}

static void test_room(void)
{
    bool good = timeout_earliest() == TIMEOUT_NEVER && !timeout_take_due(TIMEOUT_NEVER);
    host_ok(good, "nothing is due at first");
    host_memory_fail_after(0);
    host_ok(!timeout_reserve(), "without memory there is no room");
    host_ok(host_panics(release_one_too_many), "and none to be given back");
    for (unsigned i = 0; i < TIMEOUTS / TIMEOUTS_PER_THREAD; i++)
        good &= timeout_reserve();
    host_ok(good, "room for %u", TIMEOUTS);
    uint64_t frames = host_frames_used();
    for (unsigned i = 0; i < TIMEOUTS / TIMEOUTS_PER_THREAD; i++)
        timeout_release();
    for (unsigned i = 0; i < TIMEOUTS / TIMEOUTS_PER_THREAD; i++)
        good &= timeout_reserve();
    host_ok(good && host_frames_used() == frames, "room that was given back takes no new memory");
}

int main(void)
{
    host_machine_start();
    test_queues(1);
    test_queues(4);
    test_queues(256);
    test_room();
    test_timeouts(50);
    test_timeouts(1UL << 40);
    host_ok(host_panics(add_one_too_many), "one more than there is room for is a fault of the kernel's");
    return host_done();
}
