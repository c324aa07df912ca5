/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings: which pages of which memory object are mapped where, and where each mapping came from.
 *
 * A mapping is a run of pages of one memory object, in one task. It was made from the memory object itself
 * (Memory.map), or from pages that another task, its giver, has mapped. Two trees find it: by address in its task, and
 * by source, which is an address of its giver, or a page of its memory object. So what was derived from a range of
 * pages is found by that range, and splitting a mapping changes nothing for what was derived from it.
 *
 * Invariants:
 * - user pages of a task are exactly what its mappings say, and its UTCBs; mappings of a task do not overlap;
 * - the giver of a mapping that is no orphan has all its source mapped, the same pages of the same object, with no
 *   right less;
 * - a mapping of which not all pages are in the page tables yet, or any more (`filled`), and one without a source,
 *   stands on the list of the thread that makes it (thread->made), or of those that are abandoned.
 * - 2 MiB of a mapping at a multiple of 2 MiB that are a chunk of their object, and that a large frame (memory.h), were
 *   mapped by one entry of a page directory when they were filled in. Such a large page is of one mapping alone: it is
 *   divided before a part of it goes, or the mapping is split within it.
 * Records and page tables are charged to the task that is mapped into.
 */
#ifndef SALTO_MEM_MAPPING_H
#define SALTO_MEM_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/addresses.h"
#include "abi/errors.h"

struct memory;
struct task;
struct thread;

#define MAPPING_DEVICE 4 /* beside how a mapping is cached: its pages are no memory */

/* The trees of mappings. */
enum mapping_order { MAPPING_BY_ADDRESS, MAPPING_BY_SOURCE, MAPPING_ORDERS };

/* Place in a tree. */
struct mapping_links {
    struct mapping *left, *right, *up;
    uint64_t start; /* the first address in this order; for a source that is a memory object, page number * PAGE_SIZE */
};

/* On which list a mapping stands. */
enum mapping_list {
    MAPPING_ON_NONE,
    MAPPING_MADE,      /* of what a thread is making (thread->made) */
    MAPPING_ABANDONED, /* to be taken back */
    MAPPING_VISITED,   /* what was derived from it is still to be visited: revoke.c */
};

struct mapping {
    struct mapping_links links[MAPPING_ORDERS];
    uint64_t limit; /* where the last of all sources below it in the tree ends */
    struct memory *memory;
    struct task *task;
    struct task *giver;          /* 0: made from the memory object */
    struct mapping *list_next;   /* on its list */
    struct mapping **list_place; /* the pointer to it in that list */
    uint32_t offset;             /* its first page in the memory object */
    uint32_t pages;
    uint32_t filled; /* of its pages, those in the page tables: the first ones */
    uint8_t rights : 3;
    uint8_t cache : 3; /* PAGE_WRITE_BACK, ..., and MAPPING_DEVICE */
    uint8_t list : 2;  /* enum mapping_list */
    bool orphan;       /* it has no source any more, and goes */
    uint16_t priority; /* in both trees */
};

_Static_assert(sizeof(struct mapping) == 128, "a mapping fills a piece of a slab");

/* Two mappings of a task that follow each other by address, or one that nothing follows, or that follows nothing. */
struct mapping_gap {
    struct mapping *before, *behind;
};

/* What is to be mapped: `pages` pages of `memory` from `offset` on, at `address` of `task`. */
struct map_request {
    struct memory *memory;
    struct task *task, *giver; /* giver: 0, or who has them mapped at `source` */
    uint64_t address, source;
    uint32_t offset, pages, rights, cache;
    bool is_free;           /* nothing is mapped there: that has been looked up, and found ... */
    struct mapping_gap gap; /* ... between these two */
};

static inline uint64_t mapping_address(const struct mapping *mapping)
{
    return mapping->links[MAPPING_BY_ADDRESS].start;
}

static inline uint64_t mapping_size(const struct mapping *mapping)
{
    return (uint64_t)mapping->pages * PAGE_SIZE;
}

static inline uint64_t mapping_end(const struct mapping *mapping)
{
    return mapping_address(mapping) + mapping_size(mapping);
}

static inline uint64_t mapping_source(const struct mapping *mapping)
{
    return mapping->links[MAPPING_BY_SOURCE].start;
}

static inline uint64_t mapping_source_end(const struct mapping *mapping)
{
    return mapping_source(mapping) + mapping_size(mapping);
}

