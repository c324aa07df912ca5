/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Revoking. See revoke.h.
 *
 * Unmapping goes from the giver downwards: the first mapping that was derived from its pages is unmapped, and what was
 * derived from that one counts then as derived from the giver's pages, and is found next. So each step is short
 * whatever the tree looks like, a step's work is never done twice but for one move, and there is no path to be
 * remembered while others change the tree.
 *
 * Where mappings stay (fewer rights, or only a look at how pages were used), all of them are visited: those derived
 * from the giver's pages in the order of the tree, then those derived from each mapping visited, which waits for that
 * on a list. How far it has come in a tree is a place, two numbers, which stays good whatever comes and goes there. The
 * one thing that could escape, a mapping whose source goes while that waits, is unmapped then (mapping_drop.c). There
 * is one such visit at a time; whoever comes with another one finishes the first for its owner.
 */
#include "mem/revoke.h"

#include "abi/capability.h"
#include "mem/mapping.h"
#include "mem/mapping_tree.h"
#include "mem/memory.h"
#include "mem/pcid.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"

#define FEW_LARGE 8        /* more of them go in pieces of work */
#define ENTRIES_AT_ONCE 34 /* in a piece of work; or eights, where nothing is to be done */

static struct visit {
    struct thread *owner;    /* 0: none is under way */
    const struct task *task; /* what was derived from its pages [start, end) is visited first */
    uint64_t start, end;
    uint32_t first, last, take; /* of the object: the pages that these are; the rights to be taken */
    struct mapping
        *waiting; /* visited; what was derived from the first one is being visited, from the others not yet */
    const struct mapping *current; /* the first one, when that began */
    struct mapping_place place;    /* in what was derived from it: up to there it is done */
    struct mapping_place partial;  /* the next one, done up to the source `reached` */
    uint64_t reached;
} visit;

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

static uint64_t taken_flags(uint64_t entry, uint32_t take)
{
    entry &= ~PTE_USE;
    if (take & RIGHT_WRITE)
        entry &= ~PTE_WRITE;
    if (take & RIGHT_EXECUTE)
        entry |= PTE_NO_EXECUTE;
    return entry;
}

/* Takes rights from an entry, and how it was used. */
static inline void take_from_entry(struct space *space, uint64_t *entry, uint64_t address, uint32_t take,
                                   uint32_t *found)
{
    uint64_t old = *entry;
    if (!(old & PTE_PRESENT) || old == taken_flags(old, take))
        return;
    *found |= old & PTE_USE;
    *entry = taken_flags(old, take);
    pcid_flush_page(space->cr3, address);
}

/* Takes them from up to `count` entries, each of which maps `size` bytes, the first one at `address`. Eight that have
 * nothing to be taken are passed at once. Answers how many, and counts `*left` down by one for eight, or for one. */
static uint32_t take_from_run(struct space *space, uint64_t *entry, uint32_t count, uint64_t address, uint64_t size,
                              uint32_t take, uint32_t *found, int *left)
{
    uint64_t more = PTE_USE | (take & RIGHT_WRITE ? PTE_WRITE : 0), less = take & RIGHT_EXECUTE ? PTE_NO_EXECUTE : 0;
    uint64_t large = size == LARGE_PAGE_SIZE ? PTE_LARGE : 0, all = PTE_PRESENT | large | less;
    uint32_t i = 0;
    int steps = *left;
    while (i < count && steps > 0 && (entry[i] & large) == large) {
        for (; steps > 0 && i + EIGHT <= count; steps--, i += EIGHT) {
            struct eight_entries eight = eight_entries(&entry[i]);
            if ((eight.any & more) || (eight.all & all) != all)
                break;
        }
        uint32_t some = i + EIGHT < count ? i + EIGHT : count;
        for (; i < some && steps > 0 && (entry[i] & large) == large; steps--, i++)
            take_from_entry(space, &entry[i], address + i * size, take, found);
    }
    *left = steps;
    return i;
}

/* Some of a page table or directory, or a large page of which `address` to `end` are a part: its use is told then, but
 * stands, for it may be that of the other pages. Answers where it stopped. */
static uint64_t take_from_table(struct space *space, uint64_t address, uint64_t end, uint32_t take, uint32_t *found,
                                int *left)
{
    uint64_t *directory = space_directory_entry(space, address);
    uint64_t next = address / LARGE_PAGE_SIZE * LARGE_PAGE_SIZE + LARGE_PAGE_SIZE;
    next = next < end ? next : end;
    --*left;
    if (!directory || !(*directory & PTE_PRESENT))
        return next;
    if (!(*directory & PTE_LARGE))
        return address + PAGE_SIZE * take_from_run(space, space_entry(space, address),
                                                   (uint32_t)((next - address) / PAGE_SIZE), address, PAGE_SIZE, take,
                                                   found, left);
    if (next - address == LARGE_PAGE_SIZE) {
        uint64_t in_directory = LARGE_PAGE_PAGES - address / LARGE_PAGE_SIZE % LARGE_PAGE_PAGES;
        uint64_t count = (end - address) / LARGE_PAGE_SIZE;
        count = count < in_directory ? count : in_directory;
        return address + LARGE_PAGE_SIZE * take_from_run(space, directory, (uint32_t)count, address, LARGE_PAGE_SIZE,
                                                         take, found, left);
    }
    *found |= *directory & PTE_USE;
    return next;
}

