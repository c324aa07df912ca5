/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings: how they are taken back. See mapping.h, and mapping.c for what holds between two pieces of work.
 *
 * What was derived from pages that go is not lost: it counts as derived from where those pages came from. That takes a
 * mapping out of one tree and into another, and where it reaches beyond the pages that go, it is split first. The one
 * case in which it is lost is that there is no memory for the split, which its own task would have to pay: then it is
 * an orphan (without a source), and goes whole.
 */
#include "mem/mapping.h"

#include "debug/panic.h"
#include "mem/mapping_record.h"
#include "mem/mapping_tree.h"
#include "mem/memory.h"
#include "mem/pcid.h"
#include "mem/slab.h"
#include "mem/space.h"
#include "thread/task.h"

/* In a piece of work. */
#define CLEARED_AT_ONCE 32
#define PASSED_AT_ONCE 4
#define LARGE_AT_ONCE 32 /* eights of large pages that are emptied */
#define ONE 2            /* so many eights take as long as a large page that was used */

static struct mapping *abandoned; /* to be taken back */

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

void mapping_list_insert(struct mapping **list, struct mapping *mapping, enum mapping_list name)
{
    assert(mapping->list == MAPPING_ON_NONE);
    mapping->list = (uint8_t)name;
    mapping->list_next = *list;
    mapping->list_place = list;
    if (*list)
        (*list)->list_place = &mapping->list_next;
    *list = mapping;
}

void mapping_list_remove(struct mapping *mapping)
{
    if (mapping->list == MAPPING_ON_NONE)
        return;
    mapping->list = MAPPING_ON_NONE;
    *mapping->list_place = mapping->list_next;
    if (mapping->list_next)
        mapping->list_next->list_place = mapping->list_place;
}

void mapping_abandon(struct mapping *mapping)
{
    mapping_list_remove(mapping);
    mapping_list_insert(&abandoned, mapping, MAPPING_ABANDONED);
}

bool mapping_any_abandoned(void)
{
    return abandoned;
}

/* ---- Records ----------------------------------------------------------------------------------------------------- */

static void detach(struct mapping *mapping)
{
    if (!mapping->orphan)
        mapping_tree_remove_source(mapping_sources(mapping), mapping);
    mapping->orphan = true;
}

static inline void destroy(struct mapping *mapping)
{
    mapping_list_remove(mapping);
    detach(mapping);
    if (mapping->task->found == mapping)
        mapping->task->found = 0;
    mapping_tree_remove_address(&mapping->task->mappings, mapping);
    slab_free(mapping);
}

/* The first pages of a mapping, which keeps others, are gone. */
static void cut_front(struct mapping *mapping, uint32_t pages)
{
    if (!mapping->orphan)
        mapping_tree_remove_source(mapping_sources(mapping), mapping);
    for (int order = 0; order < MAPPING_ORDERS; order++)
        mapping->links[order].start += (uint64_t)pages * PAGE_SIZE;
    mapping->offset += pages;
    mapping->pages -= pages;
    mapping->filled -= lesser(mapping->filled, pages);
    if (!mapping->orphan)
        mapping_tree_insert_source(mapping_sources(mapping), mapping);
}

static void cut_back(struct mapping *mapping, uint32_t pages)
{
    if (pages == mapping->pages) {
        destroy(mapping);
        return;
    }
    mapping->pages -= pages;
    mapping->filled = lesser(mapping->filled, mapping->pages);
    if (!mapping->orphan)
        mapping_tree_resized(mapping);
}

/* It is to go whole, and what was derived from it with it. */
static void make_orphan(struct mapping *mapping)
{
    detach(mapping);
    mapping_abandon(mapping);
}

/* ---- Isolating, and passing on ----------------------------------------------------------------------------------- */

