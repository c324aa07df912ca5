/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: pages come into being, are copied, and are mapped; and the way back, unmapping. See books.h.
 *
 * A region that is gone through in order gets more pages at once, twice as many with each fault. Pages that one call of
 * the kernel maps are a run: they lie side by side in a chunk, and can be unmapped together. A run that is cut in the middle
 * takes the task a record in the kernel; if its quota has none, all behind the cut is unmapped too.
 */
#include <assert.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/errors.h"
#include "idl/memory_service.h"
#include "region_table.h"

/* Error code of a page fault: Intel SDM volume 3, 4.7. */
#define FAULT_PRESENT 1
#define FAULT_WRITE 2
#define FAULT_FETCH 16

#define MOST_AHEAD CHUNK_PAGES

/* ---- Unmapping ------------------------------------------------------------------------------------------------------ */

/* The end of the run that `page` is in, `end` at most. */
static uint64_t run_end(const struct region *region, uint64_t page, uint64_t end)
{
    struct sparse_cursor cursor = {0};
    for (page++; page < end; page++) {
        uint32_t state = sparse_step(&region->states, &cursor, page);
        if (!(state & PAGE_MAPPED) || (state & PAGE_FIRST))
            break;
    }
    return page;
}

/* Does a run go on from page - 1 to page? */
static bool is_within_run(const struct region *region, uint64_t page)
{
    uint32_t state = page < region->offset + region->pages ? sparse_get(&region->states, page) : 0;
    return (state & PAGE_MAPPED) && !(state & PAGE_FIRST);
}

static void forget_states(struct region *region, uint64_t from, uint64_t to)
{
    struct sparse_cursor cursor = {0};
    for (uint64_t page = from; page < to; page++) {
        sparse_step(&region->states, &cursor, page);
        *cursor.place = 0; /* it holds something, so its place is there */
    }
}

static int unmap_pages(const struct region *region, uint64_t from, uint64_t to)
{
    uint32_t frame = sparse_get(&region->object->frames, from);
    uint64_t address = region->start + (from - region->offset) * PAGE_SIZE;
    assert(frame != 0);
    return machine_unmap(frames_chunk(frame), region->client->task, address, (uint32_t)(to - from));
}

/* Unmaps [from, to) of one run. Answers where what is unmapped ends. */
static uint64_t unmap_run(struct region *region, uint64_t from, uint64_t to)
{
    /* Only NO_MEMORY leaves anything mapped: whatever else it is, the task has no such pages any more. */
    if (unmap_pages(region, from, to) == -ERROR_NO_MEMORY) {
        to = run_end(region, from, region->offset + region->pages);
        int result = unmap_pages(region, from, to);
        assert(result != -ERROR_NO_MEMORY);
        (void)result;
    }
    forget_states(region, from, to);
    if (is_within_run(region, to))
        *sparse_place(&region->states, to) |= PAGE_FIRST;
    return to;
}

void region_unmap(struct region *region, uint64_t from, uint64_t to)
{
    if (from < region->offset)
        from = region->offset;
    if (to > region->offset + region->pages)
        to = region->offset + region->pages;
    while (from < to && (from = sparse_next(&region->states, from, to)) != SPARSE_NONE)
        from = unmap_run(region, from, run_end(region, from, to));
}

/* ---- Pages of objects ------------------------------------------------------------------------------------------------- */

/* Enters the frame of a page that has none. */
static bool enter_frame(struct object *object, struct sparse_cursor *cursor, uint64_t page, uint32_t frame)
{
    sparse_step(&object->frames, cursor, page);
    uint32_t *place = cursor->place ? cursor->place : sparse_place(&object->frames, page);
    if (!place || !client_charge(object->owner, 1))
        return false;
    *place = frame;
    object->resident++;
    return true;
}

/* Makes up to `count` pages from `page` on, which have none yet; answers how many. */
static uint64_t make_pages(struct object *object, uint64_t page, uint64_t count)
{
    struct sparse_cursor cursor = {0};
    uint64_t left = client_left(object->owner);
    uint32_t taken = (uint32_t)(count < left ? count : left), entered = 0;
    uint32_t first = taken > 0 ? frames_take(&taken) : 0;
    if (first == 0)
        return 0;
    while (entered < taken && enter_frame(object, &cursor, page + entered, first + entered))
        entered++;
    for (uint32_t i = entered; i < taken; i++)
        frames_release(first + i);
    return entered;
}

/* Gives the object a frame of its own for a page that it shares with others. Its owner pays for the page already. */
static bool copy_page(struct object *object, uint64_t page)
{
    uint32_t *place = sparse_place(&object->frames, page);
    uint32_t count = 1, old = *place, copy = frames_take(&count);
    if (copy == 0)
        return false;
    memcpy(frames_bytes(copy), frames_bytes(old), PAGE_SIZE);
    object_unmap(object, page, page + 1);
    *place = copy;
    frames_release(old);
    return true;
}

/* Has the page a frame that may be written to? Makes one if not. */
static bool own_page(struct object *object, uint64_t page)
{
    uint32_t frame = sparse_get(&object->frames, page);
    if (frame == 0)
        return make_pages(object, page, 1) == 1;
    return !frames_is_shared(frame) || copy_page(object, page);
}