/* Is nobody making it, or taking it back? Only such a one is split or mapped on. */
static inline bool mapping_is_settled(const struct mapping *mapping)
{
    return mapping->list == MAPPING_ON_NONE || mapping->list == MAPPING_VISITED;
}

/* The first mapping of `task` that has a page in [start, end), or 0. */
struct mapping *mapping_find(const struct task *task, uint64_t start, uint64_t end);

/* The neighbours of [start, end) in `task`. False: something is mapped there. */
bool mapping_find_gap(const struct task *task, uint64_t start, uint64_t end, struct mapping_gap *gap);

/* The mapping that has the page at `address`, or 0. */
struct mapping *mapping_find_at(struct task *task, uint64_t address);

/* A piece of mapping what `request` says for `maker`, who is asked again until `*done`: begins, or goes on with what it
 * was at last. What is done stays on the list of what `maker` makes. OCCUPIED, NO_MEMORY: it cannot be had; all that is
 * on that list is abandoned then. */
enum error mapping_make_piece(struct thread *maker, const struct map_request *request, bool *done);

/* What `maker` has made is there to stay. */
void mapping_keep_made(struct thread *maker);

/* The same at once, for few pages; after NO_MEMORY, what was made of it is abandoned. */
enum error mapping_make_few(const struct map_request *request);

/* The same for one page, whose entry in its page table is `entry`. */
enum error mapping_make_page(const struct map_request *request, uint64_t *entry);

/* The same for a few whole large frames, whose entries in their page directory are `entry` and those behind it, all of
 * which are free. */
enum error mapping_make_large(const struct map_request *request, uint64_t *entry);

/* The same at once, for boot. */
enum error mapping_make(const struct map_request *request);

/* Whatever `maker` was making is abandoned: taken back piece by piece. */
void mapping_give_up(struct thread *maker);

/* `mapping` is to be taken back whole, with what was derived from it. */
void mapping_abandon(struct mapping *mapping);

/* A piece of taking back what is abandoned. False if there is nothing. */
bool mapping_abandoned_piece(void);
bool mapping_any_abandoned(void);

/* A piece of unmapping what `mapping` has in [start, end), which lies within it at its beginning or its end, or is all
 * of it. What was derived from there counts as derived from where that came from. Is it done? The mapping may be gone
 * then. */
bool mapping_drop_piece(struct mapping *mapping, uint64_t start, uint64_t end);

/* The same for a mapping of one page, from which nothing was derived: it goes at once. */
void mapping_drop_page(struct mapping *mapping);

/* The same for a mapping of a few large pages, whose entries in their page directory are `entry` and those behind it,
 * where its giver has them by large pages too, whose entries are `source` and those behind it. */
void mapping_drop_large(struct mapping *mapping, uint64_t *entry, uint64_t *source);

/* Makes what `mapping`, which nobody is making or taking back, has from `address` on, which lies within it and not
 * within a large page, a mapping of its own; 0 if there is no memory for it. */
struct mapping *mapping_split(struct mapping *mapping, uint64_t address);

/* Where a large page of `mapping` reaches over `start` or `end`, divides it: one of them in a piece of work. Was there
 * one? Then `*error` says how it went. */
bool mapping_divide_large(const struct mapping *mapping, uint64_t start, uint64_t end, enum error *error);

/* What `mapping` has of the source [start, end) as a mapping of its own. 0: that is to be asked for again, since a
 * large page was divided; or for want of memory for the split, or as it is on a list, the mapping had to be abandoned
 * whole. */
struct mapping *mapping_isolate_part(struct mapping *mapping, uint64_t start, uint64_t end);
static inline struct mapping *mapping_isolate(struct mapping *mapping, uint64_t start, uint64_t end)
{
    bool all = mapping_source(mapping) >= start && mapping_source_end(mapping) <= end;
    return all ? mapping : mapping_isolate_part(mapping, start, end);
}

/* Where it stands on no list, puts it on `list`; takes it off again. */
void mapping_list_insert(struct mapping **list, struct mapping *mapping, enum mapping_list name);
void mapping_list_remove(struct mapping *mapping);

/* A piece of unmapping what `task` has in [start, end), whatever it is. Is nothing left? NO_MEMORY: a mapping that
 * reaches beyond both ends cannot be split. */
bool mapping_drop_range_piece(struct task *task, uint64_t start, uint64_t end, enum error *error);

/* A piece of unmapping all that `task` has mapped. Is nothing left? */
bool mapping_drop_task_piece(struct task *task);

/* A piece of unmapping all mappings of `memory`. Is nothing left? */
bool mapping_drop_memory_piece(struct memory *memory);

#endif
