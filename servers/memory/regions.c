/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: attaching, and taking apart. See books.h.
 *
 * What a range of addresses cuts in two is split first; the part behind the cut is unmapped then, since it gets books
 * of its own, and comes back by faults.
 */
#include <assert.h>

#include "abi/capability.h"
#include "idl/memory_service.h"
#include "region_table.h"

/* The page of the object that lies at `address`. */
static uint64_t page_at(const struct region *region, uint64_t address)
{
    return region->offset + (address - region->start) / PAGE_SIZE;
}

static void link_to_object(struct region *region)
{
    struct object *object = region->object;
    region->previous = NULL;
    region->next = object->regions;
    if (region->next)
        region->next->previous = region;
    object->regions = region;
    object->region_count++;
}

static void unlink_from_object(struct region *region)
{
    struct object *object = region->object;
    if (region->next)
        region->next->previous = region->previous;
    if (region->previous)
        region->previous->next = region->next;
    else
        object->regions = region->next;
    object->region_count--;
}

/* A copy of `model` in the table of its client; NULL, and the error. */
static struct region *add_region(const struct region *model, int *error)
{
    struct client *client = model->client;
    struct region *region = record_take(client);
    *error = MEMORY_ERROR_QUOTA;
    if (!region)
        return NULL;
    *region = *model;
    region->mapped = false;
    sparse_init(&region->states, client, region->offset + region->pages);
    *error = region_table_add(client, region);
    if (*error) {
        record_give(client, region);
        return NULL;
    }
    link_to_object(region);
    return region;
}

static bool rights_are_good(uint32_t rights)
{
    return (rights & (RIGHT_WRITE | RIGHT_EXECUTE)) != (RIGHT_WRITE | RIGHT_EXECUTE) && !(rights & RIGHT_COPY);
}

/* Memory cannot be mapped without being readable. */
static uint32_t with_read(uint32_t rights)
{
    return rights ? rights | RIGHT_READ : 0;
}

static bool is_free(const struct client *client, uint64_t start, uint64_t pages)
{
    uint32_t index = regions_find(client, start);
    return index == client->region_count || client->regions[index]->start >= start + pages * PAGE_SIZE;
}

int region_attach(struct client *client, struct object *object, uint64_t *start, uint64_t pages, uint64_t offset,
                  uint32_t rights, uint32_t allowed)
{
    int error;
    if (client->task == 0)
        return MEMORY_ERROR_NO_SPACE;
    if (!rights_are_good(rights) || (with_read(rights) & ~allowed))
        return MEMORY_ERROR_NOT_ALLOWED;
    if (pages == 0 || pages > object->pages || offset > object->pages - pages)
        return MEMORY_ERROR_BAD_RANGE;
    if (*start != 0 && !range_is_good(*start, pages))
        return MEMORY_ERROR_BAD_RANGE;
    if (*start != 0 && !is_free(client, *start, pages))
        return MEMORY_ERROR_OCCUPIED;
    if (*start == 0 && (*start = regions_gap(client, pages)) == 0)
        return MEMORY_ERROR_OCCUPIED;
    const struct region model = {.client = client,
                                 .object = object,
                                 .start = *start,
                                 .pages = pages,
                                 .offset = offset,
                                 .rights = (uint8_t)with_read(rights),
                                 .allowed = (uint8_t)allowed};
    add_region(&model, &error);
    return error;
}

void region_remove(struct region *region)
{
    if (region_is_own(region))
        region_give_up_all(region);
    else
        region_unmap(region, region->offset, region->offset + region->pages);
    region_table_remove(region);
    unlink_from_object(region);
    sparse_free(&region->states);
    record_give(region->client, region);
}

/* Makes what a region has from `address` on a region of its own. */
static int split(struct region *region, uint64_t address)
{
    struct region upper = *region;
    uint64_t pages = region->pages;
    int error;
    region_unmap(region, page_at(region, address), region->offset + region->pages);
    upper.start = address;
    upper.offset = page_at(region, address);
    upper.pages = region->pages - (address - region->start) / PAGE_SIZE;
    region->pages -= upper.pages;
    if (!add_region(&upper, &error))
        region->pages = pages;
    return error;
}

