/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slabs of 64, 128, 256, 1,008 and 2,016 byte pieces. Invariant: a slab is in its class's list exactly if it has a free
 * piece; a piece belongs to the slab in whose frame it lies.
 */
#include "mem/slab.h"

#include "debug/panic.h"
#include "mem/frame.h"

struct slab {
    struct slab *next, *previous; /* in the class's list of slabs with free pieces */
    void *free;                   /* first free piece; its first word names the next */
    uint16_t used, capacity, class;
};

#define SLAB_HEADER 64
_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "the header leaves pieces aligned");

static const uint16_t class_sizes[] = {64, 128, 256, 1008, 2016};
#define CLASSES (sizeof(class_sizes) / sizeof(class_sizes[0]))
static struct slab *partial[CLASSES];

static void list_insert(struct slab *slab)
{
    slab->previous = 0;
    slab->next = partial[slab->class];
    if (slab->next)
        slab->next->previous = slab;
    partial[slab->class] = slab;
}

static void list_remove(struct slab *slab)
{
    if (slab->next)
        slab->next->previous = slab->previous;
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        partial[slab->class] = slab->next;
}

static struct slab *slab_create(uint16_t class)
{
    uint64_t frame = frame_allocate();
    if (frame == 0)
        return 0;
    struct slab *slab = physical_to_virtual(frame);
    slab->class = class;
    slab->capacity = (uint16_t)((PAGE_SIZE - SLAB_HEADER) / class_sizes[class]);
    for (int i = slab->capacity - 1; i >= 0; i--) {
        void *piece = (char *)slab + SLAB_HEADER + i * class_sizes[class];
        *(void **)piece = slab->free;
        slab->free = piece;
    }
    list_insert(slab);
    return slab;
}

void *slab_allocate(size_t size)
{
    uint16_t class = 0;
    assert(size > 0 && size <= SLAB_MAX_SIZE);
    while (class_sizes[class] < size)
        class ++;
    struct slab *slab = partial[class] ? partial[class] : slab_create(class);
    if (!slab)
        return 0;
    void *piece = slab->free;
    slab->free = *(void **)piece;
    if (++slab->used == slab->capacity)
        list_remove(slab);
    __builtin_memset(piece, 0, class_sizes[class]);
    return piece;
}

void slab_free(void *piece)
{
    struct slab *slab = (struct slab *)((uint64_t)piece & ~(uint64_t)(PAGE_SIZE - 1));
    assert(slab->used > 0);
    *(void **)piece = slab->free;
    slab->free = piece;
    if (slab->used-- == slab->capacity)
        list_insert(slab);
    if (slab->used == 0) {
        list_remove(slab);
        frame_free(virtual_to_physical(slab));
    }
}
