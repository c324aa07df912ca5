/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings: how they are found, made and split. See mapping.h; mapping_drop.c takes them back.
 *
 * Everything that grows with the number of pages, or of mappings, goes piece by piece, and between two pieces anything
 * may happen: a piece looks up what it works on, and leaves all invariants true. A mapping that is made claims all its
 * addresses at once and is filled from the front; one that goes loses its last pages first, or its first ones.
 */
#include "mem/mapping.h"

#include "abi/capability.h"
#include "cap/factory.h"
#include "debug/panic.h"
#include "mem/mapping_record.h"
#include "mem/mapping_tree.h"
#include "mem/memory.h"
#include "mem/slab.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"

/* In a piece of work. */
#define FILLED_AT_ONCE 48
#define LARGE_FILLED_AT_ONCE 256

/* ---- Records ----------------------------------------------------------------------------------------------------- */

struct mapping *mapping_find(const struct task *task, uint64_t start, uint64_t end)
{
    return mapping_tree_find_address(task->mappings, start, end);
}

bool mapping_find_gap(const struct task *task, uint64_t start, uint64_t end, struct mapping_gap *gap)
{
    *gap = mapping_tree_find_gap(task->mappings, start);
    return (!gap->before || mapping_end(gap->before) <= start) && (!gap->behind || mapping_address(gap->behind) >= end);
}

struct mapping *mapping_find_at(struct task *task, uint64_t address)
{
    struct mapping *found = mapping_find(task, address, address + PAGE_SIZE);
    if (found)
        task->found = found;
    return found;
}

/* A new record, of which nothing is filled in yet: all of it is written here or by the trees, but for its place on a
 * list. */
static inline struct mapping *create(const struct map_request *request, struct mapping_gap gap)
{
    struct mapping *mapping = slab_allocate_raw(request->task->object.payer, sizeof(struct mapping));
    if (!mapping)
        return 0;
    mapping->memory = request->memory;
    mapping->task = request->task;
    mapping->giver = request->giver;
    mapping->offset = request->offset;
    mapping->pages = request->pages;
    mapping->filled = 0;
    mapping->priority = mapping_tree_priority();
    mapping->rights = (uint8_t)request->rights;
    mapping->cache = (uint8_t)request->cache;
    mapping->list = MAPPING_ON_NONE;
    mapping->orphan = false;
    mapping->links[MAPPING_BY_ADDRESS].start = request->address;
    mapping->links[MAPPING_BY_SOURCE].start = request->source;
    mapping_tree_insert_address(&mapping->task->mappings, mapping, gap);
    mapping_tree_insert_source(mapping_sources(mapping), mapping);
    return mapping;
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
        .cache = mapping->cache,
    };
    assert(before > 0 && before < mapping->pages && mapping_is_settled(mapping));
    assert(!space_is_within_large(&mapping->task->space, address));
    struct mapping_gap gap = {mapping, mapping_tree_next(mapping, MAPPING_BY_ADDRESS)};
    struct mapping *after = create(&request, gap);
    if (!after)
        return 0;
    after->filled = after->pages;
    mapping->filled = mapping->pages = before;
    mapping_tree_resized(mapping);
    if (mapping->list == MAPPING_VISITED)
        mapping_list_insert(&mapping->list_next, after, MAPPING_VISITED);
    return after;
}

/* ---- Mapping ----------------------------------------------------------------------------------------------------- */

#define FLAGS(cache, rights) \
    ((cache) | ((rights)&RIGHT_WRITE ? PTE_WRITE : 0) | ((rights)&RIGHT_EXECUTE ? 0 : PTE_NO_EXECUTE))
#define FLAGS_OF(cache)                                                                                       \
    {                                                                                                         \
        FLAGS(cache, 0), FLAGS(cache, 1), FLAGS(cache, 2), FLAGS(cache, 3), FLAGS(cache, 4), FLAGS(cache, 5), \
            FLAGS(cache, 6), FLAGS(cache, 7)                                                                  \
    }

/* What the entries of a mapping have besides a frame, by how it is cached and its rights. */
static uint64_t entry_flags(const struct mapping *mapping)
{
    static const uint64_t flags[8][8] = {
        [PAGE_WRITE_BACK] = FLAGS_OF(PTE_MEMORY),
        [PAGE_WRITE_COMBINING] = FLAGS_OF(PTE_MEMORY | PTE_WRITE_COMBINING),
        [PAGE_UNCACHED] = FLAGS_OF(PTE_MEMORY | PTE_UNCACHED),
        [MAPPING_DEVICE | PAGE_WRITE_BACK] = FLAGS_OF(0UL),
        [MAPPING_DEVICE | PAGE_WRITE_COMBINING] = FLAGS_OF(PTE_WRITE_COMBINING),
        [MAPPING_DEVICE | PAGE_UNCACHED] = FLAGS_OF(PTE_UNCACHED),
    };
    return flags[mapping->cache][mapping->rights];
}

/* Fills in the only page. */
static inline void fill_entry(struct mapping *mapping, uint64_t *entry)
{
    uint64_t chunk = memory_chunk(mapping->memory, mapping->offset), flags = entry_flags(mapping);
    uint64_t frame = chunk & CHUNK_LARGE ? memory_frame(mapping->memory, mapping->offset)
                                         : *memory_frames(mapping->memory, mapping->offset);
    assert(!(flags & PTE_WRITE) || (flags & PTE_NO_EXECUTE));
    *entry = frame | flags | PTE_PRESENT | PTE_USER;
    mapping->filled = 1;
}

