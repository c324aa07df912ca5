/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects: their frames, their copies, and their capabilities. See books.h. */
#include <assert.h>
#include <string.h>

#include "books.h"
#include "idl/memory_service.h"

/* Capabilities name an object by its number here and the generation. Number 0 is never given out. */
struct export
{
    struct object *object; /* NULL: free */
    uint32_t generation;
};

static struct export exports[EXPORTS_MAX];
static uint32_t next_export = 1; /* where looking for a free one begins */

struct object *object_create(struct client *owner, uint64_t pages)
{
    struct object *object = record_take(owner);
    if (!object)
        return NULL;
    object->owner = owner;
    object->pages = pages;
    sparse_init(&object->frames, owner, pages);
    object->next = owner->objects;
    if (owner->objects)
        owner->objects->previous = object;
    owner->objects = object;
    return object;
}

struct object *object_create_contiguous(struct client *owner, uint64_t pages, uint64_t alignment, uint64_t below,
                                        uint64_t *address)
{
    struct object *object = object_create(owner, pages);
    if (!object)
        return NULL;
    if (client_charge(owner, pages)) {
        object->resident = pages;
        object->pinned = machine_make_contiguous(pages, alignment, below, address);
        if (object->pinned == 0 && frames_give_spare())
            object->pinned = machine_make_contiguous(pages, alignment, below, address);
    }
    object->large = true;
    if (object->pinned)
        return object;
    client_discharge(owner, object->resident);
    object->resident = 0;
    object_drop_unused(object);
    return NULL;
}

struct object *object_import(struct client *owner, uint32_t handle, uint64_t pages)
{
    struct object *object = object_create(owner, pages);
    if (!object)
        return NULL;
    object->pinned = handle;
    object->large = true;
    return object;
}

/* Lets go of the kernel's object. */
static void unpin(struct object *object)
{
    machine_release(object->pinned);
    client_discharge(object->owner, object->resident);
    object->resident = 0;
}

/* How many of `count` numbers are those of frames that lie side by side in a chunk. */
static uint32_t side_by_side(const uint32_t *frames, uint64_t count)
{
    uint32_t left = CHUNK_PAGES - frames_page(frames[0]), length = 1;
    uint32_t most = count < left ? (uint32_t)count : left;
    while (length < most && frames[length] == frames[0] + length)
        length++;
    return length;
}

void object_forget(struct object *object, uint64_t from, uint64_t to)
{
    while (object->resident > 0 && (from = sparse_next(&object->frames, from, to)) != SPARSE_NONE) {
        uint64_t count;
        uint32_t *place = sparse_span(&object->frames, from, to, &count);
        uint32_t length = side_by_side(place, count);
        frames_release(*place, length);
        memset(place, 0, length * sizeof(*place));
        object->resident -= length;
        client_discharge(object->owner, length);
        from += length;
    }
}

void object_unmap(const struct object *object, uint64_t from, uint64_t to)
{
    for (struct region *region = object->regions; region; region = region->next)
        region_unmap(region, from, to);
}

static void unexport(struct object *object)
{
    if (object->export == 0)
        return;
    exports[object->export].object = NULL;
    exports[object->export].generation++;
    object->owner->exports--;
    object->export = 0;
}

/* Ends an object that is attached nowhere. */
static void end(struct object *object)
{
    assert(!object->regions);
    unexport(object);
    if (object->pinned)
        unpin(object);
    object_forget(object, 0, object->pages);
    assert(object->resident == 0);
    sparse_free(&object->frames);
    if (object->next)
        object->next->previous = object->previous;
    if (object->previous)
        object->previous->next = object->next;
    else
        object->owner->objects = object->next;
    record_give(object->owner, object);
}

void object_destroy(struct object *object)
{
    while (object->regions)
        region_remove(object->regions);
    end(object);
}

void object_drop_unused(struct object *object)
{
    if (!object->regions && object->export == 0)
        end(object);
}

int object_resize(struct object *object, uint64_t pages)
{
    if (pages == 0 || pages > SPARSE_MAX_PAGES || (object->large && pages % BLOCK_PAGES != 0))
        return MEMORY_ERROR_BAD_RANGE;
    if (!sparse_grow(&object->frames, pages))
        return MEMORY_ERROR_QUOTA;
    if (pages < object->pages) {
        for (struct region *region = object->regions; region; region = region->next)
            region_give_up(region, pages, object->pages);
        object_forget(object, pages, object->pages);
    }
    object->pages = pages;
    return 0;
}

/* Enters the frame of one more page into a copy; the quota must have enough. */
static bool share_page(struct object *copy, uint64_t page, uint32_t frame)
{
    if (!client_charge(copy->owner, 1))
        return false;
    uint32_t *place = sparse_place(&copy->frames, page);
    if (!place) {
        client_discharge(copy->owner, 1);
        return false;
    }
    frames_share(frame);
    *place = frame;
    copy->resident++;
    return true;
}

/* Are the numbers those of all frames of a block, in order? */
static bool is_whole_block(const uint32_t *frames, uint64_t count)
{
    uint32_t length = count >= BLOCK_PAGES && frames_are_block(frames[0]);
    while (length > 0 && length < BLOCK_PAGES && frames[length] == frames[0] + length)
        length++;
    return length == BLOCK_PAGES;
}

