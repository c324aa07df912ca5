/* SPDX-License-Identifier: BSD-2-Clause */
/* The mappings of one page, as the tree in which they were derived: for those who want to look at it. */
#ifndef SALTO_MEM_DERIVED_H
#define SALTO_MEM_DERIVED_H

#include "mem/mapping.h"
#include "mem/memory.h"

/* The mapping of page `page` of `memory` that comes behind `number` others where each stands before what was derived
 * from it, and how many lie between it and the object. 0 if there are fewer. Takes time in proportion to `number`. */
const struct mapping *derived_mapping(const struct memory *memory, uint32_t page, uint32_t number, uint32_t *depth);

/* Where the page lies in the task of a mapping that has it. */
static inline uint64_t derived_address(const struct mapping *mapping, uint32_t page)
{
    return mapping_address(mapping) + (uint64_t)(page - mapping->offset) * PAGE_SIZE;
}

#endif