bool mapping_divide_large(const struct mapping *mapping, uint64_t start, uint64_t end, enum error *error)
{
    struct space *space = &mapping->task->space;
    uint64_t at = start > mapping_address(mapping) && space_is_within_large(space, start) ? start : end;
    if (at <= mapping_address(mapping) || at >= mapping_end(mapping) || !space_is_within_large(space, at))
        return false;
    *error = space_divide_large(space, mapping_payer(mapping), at) ? ERROR_NONE : ERROR_NO_MEMORY;
    return true;
}

struct mapping *mapping_isolate_part(struct mapping *mapping, uint64_t start, uint64_t end)
{
    uint64_t distance = mapping_address(mapping) - mapping_source(mapping);
    struct mapping *part = 0;
    enum error error = ERROR_NONE;
    if (mapping_is_settled(mapping) && mapping_divide_large(mapping, start + distance, end + distance, &error)) {
        if (error != ERROR_NONE)
            make_orphan(mapping);
        return 0;
    }
    if (mapping_is_settled(mapping) && (mapping_source_end(mapping) <= end || mapping_split(mapping, end + distance)))
        part = mapping_source(mapping) < start ? mapping_split(mapping, start + distance) : mapping;
    if (!part)
        make_orphan(mapping);
    return part;
}

/* What pass_one() did. */
enum passed { PASSED_ALL, PASSED_ONE, PASSED_ENOUGH };

/* One of the mappings that were derived from [start, end) of `mapping` counts as derived from its source; if that is
 * just being made, revoked or taken back, it goes with it. */
static enum passed pass_one(struct mapping *mapping, uint64_t start, uint64_t end)
{
    struct mapping *derived = mapping_tree_find_source(mapping->task->given, start, end);
    if (!derived)
        return PASSED_ALL;
    if (mapping->list != MAPPING_ON_NONE) {
        make_orphan(derived);
        return PASSED_ONE;
    }
    derived = mapping_isolate(derived, start, end);
    if (!derived)
        return PASSED_ENOUGH;
    mapping_tree_remove_source(mapping_sources(derived), derived);
    derived->giver = mapping->giver;
    derived->links[MAPPING_BY_SOURCE].start += mapping_source(mapping) - mapping_address(mapping);
    mapping_tree_insert_source(mapping_sources(derived), derived);
    return PASSED_ONE;
}

/* Are there no more? */
static bool pass_some(struct mapping *mapping, uint64_t start, uint64_t end)
{
    enum passed passed = PASSED_ONE;
    for (int i = 0; i < PASSED_AT_ONCE && passed == PASSED_ONE; i++)
        passed = pass_one(mapping, start, end);
    return passed == PASSED_ALL;
}

/* ---- Emptying ---------------------------------------------------------------------------------------------------- */

/* `count` pages from `entry` on, which are mapped, were used. */
static void note_use_of(uint64_t *entry, uint32_t count, uint64_t use)
{
    for (; count >= 4; count -= 4, entry += 4) {
        entry[0] |= use;
        entry[1] |= use;
        entry[2] |= use;
        entry[3] |= use;
    }
    while (count-- > 0)
        *entry++ |= use;
}

/* `pages` pages from `source` on were used, as keep_use() says. */
static bool keep_use_far(const struct mapping *mapping, uint64_t source, uint32_t pages, uint64_t use)
{
    uint64_t *entry = 0, end = source + (uint64_t)pages * PAGE_SIZE;
    while (source < end) {
        uint64_t next = source / LARGE_PAGE_SIZE * LARGE_PAGE_SIZE + LARGE_PAGE_SIZE;
        next = next < end ? next : end;
        entry = space_entry(&mapping->giver->space, source);
        if (entry && (*entry & PTE_PRESENT))
            note_use_of(entry, *entry & PTE_LARGE ? 1 : (uint32_t)((next - source) / PAGE_SIZE), use);
        source = next;
    }
    return pages > 1 && entry && !(*entry & PTE_LARGE);
}

/* `pages` pages of `mapping` that are not mapped any more, 1 or a large page, were used: that is kept where they came
 * from, where all of them are mapped. Answers whether that took long. */
