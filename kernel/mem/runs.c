/* SPDX-License-Identifier: BSD-2-Clause */
/* Free ranges of memory. See runs.h. */
#include "mem/runs.h"

#include "boot/ranges.h"

#define RANGES 192

static struct boot_range ranges[RANGES], low_ranges[RANGES];
static struct range_list lists[] = {
    {.ranges = ranges, .capacity = RANGES},
    {.ranges = low_ranges, .capacity = RANGES},
};

#define LISTS (sizeof(lists) / sizeof(lists[0]))

/* One that would have to make room gives up nothing: it is refused here. */
static bool add(struct range_list *list, uint64_t start, uint64_t end)
{
    if (start < end && list->count == list->capacity)
        return false;
    ranges_add(list, start, end);
    return true;
}

bool runs_add(uint64_t start, uint64_t end)
{
    uint64_t middle = end < RUNS_LOW_END ? end : start > RUNS_LOW_END ? start : RUNS_LOW_END;
    return add(&lists[1], start, middle) && add(&lists[0], middle, end);
}

uint64_t runs_take_first(uint64_t size)
{
    for (uint32_t i = 0; i < LISTS; i++) {
        for (uint32_t j = 0; j < lists[i].count; j++) {
            struct boot_range *range = &lists[i].ranges[j];
            if (range->end - range->start >= size)
                return (range->start += size) - size;
        }
    }
    return 0;
}

/* Takes [start, start + size) out of a range of `list`, which has it. That may make two of one: false, if there is no
 * place. */
static bool take_part(struct range_list *list, struct boot_range *range, uint64_t start, uint64_t size)
{
    if (range->end == start + size)
        range->end = start;
    else if (list->count < list->capacity)
        ranges_remove(list, start, start + size);
    else
        return false;
    return true;
}

static uint64_t take(struct range_list *list, uint64_t size, uint64_t alignment, uint64_t below)
{
    for (uint32_t i = list->count; i-- > 0;) {
        struct boot_range *range = &list->ranges[i];
        uint64_t end = range->end < below ? range->end : below, start = (end - size) & ~(alignment - 1);
        if (end >= size && start >= range->start && take_part(list, range, start, size))
            return start;
    }
    return 0;
}

uint64_t runs_take(uint64_t size, uint64_t alignment, uint64_t below)
{
    uint64_t run = 0;
    for (uint32_t i = 0; i < LISTS && run == 0; i++)
        run = take(&lists[i], size, alignment, below);
    return run;
}

uint64_t runs_size(void)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < LISTS; i++)
        for (uint32_t j = 0; j < lists[i].count; j++)
            size += lists[i].ranges[j].end - lists[i].ranges[j].start;
    return size;
}
