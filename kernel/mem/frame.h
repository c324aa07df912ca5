/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of physical memory, 4 KiB each: one free list through the frames themselves, and a byte for each frame that
 * knows whether it is free, so that a double free is an assertion and not a corruption.
 *
 * Large frames are 512 that lie together, aligned to 2 MiB. They come from the ends of the ranges that were never
 * handed out, single frames from their beginnings, and what is freed whole stays whole, on a list of its own, until
 * there is no other frame, or a run is asked for that is nowhere else. Single frames that are free are never put
 * together again: how many large frames there can be at most only shrinks, by those that were broken up.
 *
 * Runs are frames that lie together, for devices that read and write memory themselves. They come from the ends of the
 * ranges too (runs.h), and go back to them.
 *
 * A few free frames are kept zeroed, the stock: to zero one takes 512 instructions, and an operation may need many at
 * once, for page tables above all. They are zeroed before it begins, with preemption points between them
 * (kernel_call_ready() of ipc/kernel_call.h).
 */
#ifndef SALTO_MEM_FRAME_H
#define SALTO_MEM_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/addresses.h"
#include "boot/boot.h"

/* Where the kernel sees physical address `physical`. */
static inline void *physical_to_virtual(uint64_t physical)
{
    return (void *)(physical + PHYSICAL_MAP);
}

/* The physical address of what the kernel sees at `address`, in its map of physical memory. */
static inline uint64_t virtual_to_physical(const void *address)
{
    return (uint64_t)address - PHYSICAL_MAP;
}

/* Takes over the ranges of usable memory. Called once, before anything else of this file. */
void frame_initialise(const struct boot_range *ranges, uint32_t count);

#define FRAME_STOCK 12 /* no operation takes more zeroed frames between two preemption points: a thread may take ten */
#define FRAME_STOCK_MOST 64 /* with those that come back zeroed */

/* Zeroes one more frame for the stock, which is not full. False if no other frame is free. */
bool frame_stock_piece(void);

extern uint32_t frame_stock_count;

static inline bool frame_stock_is_full(void)
{
    return frame_stock_count >= FRAME_STOCK;
}

/* A zeroed frame's physical address, of the stock if there is one; or 0 if none is left. */
uint64_t frame_allocate(void);

/* The same, with whatever stands in it: for those who write all of it before anybody may read. */
uint64_t frame_allocate_raw(void);

/* Is this allocation one that a test wants to fail? To be asked once for each, whatever is allocated. */
bool frame_must_fail(void);

/* Lets the `number`-th allocation from now on fail, counted from 1; 0: none. How many were left to the one that was
 * asked for last? */
uint64_t frame_fail_allocation(uint64_t number);

/* `count` frames that lie together, all below `below`, the first at a multiple of `alignment`, which is a power of two
 * and no less than a frame; or 0. Each has to be prepared before it is used, and what stands in it is zeroed then. Does
 * not ask frame_must_fail(). */
uint64_t frame_allocate_run(uint64_t count, uint64_t alignment, uint64_t below);
void frame_prepare_of_run(uint64_t frame);

/* Gives back a part of a run: `count` frames, of which not all need have been prepared. Takes time for each. */
void frame_free_run(uint64_t run, uint64_t count);

/* One of the free large frames becomes a part of the ranges that runs come from. False if there is none, or no place
 * for it among them. */
bool frame_gather_piece(void);

/* `count` frames, contiguous and zeroed, for boot-time tables; taken from the frames never handed out so far. 0 if
 * there is no such run. */
uint64_t frame_allocate_contiguous(uint64_t count);

/* Gives a frame back. */
void frame_free(uint64_t frame);

/* The same for a frame that has nothing but zeros in it, as page tables have in the end: it goes into the stock, if
 * there is room. */
void frame_free_zeroed(uint64_t frame);

/* 2 MiB that lie together and are aligned to that, with whatever stands in them; or 0 if there are none. Most have
 * something else to do then: who has not asks frame_must_fail() himself. */
uint64_t frame_allocate_large(void);
void frame_free_large(uint64_t frame);

/* Frames that are free. */
uint64_t frame_count_free(void);

/* Do they add up: the free list holds each frame whose state says so, once, and with the frames that were never handed
 * out they are as many as are counted, and those in stock are zeroed? Looks at all of memory. */
bool frame_counts_agree(void);

/* Are the frames that are handed out as zeroed zeros, but for the word that links them? */
bool frame_stock_is_zeroed(void);

/* Is the frame on the free list? False for what is no memory, or was never handed out. */
bool frame_is_free(uint64_t frame);

/* Marks on frames, for who looks at all page tables. While there are marks, no frame is allocated or freed; who sets
 * some clears all. frame_mark() answers whether the frame was marked before; what is no memory is never marked. */
bool frame_mark(uint64_t frame);
bool frame_is_marked(uint64_t frame);
void frame_clear_marks(void);

#endif
