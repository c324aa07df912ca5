/* SPDX-License-Identifier: BSD-2-Clause */
/* Invariants of mappings and of the trees that they stand in. See invariants.h, and mapping.h for what must hold. */
#include "debug/invariants.h"

#include "abi/capability.h"
#include "mem/mapping.h"
#include "mem/memory.h"
#include "thread/task.h"

/* The next mapping in this order, or 0. */
static struct mapping *next_in_order(const struct mapping *mapping, enum mapping_order order)
{
    struct mapping *next = mapping->links[order].right;
    while (next && next->links[order].left)
        next = next->links[order].left;
    if (next)
        return next;
    for (next = mapping->links[order].up; next && next->links[order].right == mapping; next = next->links[order].up)
        mapping = next;
    return next;
}

static const struct mapping *first_in_order(const struct mapping *root, enum mapping_order order)
{
    while (root && root->links[order].left)
        root = root->links[order].left;
    return root;
}

static uint64_t limit_of(const struct mapping *mapping)
{
    return mapping ? mapping->limit : 0;
}

static bool limit_agrees(const struct mapping *mapping)
{
    uint64_t limit = mapping_source_end(mapping), left = limit_of(mapping->links[MAPPING_BY_SOURCE].left);
    uint64_t right = limit_of(mapping->links[MAPPING_BY_SOURCE].right);
    limit = left > limit ? left : limit;
    return mapping->limit == (right > limit ? right : limit);
}

/* Do those below it know the mapping, and does it stand in the tree at `root`? */
static bool links_agree(const struct mapping *mapping, const struct mapping *root, enum mapping_order order)
{
    const struct mapping_links *links = &mapping->links[order];
    if ((links->left && links->left->links[order].up != mapping) ||
        (links->right && links->right->links[order].up != mapping))
        return false;
    while (mapping->links[order].up)
        mapping = mapping->links[order].up;
    return mapping == root;
}

/* Has the giver all of the source mapped, the same pages, with no right less, and not cached more strictly? */
static bool source_is_mapped(const struct mapping *mapping)
{
    uint64_t at = mapping_source(mapping), end = mapping_source_end(mapping);
    uint32_t page = mapping->offset, rights = mapping->rights & (RIGHT_WRITE | RIGHT_EXECUTE);
    while (at < end) {
        const struct mapping *source = mapping_find(mapping->giver, at, at + PAGE_SIZE);
        if (!source || source->memory != mapping->memory || source->cache > mapping->cache)
            return false;
        if (source->offset + (at - mapping_address(source)) / PAGE_SIZE != page)
            return false;
        if ((rights & ~(uint32_t)source->rights) && source->list == MAPPING_ON_NONE)
            return false;
        page += (uint32_t)((mapping_end(source) - at) / PAGE_SIZE);
        at = mapping_end(source);
    }
    return true;
}

static void check_mapping(struct inspection *inspection, const struct task *task, const struct mapping *mapping)
{
    const struct mapping *root = mapping->giver ? mapping->giver->given : mapping->memory->mappings;
    bool stays = mapping_is_settled(mapping);
    invariant(inspection, links_agree(mapping, task->mappings, MAPPING_BY_ADDRESS),
              "mappings stand in a tree by address");
    invariant(inspection, mapping->task == task, "a mapping knows its task");
    invariant(inspection, mapping->pages > 0 && mapping->offset + mapping->pages <= mapping->memory->pages,
              "a mapping has pages of its object");
    invariant(inspection, mapping->filled <= mapping->pages && (!stays || mapping->filled == mapping->pages),
              "all pages of a mapping that stays are in the page tables");
    invariant(inspection, !mapping->orphan || mapping->list == MAPPING_ABANDONED, "a mapping without a source goes");
    if (mapping->orphan)
        return;
    invariant(inspection, links_agree(mapping, root, MAPPING_BY_SOURCE), "mappings stand in a tree by source");
    invariant(inspection, limit_agrees(mapping), "subtrees know where the last source in them ends");
    invariant(inspection, !mapping->giver || source_is_mapped(mapping), "the giver of a mapping has its source mapped");
}

void invariants_mappings(struct inspection *inspection)
{
    for (const struct task *task = task_first(); task; task = task->next) {
        const struct mapping *mapping = first_in_order(task->mappings, MAPPING_BY_ADDRESS), *next;
        for (; mapping && !inspection->broken; mapping = next) {
            next = next_in_order(mapping, MAPPING_BY_ADDRESS);
            check_mapping(inspection, task, mapping);
            invariant(inspection, !next || mapping_end(mapping) <= mapping_address(next), "mappings do not overlap");
        }
        mapping = first_in_order(task->given, MAPPING_BY_SOURCE);
        for (; mapping && !inspection->broken; mapping = next) {
            next = next_in_order(mapping, MAPPING_BY_SOURCE);
            invariant(inspection, mapping->giver == task && !mapping->orphan, "a mapping knows its giver");
            invariant(inspection, !next || mapping_source(mapping) <= mapping_source(next), "sources are in order");
        }
    }
}
