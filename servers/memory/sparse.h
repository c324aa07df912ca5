/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A number for each page of an object or a region, 0 where nothing was stored: few of them, which lie close together,
 * in the record itself; more in a tree of frames with 1,024 entries each, of which only those exist that hold
 * something. The frames are charged to a client.
 *
 * Invariant: without a root, all numbers that are not 0 stand in `few`; with one, all are in the tree.
 */
#ifndef SALTO_MEMORY_SPARSE_H
#define SALTO_MEMORY_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames.h"

#define SPARSE_FEW 9
#define SPARSE_MAX_HEIGHT 3
#define SPARSE_MAX_PAGES (1UL << 30) /* 4 TiB */

struct client;

struct sparse {
    struct client *payer;
    uint32_t height; /* of the tree, if there is one; with 0 there never is */
    uint32_t root;   /* the topmost frame, 0 if there is none */
    uint32_t base;   /* the index of few[0] */
    uint32_t few[SPARSE_FEW];
};

/* An empty one with room for indices below `pages`. */
void sparse_init(struct sparse *sparse, struct client *payer, uint64_t pages);

/* Makes room for indices below `pages`, which may be fewer than there is room for. False if the quota has not
 * enough. */
bool sparse_grow(struct sparse *sparse, uint64_t pages);

#define SPARSE_ENTRIES 1024 /* of a frame */

/* Where a look-up was, so that the next one is quick if it is for the next index. Begins as zeros. */
struct sparse_cursor {
    uint32_t *place;
    uint64_t index;
};

/* Where the number at `index` stands; NULL if there is no place for it yet. In short for all but large ones. */
uint32_t *sparse_find_far(const struct sparse *sparse, uint64_t index);
static inline uint32_t *sparse_find(const struct sparse *sparse, uint64_t index)
{
    if (sparse->root == 0)
        return index - sparse->base < SPARSE_FEW ? (uint32_t *)&sparse->few[index - sparse->base] : NULL;
    if (sparse->height > 1 || index >= SPARSE_ENTRIES)
        return sparse_find_far(sparse, index);
    return (uint32_t *)frames_bytes(sparse->root) + index;
}

/* The number at `index`, as sparse_get() answers it. */
static inline uint32_t sparse_step(const struct sparse *sparse, struct sparse_cursor *cursor, uint64_t index)
{
    bool within = sparse->root == 0 ? index - sparse->base < SPARSE_FEW : index % SPARSE_ENTRIES != 0;
    if (cursor->place && index == cursor->index + 1 && within)
        cursor->place++;
    else
        cursor->place = sparse_find(sparse, index);
    cursor->index = index;
    return cursor->place ? *cursor->place : 0;
}

/* The number at `index`; 0 beyond all that was stored. */
static inline uint32_t sparse_get(const struct sparse *sparse, uint64_t index)
{
    const uint32_t *place = sparse_find(sparse, index);
    return place ? *place : 0;
}

/* Where the number at `index`, which is below `end`, stands; `*count` numbers stand side by side there, without those
 * from `end` on. NULL: there is no place for them, and they are 0. */
uint32_t *sparse_span_far(const struct sparse *sparse, uint64_t index, uint64_t end, uint64_t *count);
static inline uint32_t *sparse_span(const struct sparse *sparse, uint64_t index, uint64_t end, uint64_t *count)
{
    if (sparse->root != 0 || index < sparse->base || end - sparse->base > SPARSE_FEW)
        return sparse_span_far(sparse, index, end, count);
    *count = end - index;
    return (uint32_t *)&sparse->few[index - sparse->base];
}

/* Where the number at `index` stands, which must be within; NULL if the quota has not enough for its frames. Where
 * others stand may change. */
uint32_t *sparse_place(struct sparse *sparse, uint64_t index);

/* The first index from `from` on, below `end`, at which a number stands that is not 0; SPARSE_NONE if there is none. In
 * short where it is `from` itself, or there are few numbers and none behind it. */
#define SPARSE_NONE UINT64_MAX
uint64_t sparse_next_far(const struct sparse *sparse, uint64_t from, uint64_t end);
static inline uint64_t sparse_next(const struct sparse *sparse, uint64_t from, uint64_t end)
{
    uint64_t place = from - sparse->base;
    if (from >= end || (sparse->root == 0 && from >= (uint64_t)sparse->base + SPARSE_FEW))
        return SPARSE_NONE;
    if (sparse->root == 0 && place < SPARSE_FEW && sparse->few[place] != 0)
        return from;
    return sparse_next_far(sparse, from, end);
}

/* Gives the frames back; what is stored is forgotten. */
void sparse_free(struct sparse *sparse);

#endif