static inline bool keep_use(const struct mapping *mapping, uint64_t address, uint32_t pages, uint64_t use)
{
    if (!use || !mapping->giver || mapping->orphan)
        return false;
    uint64_t source = address - mapping_address(mapping) + mapping_source(mapping);
    uint64_t *entry = pages == 1 ? space_entry(&mapping->giver->space, source) : 0;
    if (!entry || !(*entry & PTE_PRESENT))
        return keep_use_far(mapping, source, pages, use);
    *entry |= use;
    return false;
}

/* Empties `count` entries of a page table, the first of which is that of `address`. */
static inline void empty_entries(const struct mapping *mapping, uint64_t *entry, uint64_t address, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t use = entry[i] & PTE_USE;
        entry[i] = 0;
        keep_use(mapping, address + (uint64_t)i * PAGE_SIZE, 1, use);
    }
}

/* Empties the entries of the `count` pages at `address`, which lie in one page table. */
static void clear_pages(const struct mapping *mapping, uint64_t address, uint32_t count)
{
    struct space *space = &mapping->task->space;
    uint64_t *entry = space_entry(space, address);
    assert(!entry || !(*entry & PTE_LARGE));
    if (entry)
        empty_entries(mapping, entry, address, count);
    pcid_flush_pages(space->cr3, address, count);
}

/* Empties eight entries, if each is that of a large page that was not used. */
static inline bool clear_eight(uint64_t *entry)
{
    struct eight_entries found = eight_entries(entry);
    if ((found.any & PTE_USE) || !(found.all & PTE_LARGE))
        return false;
    entry[0] = entry[1] = entry[2] = entry[3] = entry[4] = entry[5] = entry[6] = entry[7] = 0;
    return true;
}

/* Empties some of `count` entries of a directory from the front on, or with `back`, from the last one backwards, as
 * long as they are those of large pages, the first of which is at `address`. Answers how many. */
static uint32_t clear_run(const struct mapping *mapping, uint64_t *entry, uint32_t count, uint64_t address, bool back)
{
    int64_t step = back ? -1 : 1;
    uint64_t *lowest = back ? entry - (EIGHT - 1) : entry;
    uint32_t cleared = 0;
    for (int left = LARGE_AT_ONCE; left > 0 && cleared < count;) {
        for (; left > 0 && cleared + EIGHT <= count && clear_eight(lowest); left--, lowest += EIGHT * step)
            cleared += EIGHT;
        entry = back ? lowest + (EIGHT - 1) : lowest;
        if (left <= 0 || cleared == count || !(*entry & PTE_LARGE))
            break;
        uint64_t use = *entry & PTE_USE, distance = cleared * LARGE_PAGE_SIZE;
        *entry = 0;
        cleared++;
        lowest += step;
        left -= keep_use(mapping, back ? address - distance : address + distance, LARGE_PAGE_PAGES, use) ? left : ONE;
    }
    return cleared;
}

/* Empties some of the entries of large pages in [start, end), from the back or the front on: none if no large page is
 * there. Answers how many pages these were. */
static uint32_t clear_large_pages(const struct mapping *mapping, uint64_t start, uint64_t end, bool back)
{
    uint64_t first = back ? end - LARGE_PAGE_SIZE : start, cr3 = mapping->task->space.cr3;
    if (first % LARGE_PAGE_SIZE)
        return 0;
    uint64_t *entry = space_directory_entry(&mapping->task->space, first);
    uint32_t index = first / LARGE_PAGE_SIZE % LARGE_PAGE_PAGES, count = (uint32_t)((end - start) / LARGE_PAGE_SIZE);
    if (!entry)
        return 0;
    count = clear_run(mapping, entry, lesser(count, back ? index + 1 : LARGE_PAGE_PAGES - index), first, back);
    pcid_flush_large_pages(cr3, back ? end - count * LARGE_PAGE_SIZE : start, count);
    return count * LARGE_PAGE_PAGES;
}