/* Takes rights from some entries at `address`, and how they were used. Answers where it stopped. */
static uint64_t take_from_entries(struct space *space, uint64_t address, uint64_t end, uint32_t take, uint32_t *found)
{
    int left = ENTRIES_AT_ONCE;
    uint64_t *only = end - address == PAGE_SIZE ? space_entry(space, address) : 0;
    if (only && !(*only & PTE_LARGE)) {
        take_from_entry(space, only, address, take, found);
        return end;
    }
    while (left > 0 && address < end)
        address = take_from_table(space, address, end, take, found, &left);
    return address;
}

/* ---- What stays -------------------------------------------------------------------------------------------------- */

static struct mapping_place place_of(const struct mapping *mapping)
{
    return (struct mapping_place){mapping_source(mapping), (uint64_t)mapping};
}

/* Puts `mapping` among those that wait, behind the one that is at work. */
static void wait_behind(struct mapping *mapping)
{
    struct mapping **list = visit.current && visit.waiting ? &visit.waiting->list_next : &visit.waiting;
    if (mapping->list == MAPPING_ON_NONE)
        mapping_list_insert(list, mapping, MAPPING_VISITED);
}

/* A piece of `mapping`, which was derived from [start, end). */
static void visit_mapping(struct mapping *mapping, uint64_t start, uint64_t end)
{
    uint64_t distance = mapping_address(mapping) - mapping_source(mapping), from = mapping_source(mapping);
    bool continues = visit.partial.start == from && visit.partial.record == (uint64_t)mapping;
    uint64_t last = mapping_source_end(mapping) < end ? mapping_source_end(mapping) : end;
    from = from > start ? from : start;
    from = continues && visit.reached > from ? visit.reached : from;
    wait_behind(mapping);
    visit.partial = place_of(mapping);
    visit.reached =
        take_from_entries(&mapping->task->space, from + distance, last + distance, visit.take, &visit.owner->found) -
        distance;
    if (visit.reached < last)
        return;
    mapping->rights &= (uint8_t)~visit.take;
    visit.place = place_of(mapping);
}

/* A piece of what was derived from [start, end) of `giver`; if rights are taken, of mappings from nowhere else: a split
 * changes which is the next one. False: there is nothing left. */
static bool visit_next(const struct task *giver, uint64_t start, uint64_t end)
{
    struct mapping *next = mapping_tree_next_source(giver->given, visit.place, start, end);
    if (!next)
        return false;
    if (visit.take && mapping_isolate(next, start, end) != next)
        return true;
    if (visit.take && next->list == MAPPING_MADE)
        mapping_abandon(next);
    visit_mapping(next, start, end);
    return true;
}

static uint32_t page_in(const struct mapping *mapping, uint32_t page)
{
    if (page < mapping->offset)
        return 0;
    return page - mapping->offset < mapping->pages ? page - mapping->offset : mapping->pages;
}

/* A piece of what was derived from `mapping`'s part of the pages that are asked about. False: there is nothing left. */
static bool visit_derived_of(struct mapping *mapping)
{
    uint64_t start = mapping_address(mapping) + (uint64_t)page_in(mapping, visit.first) * PAGE_SIZE;
    uint64_t end = mapping_address(mapping) + (uint64_t)page_in(mapping, visit.last) * PAGE_SIZE;
    return visit_next(mapping->task, start, end);
}

static void visit_piece(void)
{
    if (visit.task && visit_next(visit.task, visit.start, visit.end))
        return;
    visit.task = 0;
    if (visit.waiting && visit.waiting != visit.current) {
        visit.current = visit.waiting;
        visit.place = (struct mapping_place){0, 0};
    }
    if (visit.waiting && visit_derived_of(visit.waiting))
        return;
    if (visit.waiting)
        return mapping_list_remove(visit.waiting);
    visit.owner->visited = true;
    visit.owner = 0;
}

static void visit_begin(struct thread *owner, const struct mapping *mapping, uint64_t start, uint64_t end,
                        uint32_t take)
{
    uint32_t first = mapping->offset + (uint32_t)((start - mapping_address(mapping)) / PAGE_SIZE);
    visit = (struct visit){
        .owner = owner,
        .task = mapping->task,
        .start = start,
        .end = end,
        .first = first,
        .last = first + (uint32_t)((end - start) / PAGE_SIZE),
        .take = take,
    };
}

/* Nobody asks any more. */
static void visit_cancel(void)
{
    visit.owner = 0;
    visit.task = 0;
}

bool revoke_cancelled_piece(void)
{
    for (int i = 0; i < ENTRIES_AT_ONCE && !visit.owner && visit.waiting; i++)
        mapping_list_remove(visit.waiting);
    return !visit.owner && visit.waiting;
}

bool revoke_visits(void)
{
    return visit.owner;
}

