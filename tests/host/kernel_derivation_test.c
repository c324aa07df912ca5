/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the derivation forest: seeded random insertions, removals and replacements against a model in which each
 * node just knows its parent. After every step the links agree, and each node's children are the model's. Prints TAP.
 */
#include <stdlib.h>
#include <string.h>

#include "cap/derivation.h"
#include "host_tap.h"
#include "kernel_parts/host_derivation.h"

#define SEED 0xdec1de5UL
#define STEPS 200000
#define NODES 60
#define FORESTS 3
#define OUT (-1) /* in no forest */

/* Numbers: 0 to FORESTS - 1 are the lists of the forests, the nodes follow. */
static struct derivation forests[FORESTS];
static struct derivation_node *nodes[NODES]; /* each from malloc, and freed when it is out */
static int parents[NODES];
static uint64_t state = SEED;

static int random_below(int limit)
{
    return (int)(host_random(&state) % (uint64_t)limit);
}

static struct derivation *list_of(int number)
{
    return number < FORESTS ? &forests[number] : &nodes[number - FORESTS]->children;
}

static int number_of(const struct derivation_node *node)
{
    int i = 0;
    while (nodes[i] != node)
        i++;
    return i;
}

static int depth_of(int node)
{
    return parents[node] < FORESTS ? 0 : 1 + depth_of(parents[node] - FORESTS);
}

static void take(int node)
{
    nodes[node] = calloc(1, sizeof(struct derivation_node));
    if (!nodes[node])
        exit(1);
}

static bool is_clear(const struct derivation_node *node)
{
    return !node->next && !node->previous && !node->children.first && !node->children.last;
}

static bool leave(int node, bool good)
{
    good &= is_clear(nodes[node]);
    free(nodes[node]);
    nodes[node] = NULL;
    parents[node] = OUT;
    return good;
}

static void model_adopt(int from, int to)
{
    for (int i = 0; i < NODES; i++)
        if (parents[i] == FORESTS + from)
            parents[i] = to;
}

static bool insert(int node, int parent)
{
    if (parent >= FORESTS && parents[parent - FORESTS] == OUT)
        return true;
    take(node);
    derivation_insert(list_of(parent), nodes[node]);
    parents[node] = parent;
    return list_of(parent)->first == nodes[node];
}

static bool remove_node(int node)
{
    model_adopt(node, parents[node]);
    derivation_remove(nodes[node]);
    return leave(node, true);
}

static bool replace(int old, int node)
{
    if (parents[node] != OUT)
        return true;
    take(node);
    derivation_replace(nodes[old], nodes[node]);
    model_adopt(old, FORESTS + node);
    parents[node] = parents[old];
    return leave(old, true);
}

/* Removes the first child until there is none, as a revocation does: that takes as many steps as there are nodes
 * below. */
static bool revoke(int node)
{
    int below = 0, steps = 0;
    for (int i = 0; i < NODES; i++)
        for (int up = i; parents[i] != OUT && up >= 0; up = parents[up] - FORESTS)
            below += up == node && i != node;
    for (; nodes[node]->children.first; steps++)
        if (!remove_node(number_of(nodes[node]->children.first)))
            return false;
    return steps == below;
}

static bool matches(void)
{
    int children[FORESTS + NODES] = {0}, expected[FORESTS + NODES] = {0}, in = 0, counted = 0;
    for (int i = 0; i < FORESTS; i++) {
        int count = host_count_nodes(&forests[i]);
        if (count < 0)
            return false;
        counted += count;
    }
    for (int i = 0; i < NODES; i++)
        if (parents[i] != OUT) {
            expected[parents[i]]++;
            in++;
        }
    for (int i = 0; i < FORESTS + NODES; i++) {
        if (i >= FORESTS && parents[i - FORESTS] == OUT)
            continue;
        for (const struct derivation_node *node = list_of(i)->first; node;
             node = host_parent(node->next) ? NULL : (struct derivation_node *)node->next)
            children[i] += parents[number_of(node)] == i ? 1 : NODES + 1;
    }
    return in == counted && memcmp(children, expected, sizeof(children)) == 0;
}

static bool random_step(int *deepest)
{
    int node = random_below(NODES), kind = random_below(40);
    if (parents[node] == OUT)
        return insert(node, random_below(FORESTS + NODES));
    if (depth_of(node) > *deepest)
        *deepest = depth_of(node);
    if (kind < 20)
        return replace(node, random_below(NODES));
    return kind < 39 ? remove_node(node) : revoke(node);
}

int main(void)
{
    int step = 0, deepest = 0;
    for (int i = 0; i < NODES; i++)
        parents[i] = OUT;
    while (step < STEPS && random_step(&deepest) && matches())
        step++;
    host_ok(step == STEPS, "%d of %d random steps equal the model (seed %#lx)", step, STEPS, SEED);
    host_ok(deepest >= 6, "the deepest node had %d above it", deepest);
    for (int i = 0; i < NODES; i++)
        if (parents[i] != OUT)
            remove_node(i);
    host_ok(matches() && !forests[0].first && !forests[0].last, "at the end the forests are empty");
    return host_done();
}
