/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings. See mapping.h.
 *
 * Everything that grows with the number of pages, or of mappings, goes piece by piece, and between two pieces anything may
 * happen: a piece looks up what it works on, and leaves all invariants true. A mapping that is made claims all its
 * addresses at once and is filled from the front; one that goes loses its last pages first, or its first ones.
 *
 * What was derived from pages that go is not lost: it counts as derived from where those pages came from. That takes a
 * mapping out of one tree and into another, and where it reaches beyond the pages that go, it is split first. The one case
 * in which it is lost is that there is no memory for the split, which its own task would have to pay: then it is an
 * orphan (without a source), and goes whole.
 */
#include "mem/mapping.h"

#include "abi/capability.h"
#include "cap/factory.h"
#include "debug/panic.h"
#include "mem/mapping_tree.h"
#include "mem/memory.h"
#include "mem/slab.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"

/* In a piece of work. */
#define FILLED_AT_ONCE 48
#define CLEARED_AT_ONCE 32
#define PASSED_AT_ONCE 4

static struct mapping *abandoned; /* to be taken back */

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

static void list_insert(struct mapping **list, struct mapping *mapping)
{
    mapping->list_next = *list;
    mapping->list_place = list;
    if (*list)
        (*list)->list_place = &mapping->list_next;
    *list = mapping;
}

static void list_remove(struct mapping *mapping)
{
    if (!mapping->list_place)
        return;
    *mapping->list_place = mapping->list_next;
    if (mapping->list_next)
        mapping->list_next->list_place = mapping->list_place;
    mapping->list_next = 0;
    mapping->list_place = 0;
}

static void abandon(struct mapping *mapping)
{
    list_remove(mapping);
    list_insert(&abandoned, mapping);
}

bool mapping_any_abandoned(void)
{
    return abandoned;
}

/* ---- Records ----------------------------------------------------------------------------------------------------- */

static struct factory *payer_of(const struct mapping *mapping)
{
    return mapping->task->object.payer;
}

/* The tree in which a mapping stands by its source. */
static struct mapping **sources(const struct mapping *mapping)
{
    return mapping->giver ? &mapping->giver->given : &mapping->memory->mappings;
}

static uint64_t source_end(const struct mapping *mapping)
{
    return mapping_source(mapping) + mapping_size(mapping);
}

struct mapping *mapping_find(const struct task *task, uint64_t start, uint64_t end)
{
    return mapping_tree_find_address(task->mappings, start, end);
}

static struct mapping *create(const struct map_request *request)
{
    struct mapping *mapping = slab_allocate(request->task->object.payer, sizeof(struct mapping));
    if (!mapping)
        return 0;
    mapping->memory = request->memory;
    mapping->task = request->task;
    mapping->giver = request->giver;
    mapping->offset = request->offset;
    mapping->pages = request->pages;
    mapping->rights = (uint16_t)request->rights;
    mapping->links[MAPPING_BY_ADDRESS].start = request->address;
    mapping->links[MAPPING_BY_SOURCE].start = request->source;
    mapping_tree_insert(&mapping->task->mappings, mapping, MAPPING_BY_ADDRESS);
    mapping_tree_insert(sources(mapping), mapping, MAPPING_BY_SOURCE);
    return mapping;
}

static void detach(struct mapping *mapping)
{
    if (!mapping->orphan)
        mapping_tree_remove(sources(mapping), mapping, MAPPING_BY_SOURCE);
    mapping->orphan = true;
}

