/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large pages: 512 pages of an object that have the frames of a block, in order, and are mapped by one call, which the
 * kernel does with one entry where address and block allow it.
 *
 * An object of large pages (`large`) gets all of each 512 of its pages, counted from the first, at the first access to
 * one of them. Any other memory gets them where a region is gone through in order, and has 2 MiB at a multiple of 2
 * MiB: where nothing is there yet, or where what is there are the first pages, in a block of which the rest is free. To
 * begin with they are single pages then, which take their frames from an empty block, should there be one
 * (large_hint()). What has been unmapped to be mapped anew has the same frames as before, so nobody notices.
 *
 * Nothing else knows of large pages: each page has its frame, and is copied, shared and given back alone. The kernel
 * divides what is mapped.
 */
#include "abi/capability.h"
#include "books.h"

#define QUOTA_RESERVED 4 /* only such a part of what a client has left goes into one that it did not ask for */

/* The first of the 512 pages that are one large page with `page`; false if there is none. */
static bool find_group(const struct region *region, uint64_t page, uint64_t *first)
{
    const struct object *object = region->object;
    uint64_t address = region->start + (page - region->offset) * PAGE_SIZE;
    if (object->large)
        *first = page - page % BLOCK_PAGES;
    else if (address / BLOCK_SIZE * BLOCK_SIZE >= region->start)
        *first = page - address % BLOCK_SIZE / PAGE_SIZE;
    else
        return false;
    return *first >= region->offset && *first + BLOCK_PAGES <= region->offset + region->pages &&
           *first + BLOCK_PAGES <= object->pages;
}

/* How many of the 512 pages have the frames of a block, if the others have none: 0 to 512; more if it is otherwise. */
static uint32_t pages_in_order(const struct object *object, uint64_t first)
{
    uint32_t frame = sparse_get(&object->frames, first), count = 0;
    struct sparse_cursor cursor = {0};
    if (frame != 0 && !frames_are_block(frame))
        return BLOCK_PAGES + 1;
    while (frame != 0 && count < BLOCK_PAGES && sparse_step(&object->frames, &cursor, first + count) == frame + count)
        count++;
    if (sparse_next(&object->frames, first + count, first + BLOCK_PAGES) != SPARSE_NONE)
        return BLOCK_PAGES + 1;
    return count;
}

/* Gives back the frames from `frame` on, below `end`, of a block. */
static void release_between(uint32_t frame, uint32_t end)
{
    for (uint32_t some; frame < end; frame += some) {
        uint32_t left = CHUNK_PAGES - frames_page(frame);
        some = end - frame < left ? end - frame : left;
        frames_release(frame, some);
    }
}

/* Makes those of the 512 pages that have no frame yet, the first `present` being there in order. */
static bool fill(struct object *object, uint64_t first, uint32_t present)
{
    uint32_t count = BLOCK_PAGES - present, frame;
    if (client_left(object->owner) < count)
        return false;
    if (present == 0)
        frame = frames_take_block();
    else if (!frames_take_rest(frame = sparse_get(&object->frames, first) + present))
        frame = 0;
    if (frame == 0)
        return false;
    uint32_t entered = object_enter_frames(object, first + present, frame, count);
    release_between(frame + entered, frame + count); /* what the quota had no books for */
    return entered == count;
}

bool large_prepare(struct object *object, uint64_t page)
{
    uint64_t first = page - page % BLOCK_PAGES;
    if (!object->large || sparse_next(&object->frames, first, first + BLOCK_PAGES) != SPARSE_NONE)
        return true;
    if (client_left(object->owner) < BLOCK_PAGES)
        return false;
    fill(object, first, 0);
    return true;
}

uint32_t large_hint(const struct region *region, uint64_t page)
{
    uint64_t first;
    bool begins = region->object->resident == 0 && find_group(region, page, &first) && first == page;
    return begins ? frames_spare_block() : 0;
}

static bool is_worth_it(const struct region *region, uint32_t present)
{
    return region->object->large ||
           client_left(region->object->owner) >= (uint64_t)(BLOCK_PAGES - present) * QUOTA_RESERVED;
}

enum fault_answer large_serve(struct region *region, uint64_t page)
{
    uint64_t first;
    if ((region->rights & RIGHT_EXECUTE) || !find_group(region, page, &first))
        return FAULT_REFUSED;
    if (!region->object->large && page != first && !frames_are_block(sparse_get(&region->object->frames, first)))
        return FAULT_REFUSED; /* the page below has a frame, so not all are missing */
    uint32_t present = pages_in_order(region->object, first);
    if (present > BLOCK_PAGES || !is_worth_it(region, present))
        return FAULT_REFUSED;
    if (present < BLOCK_PAGES && !fill(region->object, first, present))
        return FAULT_REFUSED;
    uint32_t frame = sparse_get(&region->object->frames, first);
    if (!frames_block_is_alike(frame))
        return FAULT_REFUSED;
    region_unmap(region, first, first + BLOCK_PAGES);
    region->next_page = first + BLOCK_PAGES;
    region->client->large++;
    return fault_map(region, first, frame, BLOCK_PAGES);
}
