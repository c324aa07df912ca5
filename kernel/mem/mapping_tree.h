/* SPDX-License-Identifier: BSD-2-Clause */
/* The trees in which mappings are found. See mapping.h for what they hold, mapping_tree.c for how they are built. */
#ifndef SALTO_MEM_MAPPING_TREE_H
#define SALTO_MEM_MAPPING_TREE_H

#include "mem/mapping.h"

/* A number for a new record, as good as random, that decides how high in both trees it stands. */
uint16_t mapping_tree_priority(void);

/* Puts `mapping`, whose `start` by source is set, into the tree by source at `root`. */
void mapping_tree_insert_source(struct mapping **root, struct mapping *mapping);

/* Puts `mapping`, whose address is set, into the tree by address at `root`, between its neighbours. */
void mapping_tree_insert_address(struct mapping **root, struct mapping *mapping, struct mapping_gap gap);

/* Takes `mapping` out of the tree at `root`. */
void mapping_tree_remove_source(struct mapping **root, struct mapping *mapping);
void mapping_tree_remove_address(struct mapping **root, struct mapping *mapping);

/* To be called after the number of its pages has changed. */
void mapping_tree_resized(struct mapping *mapping);

/* The one behind `mapping` in this order, and the one before it; 0: there is none. */
struct mapping *mapping_tree_next(const struct mapping *mapping, enum mapping_order order);
struct mapping *mapping_tree_previous(const struct mapping *mapping, enum mapping_order order);

/* By address, the last one that begins at `start` or before, and the first one that begins behind it. */
struct mapping_gap mapping_tree_find_gap(struct mapping *root, uint64_t start);

/* The first by address that has a page in [start, end), or 0. */
struct mapping *mapping_tree_find_address(struct mapping *root, uint64_t start, uint64_t end);

/* The first by source that has a page in [start, end), or 0. */
struct mapping *mapping_tree_find_reaching(struct mapping *root, uint64_t start, uint64_t end);
static inline struct mapping *mapping_tree_find_source(struct mapping *root, uint64_t start, uint64_t end)
{
    return root && root->limit > start ? mapping_tree_find_reaching(root, start, end) : 0;
}

/* A place among mappings by source: before those that start later, and of those that start there, before those whose
 * records lie behind `record`, which is a number and may name nothing. All zeros: before all. */
struct mapping_place {
    uint64_t start, record;
};

/* The first behind `place` whose source has a page in [start, end), or 0. */
struct mapping *mapping_tree_next_source(struct mapping *root, struct mapping_place place, uint64_t start,
                                         uint64_t end);

#endif