bool object_write(struct object *object, uint64_t offset, const uint8_t *bytes, uint32_t length)
{
    while (length > 0) {
        uint64_t page = offset / PAGE_SIZE, within = offset % PAGE_SIZE;
        uint32_t some = length < PAGE_SIZE - within ? length : (uint32_t)(PAGE_SIZE - within);
        if (!own_page(object, page))
            return false;
        memcpy((uint8_t *)frames_bytes(sparse_get(&object->frames, page)) + within, bytes, some);
        offset += some;
        bytes += some;
        length -= some;
    }
    return true;
}

/* ---- Mapping ---------------------------------------------------------------------------------------------------------- */

static bool enter_states(struct region *region, uint64_t page, uint64_t count, uint32_t state)
{
    struct sparse_cursor cursor = {0};
    for (uint64_t i = 0; i < count; i++) {
        sparse_step(&region->states, &cursor, page + i);
        uint32_t *place = cursor.place ? cursor.place : sparse_place(&region->states, page + i);
        if (!place) {
            forget_states(region, page, page + i);
            return false;
        }
        *place = state | (i == 0 ? PAGE_FIRST : 0);
    }
    return true;
}

/* How many pages from `page` on could be mapped by one call: their frames are neighbours, and alike. */
static uint64_t run_length(const struct region *region, uint64_t page, uint64_t most)
{
    const struct sparse *frames = &region->object->frames;
    uint32_t first = sparse_get(frames, page);
    bool shared = frames_is_shared(first);
    struct sparse_cursor next = {0}, states = {0};
    uint64_t length = 1;
    while (length < most && (first + length) % CHUNK_PAGES != 0 &&
           sparse_step(frames, &next, page + length) == first + length &&
           frames_is_shared(first + (uint32_t)length) == shared &&
           sparse_step(&region->states, &states, page + length) == 0)
        length++;
    return length;
}

static bool map_pages(struct region *region, uint64_t page, uint64_t count)
{
    uint32_t frame = sparse_get(&region->object->frames, page);
    uint32_t rights = region->rights & (frames_is_shared(frame) ? ~(uint32_t)RIGHT_WRITE : RIGHTS_ALL);
    uint64_t address = region->start + (page - region->offset) * PAGE_SIZE;
    uint32_t state = PAGE_MAPPED | (rights & RIGHT_WRITE ? PAGE_WRITABLE : 0);
    if (!enter_states(region, page, count, state))
        return false;
    if (machine_map(frames_chunk(frame), region->client->task, address, frames_page(frame), (uint32_t)count, rights) ==
        0)
        return true;
    forget_states(region, page, page + count);
    return false;
}

/* ---- The policy ------------------------------------------------------------------------------------------------------- */

/* How many pages from `page` on are to be there after this fault. */
static uint64_t wanted_pages(struct region *region, uint64_t page)
{
    uint64_t left = region->offset + region->pages - page;
    if (page != region->next_page || region->ahead == 0)
        region->ahead = 1;
    else if (region->ahead < MOST_AHEAD)
        region->ahead *= 2;
    if (left > region->object->pages - page)
        left = region->object->pages - page;
    return region->ahead < left ? region->ahead : left;
}

/* How many pages from `page` on have neither a frame nor a state, `most` at most. */
static uint64_t empty_pages(const struct region *region, uint64_t page, uint64_t most)
{
    struct sparse_cursor cursor = {0};
    uint64_t length = 0;
    while (length < most && sparse_step(&region->object->frames, &cursor, page + length) == 0)
        length++;
    return length;
}

/* Has the page a frame that may be mapped for this access? Makes one if not. */
static bool have_frame(struct region *region, uint64_t page, uint64_t wanted, bool write)
{
    struct object *object = region->object;
    uint32_t frame = sparse_get(&object->frames, page);
    if (frame == 0)
        return make_pages(object, page, empty_pages(region, page, wanted)) > 0;
    if (!write || !frames_is_shared(frame))
        return true;
    region->client->copies++;
    return copy_page(object, page);
}

static bool serve(struct region *region, uint64_t page, uint32_t error)
{
    uint32_t state = sparse_get(&region->states, page);
    bool write = error & FAULT_WRITE;
    if (state != 0 && !(error & FAULT_PRESENT))
        return true; /* another thread touched it first */
    uint64_t wanted = wanted_pages(region, page);
    if (!have_frame(region, page, wanted, write))
        return false;
    region_unmap(region, page, page + 1);
    uint64_t count = run_length(region, page, wanted);
    if (!map_pages(region, page, count)) {
        count = 1;
        if (!map_pages(region, page, count))
            return false;
    }
    region->next_page = page + count;
    return true;
}

static uint32_t needed_right(uint32_t error)
{
    return error & FAULT_FETCH ? RIGHT_EXECUTE : error & FAULT_WRITE ? RIGHT_WRITE : RIGHT_READ;
}

bool fault_serve(struct client *client, uint64_t address, uint32_t error)
{
    uint32_t index = regions_find(client, address);
    struct region *region = index < client->region_count ? client->regions[index] : NULL;
    bool good = region && region->start <= address && (region->rights & needed_right(error));
    if (good) {
        uint64_t page = region->offset + (address - region->start) / PAGE_SIZE;
        good = page < region->object->pages && serve(region, page, error);
    }
    client->faults += good;
    client->refused += !good;
    return good;
}
