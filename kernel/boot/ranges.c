/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorted lists of physical address ranges. See ranges.h. */
#include "boot/ranges.h"

static void delete_at(struct range_list *list, uint32_t index)
{
    list->count--;
    for (uint32_t i = index; i < list->count; i++)
        list->ranges[i] = list->ranges[i + 1];
}

static uint32_t smallest(const struct range_list *list)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < list->count; i++)
        if (list->ranges[i].end - list->ranges[i].start < list->ranges[best].end - list->ranges[best].start)
            best = i;
    return best;
}

/* Inserts a range that overlaps none. */
static void insert(struct range_list *list, struct boot_range range)
{
    uint32_t index;

    if (list->count == list->capacity) {
        uint32_t victim = smallest(list);
        uint64_t size = list->ranges[victim].end - list->ranges[victim].start;

        if (range.end - range.start <= size) {
            list->lost += range.end - range.start;
            return;
        }
        list->lost += size;
        delete_at(list, victim);
    }
    for (index = list->count; index > 0 && list->ranges[index - 1].start > range.start; index--)
        list->ranges[index] = list->ranges[index - 1];
    list->ranges[index] = range;
    list->count++;
}

void ranges_add(struct range_list *list, uint64_t start, uint64_t end)
{
    uint32_t index = 0;

    if (start >= end)
        return;
    while (index < list->count) {
        struct boot_range other = list->ranges[index];

        if (other.start > end || other.end < start) {
            index++;
            continue;
        }
        start = other.start < start ? other.start : start;
        end = other.end > end ? other.end : end;
        delete_at(list, index);
    }
    insert(list, (struct boot_range){start, end});
}

void ranges_remove(struct range_list *list, uint64_t start, uint64_t end)
{
    uint32_t index = 0;

    while (start < end && index < list->count) {
        struct boot_range old = list->ranges[index];

        if (old.start >= end || old.end <= start) {
            index++;
            continue;
        }
        delete_at(list, index);
        /* What is left of it overlaps nothing, so the loop steps over it. */
        if (old.start < start)
            insert(list, (struct boot_range){old.start, start});
        if (end < old.end)
            insert(list, (struct boot_range){end, old.end});
    }
}
