/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: pages come into being, are copied, and are mapped; and the way back, unmapping. See books.h.
 *
 * Text that is there when an address space is copied is mapped at once: it will be used, and takes no faults. So is
 * what was noted, since copies before this one used it.
 *
 * A region that is gone through in order gets more pages at once, twice as many with each fault. One page is mapped by
 * the answer to the fault; several by a call of the kernel before it.
 *
 * What one mapping of the kernel has lies within a chunk. Where a hole in it takes a record for which the task's quota
 * has no room, all behind the hole is unmapped too, and comes back by faults.
 */
#include <assert.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/errors.h"
#include "idl/memory_service.h"
#include "region_table.h"

/* Error code of a page fault: Intel SDM volume 3, 4.7. */
#define FAULT_WRITE 2
#define FAULT_FETCH 16

#define MOST_AHEAD CHUNK_PAGES
#define MOST_EARLY 64 /* pages of a region that are looked at, to be mapped before they are touched */

/* The page that the last answer of FAULT_GO_ON_MAPPED maps. */
static struct {
    struct region *region;
    uint64_t page;
} answered;

/* ---- Unmapping --------------------------------------------------------------------------------------------------- */

/* Where the number at `index` stands, with room made for it; NULL if the quota has not enough. */
static inline uint32_t *place_at(struct sparse *sparse, uint64_t index)
{
    uint32_t *place = sparse_find(sparse, index);
    return place ? place : sparse_place(sparse, index);
}

static void forget_states(struct region *region, uint64_t from, uint64_t to)
{
    uint64_t count;
    for (; from < to; from += count) {
        uint32_t *states = sparse_span(&region->states, from, to, &count);
        if (states)
            memset(states, 0, count * sizeof(*states));
    }
}

static uint64_t address_of(const struct region *region, uint64_t page)
{
    return region->start + (page - region->offset) * PAGE_SIZE;
}

/* What the regions have in [start, end) is not mapped any more. */
static void forget_range(struct client *client, uint64_t start, uint64_t end)
{
    for (uint32_t i = regions_find(client, start); i < client->region_count; i++) {
        struct region *region = client->regions[i];
        if (region->start >= end)
            return;
        uint64_t from = start > region->start ? start - region->start : 0, to = end - region->start;
        uint64_t last = to < region->pages * PAGE_SIZE ? to / PAGE_SIZE : region->pages;
        forget_states(region, region->offset + from / PAGE_SIZE, region->offset + last);
    }
}

/* Unmaps [start, end), and where the task has no memory for dividing what is mapped on both sides of it, the whole 2
 * MiB that the range is a part of: nothing that is mapped reaches beyond both ends of those. That fails only where the
 * task itself has mapped something there, which is none of ours. */
