/* SPDX-License-Identifier: BSD-2-Clause */
/* The derivation forest. See derivation.h. */
#include "cap/derivation.h"

#include "debug/panic.h"

#define PARENT ((uintptr_t)1)

static uintptr_t link_to_parent(struct derivation *list)
{
    return (uintptr_t)list | PARENT;
}

static uintptr_t link_to_node(struct derivation_node *node)
{
    return (uintptr_t)node;
}

static struct derivation_node *node_of(uintptr_t link)
{
    return link & PARENT ? 0 : (struct derivation_node *)link;
}

/* What `left` names (a node, or a parent that has nothing further left) has `right` as its next. */
static void set_next(uintptr_t left, uintptr_t right)
{
    if (left & PARENT)
        ((struct derivation *)(left - PARENT))->first = node_of(right);
    else
        node_of(left)->next = right;
}

static void set_previous(uintptr_t right, uintptr_t left)
{
    if (right & PARENT)
        ((struct derivation *)(right - PARENT))->last = node_of(left);
    else
        node_of(right)->previous = left;
}

/* The siblings from `first` to `last` stand between `left` and `right`. */
static void place(struct derivation_node *first, struct derivation_node *last, uintptr_t left, uintptr_t right)
{
    first->previous = left;
    last->next = right;
    set_next(left, link_to_node(first));
    set_previous(right, link_to_node(last));
}

void derivation_insert(struct derivation *list, struct derivation_node *node)
{
    uintptr_t parent = link_to_parent(list);
    assert(!node->next && !node->previous && !node->children.first);
    place(node, node, parent, list->first ? link_to_node(list->first) : parent);
}

void derivation_remove(struct derivation_node *node)
{
    uintptr_t left = node->previous, right = node->next;
    assert(left && right);
    if (node->children.first) {
        place(node->children.first, node->children.last, left, right);
    } else {
        set_next(left, right);
        set_previous(right, left);
    }
    *node = (struct derivation_node){{0, 0}, 0, 0};
}

void derivation_replace(struct derivation_node *old, struct derivation_node *node)
{
    assert(old->next && old->previous);
    assert(!node->next && !node->previous && !node->children.first);
    place(node, node, old->previous, old->next);
    node->children = old->children;
    if (node->children.first) {
        node->children.first->previous = link_to_parent(&node->children);
        node->children.last->next = link_to_parent(&node->children);
    }
    *old = (struct derivation_node){{0, 0}, 0, 0};
}
