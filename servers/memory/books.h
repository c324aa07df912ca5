/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory server's books: clients with their quotas, objects, and regions.
 *
 * A client pays for the frames of its objects, for those that its books take, and for the quotas of the clients that
 * were divided off it. A frame that several objects have, since one is a copy of the other, is paid for by each: so
 * writing to it, which takes a frame of its own, needs no quota, and all that clients may use together is there. A
 * client that branched off another has no quota of its own: the other pays for it, besides for itself, or whoever pays
 * for that one.
 *
 * Invariants. `used` of a client is the sum of what it has, and of what those that branched off it have; that of a
 * payer is never above its `quota`. The regions of a client do not overlap. A page is mapped in a task only where a
 * region covers it, its object has a frame for it, and with rights no greater than the region's; it is mapped to be
 * written only where no other object has the frame. An object without a capability is attached by its owner alone, each
 * page of it at most once, and has frames only for attached pages, but for a common one, which copies of the owner's
 * address space have too; when it is attached nowhere, it is gone.
 */
#ifndef SALTO_MEMORY_BOOKS_H
#define SALTO_MEMORY_BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames.h"
#include "sparse.h"

#define CLIENTS_MAX 1024
#define REGIONS_MAX 4096        /* of a client: looking for a gap takes as long */
#define EXPORTS_MAX 16384       /* objects with a capability, of all clients ... */
#define CLIENT_EXPORTS_MAX 1024 /* ... and of one */
#define RECORD_SIZE 128

struct region;

struct object {
    struct client *owner;
    struct object *next, *previous; /* of the owner's */
    struct region *regions;         /* that it is attached to, in all spaces */
    uint64_t pages;
    uint64_t resident; /* pages that have a frame */
    uint32_t region_count;
    uint32_t export; /* number in the table of exports, 0 if there is no capability */
    bool shares;     /* it is a copy, or was copied: others may have its frames */
    bool common;     /* copies of the owner's address space have it too */
    bool large;      /* each 512 pages are made together, and in a block if the machine has one (large.c), or pinned */
    uint32_t
        pinned; /* the kernel's object that it is, which has all its pages; `frames` is empty then. 0: it is none */
    struct sparse frames;
};

#define LARGE_FROM 8 /* pages to be mapped at once that make a large page likely to be cheaper */

/* What a region knows of a page, by the page's number in the object. */
#define PAGE_MAPPED 1
#define PAGE_WRITABLE 2

struct region {
    struct client *client;
    struct object *object;
    struct region *next, *previous; /* of the object's */
    uint64_t start;
    uint64_t pages;
    uint64_t offset; /* page of the object at `start` */
    uint8_t rights;
    uint8_t allowed;     /* the most that protect may give */
    bool mapped;         /* pages were mapped, since it was attached */
    uint8_t ahead;       /* how many pages are mapped at once if the region is gone through in order, ... */
    uint32_t next_frame; /* ... the one behind those that were mapped last, ... */
    uint64_t next_page;  /* ... and where the next fault is expected then */
    struct sparse states;
};

_Static_assert(sizeof(struct object) <= RECORD_SIZE && sizeof(struct region) <= RECORD_SIZE, "both fit into records");

struct client {
    struct client *parent; /* NULL for those of the manifest */
    struct client *payer;  /* whose quota it uses: mostly its own */
    uint32_t generation;   /* of this place in the table: capabilities carry it */
    bool open;
    bool task_ended; /* nothing is mapped in it any more */
    uint32_t task;   /* handle, 0 if there is no address space */
    uint64_t quota, used;
    struct region **regions; /* in the order of their addresses */
    uint32_t region_count, region_frames;
    uint32_t recent; /* number of the region that the last fault was in, if that is still there */
    uint32_t exports, children;
    uint64_t gap; /* below this address there is no gap */
    struct object *objects;
    void *free_records;
    uint32_t record_frames; /* the first frame of records, 0 if there is none */
    uint64_t faults, refused, copies, large;
};

/* ---- clients.c --------------------------------------------------------------------------------------------------- */
extern struct client clients[CLIENTS_MAX];

/* Pages that the client can still be charged for. */
static inline uint64_t client_left(const struct client *client)
{
    return client->payer->quota - client->payer->used;
}

/* Takes `pages` out of the client's quota; false if it has not as many left. */
bool client_charge(struct client *client, uint64_t pages);
void client_discharge(struct client *client, uint64_t pages);

/* A client with a quota out of that of `parent`, or of its own at `index` where that is NULL; NULL, and the error. */
struct client *client_open(struct client *parent, uint32_t index, uint64_t quota, int *error);

/* A client that uses the quota of `parent`; NULL, and the error. */
struct client *client_branch(struct client *parent, int *error);

/* Ends the client and all that came from it. */
void client_close(struct client *client);

/* Gives back the regions, and the task. */
void client_leave(struct client *client);

/* A record of RECORD_SIZE zeroed bytes, charged to the client; NULL if its quota has not enough. */
void *record_take(struct client *client);
void record_give(struct client *client, void *record);

/* ---- objects.c --------------------------------------------------------------------------------------------------- */
/* An object of `pages` pages without a frame; NULL if the quota has not enough. */
struct object *object_create(struct client *owner, uint64_t pages);

/* A pinned object, of new memory that is contiguous, or of what the kernel's object `handle` has, which it keeps: NULL
 * if there is no memory, or the quota has not enough. */
struct object *object_create_contiguous(struct client *owner, uint64_t pages, uint64_t alignment, uint64_t below,
                                        uint64_t *address);
struct object *object_import(struct client *owner, uint32_t handle, uint64_t pages);

