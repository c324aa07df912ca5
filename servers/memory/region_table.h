/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of a client's regions. */
#ifndef SALTO_MEMORY_REGION_TABLE_H
#define SALTO_MEMORY_REGION_TABLE_H

#include "books.h"

/* Where regions are put that need no address of their own. */
#define GAPS_START PROGRAM_MMAP_BASE
#define GAPS_END LINUX_HANDLER_BASE

static inline uint64_t region_end(const struct region *region)
{
    return region->start + region->pages * PAGE_SIZE;
}

/* Enters a region, where none is; MEMORY_ERROR_* if there is no room. */
int region_table_add(struct client *client, struct region *region);

void region_table_remove(struct region *region);

/* Gives the table's frames back; it is empty. */
void region_table_free(struct client *client);

/* Something at `address` is free now. */
void region_table_gap(struct client *client, uint64_t address);

/* Start of the lowest gap of `pages` pages; 0 if there is none. */
uint64_t regions_gap(const struct client *client, uint64_t pages);

#endif