/* Empties some of the entries of [start, end), from the back or the front on. Answers of how many pages. */
static uint32_t clear_some(const struct mapping *mapping, uint64_t start, uint64_t end, bool back)
{
    uint32_t pages = end - start >= LARGE_PAGE_SIZE ? clear_large_pages(mapping, start, end, back) : 0;
    if (pages > 0)
        return pages;
    uint32_t in_table = (uint32_t)((back ? end : -start) / PAGE_SIZE % LARGE_PAGE_PAGES);
    pages = lesser((uint32_t)((end - start) / PAGE_SIZE), CLEARED_AT_ONCE);
    pages = in_table ? lesser(pages, in_table) : pages;
    clear_pages(mapping, back ? end - (uint64_t)pages * PAGE_SIZE : start, pages);
    return pages;
}

/* ---- Dropping ---------------------------------------------------------------------------------------------------- */

void mapping_drop_page(struct mapping *mapping)
{
    struct space *space = &mapping->task->space;
    uint64_t address = mapping_address(mapping), *entry = space_entry(space, address);
    if (entry)
        empty_entries(mapping, entry, address, 1);
    pcid_flush_page(space->cr3, address);
    destroy(mapping);
}

void mapping_drop_large(struct mapping *mapping, uint64_t *entry, uint64_t *source)
{
    uint32_t count = mapping->pages / LARGE_PAGE_PAGES;
    assert(mapping->pages % LARGE_PAGE_PAGES == 0 && mapping->giver && !mapping->orphan);
    for (uint32_t i = 0; i < count; i++) {
        source[i] |= entry[i] & PTE_USE;
        entry[i] = 0;
    }
    pcid_flush_large_pages(mapping->task->space.cr3, mapping_address(mapping), count);
    destroy(mapping);
}

bool mapping_drop_piece(struct mapping *mapping, uint64_t start, uint64_t end)
{
    bool back = end == mapping_end(mapping);
    assert(start == mapping_address(mapping) || back);
    if (mapping_tree_find_source(mapping->task->given, start, end) && !pass_some(mapping, start, end))
        return false;
    if (mapping->pages == 1)
        return mapping_drop_page(mapping), true;
    uint32_t pages = clear_some(mapping, start, end, back);
    if (back)
        cut_back(mapping, pages);
    else
        cut_front(mapping, pages);
    return (uint64_t)pages * PAGE_SIZE == end - start;
}

bool mapping_abandoned_piece(void)
{
    struct mapping *mapping = abandoned;
    if (mapping)
        mapping_drop_piece(mapping, mapping_address(mapping), mapping_end(mapping));
    return mapping;
}

bool mapping_drop_range_piece(struct task *task, uint64_t start, uint64_t end, enum error *error)
{
    struct mapping *mapping = mapping_find(task, start, end);
    *error = ERROR_NONE;
    if (!mapping)
        return true;
    uint64_t first = mapping_address(mapping), last = mapping_end(mapping);
    bool all = first <= start && end <= last;
    start = first < start ? start : first;
    end = last < end ? last : end;
    if (!mapping_is_settled(mapping)) {
        mapping_abandon(mapping);
        start = first, end = last;
    } else if ((first < start || end < last) && mapping_divide_large(mapping, start, end, error)) {
        return *error != ERROR_NONE;
    } else if (first < start && end < last && !mapping_split(mapping, end)) {
        *error = ERROR_NO_MEMORY;
        return true;
    }
    return mapping_drop_piece(mapping, start, end) && all;
}

/* The first of a tree has nothing to its left, and so is cheap to take out. */
bool mapping_drop_task_piece(struct task *task)
{
    struct mapping *mapping = mapping_tree_find_address(task->mappings, 0, UINT64_MAX);
    if (mapping)
        mapping_drop_piece(mapping, mapping_address(mapping), mapping_end(mapping));
    return !task->mappings;
}

bool mapping_drop_memory_piece(struct memory *memory)
{
    struct mapping *mapping = mapping_tree_find_source(memory->mappings, 0, UINT64_MAX);
    if (mapping)
        mapping_drop_piece(mapping, mapping_address(mapping), mapping_end(mapping));
    return !memory->mappings;
}
