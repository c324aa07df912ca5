/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities and the tables that hold them.
 *
 * A task's table grows by pages of 64 entries, up to 65,536; empty entries are on a free list. Where a capability names
 * an endpoint with the right to send, its hot slot (private part of the task's address space) repeats endpoint and
 * badge for the trampoline; all other hot slots are zero, and all those of a guarded task. Invariants: an entry is in
 * its object's derivation forest exactly if it names an object; what was derived from a capability names the same
 * object; the hot slot is written badge first, endpoint last, and zeroed endpoint first.
 */
#ifndef SALTO_CAP_CAPABILITY_H
#define SALTO_CAP_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "abi/errors.h"
#include "cap/object.h"

#define CAPABILITIES_PER_PAGE 64
#define CAPABILITY_PAGES (MAX_CAPABILITIES / CAPABILITIES_PER_PAGE)

struct task;

struct capability {
    struct object *object; /* 0: empty */
    uint64_t badge;
    uint32_t rights;
    uint32_t handle;
    struct task *task; /* in whose table; 0: in none (a task's supervisor) */
    union {
        struct derivation_node node;  /* place in the object's forest */
        struct capability *next_free; /* of an empty entry in a table */
    };
};

_Static_assert(sizeof(struct capability) == 64, "64 capabilities fill a page");

struct capability_table {
    struct capability **directory[2]; /* frames of 512 pointers to pages of 64 capabilities */
    uint32_t limit;                   /* handles below have an entry, ... */
    uint32_t used;                    /* ... and so many are not empty */
    struct capability *free;
};

/* The capability behind `handle`, or 0. */
static inline struct capability *capability_find(const struct capability_table *table, uint64_t handle)
{
    if (handle >= table->limit)
        return 0;
    struct capability *page = table->directory[handle >> 15][(handle >> 6) & 511];
    struct capability *capability = &page[handle & (CAPABILITIES_PER_PAGE - 1)];
    return capability->object ? capability : 0;
}

/* Installs a capability to `object` in a free entry of `task`, derived from no other. 0 and `*error` (NO_MEMORY,
 * NO_SLOT) if there is none. */
struct capability *capability_create(struct task *task, struct object *object, uint32_t rights, uint64_t badge,
                                     enum error *error);

/* As capability_create, derived from `source`, with those of its rights that are in `rights`. */
struct capability *capability_derive(struct task *task, struct capability *source, uint32_t rights, uint64_t badge,
                                     enum error *error);

/* Moves `source` to a free entry of `task`, with those of its rights that are in `rights`: the new one is derived from
 * what `source` was, and what was derived from `source` is derived from it. 0 and `*error` as capability_create; then
 * nothing has changed. */
struct capability *capability_move(struct task *task, struct capability *source, uint32_t rights, enum error *error);

/* Deletes up to `most` of the capabilities that were derived from this one, directly or not, in whichever tasks. Are
 * they all gone? No object dies of it, since the one that they were derived from names the same object. */
bool capability_revoke(struct capability *capability, uint32_t most);

/* Makes room in the task's table for one more capability, so that capability_create() fails for want of a hot slot
 * only, which an endpoint needs. NO_MEMORY, NO_SLOT, DEAD. */
enum error capability_reserve(struct task *task);

/* As capability_create, for an operation that hands out a handle. If it fails, the object is destroyed unless other
 * capabilities name it. */
enum error capability_publish(struct task *task, struct object *object, uint32_t rights, uint32_t *handle);

/* Empties the entry; what was derived from it is now derived from its parent. Destroys the object if it was the
 * last. */
void capability_delete(struct capability *capability);

/* Empties an entry without destroying the object, which may have no capability afterwards. */
void capability_unlink(struct capability *capability);

/* Makes a capability name another object, which must not be an endpoint. */
void capability_redirect(struct capability *capability, struct object *object);

/* Fills in a capability that stands outside all tables; it is derived from no other, or from `source`. */
void capability_attach(struct capability *capability, struct object *object, uint32_t rights, uint64_t badge);
void capability_attach_derived(struct capability *capability, struct capability *source, uint32_t rights);

/* Does no other capability name the object? */
bool capability_is_only(const struct capability *capability);

/* Deletes some capabilities of the table of a task that has ended, and frees what held them. Is nothing left? */
bool capability_table_destroy_piece(struct task *task);

/* Capabilities in tables. */
uint32_t capability_count(void);

#endif