void revoke_forget_task(const struct task *task)
{
    if (visit.owner && visit.task == task)
        visit_cancel();
}

void revoke_forget(struct thread *caller)
{
    caller->found = 0;
    caller->visited = false;
    if (visit.owner == caller)
        visit_cancel();
}

/* ---- What goes --------------------------------------------------------------------------------------------------- */

/* A piece of unmapping what was derived from [start, end) of `task`. False: there is nothing left. */
static bool drop_derived_piece(const struct task *task, uint64_t start, uint64_t end)
{
    struct mapping *derived = mapping_tree_find_source(task->given, start, end);
    if (!derived)
        return false;
    derived = mapping_isolate(derived, start, end);
    if (derived && derived->list == MAPPING_MADE)
        mapping_abandon(derived);
    else if (derived)
        mapping_drop_piece(derived, mapping_address(derived), mapping_end(derived));
    return true;
}

/* A piece of visiting what was derived from [start, end) of `mapping`. False: all of it is visited. */
static bool visit_some(struct thread *caller, const struct mapping *mapping, uint64_t start, uint64_t end,
                       uint32_t take)
{
    if (caller->visited || !mapping_tree_find_source(mapping->task->given, start, end))
        return false;
    if (revoke_cancelled_piece())
        return true;
    if (!visit.owner)
        visit_begin(caller, mapping, start, end, take);
    visit_piece();
    return true;
}

bool revoke_page(struct thread *caller, struct task *task, uint64_t address)
{
    uint64_t end = address + PAGE_SIZE, *entry = space_entry(&task->space, address);
    struct mapping *derived = mapping_tree_find_source(task->given, address, end);
    if (!entry || (*entry & PTE_LARGE))
        return false;
    if (derived) {
        uint64_t start = mapping_address(derived);
        if (derived->list != MAPPING_ON_NONE || derived->pages > 1 ||
            mapping_tree_find_source(derived->task->given, start, start + PAGE_SIZE))
            return false;
        mapping_drop_page(derived);
        if (mapping_tree_find_source(task->given, address, end))
            return false;
    }
    take_from_entry(&task->space, entry, address, 0, &caller->found);
    return true;
}

/* The entries of `count` large pages at `address`; 0: they are not that, or stand in more than one directory. */
static inline uint64_t *large_entries(const struct space *space, uint64_t address, uint32_t count)
{
    uint64_t all = PTE_LARGE;
    if (address % LARGE_PAGE_SIZE || address / LARGE_PAGE_SIZE % LARGE_PAGE_PAGES + count > LARGE_PAGE_PAGES)
        return 0;
    uint64_t *entry = space_directory_entry(space, address);
    if (!entry)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        all &= entry[i];
    return all ? entry : 0;
}

bool revoke_large_pages(struct thread *caller, struct task *task, uint64_t address, uint32_t pages, uint32_t take)
{
    uint32_t count = pages / LARGE_PAGE_PAGES;
    if (!(take & RIGHT_READ) || count == 0 || count > FEW_LARGE || pages % LARGE_PAGE_PAGES)
        return false;
    uint64_t end = address + count * LARGE_PAGE_SIZE, *entry = large_entries(&task->space, address, count);
    struct mapping *derived = mapping_tree_find_source(task->given, address, end);
    if (!entry)
        return false;
    if (derived) {
        uint64_t start = mapping_address(derived), *its_entry;
        if (derived->list != MAPPING_ON_NONE || mapping_source(derived) != address || derived->pages != pages ||
            mapping_tree_find_source(derived->task->given, start, mapping_end(derived)) ||
            !(its_entry = large_entries(&derived->task->space, start, count)))
            return false;
        mapping_drop_large(derived, its_entry, entry);
        if (mapping_tree_find_source(task->given, address, end)) /* it was mapped on more than once */
            return false;
    }
    for (uint32_t i = 0; i < count; i++)
        take_from_entry(&task->space, &entry[i], address + i * LARGE_PAGE_SIZE, 0, &caller->found);
    return true;
}

void revoke_piece(struct thread *caller, struct task *task, uint64_t *address, uint32_t *pages, uint32_t take)
{
    uint64_t start = *address, end = start + (uint64_t)*pages * PAGE_SIZE, stop = end;
    caller->maps = true;
    if (mapping_abandoned_piece() || ((take & RIGHT_READ) && drop_derived_piece(task, start, end)))
        return;
    const struct mapping *mapping = task_mapping_at(task, start);
    if (!mapping)
        mapping = mapping_find(task, start, end);
    if (mapping) {
        start = mapping_address(mapping) > start ? mapping_address(mapping) : start;
        stop = mapping_end(mapping) < end ? mapping_end(mapping) : end;
        if (!(take & RIGHT_READ) && visit_some(caller, mapping, start, stop, take))
            return;
        start = take_from_entries(&task->space, start, stop, 0, &caller->found);
    } else {
        start = end;
    }
    if (start == stop)
        caller->visited = false;
    *address = start;
    *pages = (uint32_t)((end - start) / PAGE_SIZE);
}