/* Takes the object from all that have attached it, and ends it. */
void object_destroy(struct object *object);

/* Ends an object that is attached nowhere and has no capability. */
void object_drop_unused(struct object *object);

/* Forgets pages [from, to), which nothing maps. */
void object_forget(struct object *object, uint64_t from, uint64_t to);

/* Changes the size; MEMORY_ERROR_* or 0. */
int object_resize(struct object *object, uint64_t pages);

/* A copy of `pages` pages from `offset` on, charged to `owner`; NULL if its quota has not enough. Of the pages that are
 * noted as written to (frames_note()) it has its own at once, `early` at most. */
struct object *object_copy(struct object *object, uint64_t offset, uint64_t pages, struct client *owner,
                           uint32_t early);

/* Takes pages [from, to) out of all address spaces: the next access is a fault. */
void object_unmap(const struct object *object, uint64_t from, uint64_t to);

/* Gives the object a number in the table of exports; false if there is none. */
bool object_export(struct object *object);

/* The object with this number and generation, or NULL. */
struct object *object_exported(uint32_t index, uint32_t generation);
uint32_t object_generation(const struct object *object);

/* ---- regions.c: functions that answer an int answer MEMORY_ERROR_* or 0 ------------------------------------------ */
/* Number of the first region that ends above `address`; region_count if none does. */
uint32_t regions_find(const struct client *client, uint64_t address);

/* A range as a client names it: in whole pages, where regions may lie. */
bool range_is_good(uint64_t address, uint64_t pages);

/* Attaches; `*start` is the address, or 0 for where there is room. */
int region_attach(struct client *client, struct object *object, uint64_t *start, uint64_t pages, uint64_t offset,
                  uint32_t rights, uint32_t allowed);

/* Takes a region out of its client's table and unmaps it. Its object may be left without one, and gives up its pages if
 * it is the client's own. */
void region_remove(struct region *region);

/* Space.detach, protect, discard, resize and copy_to (idl/memory.idl): 0 or a MEMORY_ERROR_*. */
int regions_detach(struct client *client, uint64_t address, uint64_t pages);
int regions_protect(struct client *client, uint64_t address, uint64_t pages, uint32_t rights);
int regions_discard(struct client *client, uint64_t address, uint64_t pages);
int regions_resize(struct client *client, uint64_t *address, uint64_t pages, bool move);
int regions_copy(const struct client *from, struct client *to);

/* Is it memory of the client's own, which nobody else can attach? */
static inline bool region_is_own(const struct region *region)
{
    return region->object->export == 0 && !region->object->common;
}

/* ---- faults.c ---------------------------------------------------------------------------------------------------- */
/* Takes the part of [from, to), pages of the object, that the region maps out of its address space. */
void region_unmap(struct region *region, uint64_t from, uint64_t to);

/* The same, where the region's object gives up these pages then: those that nobody else has are out of all address
 * spaces when they are free (frames_settle()). */
void region_give_up(struct region *region, uint64_t from, uint64_t to);

/* The same for all pages of a region that goes: its own books stay as they are. */
void region_give_up_all(struct region *region);

/* What of pages [from, to) the regions of the object have mapped lost the right to write, or all rights. */
void object_lost(const struct object *object, uint64_t from, uint64_t to, bool all);

/* Maps what will be used of a region that copies another one: text that is there, and what is noted (frames_note()),
 * some of it at least. What is to be copied when it is written to, or cannot be mapped, comes by faults. Some are
 * mapped together, by regions_map_rest() at the latest, which is to be called before anything else is done to the
 * regions. */
void region_map_early(struct region *region);
void regions_map_rest(void);

/* Writes bytes into an object's pages, from byte `offset` on, which it must have. False if there is no memory for them;
 * a part is written then. */
bool object_write(struct object *object, uint64_t offset, const uint8_t *bytes, uint32_t length);

/* Serves an access of `error` (Intel SDM volume 3, 4.7) to `address`. Where one page is to be mapped, the answer is to
 * do it (machine_answer_page()); the books have it as mapped then. */
enum fault_answer {
    FAULT_REFUSED,
    FAULT_GO_ON,        /* the access may be tried again */
    FAULT_GO_ON_MAPPED, /* and the answer maps the page */
};
enum fault_answer fault_serve(struct client *client, uint64_t address, uint32_t error);

/* Maps `count` pages from `page` on, which are not mapped, and whose frames, from `frame` on, lie side by side in a
 * chunk or a block. FAULT_REFUSED: that cannot be. */
enum fault_answer fault_map(struct region *region, uint64_t page, uint32_t frame, uint64_t count);

/* Enters frames from `frame` on, which lie side by side, for pages that have none; answers how many it could. */
uint32_t object_enter_frames(struct object *object, uint64_t page, uint32_t frame, uint32_t count);

/* ---- large.c ----------------------------------------------------------------------------------------------------- */
/* Makes the 512 pages about a page that has none yet, where the object is one of large pages and none of them is there.
 * False: the quota has not enough. Where the machine has no such memory, nothing is done. */
bool large_prepare(struct object *object, uint64_t page);

/* Serves an access to a page by mapping the 512 about it together, which are made if none of them is there, or if just
 * those below it are. FAULT_REFUSED: nothing is mapped. */
enum fault_answer large_serve(struct region *region, uint64_t page);

/* The frame for the first page of 512 that may be made a large page later; 0: any will do. For regions of more
 * pages. */
uint32_t large_hint(const struct region *region, uint64_t page);

/* The last answer, which was FAULT_GO_ON_MAPPED, did not arrive: its page is not mapped. Before anything else is
 * served. */
void fault_not_mapped(void);

#endif