/* Gives a copy a page of its own, with what stands in `frame`. False if the quota has not enough, or there is no frame:
 * nothing was charged then. */
static bool copy_page_early(struct object *copy, uint64_t page, uint32_t frame)
{
    static const struct frame_hint any_frame;
    if (!client_charge(copy->owner, 1))
        return false;
    uint32_t *place = sparse_place(&copy->frames, page);
    uint32_t own = place ? frames_take_raw(any_frame) : 0;
    if (own == 0)
        return client_discharge(copy->owner, 1), false;
    memcpy(frames_bytes(own), frames_bytes(frame), PAGE_SIZE);
    frames_note(own, FRAME_WRITTEN);
    *place = own;
    copy->resident++;
    copy->owner->copies++;
    return true;
}

/* Copies pages that will be written to. What cannot be had is not missed: it is shared, as all others are. Answers how
 * many. */
static uint32_t copy_early(const struct object *object, struct object *copy, uint64_t offset, uint64_t end_page,
                           uint32_t most)
{
    uint32_t copied = 0;
    for (uint64_t page = offset; (page = sparse_next(&object->frames, page, end_page)) != SPARSE_NONE;) {
        uint64_t count;
        const uint32_t *place = sparse_span(&object->frames, page, end_page, &count);
        uint32_t length = side_by_side(place, count), noted;
        bool any = frames_any_written(*place, length) && !frames_is_large(*place);
        for (uint32_t i = 0; any && i < length; i++) {
            noted = frames_noted(place[i], 1, FRAME_WRITTEN);
            if (noted && (copied == most || !copy_page_early(copy, page + i - offset, place[i])))
                return copied;
            copied += noted;
        }
        page += length;
    }
    return copied;
}

/* How many of `length` pages from `page` on the copy has not, or if it has the first, minus how many it has. */
static int64_t shared_run(const struct object *copy, uint64_t page, uint32_t length)
{
    bool own = sparse_get(&copy->frames, page) != 0;
    uint32_t run = 1;
    while (run < length && (sparse_get(&copy->frames, page + run) != 0) == own)
        run++;
    return own ? -(int64_t)run : run;
}

/* Nobody can write to the pages any more, but for those that the copy has already. */
static void protect_pages(const struct object *object, uint64_t from, uint64_t to, const struct object *copy)
{
    uint64_t offset = from;
    while ((from = sparse_next(&object->frames, from, to)) != SPARSE_NONE) {
        uint64_t count;
        const uint32_t *place = sparse_span(&object->frames, from, to, &count);
        bool whole = is_whole_block(place, count) && frames_protect_block(*place);
        int64_t length = whole ? BLOCK_PAGES : side_by_side(place, count);
        if (!whole && copy->resident > 0)
            length = shared_run(copy, from - offset, (uint32_t)length);
        if (!whole && length > 0)
            frames_protect(*place, (uint32_t)length);
        if (length > 0)
            object_lost(object, from, from + (uint64_t)length, false);
        from += (uint64_t)(length < 0 ? -length : length);
    }
}

/* Shares all pages that the copy has not; false if the quota has not enough. */
static bool share_pages(const struct object *object, uint64_t from, uint64_t to, struct object *copy, bool some)
{
    uint64_t offset = from;
    for (; (from = sparse_next(&object->frames, from, to)) != SPARSE_NONE; from++) {
        if (some && sparse_get(&copy->frames, from - offset) != 0)
            continue;
        if (!share_page(copy, from - offset, sparse_get(&object->frames, from)))
            return false;
        copy->shares = true;
    }
    return true;
}

struct object *object_copy(struct object *object, uint64_t offset, uint64_t pages, struct client *owner, uint32_t early)
{
    uint64_t end_page = offset + pages < object->pages ? offset + pages : object->pages;
    struct object *copy = object_create(owner, pages);
    if (!copy)
        return NULL;
    copy->large = object->large && pages % BLOCK_PAGES == 0;
    if (object->resident == 0)
        return copy;
    early = early ? copy_early(object, copy, offset, end_page, early) : 0;
    protect_pages(object, offset, end_page, copy);
    bool good = share_pages(object, offset, end_page, copy, early > 0);
    object->shares |= copy->shares;
    if (good)
        return copy;
    end(copy);
    return NULL;
}

/* ---- Capabilities ------------------------------------------------------------------------------------------------ */

bool object_export(struct object *object)
{
    if (object->owner->exports == CLIENT_EXPORTS_MAX)
        return false;
    for (uint32_t i = 1; i < EXPORTS_MAX; i++) {
        uint32_t index = next_export;
        next_export = index + 1 < EXPORTS_MAX ? index + 1 : 1;
        if (exports[index].object)
            continue;
        exports[index].object = object;
        object->export = index;
        object->owner->exports++;
        return true;
    }
    return false;
}

struct object *object_exported(uint32_t index, uint32_t generation)
{
    return index < EXPORTS_MAX && exports[index].generation == generation ? exports[index].object : NULL;
}

uint32_t object_generation(const struct object *object)
{
    return exports[object->export].generation;
}
