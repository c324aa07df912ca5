/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees of mappings. See mapping_tree.h.
 *
 * A treap: ordered by `start` from left to right, and by a number that is as good as random (a hash of the record's
 * address) from top to bottom, so that its expected depth grows with the logarithm of its size, whatever order mappings
 * come and go in. Whoever is inserted starts as a leaf and rotates up; whoever is removed rotates down. By source, ranges
 * may overlap, and each mapping knows where the last source in its subtree ends (`limit`): that finds one of those that
 * overlap a range in one way down (Cormen et al., Introduction to Algorithms, 14.3).
 *
 * Invariants: no child has a higher priority than its parent; by address, ranges do not overlap; by source, `limit` is the
 * greatest end in the subtree.
 */
#include "mem/mapping_tree.h"

/* Of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators). One multiplication is not enough:
 * records lie behind each other, and their multiples would make long branches. */
#define MIX_FIRST 0xbf58476d1ce4e5b9UL
#define MIX_SECOND 0x94d049bb133111ebUL

static uint64_t priority(const struct mapping *mapping)
{
    uint64_t mixed = (uint64_t)mapping * MIX_FIRST;
    return (mixed ^ mixed >> 32) * MIX_SECOND;
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

/* `mapping` changes places with the one above it. */
static void rotate_up(struct mapping **root, struct mapping *mapping, enum mapping_order order)
{
    struct mapping_links *links = &mapping->links[order];
    struct mapping *up = links->up, **place = place_of(root, up, order);
    struct mapping_links *upper = &up->links[order];
    if (upper->left == mapping) {
        upper->left = links->right;
        link_up(links->right, up, order);
        links->right = up;
    } else {
        upper->right = links->left;
        link_up(links->left, up, order);
        links->left = up;
    }
    links->up = upper->up;
    upper->up = mapping;
    *place = mapping;
    if (order == MAPPING_BY_SOURCE) {
        mapping->limit = up->limit; /* it has all below it now that the other one had */
        set_limit(up);
    }
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

/* Equals, of which there are some by source, stand in the order of their addresses. */
static bool comes_before(const struct mapping *mapping, const struct mapping *other, enum mapping_order order)
{
    uint64_t start = mapping->links[order].start, other_start = other->links[order].start;
    return start < other_start || (start == other_start && mapping < other);
}

void mapping_tree_insert(struct mapping **root, struct mapping *mapping, enum mapping_order order)
{
    struct mapping_links *links = &mapping->links[order];
    struct mapping **place = root, *up = 0;
    while (*place) {
        up = *place;
        place = comes_before(mapping, up, order) ? &up->links[order].left : &up->links[order].right;
    }
    *place = mapping;
    links->up = up;
    links->left = links->right = 0;
    if (order == MAPPING_BY_SOURCE) {
        set_limit(mapping);
        set_limits(up);
    }
    while (links->up && priority(links->up) < priority(mapping))
        rotate_up(root, mapping, order);
}

void mapping_tree_remove(struct mapping **root, struct mapping *mapping, enum mapping_order order)
{
    struct mapping_links *links = &mapping->links[order];
    while (links->left && links->right)
        rotate_up(root, priority(links->left) > priority(links->right) ? links->left : links->right, order);
    struct mapping *child = links->left ? links->left : links->right;
    *place_of(root, mapping, order) = child;
    link_up(child, links->up, order);
    if (order == MAPPING_BY_SOURCE)
        set_limits(links->up);
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

/* The first of all: it has nothing to its left that reaches so far, which makes it cheap to take out. Where even that begins
 * behind `end`, all do. */
struct mapping *mapping_tree_find_source(struct mapping *root, uint64_t start, uint64_t end)
{
    struct mapping *first = limit_of(root) > start ? first_to_reach(root, start) : 0;
    return first && mapping_source(first) < end ? first : 0;
}