/* Sees to it that no region of the client lies on both sides of `address`. */
static int split_at(struct client *client, uint64_t address)
{
    uint32_t index = regions_find(client, address);
    if (index == client->region_count || client->regions[index]->start >= address)
        return 0;
    return split(client->regions[index], address);
}

static int split_around(struct client *client, uint64_t address, uint64_t end)
{
    int error = split_at(client, end);
    return error ? error : split_at(client, address);
}

/* Takes a region away, and what its object had for it alone. */
static void drop(struct region *region)
{
    struct object *object = region->object;
    uint64_t from = region->offset, to = region->offset + region->pages;
    bool own = region_is_own(region);
    region_remove(region);
    if (own)
        object_forget(object, from, to);
    object_drop_unused(object);
}

/* Shortens a region by what it has from `address` on: no books need to be made for that. */
static void cut_tail(struct region *region, uint64_t address)
{
    uint64_t from = page_at(region, address), to = region->offset + region->pages;
    if (region_is_own(region)) {
        region_give_up(region, from, to);
        object_forget(region->object, from, to);
    } else {
        region_unmap(region, from, to);
    }
    region->pages = from - region->offset;
    region_table_gap(region->client, address);
}

int regions_detach(struct client *client, uint64_t address, uint64_t pages)
{
    uint64_t end = address + pages * PAGE_SIZE;
    if (!range_is_good(address, pages))
        return MEMORY_ERROR_BAD_RANGE;
    uint32_t index = regions_find(client, address);
    if (index == client->region_count || region_end(client->regions[index]) != end) {
        int error = split_at(client, end); /* what is split off comes behind that one */
        if (error)
            return error;
    }
    if (index < client->region_count && client->regions[index]->start < address)
        cut_tail(client->regions[index++], address);
    while (index < client->region_count && client->regions[index]->start < end)
        drop(client->regions[index]);
    return 0;
}

/* Is the whole range attached, with regions that allow `rights`? */
static int check_protect(const struct client *client, uint64_t address, uint64_t end, uint32_t rights)
{
    for (uint32_t i = regions_find(client, address); address < end; i++) {
        if (i == client->region_count || client->regions[i]->start > address)
            return MEMORY_ERROR_NO_REGION;
        if (rights & ~client->regions[i]->allowed)
            return MEMORY_ERROR_NOT_ALLOWED;
        address = region_end(client->regions[i]);
    }
    return 0;
}

/* What is mapped with rights that the region no longer has is unmapped; new rights come with the next fault. */
static void set_rights(struct region *region, uint32_t rights)
{
    if (region->rights & ~rights)
        region_unmap(region, region->offset, region->offset + region->pages);
    region->rights = (uint8_t)rights;
}

int regions_protect(struct client *client, uint64_t address, uint64_t pages, uint32_t rights)
{
    uint64_t end = address + pages * PAGE_SIZE;
    if (!range_is_good(address, pages))
        return MEMORY_ERROR_BAD_RANGE;
    if (!rights_are_good(rights))
        return MEMORY_ERROR_NOT_ALLOWED;
    int error = check_protect(client, address, end, with_read(rights));
    if (error == 0)
        error = split_around(client, address, end);
    if (error)
        return error;
    uint32_t index = regions_find(client, address);
    for (; index < client->region_count && client->regions[index]->start < end; index++)
        set_rights(client->regions[index], with_read(rights));
    return 0;
}

int regions_discard(struct client *client, uint64_t address, uint64_t pages)
{
    uint64_t end = address + pages * PAGE_SIZE;
    if (!range_is_good(address, pages))
        return MEMORY_ERROR_BAD_RANGE;
    uint32_t index = regions_find(client, address);
    for (; index < client->region_count && client->regions[index]->start < end; index++) {
        struct region *region = client->regions[index];
        uint64_t from = page_at(region, address > region->start ? address : region->start);
        uint64_t to = page_at(region, end < region_end(region) ? end : region_end(region));
        if (!region_is_own(region))
            continue;
        region_give_up(region, from, to);
        object_forget(region->object, from, to);
    }
    return 0;
}

