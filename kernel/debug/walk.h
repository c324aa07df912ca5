/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at all page tables: what the tests of the isolation compare. */
#ifndef SALTO_DEBUG_WALK_H
#define SALTO_DEBUG_WALK_H

#include <stdint.h>

/* What a walk found. */
struct walk_result {
    uint64_t tables, supervisor_pages, user_pages, wrong;
};

/* Walks the page tables of all tasks. A supervisor page that the inventory does not list, or with other rights, a user
 * page with the global bit, one both writable and executable, or one that shows memory of the kernel's is wrong, and is
 * named on the console. */
struct walk_result walk_all_tasks(void);

/* Counts the 8-byte places that hold `value` in the supervisor pages of the shared part. */
uint64_t walk_search_shared(uint64_t value);

#endif
