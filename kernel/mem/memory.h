/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: frames that can be mapped. Where they are is said by mappings (mapping.h).
 *
 * An object's pages stand in chunks of 512, its last ones fewer. A whole chunk is a large frame (frame.h) where there
 * was one when it was made, and can be mapped by one entry of a page directory; else it is 512 frames, wherever they
 * lie.
 *
 * The frames of some kinds of objects lie together (`base`): contiguous memory, which devices can read and write, the
 * boot archive, and the registers and buffers of devices, which are no memory. Frames of the last two were nobody's and
 * go to nobody.
 *
 * An object is made piece by piece, and belongs to the thread that makes it (`makes`) until it has a capability.
 * Invariant: a thread makes an object only while it is in the operation, running or to be restarted; else it is given
 * up.
 */
#ifndef SALTO_MEM_MEMORY_H
#define SALTO_MEM_MEMORY_H

#include <stdbool.h>

#include "abi/errors.h"
#include "cap/object.h"
#include "mem/frame.h"
#include "mem/mapping.h"

#define MEMORY_MAX_PAGES 262144
#define CHUNK_LARGE 1UL /* in the place of PTE_PRESENT */

struct task;
struct thread;

enum memory_kind {
    MEMORY_PLAIN,
    MEMORY_LARGE,      /* all chunks must be large frames */
    MEMORY_CONTIGUOUS, /* its frames lie together */
    MEMORY_BORROWED,   /* so do these, and they are not ours to free: the boot archive */
    MEMORY_DEVICE,     /* and these are no memory */
};

/* What is to be made. */
struct memory_plan {
    uint64_t pages, base; /* base: of MEMORY_DEVICE */
    enum memory_kind kind;
    uint8_t cache;
};

struct memory {
    struct object object;
    uint32_t pages;
    uint32_t present;     /* pages that have a frame: all, but while it is created or destroyed */
    enum error failure;   /* while it is made: why it cannot be, and its frames are freed again */
    uint8_t kind;         /* enum memory_kind */
    uint8_t cache;        /* how it is mapped, as in a mapping */
    struct thread *maker; /* while it is made: whose `makes` names it */
    uint64_t base;        /* where its frames lie together; 0: they do not, or are not there yet */
    uint32_t reserved;    /* MEMORY_CONTIGUOUS: frames from `base` on that belong to it */
    uint64_t *chunks;     /* a frame of up to 512, each CHUNK_LARGE and the physical address of a large frame, or that
                                 of a frame of 512 physical addresses */
    struct mapping *mappings; /* tree by source of those made from it, not from other mappings */
};

/* A memory object of `pages` zeroed pages charged to `payer`; 0 and `*error` (BAD_ARGUMENT, NO_MEMORY). */
struct memory *memory_create(struct factory *payer, uint64_t pages, enum error *error);

/* The same piece by piece, for operations that make memory: the object that `maker` was making, if it is such a one of
 * `payer`, else a new one. 0 and `*error` (BAD_ARGUMENT, NO_MEMORY). */
struct memory *memory_begin(struct thread *maker, struct factory *payer, const struct memory_plan *plan,
                            enum error *error);

/* A piece of finding frames for MEMORY_CONTIGUOUS, all below `below`, the first at a multiple of `alignment` (frame.h):
 * to be repeated, before its first page is made, until they are `reserved`, or it fails. */
void memory_reserve_piece(struct memory *memory, uint64_t alignment, uint64_t below);

/* A piece of that: adds some pages, or frees some again once it has failed. Is it whole, or all gone? */
bool memory_make_piece(struct memory *memory);

/* All is done. Where it failed, answers why, and the object is no more. */
enum error memory_finish(struct memory *memory);

/* `maker` does not go on with what it makes: it is condemned. */
void memory_give_up(struct thread *maker);

/* A memory object of frames that lie at `physical` already and are never freed. */
struct memory *memory_create_borrowed(struct factory *payer, uint64_t physical, uint64_t pages);

/* What Memory.map asks for. */
static inline struct map_request memory_map_request(struct memory *memory, struct task *task, uint64_t address,
                                                    uint32_t offset, uint32_t pages, uint32_t rights)
{
    return (struct map_request){
        .memory = memory,
        .task = task,
        .address = address,
        .source = (uint64_t)offset * PAGE_SIZE,
        .offset = offset,
        .pages = pages,
        .rights = rights,
        .cache = memory->cache,
    };
}

/* A piece of Memory.map, for the thread that carries it out. `*done`: all is mapped. After an error, what was mapped of
 * it is being taken back. */
enum error memory_map_piece(struct thread *maker, const struct map_request *request, bool *done);

/* Maps what `request` says, few pages, at once. Errors as memory_map_piece(). */
enum error memory_map_few(const struct map_request *request);

/* All of it at once, for boot. */
enum error memory_map(struct memory *memory, struct task *task, uint64_t address, uint32_t offset, uint32_t pages,
                      uint32_t rights);

/* A piece of Memory.unmap: unmaps some of the pages, after which `*address` and `*pages` say what is left of them. An
 * error can come of the first piece only. */
enum error memory_unmap_piece(struct memory *memory, struct task *task, uint64_t *address, uint32_t *pages);

/* What stands in `chunks` for the chunk of a page. */
static inline uint64_t memory_chunk(const struct memory *memory, uint32_t page)
{
    return memory->chunks[page / LARGE_PAGE_PAGES];
}

/* Physical addresses of the pages from `page` on, of a chunk that is no large frame. */
static inline const uint64_t *memory_frames(const struct memory *memory, uint32_t page)
{
    return (const uint64_t *)physical_to_virtual(memory_chunk(memory, page)) + page % LARGE_PAGE_PAGES;
}

/* Physical address of a page of the object. */
uint64_t memory_frame(const struct memory *memory, uint32_t page);

/* Are the `pages` pages from `page` on, both multiples of LARGE_PAGE_PAGES, large frames? */
bool memory_is_large(const struct memory *memory, uint32_t page, uint32_t pages);

/* The last capability is gone: unmaps a part of it, or frees some frames. */
void memory_destroy_piece(struct memory *memory);

#endif
