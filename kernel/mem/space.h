/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: page tables of the kernel and of tasks.
 *
 * All tasks share one page directory for the shared part (PDPT entry 510); a page mapped there appears everywhere. A
 * task's private part is one page table. The kernel reaches all of it through its map of physical memory, and no
 * address that a program gave is ever dereferenced.
 */
#ifndef SALTO_MEM_SPACE_H
#define SALTO_MEM_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/addresses.h"
#include "abi/errors.h"
#include "mem/frame.h"

/* Intel SDM volume 3, 4.5. */
#define PTE_PRESENT 0x1UL
#define PTE_WRITE 0x2UL
#define PTE_USER 0x4UL
#define PTE_WRITE_THROUGH 0x8UL
#define PTE_CACHE_DISABLE 0x10UL
#define PTE_ACCESSED 0x20UL
#define PTE_DIRTY 0x40UL
#define PTE_USE (PTE_ACCESSED | PTE_DIRTY)
#define PTE_LARGE 0x80UL
#define PTE_GLOBAL 0x100UL
#define PTE_NO_EXECUTE (1UL << 63)
#define PTE_MEMORY 0x200UL /* ours: the page is memory, and no device's, so the kernel may use it in its own map */
/* How a page is cached: two bits choose an entry of the page attribute table, as x86/features.c sets it. */
#define PTE_WRITE_COMBINING PTE_WRITE_THROUGH
#define PTE_UNCACHED (PTE_WRITE_THROUGH | PTE_CACHE_DISABLE)
#define PTE_CACHE (PTE_WRITE_THROUGH | PTE_CACHE_DISABLE)
#define PTE_ADDRESS 0x000ffffffffff000UL

#define PRIVATE_ENTRY(address) (((address)-PRIVATE_BASE) / PAGE_SIZE) /* of a private table */

struct factory;
struct cpu;

#define SPACE_TABLES 18 /* of the user half, in most tasks */
#define SPACE_PRIVATE 2 /* private pages that are noted */
#define SPACE_NOWHERE UINT32_MAX
#define EIGHT 8

/* Eight entries that follow each other: what any of them has, and what all of them have. */
struct eight_entries {
    uint64_t any, all;
};

static inline struct eight_entries eight_entries(const uint64_t *entry)
{
    struct eight_entries found = {entry[0], entry[0]};
    found.any |= entry[1], found.all &= entry[1];
    found.any |= entry[2], found.all &= entry[2];
    found.any |= entry[3], found.all &= entry[3];
    found.any |= entry[4], found.all &= entry[4];
    found.any |= entry[5], found.all &= entry[5];
    found.any |= entry[6], found.all &= entry[6];
    found.any |= entry[7], found.all &= entry[7];
    return found;
}

struct space {
    uint64_t pml4;                         /* its physical address */
    uint64_t cr3;                          /* what is loaded into CR3: the PML4 with PCID and no-flush bit (pcid.h) */
    uint64_t *private_table;               /* the page table of the private part, in the kernel's map */
    uint64_t cursor;                       /* how far its destruction has come: an address of the user half, ... */
    uint64_t *near_table;                  /* the page table of the 2 MiB that `near` names, where that is there */
    uint32_t near;                         /* those that were looked up last, by number; SPACE_NOWHERE: none */
    uint16_t private_cursor;               /* ... and a page of the private part */
    uint16_t tables_count;                 /* of the user half, or more than can be noted; if they are few, ... */
    uint64_t *tables[SPACE_TABLES];        /* ... the entries that name them, in the order in which they were made */
    uint32_t private_pages;                /* of the task's own; the first of them, ... */
    uint16_t private_noted[SPACE_PRIVATE]; /* ... as entries of the private table */
};

/* Builds the kernel's own address space and the shared part, and switches to it. */
void space_initialise(void);

/* Physical address of the PML4 of the kernel's address space. */
extern uint64_t kernel_cr3;

/* Maps `frame` at `address` of the shared part, writable or executable as `flags` says, in all address spaces. */
bool space_map_shared(uint64_t address, uint64_t frame, uint64_t flags);

/* Maps and zeroes the area of a CPU: its pages and its TSS; allocates its kernel stacks and fills the gates. */
void cpu_area_prepare(struct cpu *cpu);

/* An address space with nothing but the supervisor pages; false if quota or memory is used up. */
bool space_create(struct space *space, struct factory *payer);

