/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slabs of 64, 128, 256, 1,008, 1,344 and 2,016 byte pieces. Invariant: a slab is in its class's list of its payer
 * exactly if it has a free piece; a piece belongs to the slab in whose frame it lies.
 */
#include "mem/slab.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "mem/frame.h"

struct slab {
    struct slab *next, *previous; /* in the class's list of slabs with free pieces */
    struct factory *payer;
    void *free; /* first free piece; its first word names the next */
    uint16_t used, capacity, class;
};

#define SLAB_HEADER 64
_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "the header leaves pieces aligned");

static struct slab **list_of(const struct slab *slab)
{
    return &slab->payer->slabs.partial[slab->class];
}

static void list_insert(struct slab *slab)
{
    slab->previous = 0;
    slab->next = *list_of(slab);
    if (slab->next)
        slab->next->previous = slab;
    *list_of(slab) = slab;
}

static void list_remove(struct slab *slab)
{
    if (slab->next)
        slab->next->previous = slab->previous;
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        *list_of(slab) = slab->next;
}

static struct slab *slab_create(struct factory *payer, uint16_t class)
{
    uint64_t frame = factory_allocate_raw_frame(payer);
    if (frame == 0)
        return 0;
    struct slab *slab = physical_to_virtual(frame);
    *slab = (struct slab){
        .payer = payer,
        .class = class,
        .capacity = (uint16_t)((PAGE_SIZE - SLAB_HEADER) / slab_sizes[class]),
    };
    for (int i = slab->capacity - 1; i >= 0; i--) {
        void *piece = (char *)slab + SLAB_HEADER + i * slab_sizes[class];
        *(void **)piece = slab->free;
        slab->free = piece;
    }
    list_insert(slab);
    return slab;
}

static void *take_piece(struct slab *slab)
{
    void *piece = slab->free;
    slab->free = *(void **)piece;
    if (++slab->used == slab->capacity)
        list_remove(slab);
    return piece;
}

static inline void *allocate(struct factory *payer, uint16_t class)
{
    assert(class < SLAB_CLASSES);
    if (frame_must_fail())
        return 0;
    struct slab *slab = payer->slabs.partial[class];
    if (!slab)
        slab = slab_create(payer, class);
    return slab ? take_piece(slab) : 0;
}

void *slab_allocate_class(struct factory *payer, uint16_t class)
{
    return allocate(payer, class);
}

void *slab_allocate(struct factory *payer, size_t size)
{
    assert(size > 0);
    void *piece = allocate(payer, slab_class(size));
    if (piece)
        __builtin_memset(piece, 0, (size + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1));
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
        factory_free_frame(slab->payer, virtual_to_physical(slab));
    }
}
