/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The derivation forest: what was derived from what. Every operation takes a constant number of steps, however many
 * nodes there are, so none needs a preemption point.
 *
 * A `struct derivation` lists children, or the roots of a forest; a node carries the list of its own children. Siblings
 * are linked both ways; what would lie beyond the first and the last is their parent's list, with bit 0 set to tell it
 * from a sibling. A node that is in no forest is all zeros. Invariants: an empty list is all zeros; of two neighbours
 * each names the other; first and last child, and nobody else, name their parent.
 */
#ifndef SALTO_CAP_DERIVATION_H
#define SALTO_CAP_DERIVATION_H

#include <stdint.h>

struct derivation_node;

struct derivation {
    struct derivation_node *first, *last;
};

struct derivation_node {
    struct derivation children;
    uintptr_t next, previous; /* a sibling, or the parent's list with bit 0 set; both 0 in no forest */
};

/* Puts `node`, which is in no forest, first among the children in `list`. */
void derivation_insert(struct derivation *list, struct derivation_node *node);

/* Takes `node` out; its children take its place. */
void derivation_remove(struct derivation_node *node);

/* `node`, which is in no forest, takes the place of `old` and its children; `old` is in no forest then. */
void derivation_replace(struct derivation_node *old, struct derivation_node *node);

#endif
