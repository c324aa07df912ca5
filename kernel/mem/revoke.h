/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking back, and looking at, what was derived from pages: see Task.revoke_pages. */
#ifndef SALTO_MEM_REVOKE_H
#define SALTO_MEM_REVOKE_H

#include <stdbool.h>
#include <stdint.h>

struct task;
struct thread;

/* A piece of taking the rights `take` from all that was derived from the `*pages` pages at `*address` of `task`;
 * without the right to read nothing stays mapped. Adds to `caller->found` how all of it was used (PTE_USE), these pages
 * themselves included, which counts from now on anew. `*address` and `*pages` say afterwards what is left to do. */
void revoke_piece(struct thread *caller, struct task *task, uint64_t *address, uint32_t *pages, uint32_t take);

/* The same at once for the page at `address`, of which nothing is to stay mapped, where it was mapped on at most once,
 * and from there not at all. False: it is to be done in pieces. */
bool revoke_page(struct thread *caller, struct task *task, uint64_t address);

/* The same for a few large pages, which are mapped so here, and where they were mapped on: at most once, and all of
 * them in one; if the right to read is among those to be taken. */
bool revoke_large_pages(struct thread *caller, struct task *task, uint64_t address, uint32_t pages, uint32_t take);

/* A piece of putting away what somebody did not go on with. False: there is nothing to do. */
bool revoke_cancelled_piece(void);

/* Are mappings being gone through that stay, for somebody who goes on with that? */
bool revoke_visits(void);

/* `task` is about to go. */
void revoke_forget_task(const struct task *task);

/* `caller` does not go on with that, or is done. */
void revoke_forget(struct thread *caller);

#endif
