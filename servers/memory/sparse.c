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
    if (sparse->root != 0) {
        uint32_t top = take_node(sparse);
        if (top == 0)
            return false;
        entries(top)[0] = sparse->root;
        sparse->root = top;
    }
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

/* Moves the few numbers so that there is a place for `index` among them, and others in the direction in which it lies.
 * False if they lie too far apart. */
static bool slide(struct sparse *sparse, uint64_t index)
{
    uint32_t moved[SPARSE_FEW] = {0};
    uint64_t lowest = index, highest = index;
    for (uint64_t i = 0, at = sparse->base; i < SPARSE_FEW; i++, at++) {
        if (sparse->few[i] == 0)
            continue;
        lowest = at < lowest ? at : lowest;
        highest = at > highest ? at : highest;
    }
    if (highest - lowest >= SPARSE_FEW)
        return false;
    if (index == lowest && index != highest && highest >= SPARSE_FEW - 1)
        lowest = highest - (SPARSE_FEW - 1);
    for (uint32_t i = 0; i < SPARSE_FEW; i++)
        moved[i] = sparse_get(sparse, lowest + i);
    memcpy(sparse->few, moved, sizeof(moved));
    sparse->base = (uint32_t)lowest;
    return true;
}

static uint32_t *place_in_tree(struct sparse *sparse, uint64_t index)
{
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

/* Puts the few numbers into a tree. */
static bool make_tree(struct sparse *sparse)
{
    const struct sparse before = *sparse;
    for (uint32_t i = 0; i < SPARSE_FEW; i++) {
        uint32_t *place = before.few[i] ? place_in_tree(sparse, (uint64_t)before.base + i) : NULL;
        if (place)
            *place = before.few[i];
        if (before.few[i] == 0 || place)
            continue;
        sparse_free(sparse);
        *sparse = before;
        return false;
    }
    memset(sparse->few, 0, sizeof(sparse->few));
    return true;
}

uint32_t *sparse_place(struct sparse *sparse, uint64_t index)
{
    assert(index < room(sparse->height));
    if (sparse->root == 0) {
        if (index - sparse->base < SPARSE_FEW || slide(sparse, index))
            return &sparse->few[index - sparse->base];
        if (!make_tree(sparse))
            return NULL;
    }
    return place_in_tree(sparse, index);
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

/* The first index behind `index` that is in another span. */
static uint64_t span_end(const struct sparse *sparse, uint64_t index, const uint32_t *place, uint64_t end)
{
    if (sparse->root == 0)
        return place ? sparse->base + SPARSE_FEW : index < sparse->base ? sparse->base : end;
    if (place)
        return (index | (ENTRIES - 1)) + 1;
    if (index >= room(sparse->height))
        return end;
    return (index | ((1UL << (ENTRIES_SHIFT * missing_level(sparse, index))) - 1)) + 1;
}

uint32_t *sparse_span_far(const struct sparse *sparse, uint64_t index, uint64_t end, uint64_t *count)
{
    uint32_t *place = sparse_find(sparse, index);
    uint64_t limit = span_end(sparse, index, place, end);
    *count = (limit < end ? limit : end) - index;
    return place;
}

static uint64_t next_of_few(const struct sparse *sparse, uint64_t from, uint64_t end)
{
    uint64_t base = sparse->base, last = base + SPARSE_FEW;
    for (from = from < base ? base : from; from < end && from < last; from++)
        if (sparse->few[from - base] != 0)
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

uint64_t sparse_next_far(const struct sparse *sparse, uint64_t from, uint64_t end)
{
    if (sparse->root == 0)
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