static void destroy(struct mapping *mapping)
{
    list_remove(mapping);
    detach(mapping);
    mapping_tree_remove(&mapping->task->mappings, mapping, MAPPING_BY_ADDRESS);
    slab_free(mapping);
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

struct mapping *mapping_split(struct mapping *mapping, uint64_t address)
{
    uint32_t before = (uint32_t)((address - mapping_address(mapping)) / PAGE_SIZE);
    struct map_request request = {
        .memory = mapping->memory,
        .task = mapping->task,
        .giver = mapping->giver,
        .address = address,
        .source = mapping_source(mapping) + (uint64_t)before * PAGE_SIZE,
        .offset = mapping->offset + before,
        .pages = mapping->pages - before,
        .rights = mapping->rights,
    };
    assert(before > 0 && before < mapping->pages && !mapping->list_place);
    struct mapping *after = create(&request);
    if (!after)
        return 0;
    after->filled = after->pages;
    mapping->filled = mapping->pages = before;
    mapping_tree_resized(mapping);
    return after;
}

/* ---- Unmapping --------------------------------------------------------------------------------------------------- */

/* It is to go whole, and what was derived from it with it. */
static void make_orphan(struct mapping *mapping)
{
    detach(mapping);
    abandon(mapping);
}

/* What `mapping` has of the source [start, end) as a mapping of its own; 0: it had to be made an orphan. */
static struct mapping *isolate(struct mapping *mapping, uint64_t start, uint64_t end)
{
    uint64_t distance = mapping_address(mapping) - mapping_source(mapping);
    struct mapping *part = mapping_source(mapping) < start || end < source_end(mapping) ? 0 : mapping;
    if (part)
        return part;
    if (!mapping->list_place && (end >= source_end(mapping) || mapping_split(mapping, end + distance)))
        part = mapping_source(mapping) < start ? mapping_split(mapping, start + distance) : mapping;
    if (!part)
        make_orphan(mapping);
    return part;
}

/* One of the mappings that were derived from [start, end) of `mapping` counts as derived from its source. False: there is
 * none left. */
static bool pass_one(struct mapping *mapping, uint64_t start, uint64_t end)
{
    struct mapping *derived = mapping_tree_find_source(mapping->task->given, start, end);
    if (!derived)
        return false;
    if (mapping->orphan) {
        make_orphan(derived);
        return true;
    }
    derived = isolate(derived, start, end);
    if (!derived)
        return true;
    mapping_tree_remove(sources(derived), derived, MAPPING_BY_SOURCE);
    derived->giver = mapping->giver;
    derived->links[MAPPING_BY_SOURCE].start += mapping_source(mapping) - mapping_address(mapping);
    mapping_tree_insert(sources(derived), derived, MAPPING_BY_SOURCE);
    return true;
}

static bool pass_some(struct mapping *mapping, uint64_t start, uint64_t end)
{
    for (int i = 0; i < PASSED_AT_ONCE; i++)
        if (!pass_one(mapping, start, end))
            return true;
    return false;
}

/* The first pages of a mapping, which keeps others, are gone. */
static void cut_front(struct mapping *mapping, uint32_t pages)
{
    if (!mapping->orphan)
        mapping_tree_remove(sources(mapping), mapping, MAPPING_BY_SOURCE);
    for (int order = 0; order < MAPPING_ORDERS; order++)
        mapping->links[order].start += (uint64_t)pages * PAGE_SIZE;
    mapping->offset += pages;
    mapping->pages -= pages;
    mapping->filled -= lesser(mapping->filled, pages);
    if (!mapping->orphan)
        mapping_tree_insert(sources(mapping), mapping, MAPPING_BY_SOURCE);
}

static void cut_back(struct mapping *mapping, uint32_t pages)
{
    mapping->pages -= pages;
    mapping->filled = lesser(mapping->filled, mapping->pages);
    if (mapping->pages == 0)
        destroy(mapping);
    else if (!mapping->orphan)
        mapping_tree_resized(mapping);
}

bool mapping_drop_piece(struct mapping *mapping, uint64_t start, uint64_t end)
{
    uint32_t pages = (uint32_t)((end - start) / PAGE_SIZE), some = lesser(pages, CLEARED_AT_ONCE);
    assert(start == mapping_address(mapping) || end == mapping_end(mapping));
    if (!pass_some(mapping, start, end))
        return false;
    if (end == mapping_end(mapping)) {
        space_unmap_pages(&mapping->task->space, end - (uint64_t)some * PAGE_SIZE, some);
        cut_back(mapping, some);
    } else {
        space_unmap_pages(&mapping->task->space, start, some);
        cut_front(mapping, some);
    }
    return some == pages;
}

bool mapping_abandoned_piece(void)
{
    struct mapping *mapping = abandoned;
    if (mapping)
        mapping_drop_piece(mapping, mapping_address(mapping), mapping_end(mapping));
    return mapping;
}

bool mapping_drop_task_piece(struct task *task)
{
    if (task->mappings)
        mapping_drop_piece(task->mappings, mapping_address(task->mappings), mapping_end(task->mappings));
    return !task->mappings;
}

bool mapping_drop_memory_piece(struct memory *memory)
{
    struct mapping *mapping = memory->mappings;
    if (mapping)
        mapping_drop_piece(mapping, mapping_address(mapping), mapping_end(mapping));
    return !memory->mappings;
}

/* ---- Mapping ----------------------------------------------------------------------------------------------------- */

static uint64_t entry_flags(uint32_t rights)
{
    uint64_t flags = PTE_USER;
    if (rights & RIGHT_WRITE)
        flags |= PTE_WRITE;
    if (!(rights & RIGHT_EXECUTE))
        flags |= PTE_NO_EXECUTE;
    return flags;
}

/* Fills in some pages more; false if a page table cannot be had. */
static bool fill_piece(struct mapping *mapping)
{
    uint32_t page = mapping->offset + mapping->filled, count;
    const uint64_t *frames = memory_frames(mapping->memory, page, &count);
    uint64_t address = mapping_address(mapping) + (uint64_t)mapping->filled * PAGE_SIZE;
    count = lesser(lesser(count, mapping->pages - mapping->filled), FILLED_AT_ONCE);
    count =
        space_map_pages(&mapping->task->space, payer_of(mapping), address, frames, count, entry_flags(mapping->rights));
    mapping->filled += count;
    return count > 0;
}

/* Is it what `request` asks for, and half made? */
static bool is_asked_for(const struct mapping *mapping, const struct map_request *request)
{
    return mapping->task == request->task && mapping_address(mapping) == request->address &&
           mapping->pages == request->pages && mapping->memory == request->memory &&
           mapping->offset == request->offset && mapping->giver == request->giver &&
           mapping_source(mapping) == request->source && mapping->rights == request->rights;
}

static enum error begin(const struct map_request *request, struct mapping **made)
{
    if (mapping_find(request->task, request->address, request->address + (uint64_t)request->pages * PAGE_SIZE))
        return ERROR_OCCUPIED;
    *made = create(request);
    return *made ? ERROR_NONE : ERROR_NO_MEMORY;
}

enum error mapping_make_piece(struct thread *maker, const struct map_request *request, bool *done)
{
    struct mapping *mapping = maker->made;
    if (!mapping || !is_asked_for(mapping, request)) {
        mapping_give_up(maker);
        enum error error = begin(request, &mapping);
        if (error != ERROR_NONE)
            return error;
        list_insert(&maker->made, mapping);
    }
    if (!fill_piece(mapping)) {
        mapping_give_up(maker);
        return ERROR_NO_MEMORY;
    }
    *done = mapping->filled == mapping->pages;
    if (*done)
        list_remove(mapping);
    return ERROR_NONE;
}

enum error mapping_make(const struct map_request *request)
{
    struct mapping *mapping = 0;
    enum error error = begin(request, &mapping);
    while (error == ERROR_NONE && mapping->filled < mapping->pages)
        if (!fill_piece(mapping))
            error = ERROR_NO_MEMORY;
    if (error == ERROR_NO_MEMORY && mapping)
        abandon(mapping);
    while (mapping_abandoned_piece())
        ;
    return error;
}

void mapping_give_up(struct thread *maker)
{
    while (maker->made)
        abandon(maker->made);
}
