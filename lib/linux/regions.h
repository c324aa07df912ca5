/* SPDX-License-Identifier: BSD-2-Clause */
/* Anonymous memory of the program: mmap and brk. Internal to the Linux-call handler. */
#ifndef SALTO_LINUX_REGIONS_H
#define SALTO_LINUX_REGIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "linux.h"

#pragma GCC visibility push(hidden) /* one image: names need no global offset table */

#define REGIONS_MAX 1024

/* Pages that were mapped together and have the same rights. Without rights (PROT_NONE) nothing is mapped there; a
 * region that never had any has no memory object yet either (object is REGION_NO_OBJECT). */
struct region {
    uint64_t start, end;
    uint32_t object; /* index in the table of objects */
    uint32_t offset; /* of the first page, in the object */
    uint32_t rights; /* of kernel/abi/capability.h; 0: not mapped */
};

#define REGION_NO_OBJECT 0xffffffff

/* The heap is empty, and begins at PROGRAM_BREAK_BASE. */
void plain_prepare(void);

/* memory.c: as the functions of memory_calls.c, which has taken the lock. */
linux_function plain_mmap, plain_munmap, plain_mprotect, plain_brk, plain_mremap;

/* regions.c: a table sorted by address, without overlaps. */
extern struct region regions[REGIONS_MAX];
extern uint32_t regions_count;

/* Number of the first region that ends above `address`; regions_count if none does. */
uint32_t regions_find(uint64_t address);

/* Start of the lowest gap of `bytes` at PROGRAM_MMAP_BASE or above; 0 if there is none. */
uint64_t regions_gap(uint64_t bytes);

/* Adds a region; the caller knows that the place is free. False if the table is full. */
bool regions_insert(const struct region *region);

/* Sees to it that no region lies on both sides of `address`. False if the table is full. */
bool regions_split(uint64_t address);

/* Takes the region at `index` out; those behind it move up. */
void regions_remove(uint32_t index);

/* Makes a memory object for `pages` pages; its index, or REGION_NO_OBJECT. */
uint32_t objects_create(uint32_t pages);

/* Handle of the memory object. */
uint32_t objects_handle(uint32_t object);

/* `pages` pages of the object are no longer used by any region; with the last, it is deleted. */
void objects_release(uint32_t object, uint32_t pages);

#pragma GCC visibility pop

#endif
