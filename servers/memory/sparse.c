/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of pages. See sparse.h. */
#include "sparse.h"

#include <assert.h>
#include <string.h>

#include "books.h"

#define ENTRIES_SHIFT 10
#define ENTRIES SPARSE_ENTRIES

_Static_assert(ENTRIES == 1U << ENTRIES_SHIFT && ENTRIES * sizeof(uint32_t) == PAGE_SIZE, "entries fill a frame");

/* Indices that a tree of this height has room for. */
static uint64_t room(uint32_t height)
{
    return height == 0 ? SPARSE_FEW : 1UL << (ENTRIES_SHIFT * height);
}

static uint32_t *entries(uint32_t frame)
{
    return frames_bytes(frame);
}

static uint32_t entry_index(uint64_t index, uint32_t level)
{
    return (uint32_t)(index >> (ENTRIES_SHIFT * (level - 1))) % ENTRIES;
}

void sparse_init(struct sparse *sparse, struct client *payer, uint64_t pages)
{
    *sparse = (struct sparse){.payer = payer};
    assert(pages <= SPARSE_MAX_PAGES);
    while (room(sparse->height) < pages)
        sparse->height++;
}

/* A frame for the tree, charged to the payer; 0 if there is none. */
static uint32_t take_node(struct sparse *sparse)
{
    if (!client_charge(sparse->payer, 1))
        return 0;
    uint32_t frame = frames_take_all(1);
    if (frame == 0)
        client_discharge(sparse->payer, 1);
    return frame;
}

static void give_node(struct sparse *sparse, uint32_t frame)
{
    frames_release(frame, 1);
    client_discharge(sparse->payer, 1);
}

/* Puts one more level on top of the tree. */
static bool grow_by_one(struct sparse *sparse)
{
    bool empty = sparse->height == 0 ? sparse_next(sparse, 0, SPARSE_FEW) == SPARSE_NONE : sparse->root == 0;
    if (!empty) {
        uint32_t top = take_node(sparse);
        if (top == 0)
            return false;
        if (sparse->height == 0)
            memcpy(entries(top), sparse->few, sizeof(sparse->few));
        else
            entries(top)[0] = sparse->root;
        sparse->root = top;
    }
    memset(sparse->few, 0, sizeof(sparse->few));
    sparse->height++;
    return true;
}

bool sparse_grow(struct sparse *sparse, uint64_t pages)
{
    assert(pages <= SPARSE_MAX_PAGES);
    while (room(sparse->height) < pages)
        if (!grow_by_one(sparse))
            return false;
    return true;
}

uint32_t *sparse_find_far(const struct sparse *sparse, uint64_t index)
{
    if (index >= room(sparse->height))
        return NULL;
    uint32_t frame = sparse->root;
    for (uint32_t level = sparse->height; level > 1 && frame != 0; level--)
        frame = entries(frame)[entry_index(index, level)];
    return frame ? &entries(frame)[entry_index(index, 1)] : NULL;
}

uint32_t *sparse_place(struct sparse *sparse, uint64_t index)
{
    assert(index < room(sparse->height));
    if (sparse->height == 0)
        return &sparse->few[index];
    uint32_t *place = &sparse->root;
    for (uint32_t level = sparse->height; level > 0; level--) {
        if (*place == 0)
            *place = take_node(sparse);
        if (*place == 0)
            return NULL;
        place = &entries(*place)[entry_index(index, level)];
    }
    return place;
}

/* The level of the missing node on the way to `index`; 0 if all are there. */
static uint32_t missing_level(const struct sparse *sparse, uint64_t index)
{
    uint32_t frame = sparse->root;
    for (uint32_t level = sparse->height; level > 0; level--) {
        if (frame == 0)
            return level;
        frame = entries(frame)[entry_index(index, level)];
    }
    return 0;
}

uint32_t *sparse_span_far(const struct sparse *sparse, uint64_t index, uint64_t end, uint64_t *count)
{
    uint32_t *place = sparse_find(sparse, index);
    uint64_t limit;
    if (place)
        limit = sparse->height == 0 ? SPARSE_FEW : (index | (ENTRIES - 1)) + 1;
    else if (index >= room(sparse->height))
        limit = end;
    else
        limit = (index | ((1UL << (ENTRIES_SHIFT * missing_level(sparse, index))) - 1)) + 1;
    *count = (limit < end ? limit : end) - index;
    return place;
}

static uint64_t next_of_few(const struct sparse *sparse, uint64_t from, uint64_t end)
{
    for (; from < end && from < SPARSE_FEW; from++)
        if (sparse->few[from] != 0)
            return from;
    return SPARSE_NONE;
}

/* How many of `count` numbers come before the first that is not zero. Most are zero, and looked at eight at a time. */
static uint64_t count_zeros(const uint32_t *numbers, uint64_t count)
{
    uint64_t i = 0, eight[4];
    for (; i + 8 <= count; i += 8) {
        memcpy(eight, numbers + i, sizeof(eight));
        if (eight[0] | eight[1] | eight[2] | eight[3])
            break;
    }
    while (i < count && numbers[i] == 0)
        i++;
    return i;
}

uint64_t sparse_next(const struct sparse *sparse, uint64_t from, uint64_t end)
{
    if (sparse->height == 0)
        return next_of_few(sparse, from, end);
    while (from < end) {
        uint64_t count;
        const uint32_t *span = sparse_span(sparse, from, end, &count);
        uint64_t zeros = span ? count_zeros(span, count) : count;
        from += zeros;
        if (zeros < count)
            return from;
    }
    return SPARSE_NONE;
}

static void free_node(struct sparse *sparse, uint32_t frame, uint32_t level)
{
    for (uint32_t i = 0; level > 1 && i < ENTRIES; i++)
        if (entries(frame)[i] != 0)
            free_node(sparse, entries(frame)[i], level - 1);
    give_node(sparse, frame);
}

void sparse_free(struct sparse *sparse)
{
    if (sparse->root != 0)
        free_node(sparse, sparse->root, sparse->height);
    sparse->root = 0;
    memset(sparse->few, 0, sizeof(sparse->few));
}
