/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring buffer in shared memory, with one writer and one reader. Each side changes its own counter alone, and signals
 * the other's notification where that may be waiting: when the ring was empty, or was full.
 */
#ifndef RING_H
#define RING_H

#include <stdatomic.h>
#include <stdint.h>

#define RING_SLOTS 1000
#define RING_PAGES 2
#define NUMBERS 100000 /* that the producer sends */

struct ring {
    _Atomic uint32_t written, read; /* numbers since the start */
    uint32_t slots[RING_SLOTS];
};

_Static_assert(sizeof(struct ring) <= RING_PAGES * 4096, "the ring fits into its memory");

#endif
