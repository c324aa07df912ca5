/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a mapping longer. See extend.h.
 *
 * By address no other mapping comes to stand on the other side of one that grows into free pages. By source, others may
 * begin at the same page: one that would begin earlier stays where it is in the tree only if the one before it begins
 * earlier still. While rights are being taken from mappings that stay, which goes through them by source (revoke.c),
 * none is made longer: its first pages could be passed over.
 */
#include "mem/extend.h"

#include "debug/panic.h"
#include "mem/mapping_tree.h"
#include "mem/memory.h"
#include "mem/revoke.h"
#include "mem/space.h"
#include "thread/task.h"

#define LAST_ENTRY 511

/* Is the page that is asked for the one beside those of `mapping`, at the source as well as here, and in the same
 * way? */
static bool belongs_to(const struct map_request *request, const struct mapping *mapping)
{
    uint64_t distance = request->address - mapping_address(mapping);
    return mapping->list == MAPPING_ON_NONE && mapping->memory == request->memory && mapping->giver == request->giver &&
           mapping->rights == request->rights && mapping->cache == request->cache &&
           request->source - mapping_source(mapping) == distance &&
           ((uint64_t)request->offset - mapping->offset) * PAGE_SIZE == distance;
}

/* Fills the entry in as the one beside it. False: they are not in one page table. */
static bool fill_entry(const struct map_request *request, int beside)
{
    uint64_t *entry = space_entry(&request->task->space, request->address);
    uint64_t index = request->address / PAGE_SIZE & LAST_ENTRY;
    if (!entry || index == (beside < 0 ? 0 : LAST_ENTRY) || !(entry[beside] & PTE_PRESENT))
        return false;
    assert(!(*entry & PTE_PRESENT));
    *entry = memory_frame(request->memory, request->offset) | (entry[beside] & ~(PTE_ADDRESS | PTE_USE));
    return true;
}

static bool extend_back(const struct map_request *request, struct mapping *mapping)
{
    if (!fill_entry(request, -1))
        return false;
    mapping->pages++;
    mapping->filled++;
    mapping_tree_resized(mapping);
    return true;
}

static bool extend_front(const struct map_request *request, struct mapping *mapping)
{
    const struct mapping *previous = mapping_tree_previous(mapping, MAPPING_BY_SOURCE);
    if ((previous && mapping_source(previous) >= request->source) || !fill_entry(request, 1))
        return false;
    mapping->links[MAPPING_BY_ADDRESS].start = request->address;
    mapping->links[MAPPING_BY_SOURCE].start = request->source;
    mapping->offset--;
    mapping->pages++;
    mapping->filled++;
    return true;
}

/* The mappings before and behind the page that is asked for, which may be far away. False: it is taken. */
static bool find_neighbours(const struct map_request *request, struct mapping_gap *gap)
{
    uint64_t start = request->address, end = start + PAGE_SIZE;
    struct mapping *recent = request->task->found;
    if (recent && mapping_address(recent) == end)
        *gap = (struct mapping_gap){mapping_tree_previous(recent, MAPPING_BY_ADDRESS), recent};
    else if (recent && mapping_end(recent) == start)
        *gap = (struct mapping_gap){recent, mapping_tree_next(recent, MAPPING_BY_ADDRESS)};
    else
        return mapping_find_gap(request->task, start, end, gap);
    return (!gap->before || mapping_end(gap->before) <= start) && (!gap->behind || mapping_address(gap->behind) >= end);
}

bool mapping_extend(struct map_request *request)
{
    uint64_t start = request->address, end = start + PAGE_SIZE;
    assert(request->pages == 1 && request->giver);
    if (start < USER_START || start >= UTCB_BASE || revoke_visits() || !find_neighbours(request, &request->gap))
        return false;
    request->is_free = true;
    struct mapping *before = request->gap.before, *behind = request->gap.behind;
    if (behind && mapping_address(behind) == end && belongs_to(request, behind) && extend_front(request, behind))
        request->task->found = behind;
    else if (before && mapping_end(before) == start && belongs_to(request, before) && extend_back(request, before))
        request->task->found = before;
    else
        return false;
    return true;
}
