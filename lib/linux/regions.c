/* SPDX-License-Identifier: BSD-2-Clause */
/* Which anonymous memory the program has: a sorted table of regions, and the memory objects behind them. */
#include "regions.h"

#include "abi/addresses.h"
#include "linux.h"

struct object {
    uint32_t handle; /* 0: this place is free */
    uint32_t pages;  /* that regions use */
};

struct region regions[REGIONS_MAX] LINUX_LARGE;
uint32_t regions_count;
static struct object objects[REGIONS_MAX] LINUX_LARGE;

uint32_t regions_find(uint64_t address)
{
    uint32_t low = 0, high = regions_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (regions[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint64_t regions_gap(uint64_t bytes)
{
    uint64_t start = PROGRAM_MMAP_BASE;
    for (uint32_t i = regions_find(start); i < regions_count; i++) {
        if (regions[i].start >= start && regions[i].start - start >= bytes)
            return start;
        start = regions[i].end > start ? regions[i].end : start;
    }
    return LINUX_HANDLER_BASE - start >= bytes ? start : 0;
}

bool regions_insert(const struct region *region)
{
    if (regions_count == REGIONS_MAX)
        return false;
    uint32_t place = regions_find(region->start);
    for (uint32_t i = regions_count; i > place; i--)
        regions[i] = regions[i - 1];
    regions[place] = *region;
    regions_count++;
    return true;
}

bool regions_split(uint64_t address)
{
    uint32_t index = regions_find(address);
    if (index == regions_count || regions[index].start >= address)
        return true;
    if (regions_count == REGIONS_MAX)
        return false;
    struct region upper = regions[index];
    upper.start = address;
    if (upper.object != REGION_NO_OBJECT)
        upper.offset += (uint32_t)((address - regions[index].start) / PAGE_SIZE);
    regions[index].end = address;
    return regions_insert(&upper);
}

void regions_remove(uint32_t index)
{
    regions_count--;
    for (uint32_t i = index; i < regions_count; i++)
        regions[i] = regions[i + 1];
}

uint32_t objects_create(uint32_t pages)
{
    for (uint32_t i = 0; i < REGIONS_MAX; i++) {
        if (objects[i].handle != 0)
            continue;
        if (ipc_create_memory(pages, &objects[i].handle) != 0) {
            objects[i].handle = 0;
            return REGION_NO_OBJECT;
        }
        objects[i].pages = pages;
        return i;
    }
    return REGION_NO_OBJECT;
}

uint32_t objects_handle(uint32_t object)
{
    return objects[object].handle;
}

void objects_release(uint32_t object, uint32_t pages)
{
    objects[object].pages -= pages;
    if (objects[object].pages == 0 && ipc_delete(objects[object].handle) == 0)
        objects[object].handle = 0;
}
