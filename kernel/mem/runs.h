/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of frames that were never handed out, or came back as they lay together: what the frame allocator (frame.h)
 * takes runs from, large frames, and single frames where no other is free.
 *
 * Single frames are taken from the beginnings of the ranges, all else from their ends. What lies below RUNS_LOW_END is
 * taken last, since some devices reach nothing else. Invariant: nothing is ever lost for want of a place in the table
 * of ranges; what would need one that is not there is refused.
 */
#ifndef SALTO_MEM_RUNS_H
#define SALTO_MEM_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#define RUNS_LOW_END 0x1000000UL /* the ISA bus has 24 address lines */

/* [start, end) is free from now on. False, and nothing is changed, if there is no place for it in the table. */
bool runs_add(uint64_t start, uint64_t end);

/* The first `size` bytes of a range that has so many; 0 if there is none. */
uint64_t runs_take_first(uint64_t size);

/* `size` bytes at a multiple of `alignment`, a power of two, that lie as high below `below` as can be; 0 if there are
 * none. */
uint64_t runs_take(uint64_t size, uint64_t alignment, uint64_t below);

/* Bytes in all ranges. */
uint64_t runs_size(void);

#endif
