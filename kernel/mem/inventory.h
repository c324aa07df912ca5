/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor pages of a program's address space: the one table that lists them all. The code that maps them takes
 * their rights from it, and the walk of all page tables (Debug.walk) compares with it.
 */
#ifndef SALTO_MEM_INVENTORY_H
#define SALTO_MEM_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>

/* Pages that may be there. Bits for writing and executing as in a page-table entry. */
struct supervisor_pages {
    const char *name;
    uint64_t start, end; /* virtual addresses */
    uint64_t flags;      /* PTE_WRITE, PTE_NO_EXECUTE, PTE_GLOBAL as they must be */
    bool stand_in;       /* may also be the shared page of zeros or ones, read-only */
};

/* The row in which `address` lies, or 0: nothing of the kernel's may be mapped there. */
const struct supervisor_pages *inventory_find(uint64_t address);

/* Bits of an entry that the inventory decides. */
#define INVENTORY_FLAGS (PTE_WRITE | PTE_USER | PTE_NO_EXECUTE | PTE_GLOBAL)

#endif
