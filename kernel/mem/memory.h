/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: frames, and where they are mapped. Each mapping is a record that stands in two lists, of the task and
 * of the memory object, so that either can go and take its mappings with it. Invariant: user pages of a task are exactly
 * what its mapping records say, and its UTCBs.
 */
#ifndef SALTO_MEM_MEMORY_H
#define SALTO_MEM_MEMORY_H

#include <stdbool.h>

#include "abi/errors.h"
#include "cap/object.h"

#define MEMORY_MAX_PAGES 262144

struct task;

struct memory {
    struct object object;
    uint32_t pages;
    uint32_t present;  /* pages that have a frame: all, but while it is created or destroyed */
    bool borrowed;     /* the frames are not ours to free: the boot archive */
    uint64_t **frames; /* frame of up to 512 pointers to frames of 512 physical addresses */
    struct mapping *mappings;
};

struct mapping {
    struct memory *memory;
    struct task *task;
    uint64_t address;
    uint32_t offset, pages, rights;
    uint32_t reserved;
    struct mapping *memory_next, *memory_previous;
    struct mapping *task_next, *task_previous;
};

/* A memory object of `pages` zeroed pages charged to `payer`; 0 and `*error` (BAD_ARGUMENT, NO_MEMORY). */
struct memory *memory_create(struct factory *payer, uint64_t pages, enum error *error);

/* A memory object of frames that lie at `physical` already and are never freed. */
struct memory *memory_create_borrowed(struct factory *payer, uint64_t physical, uint64_t pages);

/* See Memory.map and Memory.unmap. */
enum error memory_map(struct memory *memory, struct task *task, uint64_t address, uint32_t offset, uint32_t pages,
                      uint32_t rights);
enum error memory_unmap(struct memory *memory, struct task *task, uint64_t address, uint32_t pages);

/* Physical address of a page of the object. */
uint64_t memory_frame(const struct memory *memory, uint32_t page);

/* Unmaps a part of what `task` has mapped. Is nothing left? */
bool memory_unmap_task_piece(struct task *task);

/* The last capability is gone: unmaps a part of it, or frees some frames. */
void memory_destroy_piece(struct memory *memory);

#endif
