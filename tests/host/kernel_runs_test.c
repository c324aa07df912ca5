/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the free ranges that runs of frames come from (kernel/mem/runs.c): random takes and returns, each
 * compared with a map of pages. What is refused must be nowhere. kernel_runs_test [STEPS [SEED]]. Prints TAP.
 */
#include <stdlib.h>
#include <string.h>

#include "abi/addresses.h"
#include "host_tap.h"
#include "mem/runs.h"

#define SEED 0x5e7d1UL
#define STEPS 20000
#define MEMORY_END 0x2000000UL /* as much above what is taken last as below */
#define PAGES (MEMORY_END / PAGE_SIZE)
#define LOW_PAGES (RUNS_LOW_END / PAGE_SIZE)
#define TAKEN_MOST 60
#define PART 64 /* pages that are returned at a time, the last first */

static struct {
    uint64_t first, count;
} taken[TAKEN_MOST];
static unsigned taken_count;
static bool is_free[PAGES];
static uint64_t state = SEED, free_pages;

/* The ranges of the machine, the last one on both sides of the border. */
static const struct {
    uint64_t start, end;
} memory[] = {{0x100000, 0x180000}, {0x300000, 0x301000}, {0x400000, 0x1c00000}, {0x1d00000, MEMORY_END}};

static uint64_t random_below(uint64_t limit)
{
    return host_random(&state) % limit;
}

static bool set_free(uint64_t first, uint64_t count, bool free)
{
    bool good = true;
    for (uint64_t i = first; i < first + count; i++) {
        good &= i < PAGES && is_free[i] != free;
        is_free[i] = free;
    }
    free_pages += free ? count : -count;
    return good;
}

/* Is there a place for such a run? None lies on both sides of the border. */
static bool exists(uint64_t count, uint64_t alignment, uint64_t below)
{
    uint64_t length = 0;
    for (uint64_t page = PAGES; page-- > 0;) {
        length = is_free[page] && (page + 1) * PAGE_SIZE <= below ? length + 1 : 0;
        uint64_t whole = page < LOW_PAGES && page + length > LOW_PAGES ? LOW_PAGES - page : length;
        if (whole >= count && page % alignment == 0)
            return true;
    }
    return false;
}

static bool take(uint64_t count, uint64_t alignment, uint64_t below, bool first)
{
    uint64_t size = count * PAGE_SIZE;
    uint64_t run = first ? runs_take_first(size) : runs_take(size, alignment * PAGE_SIZE, below);
    if (run == 0)
        return !exists(count, first ? 1 : alignment, first ? UINT64_MAX : below);
    taken[taken_count].first = run / PAGE_SIZE;
    taken[taken_count++].count = count;
    bool good = first || (run % (alignment * PAGE_SIZE) == 0 && run + size <= below);
    return good && run % PAGE_SIZE == 0 && set_free(run / PAGE_SIZE, count, false);
}

static bool give_back(unsigned number)
{
    bool good = true;
    while (taken[number].count > 0) {
        uint64_t part = (taken[number].count - 1) % PART + 1, first = taken[number].first + taken[number].count - part;
        good &= runs_add(first * PAGE_SIZE, (first + part) * PAGE_SIZE) && set_free(first, part, true);
        taken[number].count -= part;
    }
    taken[number] = taken[--taken_count];
    return good;
}

static bool step(void)
{
    if (taken_count == TAKEN_MOST || (taken_count > 0 && random_below(5) < 2))
        return give_back((unsigned)random_below(taken_count));
    uint64_t below = random_below(2) ? UINT64_MAX : random_below(MEMORY_END + PAGE_SIZE);
    return take(1 + random_below(random_below(4) ? 8 : 900), 1UL << random_below(10), below, random_below(5) == 0);
}

static void test_random(long steps)
{
    uint64_t seed = state;
    bool good = true;
    long i = 0;
    for (; i < steps && good; i++)
        good = step() && runs_size() == free_pages * PAGE_SIZE;
    host_ok(good, "%ld random steps agree with a map of pages (seed %#lx)", i, seed);
    while (taken_count > 0)
        good &= give_back(taken_count - 1);
    host_ok(good && runs_size() == free_pages * PAGE_SIZE, "all comes back");
    host_ok(runs_take(RUNS_LOW_END - 0x400000, PAGE_SIZE, RUNS_LOW_END) == 0x400000, "and has grown together");
    host_ok(runs_add(0x400000, RUNS_LOW_END), "which can be given back at once");
}

static void test_order(void)
{
    uint64_t high = runs_take(PAGE_SIZE, PAGE_SIZE, UINT64_MAX), low = runs_take(PAGE_SIZE, PAGE_SIZE, RUNS_LOW_END);
    host_ok(high == MEMORY_END - PAGE_SIZE && low == RUNS_LOW_END - PAGE_SIZE,
            "runs come from the end of what is asked");
    uint64_t first = runs_take_first(PAGE_SIZE);
    host_ok(first == RUNS_LOW_END, "single frames come from the beginning, and not from what all devices reach");
    host_ok(runs_add(high, high + PAGE_SIZE) && runs_add(low, low + PAGE_SIZE) && runs_add(first, first + PAGE_SIZE),
            "and all three go back");
}

/* Every other page is taken, so that each that is left is a range of its own: some cannot be given back then. */
static void test_full(void)
{
    uint64_t before = runs_size(), count = 0, refused = 0, start = 0x1000000, end = 0x1400000;
    host_ok(runs_take(end - start, PAGE_SIZE, end) == start, "a run is taken");
    for (uint64_t at = start; at < end; at += 2 * PAGE_SIZE, count++)
        refused += !runs_add(at, at + PAGE_SIZE);
    host_ok(refused > 0 && refused < count, "%lu of %lu pages find no place in the table", refused, count);
    host_ok(runs_size() == before - (end - start) + (count - refused) * PAGE_SIZE, "and none is lost for that");
}

int main(int argc, char **argv)
{
    long steps = argc > 1 ? strtol(argv[1], NULL, 0) : STEPS;
    state = argc > 2 ? strtoul(argv[2], NULL, 0) : SEED;
    for (unsigned i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
        runs_add(memory[i].start, memory[i].end);
        set_free(memory[i].start / PAGE_SIZE, (memory[i].end - memory[i].start) / PAGE_SIZE, true);
    }
    host_ok(runs_size() == free_pages * PAGE_SIZE, "%lu pages are free", free_pages);
    test_order();
    test_random(steps);
    test_full();
    return host_done();
}