/* Frees some of the page tables and private pages. User pages must be unmapped. Is the address space gone? */
bool space_destroy_piece(struct space *space, struct factory *payer);

/* Are `pages` pages at `address` page-aligned and within the user half, and outside the kernel's UTCB area? */
bool space_mappable_anywhere(uint64_t address, uint64_t pages);
static inline bool space_mappable(uint64_t address, uint64_t pages)
{
    bool below_utcbs = address % PAGE_SIZE == 0 && address >= USER_START && address < UTCB_BASE &&
                       pages <= (UTCB_BASE - address) / PAGE_SIZE; /* as a rule */
    return below_utcbs || space_mappable_anywhere(address, pages);
}

/* Makes the page table for the page at `address`. NO_MEMORY; OCCUPIED if a page is mapped there. */
enum error space_prepare(struct space *space, struct factory *payer, uint64_t address);

/* Maps the frames that `frames` names at `address` and behind, where nothing is mapped, with `flags` besides present
 * and user: `count` of them, or as many as one page table holds. Answers how many; 0: a table could not be had. */
uint32_t space_map_pages(struct space *space, struct factory *payer, uint64_t address, const uint64_t *frames,
                         uint32_t count, uint64_t flags);

/* The entry of a page table for `address`, with tables made where they are missing; 0 if one cannot be had. */
uint64_t *space_make_entry(struct space *space, struct factory *payer, uint64_t address);

/* space_map_pages() for frames that lie together, from `frame` on. */
uint32_t space_map_run(struct space *space, struct factory *payer, uint64_t address, uint64_t frame, uint32_t count,
                       uint64_t flags);

/* Maps large frames at `address`, a multiple of 2 MiB, and behind, where nothing is mapped: those that `chunks` names
 * (CHUNK_LARGE of mem/memory.h), up to `count` of them, up to one that is none, or as many as one page directory holds.
 * Page tables in the way are empty, and go. Answers how many; 0: a table could not be had. */
uint32_t space_map_large(struct space *space, struct factory *payer, uint64_t address, const uint64_t *chunks,
                         uint32_t count, uint64_t flags);

/* Where a large page reaches beyond `address` at both sides, puts 512 small ones in its place, as it was and as it was
 * used. False if the page table for them cannot be had. */
bool space_divide_large(struct space *space, struct factory *payer, uint64_t address);

/* Does a large page reach beyond `address` at both sides? */
bool space_is_within_large(const struct space *space, uint64_t address);

/* Maps `frame`, of memory, at `address`, whose page table exists, with `flags` besides present and user. */
void space_map(struct space *space, uint64_t address, uint64_t frame, uint64_t flags);

/* Removes the mapping at `address`; there may be none. */
void space_unmap(struct space *space, uint64_t address);

/* The entry that maps `address`, of a page table or with PTE_LARGE of a page directory; or 0 if a table is missing.
 * Quick where the same 2 MiB were asked for before. */
uint64_t *space_find_entry(struct space *space, uint64_t address);
static inline uint64_t *space_near_entry(const struct space *space, uint64_t address)
{
    bool near = space->near == address / LARGE_PAGE_SIZE;
    return near ? &space->near_table[address / PAGE_SIZE % LARGE_PAGE_PAGES] : 0;
}

static inline uint64_t *space_entry(struct space *space, uint64_t address)
{
    uint64_t *entry = space_near_entry(space, address);
    return entry ? entry : space_find_entry(space, address);
}

/* The entry of a page directory for the 2 MiB in which `address` lies, or 0 if there is no directory. */
uint64_t *space_directory_entry(const struct space *space, uint64_t address);

/* Does a page that all tasks share stand in for the private page at `address`? Then nothing is written there yet. */
bool space_is_stand_in(const struct space *space, uint64_t address);

/* Makes the task's own page at `address`, where another one stands in. 0 if there is no memory. */
void *space_make_private_page(struct space *space, struct factory *payer, uint64_t address);

/* The private page at `address` (save area, capability slots) in the kernel's map: given a frame of its own, charged to
 * `payer`, if it has none yet; 0 if that fails. */
static inline void *space_private_page(struct space *space, struct factory *payer, uint64_t address)
{
    uint64_t entry = space->private_table[PRIVATE_ENTRY(address)];
    /* A page of the task's own is the one kind of entry that may be written. */
    return entry & PTE_WRITE ? physical_to_virtual(entry & PTE_ADDRESS)
                             : space_make_private_page(space, payer, address);
}

#endif
