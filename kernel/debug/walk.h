/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at all page tables: what the tests of the isolation compare. */
#ifndef SALTO_DEBUG_WALK_H
#define SALTO_DEBUG_WALK_H

#include <stdint.h>

struct task;

/* What a walk found. */
struct walk_result {
    uint64_t tables, supervisor_pages, user_pages, wrong;
    const char *first_wrong; /* what the first wrong one was; 0 if there is none */
};

/* Walks the page tables of all tasks. What is wrong is named on the console:
 * - a supervisor page that the inventory does not list, or with other rights than it says;
 * - a user page outside the user half, global, writable and executable, of the kernel's image, or which no mapping of a
 *   memory object and no UTCB accounts for, with its frame and its rights;
 * - a page table, or a supervisor page of a private part, whose frame has another use too, or which is free;
 * - a large page, which tasks do not have. */
struct walk_result walk_all_tasks(void);

/* Where a value was found: in supervisor pages that all tasks map, in those of other tasks' private parts, and in the
 * user pages of others; and the address of one such place, or 0. */
struct search_result {
    uint64_t shared, private, user, address;
};

/* Counts the aligned 8-byte places `word` with (word & mask) == value in what tasks other than `owner` map. User pages
 * of `owner` and of `searcher`, which knows the value, do not count, wherever else they are mapped; nor does the save
 * area of `searcher`. */
struct search_result walk_search(uint64_t value, uint64_t mask, const struct task *owner, const struct task *searcher);

#endif