static void unmap_range(struct client *client, uint64_t start, uint64_t end)
{
    int result = client->task_ended ? 0 : machine_unmap(client->task, start, (end - start) / PAGE_SIZE);
    client->task_ended |= result == -ERROR_DEAD;
    if (result != -ERROR_NO_MEMORY)
        return;
    uint64_t before = start / BLOCK_SIZE * BLOCK_SIZE, behind = (end + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
    before = before < USER_START ? USER_START : before;
    behind = behind > UTCB_BASE ? UTCB_BASE : behind;
    machine_unmap(client->task, before, (behind - before) / PAGE_SIZE);
    forget_range(client, before, start);
    forget_range(client, end, behind);
}

void region_unmap(struct region *region, uint64_t from, uint64_t to)
{
    if (from < region->offset)
        from = region->offset;
    if (to > region->offset + region->pages)
        to = region->offset + region->pages;
    from = region->mapped ? sparse_next(&region->states, from, to) : SPARSE_NONE;
    if (from == SPARSE_NONE)
        return;
    unmap_range(region->client, address_of(region, from), address_of(region, to));
    forget_states(region, from, to);
}

/* Pages of [from, to) that others keep when the region's object gives them up: from `*from` up to `*to`. False:
 * none. */
static bool kept_pages(const struct region *region, uint64_t *from, uint64_t *to)
{
    const struct sparse *frames = &region->object->frames;
    uint64_t first = SPARSE_NONE, last = 0;
    for (uint64_t page = *from;
         region->object->shares && (page = sparse_next(&region->states, page, *to)) != SPARSE_NONE; page++) {
        if (frames_users(sparse_get(frames, page)) == 1)
            continue;
        first = first == SPARSE_NONE ? page : first;
        last = page;
    }
    *from = first;
    *to = last + 1;
    return first != SPARSE_NONE;
}

static void unmap_kept(struct region *region, uint64_t from, uint64_t to)
{
    if (region->mapped && kept_pages(region, &from, &to))
        region_unmap(region, from, to);
}

void region_give_up(struct region *region, uint64_t from, uint64_t to)
{
    unmap_kept(region, from, to);
    if (region->mapped)
        forget_states(region, from, to);
}

void region_give_up_all(struct region *region)
{
    unmap_kept(region, region->offset, region->offset + region->pages);
}

static void states_lost(struct region *region, uint64_t from, uint64_t to, bool all)
{
    uint32_t left = all ? 0 : PAGE_MAPPED;
    while ((from = sparse_next(&region->states, from, to)) != SPARSE_NONE) {
        uint64_t count;
        uint32_t *states = sparse_span(&region->states, from, to, &count);
        for (uint64_t i = 0; i < count; i++)
            states[i] &= left;
        from += count;
    }
}

void object_lost(const struct object *object, uint64_t from, uint64_t to, bool all)
{
    for (struct region *region = object->regions; region; region = region->next) {
        uint64_t end = region->offset + region->pages;
        if (region->mapped)
            states_lost(region, from > region->offset ? from : region->offset, to < end ? to : end, all);
    }
}

/* ---- Pages of objects -------------------------------------------------------------------------------------------- */

/* Enters frames from `frame` on, which lie side by side, for pages that have none; answers how many it could. */
uint32_t object_enter_frames(struct object *object, uint64_t page, uint32_t frame, uint32_t count)
{
    uint32_t entered = 0;
    while (entered < count) {
        uint64_t some;
        uint32_t *places = sparse_place(&object->frames, page + entered);
        if (!places)
            break;
        sparse_span(&object->frames, page + entered, page + count, &some);
        if (!client_charge(object->owner, some) && !client_charge(object->owner, some = 1))
            break;
        for (uint64_t i = 0; i < some; i++)
            places[i] = frame + entered++;
    }
    object->resident += entered;
    return entered;
}

/* Makes up to `count` pages from `page` on, which have none yet; answers how many. */
static uint64_t make_pages(const struct region *region, uint64_t page, uint64_t count)
{
    struct object *object = region->object;
    uint64_t left = client_left(object->owner);
    uint32_t taken = (uint32_t)(count < left ? count : left);
    uint32_t first = taken > 0 ? frames_take_near(region->next_frame, &taken) : 0;
    if (first == 0)
        return 0;
    uint32_t entered = object_enter_frames(object, page, first, taken);
    if (entered < taken)
        frames_release(first + entered, taken - entered);
    return entered;
}

/* The same for one page, where its place is there (else NULL). Answers the frame, 0: there is none. */
static uint32_t make_page(struct object *object, uint32_t *place, struct frame_hint hint)
{
    if (!place || !client_charge(object->owner, 1))
        return 0;
    uint32_t frame = frames_take_one(hint);
    if (frame == 0)
        return client_discharge(object->owner, 1), 0;
    object->resident++;
    return *place = frame;
}

static const struct frame_hint any_frame;

/* Gives the object a frame of its own for a page that it shares with others. Its owner pays for the page already. Where
 * those are gone, it is just that frame. */
static uint32_t copy_page(struct object *object, uint64_t page, struct frame_hint hint)
{
    uint32_t *place = sparse_find(&object->frames, page);
    uint32_t old = *place;
    if (frames_users(old) == 1) {
        frames_own(old);
        object_lost(object, page, page + 1, true);
        frames_note(old, FRAME_WRITTEN);
        return old;
    }
    uint32_t copy = frames_take_raw(hint);
    if (copy == 0)
        return 0;
    memcpy(frames_bytes(copy), frames_bytes(old), PAGE_SIZE);
    object_unmap(object, page, page + 1);
    frames_note(old, FRAME_WRITTEN);
    frames_note(copy, FRAME_WRITTEN);
    frames_release(old, 1);
    return *place = copy;
}

/* Has the page a frame that may be written to? Makes one if not. */
static bool own_page(struct object *object, uint64_t page)
{
    if (!large_prepare(object, page))
        return false;
    uint32_t frame = sparse_get(&object->frames, page);
    if (frame == 0)
        return make_page(object, place_at(&object->frames, page), any_frame) != 0;
    return !frames_is_shared(frame) || copy_page(object, page, any_frame) != 0;
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

/* ---- Mapping ----------------------------------------------------------------------------------------------------- */

static bool enter_states(struct region *region, uint64_t page, uint64_t count, uint32_t state)
{
    uint64_t end = page + count, some;
    region->mapped = true;
    for (uint64_t from = page; from < end; from += some) {
        uint32_t *places = sparse_place(&region->states, from);
        if (!places)
            return forget_states(region, page, from), false;
        sparse_span(&region->states, from, end, &some);
        for (uint64_t i = 0; i < some; i++)
            places[i] = state;
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

/* The rights with which a frame of the region may be mapped. */
static uint32_t rights_for(const struct region *region, uint32_t frame)
{
    return frames_is_shared(frame) ? region->rights & ~(uint32_t)RIGHT_WRITE : region->rights;
}

static uint32_t state_for(uint32_t rights)
{
    return PAGE_MAPPED | (rights & RIGHT_WRITE ? PAGE_WRITABLE : 0);
}

enum fault_answer fault_map(struct region *region, uint64_t page, uint32_t frame, uint64_t count)
{
    uint32_t rights = rights_for(region, frame);
    if (!enter_states(region, page, count, state_for(rights)))
        return FAULT_REFUSED;
    if (rights & RIGHT_EXECUTE)
        frames_executed(frame, (uint32_t)count);
    if (machine_map(frames_chunk(frame), frames_object_page(frame), frame, region->client->task,
                    address_of(region, page), (uint32_t)count, rights) == 0)
        return FAULT_GO_ON;
    forget_states(region, page, page + count);
    return FAULT_REFUSED;
}

/* An access to a pinned object: maps what of the region lies in these 2 MiB, or if some of that is mapped, what is not
 * from the page on. Holes can be made then as unmap_range() does it. */
static enum fault_answer serve_pinned(struct region *region, uint64_t page)
{
    uint64_t within = address_of(region, page) / PAGE_SIZE % BLOCK_PAGES;
    uint64_t first = within < page - region->offset ? page - within : region->offset;
    uint64_t end = region->offset + region->pages, last = page - within + BLOCK_PAGES;
    uint64_t mapped = sparse_next(&region->states, first, end < last ? end : last);
    if (mapped < page)
        mapped = sparse_next(&region->states, first = page, end < last ? end : last);
    end = mapped != SPARSE_NONE ? mapped : end < last ? end : last;
    if (!enter_states(region, first, end - first, state_for(region->rights)))
        return FAULT_REFUSED;
    if (machine_map_object(region->object->pinned, first, region->client->task, address_of(region, first),
                           (uint32_t)(end - first), region->rights) == 0)
        return FAULT_GO_ON;
    forget_states(region, first, end);
    return FAULT_REFUSED;
}

/* How many of `count` pages, if their frames lie side by side from `frame` on, are to be mapped early; 0: the first one
 * is not. */
static uint32_t early_pages(const struct region *region, uint32_t frame, uint32_t count)
{
    if (region->rights & RIGHT_EXECUTE)
        return count;
    uint32_t written = frames_noted(frame, count, FRAME_WRITTEN);
    if (written > 0 && !frames_is_shared(frame)) /* its own: if not by itself, it was written for it */
        return written;
    return written > 0 && (region->rights & RIGHT_WRITE) ? 0 : frames_noted(frame, count, FRAME_READ);
}

/* What is to be mapped for one task by one call of the kernel, and of which regions. */
static struct {
    struct machine_run runs[MACHINE_RUNS];
    struct region *regions[MACHINE_RUNS];
    uint32_t count;
} early;

void regions_map_rest(void)
{
    uint32_t count = early.count;
    uint32_t mapped = count ? machine_map_list(early.regions[0]->client->task, early.runs, count) : 0;
    early.count = 0;
    for (uint32_t i = mapped; i < count; i++) {
        const struct machine_run *run = &early.runs[i];
        uint64_t page = early.regions[i]->offset + (run->address - early.regions[i]->start) / PAGE_SIZE;
        forget_states(early.regions[i], page, page + run->pages);
    }
}

/* Has `count` pages mapped that fault_map() could map. False: there is no room in the books. */
static bool map_early(struct region *region, uint64_t page, uint32_t frame, uint32_t count)
{
    uint32_t rights = rights_for(region, frame);
    if (!enter_states(region, page, count, state_for(rights)))
        return false;
    if (rights & RIGHT_EXECUTE)
        frames_executed(frame, count);
    early.runs[early.count] = (struct machine_run){frame, count, rights, address_of(region, page)};
    early.regions[early.count++] = region;
    if (early.count == MACHINE_RUNS)
        regions_map_rest();
    return true;
}

void region_map_early(struct region *region)
{
    const struct sparse *frames = &region->object->frames;
    uint64_t from = region->offset, end = from + region->pages;
    for (uint32_t left = MOST_EARLY; left > 0 && (from = sparse_next(frames, from, end)) != SPARSE_NONE;) {
        uint32_t frame = sparse_get(frames, from);
        uint64_t most = left < end - from ? left : end - from;
        uint32_t some = early_pages(region, frame, (uint32_t)most);
        some = some > 1 ? (uint32_t)run_length(region, from, some) : some;
        if (some > 0 && !map_early(region, from, frame, some))
            return;
        from += some > 0 ? some : 1;
        left -= some > 0 ? some : 1;
    }
}

/* One page, whose state stands at `state` if that is not NULL. It is left to the answer, but where it is to be
 * executed: the server's own pages cannot be. */
static enum fault_answer map_page(struct region *region, uint64_t page, uint32_t frame, uint32_t rights,
                                  uint32_t *state)
{
    state = state ? state : sparse_place(&region->states, page);
    if (rights & RIGHT_EXECUTE)
        return fault_map(region, page, frame, 1);
    if (!state)
        return FAULT_REFUSED;
    *state = state_for(rights);
    region->mapped = true;
    machine_answer_page(frames_bytes(frame), rights);
    answered.region = region;
    answered.page = page;
    return FAULT_GO_ON_MAPPED;
}

void fault_not_mapped(void)
{
    forget_states(answered.region, answered.page, answered.page + 1);
}

/* ---- The policy -------------------------------------------------------------------------------------------------- */

/* How many pages from `page` on are to be there after this fault. */
static uint64_t wanted_pages(struct region *region, uint64_t page)
{
    uint64_t left = region->offset + region->pages - page;
    if (page != region->next_page || region->ahead == 0)
        region->ahead = region->object->large ? LARGE_FROM : 1;
    else if (region->ahead < MOST_AHEAD)
        region->ahead = (uint8_t)(region->ahead * 2);
    if (left > region->object->pages - page)
        left = region->object->pages - page;
    return region->ahead < left ? region->ahead : left;
}

/* How many pages from `page` on, `most` at most, have no frame. */
static uint64_t empty_pages(const struct object *object, uint64_t page, uint64_t most)
{
    uint64_t end = sparse_next(&object->frames, page, page + most);
    return end == SPARSE_NONE ? most : end - page;
}

/* The frame that the page should have: if the region is gone through in order, up or down, the one that can be mapped
 * together with its neighbour. */
static inline __attribute__((always_inline)) struct frame_hint wanted_frame(const struct region *region, uint64_t page)
{
    if (page == region->next_page && region->next_frame != 0)
        return (struct frame_hint){region->next_frame, false};
    if (page + 2 == region->next_page)
        return (struct frame_hint){region->next_frame - 2, true};
    return (struct frame_hint){region->pages >= BLOCK_PAGES ? large_hint(region, page) : 0, false};
}

/* Maps `count` pages at most from `page` on, which has a frame that may be mapped for the access. */
static enum fault_answer map_run(struct region *region, uint64_t page, uint32_t frame, uint64_t count)
{
    enum fault_answer answer = count > 1 ? fault_map(region, page, frame, count) : FAULT_REFUSED;
    if (answer == FAULT_REFUSED)
        answer = map_page(region, page, frame, rights_for(region, frame), sparse_find(&region->states, page)),
        count = 1;
    region->next_page = page + count;
    region->next_frame = frame + (uint32_t)count;
    return answer;
}

/* The first access to several pages. */
static __attribute__((noinline)) enum fault_answer serve_empty_run(struct region *region, uint64_t page,
                                                                   uint64_t wanted)
{
    const struct object *object = region->object;
    uint64_t count = make_pages(region, page, empty_pages(object, page, wanted));
    return count ? map_run(region, page, sparse_get(&object->frames, page), count) : FAULT_REFUSED;
}

/* Where the numbers of a page of a region stand, as they were looked up; NULL: there is no place yet. */
struct places {
    uint32_t *frame, *state;
};

static inline struct places find_places(const struct region *region, uint64_t page)
{
    return (struct places){sparse_find(&region->object->frames, page), sparse_find(&region->states, page)};
}

/* The first access to a page. */
static inline __attribute__((always_inline)) enum fault_answer serve_empty(struct region *region, uint64_t page,
                                                                           struct places places)
{
    struct object *object = region->object;
    uint32_t *place = places.frame ? places.frame : sparse_place(&object->frames, page);
    uint32_t frame = make_page(object, place, wanted_frame(region, page));
    if (frame == 0)
        return FAULT_REFUSED;
    region->next_page = page + 1;
    region->next_frame = frame + 1;
    return map_page(region, page, frame, region->rights, places.state);
}

/* The first writing to a page that others have too. */
static enum fault_answer serve_shared(struct region *region, uint64_t page, uint32_t shared)
{
    uint32_t frame = copy_page(region->object, page, wanted_frame(region, page));
    region->client->copies += frame != 0 && frame != shared;
    return frame ? map_run(region, page, frame, 1) : FAULT_REFUSED;
}

/* Is the frame written to that others had, and that is the region's own by now? Then it is recalled. */
static bool is_left_alone(uint32_t frame, uint32_t error)
{
    return (error & FAULT_WRITE) && frames_is_shared(frame) && frames_users(frame) == 1;
}

/* Is the page written to, and shared with others, so that it is copied? */
static inline bool is_to_be_copied(uint32_t frame, uint32_t error)
{
    return (error & FAULT_WRITE) && frames_is_shared(frame);
}

/* The pages about this one: so many as are wanted, or can be had together. */
static inline __attribute__((always_inline)) enum fault_answer
serve_some(struct region *region, uint64_t page, uint64_t wanted, uint32_t error, struct places places)
{
    uint32_t frame = places.frame ? *places.frame : 0;
    if (frame == 0)
        return wanted > 1 ? serve_empty_run(region, page, wanted) : serve_empty(region, page, places);
    if (is_to_be_copied(frame, error))
        return serve_shared(region, page, frame);
    frames_note(frame, FRAME_READ);
    return map_run(region, page, frame, wanted > 1 ? run_length(region, page, wanted) : 1);
}

/* The same where it may be a large page that is wanted. What is not one ends where the next one may begin. */
static __attribute__((noinline)) enum fault_answer serve_many(struct region *region, uint64_t page, uint64_t wanted,
                                                              uint32_t error)
{
    uint64_t left = BLOCK_PAGES - address_of(region, page) / PAGE_SIZE % BLOCK_PAGES;
    uint32_t frame = sparse_get(&region->object->frames, page);
    if (region->object->pinned)
        return serve_pinned(region, page);
    if (!large_prepare(region->object, page))
        return FAULT_REFUSED;
    if ((frame == 0 || !is_to_be_copied(frame, error)) && large_serve(region, page) == FAULT_GO_ON)
        return FAULT_GO_ON;
    return serve_some(region, page, wanted < left ? wanted : left, error, find_places(region, page));
}

static enum fault_answer serve(struct region *region, uint64_t page, uint32_t error)
{
    struct places places = find_places(region, page);
    uint32_t frame = places.frame ? *places.frame : 0;
    /* Where it is not there, another thread touched it first, or the task took it out itself, or lost it with what was
     * recalled beside it. It is mapped anew. */
    if (places.state && *places.state != 0 && !is_left_alone(frame, error))
        region_unmap(region, page, page + 1);
    uint64_t wanted = wanted_pages(region, page);
    if (region->ahead >= LARGE_FROM)
        return serve_many(region, page, wanted, error);
    return serve_some(region, page, wanted, error, places);
}

static uint32_t needed_right(uint32_t error)
{
    return error & FAULT_FETCH ? RIGHT_EXECUTE : error & FAULT_WRITE ? RIGHT_WRITE : RIGHT_READ;
}

static bool holds(const struct region *region, uint64_t address)
{
    return address - region->start < region->pages * PAGE_SIZE;
}

/* The region that holds the address, NULL if there is none. The next fault will be there too, as a rule. */
static struct region *find_region(struct client *client, uint64_t address)
{
    uint32_t index = client->recent;
    if (index >= client->region_count || !holds(client->regions[index], address))
        index = regions_find(client, address);
    if (index == client->region_count || !holds(client->regions[index], address))
        return NULL;
    client->recent = index;
    return client->regions[index];
}

enum fault_answer fault_serve(struct client *client, uint64_t address, uint32_t error)
{
    struct region *region = find_region(client, address);
    enum fault_answer answer = FAULT_REFUSED;
    if (region && (region->rights & needed_right(error))) {
        uint64_t page = region->offset + (address - region->start) / PAGE_SIZE;
        if (page < region->object->pages)
            answer = serve(region, page, error);
    }
    if (answer == FAULT_REFUSED)
        client->refused++;
    else
        client->faults++;
    return answer;
}
