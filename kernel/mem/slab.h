/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small kernel memory in fixed sizes. A slab is one frame of equal pieces; it goes back to the frame allocator when its
 * last piece is freed, so that everything comes back. Pieces are aligned to 16 bytes at least.
 */
#ifndef SALTO_MEM_SLAB_H
#define SALTO_MEM_SLAB_H

#include <stddef.h>

#define SLAB_MAX_SIZE 2016

/* `size` zeroed bytes, 1 to SLAB_MAX_SIZE; 0 if memory is used up. */
void *slab_allocate(size_t size);

/* Gives back what slab_allocate gave. */
void slab_free(void *piece);

#endif
