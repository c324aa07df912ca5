/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heaps of timeouts. See timeout.h.
 *
 * Of two children the left one has the rank that is not lower, so the way to the right is never longer than the
 * logarithm of the number of nodes: all that is done happens along it. Priorities are grouped, so that whoever looks
 * for the earliest moment looks at few words.
 */
#include "thread/timeout.h"

#include "debug/panic.h"

#define GROUP_SIZE 16
#define GROUPS (TIMEOUT_PRIORITIES / GROUP_SIZE)

static struct timeout *first[TIMEOUT_PRIORITIES]; /* the roots of the heaps */
static uint32_t used[GROUPS];                     /* a bit for each heap of the group: set where it is not empty */
static uint32_t used_groups;                      /* a bit for each group: set where one is */
static uint64_t earliest[GROUPS];                 /* of all heaps of the group, which is used */

/* The bits of the priorities of this group that are `least` or above. */
static uint32_t mask_of(uint32_t group, uint32_t least)
{
    return group == least / GROUP_SIZE ? ~0U << least % GROUP_SIZE : ~0U;
}

static uint64_t earliest_of(uint32_t group, uint32_t mask)
{
    uint64_t when = TIMEOUT_NEVER;
    for (uint32_t heaps = used[group] & mask; heaps; heaps &= heaps - 1) {
        const struct timeout *root = first[group * GROUP_SIZE + (uint32_t)__builtin_ctz(heaps)];
        if (root->when < when)
            when = root->when;
    }
    return when;
}

static uint32_t rank_of(const struct timeout *timeout)
{
    return timeout ? timeout->rank : 0;
}

/* Puts the children in order, and counts anew. */
static void settle(struct timeout *timeout)
{
    struct timeout *left = timeout->left, *right = timeout->right;
    if (rank_of(left) < rank_of(right)) {
        timeout->left = right;
        timeout->right = left;
    }
    timeout->rank = (uint8_t)(rank_of(timeout->right) + 1);
}

/* One heap of two, whose root has no parent. */
static struct timeout *merge(struct timeout *one, struct timeout *other)
{
    struct timeout *root = 0, *last = 0;
    while (one && other) {
        struct timeout *earlier = one->when <= other->when ? one : other;
        other = earlier == one ? other : one;
        earlier->parent = last;
        *(last ? &last->right : &root) = earlier;
        last = earlier;
        one = earlier->right;
    }
    struct timeout *rest = one ? one : other;
    *(last ? &last->right : &root) = rest;
    if (rest)
        rest->parent = last;
    for (; last; last = last->parent)
        settle(last);
    return root;
}

/* The first timeout of its group that is used. */
static void begin_group(uint32_t group, uint64_t when)
{
    used_groups |= 1U << group;
    earliest[group] = when;
}

void timeout_add(struct timeout *timeout, uint64_t when, uint32_t priority)
{
    uint32_t group = priority / GROUP_SIZE;
    assert(!timeout->rank && priority < TIMEOUT_PRIORITIES);
    timeout->when = when;
    timeout->priority = (uint8_t)priority;
    timeout->parent = timeout->left = timeout->right = 0;
    timeout->rank = 1;
    first[priority] = first[priority] ? merge(first[priority], timeout) : timeout;
    if (!used[group] || when < earliest[group])
        begin_group(group, when);
    used[group] |= 1U << priority % GROUP_SIZE;
}

/* `gone` was the first of its heap. */
static void update_group(const struct timeout *gone)
{
    uint32_t group = gone->priority / GROUP_SIZE;
    if (!first[gone->priority])
        used[group] &= ~(1U << gone->priority % GROUP_SIZE);
    if (!used[group])
        used_groups &= ~(1U << group);
    else if (gone->when == earliest[group])
        earliest[group] = earliest_of(group, ~0U);
}

/* `from` has another child: ranks above it change as far as they do. */
static void settle_upwards(struct timeout *from)
{
    for (uint32_t before; from; from = from->parent) {
        before = from->rank;
        settle(from);
        if (from->rank == before)
            return;
    }
}

void timeout_remove(struct timeout *timeout)
{
    if (!timeout->rank)
        return;
    struct timeout *parent = timeout->parent;
    struct timeout *rest = timeout->left ? merge(timeout->left, timeout->right) : 0;
    timeout->rank = 0;
    if (rest)
        rest->parent = parent;
    if (!parent) {
        first[timeout->priority] = rest;
        return update_group(timeout);
    }
    *(parent->left == timeout ? &parent->left : &parent->right) = rest;
    settle_upwards(parent);
}

bool timeout_raise(struct timeout *timeout, uint32_t priority)
{
    if (!timeout->rank || timeout->priority >= priority)
        return false;
    timeout_remove(timeout);
    timeout_add(timeout, timeout->when, priority);
    return true;
}

uint64_t timeout_earliest(uint32_t least)
{
    uint64_t when = TIMEOUT_NEVER;
    uint32_t lowest = least / GROUP_SIZE;
    for (uint32_t left = used_groups >> lowest << lowest; left; left &= left - 1) {
        uint32_t group = (uint32_t)__builtin_ctz(left);
        uint64_t of_group = group == lowest ? earliest_of(group, mask_of(group, least)) : earliest[group];
        if (of_group < when)
            when = of_group;
    }
    return when;
}

bool timeout_any_below(uint32_t priority)
{
    uint32_t group = priority / GROUP_SIZE;
    return (used_groups & ((1U << group) - 1)) || (used[group] & ~mask_of(group, priority));
}

/* The first of the highest of these heaps that is due. */
static struct timeout *due_in(uint32_t group, uint32_t mask, uint64_t now)
{
    for (uint32_t left = used[group] & mask; left;) {
        uint32_t heap = 31 - (uint32_t)__builtin_clz(left);
        struct timeout *root = first[group * GROUP_SIZE + heap];
        if (root->when <= now)
            return root;
        left &= ~(1U << heap);
    }
    return 0;
}

struct timeout *timeout_take_due(uint64_t now, uint32_t least)
{
    uint32_t lowest = least / GROUP_SIZE;
    struct timeout *due = 0;
    for (uint32_t left = used_groups >> lowest << lowest; left && !due;) {
        uint32_t group = 31 - (uint32_t)__builtin_clz(left);
        if (earliest[group] <= now)
            due = due_in(group, mask_of(group, least), now);
        left &= ~(1U << group);
    }
    if (due)
        timeout_remove(due);
    return due;
}
