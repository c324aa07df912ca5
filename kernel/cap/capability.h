/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities and the tables that hold them.
 *
 * A task's table grows by pages of 64 entries, up to 65,536; empty entries are on a free list. Where a capability names
 * an endpoint with the right to send, its hot slot (private part of the task's address space) repeats endpoint and badge
 * for the trampoline; all other hot slots are zero. Invariants: an entry is on its object's list exactly if it names an
 * object; the hot slot is written badge first, endpoint last, and zeroed endpoint first.
 */
#ifndef SALTO_CAP_CAPABILITY_H
#define SALTO_CAP_CAPABILITY_H

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
    struct task *task;
    struct capability *next, *previous; /* of the object; `next` of an empty entry: free list */
    struct capability *parent;          /* place of the derivation tree to come */
    uint64_t reserved;
};

_Static_assert(sizeof(struct capability) == 64, "64 capabilities fill a page");

struct capability_table {
    struct capability **directory[2]; /* frames of 512 pointers to pages of 64 capabilities */
    uint32_t limit;                   /* handles below have an entry */
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

/* Installs a capability to `object` in a free entry of `task`. 0 and `*error` (NO_MEMORY, NO_SLOT) if there is none. */
struct capability *capability_create(struct task *task, struct object *object, uint32_t rights, uint64_t badge,
                                     enum error *error);

/* As capability_create, for an operation that hands out a handle. If it fails, the object is destroyed unless other
 * capabilities name it. */
enum error capability_publish(struct task *task, struct object *object, uint32_t rights, uint32_t *handle);

/* Empties the entry. Destroys the object if it was the last. */
void capability_delete(struct capability *capability);

/* Empties an entry without destroying the object, which may have no capability afterwards. */
void capability_unlink(struct capability *capability);

/* Makes a capability name another object, which must not be an endpoint. */
void capability_redirect(struct capability *capability, struct object *object);

/* Links a capability that stands outside all tables (a task's supervisor). */
void capability_attach(struct capability *capability, struct object *object, uint32_t rights, uint64_t badge);

/* Frees a table; all its capabilities are deleted. */
void capability_table_destroy(struct task *task);

/* Capabilities in tables. */
uint32_t capability_count(void);

#endif
