/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees of mappings. See mapping_tree.h.
 *
 * A treap: ordered by `start` from left to right, and by a number that is drawn for each record from top to bottom, so
 * that its expected depth grows with the logarithm of its size, whatever order mappings come and go in. Whoever is
 * inserted takes the place of the first with a lower number, and divides what is below; where one is removed, what is
 * left and right of it is merged: each is one way down, without rotations. By address, both neighbours are known where
 * one is inserted, since they show that the range is free: from there it is a short way up. By source, ranges may
 * overlap, and each mapping knows where the last source in its subtree ends (`limit`): that finds one of those that
 * overlap a range in one way down (Cormen et al., Introduction to Algorithms, 14.3).
 *
 * Invariants: no child has a higher priority than its parent; by address, ranges do not overlap; by source, `limit` is
 * the greatest end in the subtree.
 */
#include "mem/mapping_tree.h"

/* A linear congruential generator (Knuth, The Art of Computer Programming, volume 2, 3.3.4): its upper bits are
 * good. */
#define MULTIPLIER 6364136223846793005UL
#define INCREMENT 1442695040888963407UL

static uint64_t random_state;

uint16_t mapping_tree_priority(void)
{
    random_state = random_state * MULTIPLIER + INCREMENT;
    return (uint16_t)(random_state >> 48);
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t limit_of(const struct mapping *mapping)
{
    return mapping ? mapping->limit : 0;
}

static void set_limit(struct mapping *mapping)
{
    const struct mapping_links *links = &mapping->links[MAPPING_BY_SOURCE];
    mapping->limit =
        greater(links->start + mapping_size(mapping), greater(limit_of(links->left), limit_of(links->right)));
}

/* Where the tree names `mapping`. */
static struct mapping **place_of(struct mapping **root, const struct mapping *mapping, enum mapping_order order)
{
    struct mapping *up = mapping->links[order].up;
    if (!up)
        return root;
    return up->links[order].left == mapping ? &up->links[order].left : &up->links[order].right;
}

static void link_up(struct mapping *child, struct mapping *up, enum mapping_order order)
{
    if (child)
        child->links[order].up = up;
}

/* The limits from `mapping` up to `top`, which is not one of them, are to be computed again. */
static void set_limits_below(struct mapping *mapping, const struct mapping *top)
{
    for (; mapping != top; mapping = mapping->links[MAPPING_BY_SOURCE].up)
        set_limit(mapping);
}

/* The limits from `mapping` upwards are to be computed again, as far as they change. */
static void set_limits(struct mapping *mapping)
{
    for (; mapping; mapping = mapping->links[MAPPING_BY_SOURCE].up) {
        uint64_t limit = mapping->limit;
        set_limit(mapping);
        if (mapping->limit == limit)
            return;
    }
}

void mapping_tree_resized(struct mapping *mapping)
{
    set_limits(mapping);
}

/* Equals, of which there are some by source, stand in the order in which their records lie. */
static bool comes_before(const struct mapping *mapping, const struct mapping *other, enum mapping_order order)
{
    uint64_t start = mapping->links[order].start, other_start = other->links[order].start;
    return start < other_start || (start == other_start && mapping < other);
}

/* Divides the subtree at `root` into what comes before `mapping` and what comes behind it: these become its
 * children. */
static void divide(struct mapping *root, struct mapping *mapping, enum mapping_order order)
{
    struct mapping_links *links = &mapping->links[order];
    struct mapping **left = &links->left, **right = &links->right, *left_up = mapping, *right_up = mapping;
    while (root) {
        struct mapping_links *here = &root->links[order];
        struct mapping *node = root;
        if (comes_before(mapping, node, order)) {
            *right = node;
            here->up = right_up;
            right_up = node;
            right = &here->left;
            root = here->left;
        } else {
            *left = node;
            here->up = left_up;
            left_up = node;
            left = &here->right;
            root = here->right;
        }
    }
    *left = *right = 0;
    if (order == MAPPING_BY_SOURCE) {
        set_limits_below(left_up, mapping);
        set_limits_below(right_up, mapping);
        set_limit(mapping);
    }
}

/* Puts `mapping` at `place`, below `up`, and what was there below it. */
static inline void put(struct mapping **place, struct mapping *up, struct mapping *mapping, enum mapping_order order)
{
    struct mapping_links *links = &mapping->links[order];
    struct mapping *below = *place;
    *place = mapping;
    links->up = up;
    if (below)
        return divide(below, mapping, order);
    links->left = links->right = 0;
    mapping->limit = order == MAPPING_BY_SOURCE ? mapping_source_end(mapping) : mapping->limit;
}

void mapping_tree_insert_source(struct mapping **root, struct mapping *mapping)
{
    uint64_t end = mapping_source_end(mapping);
    struct mapping **place = root, *up = 0;
    while (*place && (*place)->priority >= mapping->priority) {
        up = *place;
        if (up->limit < end)
            up->limit = end;
        bool before = comes_before(mapping, up, MAPPING_BY_SOURCE);
        place = before ? &up->links[MAPPING_BY_SOURCE].left : &up->links[MAPPING_BY_SOURCE].right;
    }
    put(place, up, mapping, MAPPING_BY_SOURCE);
}

/* Of two neighbours one has nothing on the side of the other: there it would be a leaf. From there it goes up. */
void mapping_tree_insert_address(struct mapping **root, struct mapping *mapping, struct mapping_gap gap)
{
    bool behind = gap.before && !gap.before->links[MAPPING_BY_ADDRESS].right;
    struct mapping *up = behind ? gap.before : gap.behind, **place = root;
    if (up)
        place = behind ? &up->links[MAPPING_BY_ADDRESS].right : &up->links[MAPPING_BY_ADDRESS].left;
    while (up && up->priority < mapping->priority) {
        place = place_of(root, up, MAPPING_BY_ADDRESS);
        up = up->links[MAPPING_BY_ADDRESS].up;
    }
    put(place, up, mapping, MAPPING_BY_ADDRESS);
}

/* What is left and right of `mapping`, both of which there is, takes its place. */
static void merge(struct mapping **place, const struct mapping *mapping, enum mapping_order order)
{
    const struct mapping_links *links = &mapping->links[order];
    struct mapping *up = links->up, *left = links->left, *right = links->right;
    while (left && right) {
        bool left_above = left->priority > right->priority;
        struct mapping *above = left_above ? left : right;
        struct mapping_links *here = &above->links[order];
        *place = above;
        here->up = up;
        up = above;
        place = left_above ? &here->right : &here->left;
        if (left_above)
            left = *place;
        else
            right = *place;
    }
    *place = left ? left : right;
    link_up(*place, up, order);
    if (order == MAPPING_BY_SOURCE)
        set_limits_below(up, links->up);
}

static inline void take_out(struct mapping **root, struct mapping *mapping, enum mapping_order order)
{
    const struct mapping_links *links = &mapping->links[order];
    struct mapping **place = place_of(root, mapping, order), *below = links->left ? links->left : links->right;
    if (links->left && links->right) {
        merge(place, mapping, order);
    } else {
        *place = below;
        link_up(below, links->up, order);
    }
    if (order == MAPPING_BY_SOURCE)
        set_limits(links->up);
}

void mapping_tree_remove_source(struct mapping **root, struct mapping *mapping)
{
    take_out(root, mapping, MAPPING_BY_SOURCE);
}

void mapping_tree_remove_address(struct mapping **root, struct mapping *mapping)
{
    take_out(root, mapping, MAPPING_BY_ADDRESS);
}

struct mapping *mapping_tree_next(const struct mapping *mapping, enum mapping_order order)
{
    struct mapping *next = mapping->links[order].right;
    while (next && next->links[order].left)
        next = next->links[order].left;
    if (next)
        return next;
    for (next = mapping->links[order].up; next && next->links[order].right == mapping; next = next->links[order].up)
        mapping = next;
    return next;
}

struct mapping *mapping_tree_previous(const struct mapping *mapping, enum mapping_order order)
{
    struct mapping *previous = mapping->links[order].left;
    while (previous && previous->links[order].right)
        previous = previous->links[order].right;
    if (previous)
        return previous;
    previous = mapping->links[order].up;
    for (; previous && previous->links[order].left == mapping; previous = previous->links[order].up)
        mapping = previous;
    return previous;
}

struct mapping_gap mapping_tree_find_gap(struct mapping *root, uint64_t start)
{
    struct mapping_gap gap = {0, 0};
    while (root) {
        bool behind = mapping_address(root) > start;
        *(behind ? &gap.behind : &gap.before) = root;
        root = behind ? root->links[MAPPING_BY_ADDRESS].left : root->links[MAPPING_BY_ADDRESS].right;
    }
    return gap;
}

struct mapping *mapping_tree_find_address(struct mapping *root, uint64_t start, uint64_t end)
{
    struct mapping *first = 0;
    while (root) {
        if (mapping_end(root) > start) {
            first = root;
            root = root->links[MAPPING_BY_ADDRESS].left;
        } else {
            root = root->links[MAPPING_BY_ADDRESS].right;
        }
    }
    return first && mapping_address(first) < end ? first : 0;
}

static bool is_behind(const struct mapping *mapping, struct mapping_place place)
{
    uint64_t start = mapping_source(mapping);
    return start > place.start || (start == place.start && (uint64_t)mapping > place.record);
}

static bool reaches(const struct mapping *mapping, uint64_t start)
{
    return mapping_source_end(mapping) > start;
}

/* The first in the subtree, some of which reaches beyond `start`, that does. */
static struct mapping *first_to_reach(struct mapping *mapping, uint64_t start)
{
    for (;;) {
        const struct mapping_links *links = &mapping->links[MAPPING_BY_SOURCE];
        if (limit_of(links->left) > start)
            mapping = links->left;
        else if (reaches(mapping, start))
            return mapping;
        else
            mapping = links->right;
    }
}

/* The next one above `mapping` that comes after it. */
static struct mapping *next_above(struct mapping *mapping)
{
    struct mapping *up = mapping->links[MAPPING_BY_SOURCE].up;
    while (up && up->links[MAPPING_BY_SOURCE].right == mapping) {
        mapping = up;
        up = mapping->links[MAPPING_BY_SOURCE].up;
    }
    return up;
}

struct mapping *mapping_tree_next_source(struct mapping *root, struct mapping_place place, uint64_t start, uint64_t end)
{
    struct mapping *next = 0;
    while (root) {
        bool behind = is_behind(root, place);
        next = behind ? root : next;
        root = behind ? root->links[MAPPING_BY_SOURCE].left : root->links[MAPPING_BY_SOURCE].right;
    }
    for (; next && !reaches(next, start); next = next_above(next)) {
        struct mapping *right = next->links[MAPPING_BY_SOURCE].right;
        if (limit_of(right) > start) {
            next = first_to_reach(right, start);
            break;
        }
    }
    return next && mapping_source(next) < end ? next : 0;
}

/* The first of all: it has nothing to its left that reaches so far, which makes it cheap to take out. Where even that
 * begins behind `end`, all do. */
struct mapping *mapping_tree_find_reaching(struct mapping *root, uint64_t start, uint64_t end)
{
    struct mapping *first = first_to_reach(root, start);
    return mapping_source(first) < end ? first : 0;
}
