/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Factories: quotas for kernel memory, and shares of the hot lines, of which the machine has a fixed number.
 *
 * A factory's limits were taken out of its parent's. It outlives its last capability for as long as objects are charged
 * to it (`references`), since what they return must go somewhere; then what is left goes back to the parent. Frames are
 * charged whole, small objects by the frames of the factory's own slabs, and hot lines by their size; the pages that
 * hold hot lines are set aside at boot, one place for each line that the first factory may have, so that no share can
 * be used up by others.
 * Invariant: used <= limit; used is the sum of all charges outstanding and of the limits of all child factories; the
 * same for each kind of hot line.
 */
#ifndef SALTO_CAP_FACTORY_H
#define SALTO_CAP_FACTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "cap/object.h"
#include "ipc/hot.h"
#include "mem/slab.h"

struct factory {
    struct object object;
    uint64_t limit, used; /* bytes */
    uint64_t
        references; /* charges outstanding, children included; one more while a capability names it, or reclaimed */
    struct factory *parent;
    struct object *objects;         /* what it pays for and is not condemned */
    struct factory *reclaimed_next; /* the next one that is reclaimed, or unused */
    bool named, closed;             /* closed: reclaimed or killed, and pays for nothing new */
    struct slabs slabs;
    struct hot_slots slots, slots_used; /* children's included */
};

/* Makes the first factory, which owns `limit` bytes. */
struct factory *factory_create_first(uint64_t limit);

/* A factory with `limit` bytes and `slots` hot lines out of `parent`'s; 0 and `*error` (NO_MEMORY, NO_SLOT) where that
 * has not enough. */
struct factory *factory_create(struct factory *parent, uint64_t limit, const struct hot_slots *slots,
                               enum error *error);

/* What a factory of `limit` bytes gets by default: one of each kind for every 16 KiB begun, as far as `parent` has
 * any. */
struct hot_slots factory_default_slots(const struct factory *parent, uint64_t limit);

/* Charges `bytes`; false if the quota does not allow it. */
bool factory_charge(struct factory *factory, uint64_t bytes);

/* Takes a charge of `bytes` back. */
void factory_refund(struct factory *factory, uint64_t bytes);

/* Charges a hot line of `bytes`; `slot` says of which kind. False and `*error` (NO_SLOT, NO_MEMORY) if the share or the
 * quota does not allow it. */
bool factory_charge_slot(struct factory *factory, const struct hot_slots *slot, uint64_t bytes, enum error *error);
void factory_refund_slot(struct factory *factory, const struct hot_slots *slot, uint64_t bytes);

/* Charged and zeroed memory for an object of `size` bytes with its header filled in; 0 if quota or memory is used
 * up. */
void *object_allocate(struct factory *factory, enum object_type type, size_t size);

/* Frees what object_allocate gave. */
void object_free(struct object *object);

/* A charged and zeroed frame, as a physical address; 0 if quota or memory is used up. Freed with factory_free_frame. */
uint64_t factory_allocate_frame(struct factory *factory);

/* The same, but not of the stock of zeroed frames: for pages of memory, of which there are many. */
uint64_t factory_allocate_page(struct factory *factory);

/* The same, but with whatever stands in it. */
uint64_t factory_allocate_raw_frame(struct factory *factory);
void factory_free_frame(struct factory *factory, uint64_t frame);

/* The same for one that has nothing but zeros in it. */
void factory_free_zeroed_frame(struct factory *factory, uint64_t frame);

/* The same for a large frame (mem/frame.h). */
uint64_t factory_allocate_large_frame(struct factory *factory);
void factory_free_large_frame(struct factory *factory, uint64_t frame);

/* The object's last capability is gone. What it paid for stays, and its record with that. */
void factory_destroy(struct factory *factory);

/* A piece of killing it: with all that it paid for, other factories and what those paid for included. */
void factory_destroy_piece(struct factory *factory);

/* Begins to kill all that it paid for; it stays itself, and pays for nothing new until that is done. Idempotent. */
void factory_reclaim(struct factory *factory);

/* A piece of that, or of returning what unused factories had to their parents. False if there is nothing to do. */
bool factory_work_piece(void);
bool factory_work_left(void);

#endif