/* ---- Changing the size ------------------------------------------------------------------------------------------- */

/* Do other regions of the object have pages in [from, to)? After mprotect in the middle of one they may. */
static bool pages_are_taken(const struct region *region, uint64_t from, uint64_t to)
{
    for (const struct region *other = region->object->regions; other; other = other->next)
        if (other != region && other->offset < to && from < other->offset + other->pages)
            return true;
    return false;
}

/* Moves a region to where `pages` pages have room. Nothing can fail once it has left the table: there is room for
 * it. */
static int move_region(struct region *region, uint64_t pages)
{
    uint64_t start = regions_gap(region->client, pages);
    if (start == 0)
        return MEMORY_ERROR_OCCUPIED;
    region_unmap(region, region->offset, region->offset + region->pages);
    region_table_remove(region);
    region->start = start;
    int error = region_table_add(region->client, region);
    assert(error == 0);
    return error;
}

static int grow(struct region *region, uint64_t pages, bool move)
{
    struct object *object = region->object;
    uint64_t old_end = region->offset + region->pages, new_end = region->offset + pages;
    if (new_end > SPARSE_MAX_PAGES || pages_are_taken(region, old_end, new_end))
        return MEMORY_ERROR_OCCUPIED;
    if (!sparse_grow(&object->frames, new_end) || !sparse_grow(&region->states, new_end))
        return MEMORY_ERROR_QUOTA;
    bool room =
        range_is_good(region->start, pages) && is_free(region->client, region_end(region), pages - region->pages);
    int error = room ? 0 : move ? move_region(region, pages) : MEMORY_ERROR_OCCUPIED;
    if (error)
        return error;
    if (object->pages < new_end)
        object->pages = new_end;
    region->pages = pages;
    if (region->start <= region->client->gap && region->client->gap < region_end(region))
        region->client->gap = region_end(region);
    return 0;
}

/* May its client change its size? Not where it is somebody else's memory, or has a capability and a size of its own. */
static bool can_be_resized(const struct region *region)
{
    return region->object->export == 0 && region->object->owner == region->client;
}

int regions_resize(struct client *client, uint64_t *address, uint64_t pages, bool move)
{
    uint32_t index = regions_find(client, *address);
    if (pages == 0 || pages > SPARSE_MAX_PAGES || *address % PAGE_SIZE != 0)
        return MEMORY_ERROR_BAD_RANGE;
    if (index == client->region_count || client->regions[index]->start != *address)
        return MEMORY_ERROR_NO_REGION;
    struct region *region = client->regions[index];
    if (!can_be_resized(region))
        return MEMORY_ERROR_NOT_ALLOWED;
    if (pages > region->pages) {
        int error = grow(region, pages, move);
        *address = region->start;
        return error;
    }
    if (pages < region->pages)
        cut_tail(region, *address + pages * PAGE_SIZE);
    return 0;
}

/* ---- Copying a whole address space ------------------------------------------------------------------------------- */

/* Pages of a region that a copy gets at once, since others before it wrote to theirs: a process may be copied only to
 * run another file, and what it pays for that must not depend on how much it writes otherwise. */
#define EARLY_PAGES 16

static int copy_region(const struct region *region, struct client *to)
{
    struct region copy = *region;
    int error;
    copy.client = to;
    if (region_is_own(region)) {
        copy.object = object_copy(region->object, region->offset, region->pages, to, EARLY_PAGES);
        copy.offset = 0;
    }
    if (!copy.object)
        return MEMORY_ERROR_QUOTA;
    struct region *added = add_region(&copy, &error);
    if (error)
        object_drop_unused(copy.object);
    else if (added->rights)
        region_map_early(added);
    return error;
}

int regions_copy(const struct client *from, struct client *to)
{
    int error = 0;
    if (to->task == 0 || to->region_count > 0 || from == to)
        return MEMORY_ERROR_NO_SPACE;
    for (uint32_t i = 0; i < from->region_count && error == 0; i++)
        error = copy_region(from->regions[i], to);
    regions_map_rest();
    while (error && to->region_count > 0)
        drop(to->regions[0]);
    return error;
}
