/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk over the mappings of a page. See derived.h.
 *
 * Where it goes next is seen from the mapping where it stands: down to the first that was derived from it, else on to
 * the next of the same source, else up to the giver's own mapping and on from there. So nothing is remembered on the
 * way.
 */
#include "mem/derived.h"

#include "mem/mapping_tree.h"
#include "thread/task.h"

/* The page's address in what `mapping` was made from. */
static uint64_t source_of(const struct mapping *mapping, uint32_t page)
{
    return mapping_source(mapping) + (uint64_t)(page - mapping->offset) * PAGE_SIZE;
}

static const struct mapping *first_derived(const struct mapping *mapping, uint32_t page)
{
    uint64_t address = derived_address(mapping, page);
    return mapping_tree_find_source(mapping->task->given, address, address + PAGE_SIZE);
}

/* The next that was made from the same page of the same giver, or of the object. */
static const struct mapping *next_beside(const struct memory *memory, const struct mapping *mapping, uint32_t page)
{
    const struct mapping_place place = {mapping_source(mapping), (uint64_t)mapping};
    uint64_t source = source_of(mapping, page);
    return mapping_tree_next_source(mapping->giver ? mapping->giver->given : memory->mappings, place, source,
                                    source + PAGE_SIZE);
}

static const struct mapping *next(const struct memory *memory, const struct mapping *mapping, uint32_t page,
                                  uint32_t *depth)
{
    const struct mapping *found = first_derived(mapping, page);
    if (found) {
        ++*depth;
        return found;
    }
    while (mapping && !(found = next_beside(memory, mapping, page))) {
        uint64_t source = source_of(mapping, page);
        mapping = mapping->giver ? mapping_find(mapping->giver, source, source + PAGE_SIZE) : 0;
        --*depth;
    }
    return found;
}

const struct mapping *derived_mapping(const struct memory *memory, uint32_t page, uint32_t number, uint32_t *depth)
{
    uint64_t source = (uint64_t)page * PAGE_SIZE;
    const struct mapping *mapping = mapping_tree_find_source(memory->mappings, source, source + PAGE_SIZE);
    *depth = 0;
    while (mapping && number-- > 0)
        mapping = next(memory, mapping, page, depth);
    return mapping;
}
