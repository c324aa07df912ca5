/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small kernel memory in fixed sizes. A slab is one frame of equal pieces; it goes back to the frame allocator when its
 * last piece is freed, so that everything comes back. Pieces are aligned to 16 bytes at least.
 *
 * Each factory has slabs of its own, and its quota is charged for their frames: whatever order pieces come and go in,
 * no more memory is taken than was charged, and nobody pays for another one's holes.
 */
#ifndef SALTO_MEM_SLAB_H
#define SALTO_MEM_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_MAX_SIZE 2016
#define SLAB_CLASSES 6

struct factory;

/* A factory's slabs that have a free piece, by size. */
struct slabs {
    struct slab *partial[SLAB_CLASSES];
};

/* `size` zeroed bytes, 1 to SLAB_MAX_SIZE, charged to `payer`; 0 if quota or memory is used up. */
void *slab_allocate(struct factory *payer, size_t size);

/* The sizes that there are, of which `size` takes the smallest one that is large enough: a constant, where it is. */
static const uint16_t slab_sizes[SLAB_CLASSES] = {64, 128, 256, 1008, 1344, 2016};
static inline uint16_t slab_class(size_t size)
{
    uint16_t class = 0;
    while (class < SLAB_CLASSES && slab_sizes[class] < size)
        class ++;
    return class;
}

/* The same for who writes all of them at once: what stood there last still does. */
void *slab_allocate_class(struct factory *payer, uint16_t class);
static inline void *slab_allocate_raw(struct factory *payer, size_t size)
{
    return slab_allocate_class(payer, slab_class(size));
}

/* Gives back what slab_allocate gave. */
void slab_free(void *piece);

#endif
