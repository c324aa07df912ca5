/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks derivation forests, and checks their links. */
#ifndef SALTO_TESTS_HOST_DERIVATION_H
#define SALTO_TESTS_HOST_DERIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "cap/capability.h"
#include "cap/derivation.h"

/* The list that a link beyond the first or last sibling names, or NULL. */
static inline struct derivation *host_parent(uintptr_t link)
{
    return link & 1 ? (struct derivation *)(link - 1) : NULL;
}

/* The node after `node` in the forest `list`: a parent comes before its children. NULL for `node` begins. */
static inline struct derivation_node *host_next_node(const struct derivation *list, struct derivation_node *node)
{
    if (!node || node->children.first)
        return node ? node->children.first : list->first;
    while (host_parent(node->next)) {
        if (host_parent(node->next) == list)
            return NULL;
        node = (struct derivation_node *)host_parent(node->next);
    }
    return (struct derivation_node *)node->next;
}

/* The same for the capabilities that name `object`. */
static inline struct capability *host_next_capability(const struct object *object, struct capability *capability)
{
    struct derivation_node *node = host_next_node(&object->capabilities, capability ? &capability->node : NULL);
    return node ? (struct capability *)((char *)node - offsetof(struct capability, node)) : NULL;
}

/* Do the links of `list` and of all below it agree? Answers how many nodes there are; -1 if not. */
static inline int host_count_nodes(struct derivation *list)
{
    int count = 0;
    uintptr_t previous = (uintptr_t)list | 1;
    struct derivation_node *node = list->first;
    if (!node)
        return list->last ? -1 : 0;
    for (;;) {
        int below = host_count_nodes(&node->children);
        if (below < 0 || node->previous != previous)
            return -1;
        count += 1 + below;
        previous = (uintptr_t)node;
        if (host_parent(node->next))
            return host_parent(node->next) == list && list->last == node ? count : -1;
        node = (struct derivation_node *)node->next;
    }
}

#endif