/* Fills in all pages, which are large frames. */
static inline void fill_large(struct mapping *mapping, uint64_t *entry)
{
    const uint64_t *chunks = &mapping->memory->chunks[mapping->offset / LARGE_PAGE_PAGES];
    uint64_t flags = entry_flags(mapping) | PTE_USER | PTE_LARGE;
    assert(!(flags & PTE_WRITE) || (flags & PTE_NO_EXECUTE));
    for (uint32_t i = 0; i < mapping->pages / LARGE_PAGE_PAGES; i++)
        entry[i] = chunks[i] | flags; /* CHUNK_LARGE is PTE_PRESENT */
    mapping->filled = mapping->pages;
}

static bool fill_one(struct mapping *mapping)
{
    uint64_t *entry = space_near_entry(&mapping->task->space, mapping_address(mapping));
    if (!entry)
        entry = space_make_entry(&mapping->task->space, mapping_payer(mapping), mapping_address(mapping));
    if (entry)
        fill_entry(mapping, entry);
    return entry;
}

/* Fills in some pages more, the next of which is page `page` of the object; where it can be, large ones. Answers how
 * many; 0: a page table cannot be had. */
static uint32_t fill_some(const struct mapping *mapping, uint32_t page, uint32_t left)
{
    struct space *space = &mapping->task->space;
    const struct memory *memory = mapping->memory;
    uint64_t chunk = memory_chunk(memory, page), flags = entry_flags(mapping);
    uint64_t address = mapping_address(mapping) + (uint64_t)mapping->filled * PAGE_SIZE;
    uint32_t in_chunk = page % LARGE_PAGE_PAGES,
             count = lesser(lesser(LARGE_PAGE_PAGES - in_chunk, left), FILLED_AT_ONCE);
    if (!(chunk & CHUNK_LARGE))
        return space_map_pages(space, mapping_payer(mapping), address, memory_frames(memory, page), count, flags);
    if (in_chunk || left < LARGE_PAGE_PAGES || address % LARGE_PAGE_SIZE)
        return space_map_run(space, mapping_payer(mapping), address, memory_frame(memory, page), count, flags);
    count = lesser(left / LARGE_PAGE_PAGES, LARGE_FILLED_AT_ONCE);
    const uint64_t *chunks = &memory->chunks[page / LARGE_PAGE_PAGES];
    return LARGE_PAGE_PAGES * space_map_large(space, mapping_payer(mapping), address, chunks, count, flags);
}

/* Fills in some pages more; false if a page table cannot be had. */
static bool fill_piece(struct mapping *mapping)
{
    if (mapping->pages == 1)
        return fill_one(mapping);
    uint32_t count = fill_some(mapping, mapping->offset + mapping->filled, mapping->pages - mapping->filled);
    mapping->filled += count;
    return count > 0;
}

/* Is it what `request` asks for, and half made? */
static bool is_asked_for(const struct mapping *mapping, const struct map_request *request)
{
    return mapping->task == request->task && mapping_address(mapping) == request->address &&
           mapping->pages == request->pages && mapping->memory == request->memory &&
           mapping->offset == request->offset && mapping->giver == request->giver &&
           mapping_source(mapping) == request->source && mapping->rights == request->rights &&
           mapping->cache == request->cache;
}

static inline __attribute__((always_inline)) enum error begin(const struct map_request *request, struct mapping **made)
{
    struct mapping_gap gap = request->gap;
    uint64_t end = request->address + (uint64_t)request->pages * PAGE_SIZE;
    if (!request->is_free && !mapping_find_gap(request->task, request->address, end, &gap))
        return ERROR_OCCUPIED;
    *made = create(request, gap);
    return *made ? ERROR_NONE : ERROR_NO_MEMORY;
}

enum error mapping_make_piece(struct thread *maker, const struct map_request *request, bool *done)
{
    struct mapping *mapping = maker->made;
    enum error error = ERROR_NONE;
    if (!mapping || !is_asked_for(mapping, request)) {
        error = begin(request, &mapping);
        if (error == ERROR_NONE)
            mapping_list_insert(&maker->made, mapping, MAPPING_MADE);
        maker->maps = true;
    }
    if (error == ERROR_NONE && mapping->filled < mapping->pages && !fill_piece(mapping))
        error = ERROR_NO_MEMORY;
    if (error != ERROR_NONE)
        mapping_give_up(maker);
    *done = error == ERROR_NONE && mapping->filled == mapping->pages;
    return error;
}

void mapping_keep_made(struct thread *maker)
{
    while (maker->made)
        mapping_list_remove(maker->made);
}

enum error mapping_make_few(const struct map_request *request)
{
    struct mapping *mapping = 0;
    enum error error = begin(request, &mapping);
    while (error == ERROR_NONE && mapping->filled < mapping->pages)
        if (!fill_piece(mapping))
            error = ERROR_NO_MEMORY;
    if (error == ERROR_NO_MEMORY && mapping)
        mapping_abandon(mapping);
    return error;
}

enum error mapping_make_page(const struct map_request *request, uint64_t *entry)
{
    struct mapping *mapping;
    enum error error = begin(request, &mapping);
    if (error == ERROR_NONE)
        fill_entry(mapping, entry);
    return error;
}

enum error mapping_make_large(const struct map_request *request, uint64_t *entry)
{
    struct mapping *mapping;
    enum error error = begin(request, &mapping);
    if (error == ERROR_NONE)
        fill_large(mapping, entry);
    return error;
}

enum error mapping_make(const struct map_request *request)
{
    enum error error = mapping_make_few(request);
    while (mapping_abandoned_piece())
        ;
    return error;
}

void mapping_give_up(struct thread *maker)
{
    while (maker->made)
        mapping_abandon(maker->made);
}
