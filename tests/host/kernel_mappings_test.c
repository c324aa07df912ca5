/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of mappings: seeded random steps (map, map on, answer a fault, grant, unmap, take rights back, ask for use,
 * kill an object, kill a task, use a page) on the kernel and on a model that knows for each page of each task what
 * shows there and which page it came from. After every step the page tables, how pages were used, and the kernel's own
 * invariants must agree with it.
 *
 * Each step is drawn from a number of its own, so that a failing run can be cut down: steps are left out as long as it
 * still fails, and the shortest run found is printed. Arguments: how many steps, the seed, and how many pages a page of
 * the model stands for: with 256, which is half of a large page, objects are large frames, and where alignment lets it,
 * large pages must be mapped as such. Then the kernel may say of a page that it was used where its neighbour was, but
 * not the reverse.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/message.h"
#include "host_tap.h"
#include "ipc/pages.h"
#include "kernel_mappings/model.h"
#include "kernel_mappings/steps.h"
#include "kernel_parts/host_machine.h"
#include "mem/revoke.h"

#define SEED 0x9a9e5UL
#define STEPS 400000
#define MEMORY_PAGES 24
#define LARGE_MEMORY_PAGES 8

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

/* Numbers far apart for steps that follow each other (Steele, Lea, Flood: SplitMix64). Not 0. */
static uint64_t seed_of(uint64_t seed, long number)
{
    uint64_t mixed = seed + (uint64_t)number * 0x9e3779b97f4a7c15UL;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9UL;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebUL;
    return (mixed ^ mixed >> 31) | 1;
}

/* Carries out the steps with these numbers. Answers how many went well. */
static long carry_out(uint64_t seed, const long *numbers, long count)
{
    long done = 0;
    host_kernel_start();
    begin();
    while (done < count && !run.wrong) {
        step(seed_of(seed, numbers[done]));
        done += !run.wrong;
    }
    if (!run.wrong)
        end();
    return done;
}

/* The same in a process of its own: does it fail, whatever way? */
static bool fails(uint64_t seed, const long *numbers, long count)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(2);
        carry_out(seed, numbers, count);
        _exit(run.wrong != NULL);
    }
    return waitpid(child, &status, 0) == child && status != 0;
}

/* Leaves out steps, many at a time and then fewer, as long as it still fails. Answers how many are left. */
static long shorten(uint64_t seed, long *numbers, long count)
{
    long *fewer = malloc((size_t)count * sizeof(*fewer));
    for (long some = count / 2; some > 0 && fewer; some /= 2)
        for (long at = 0; at + some <= count;) {
            memcpy(fewer, numbers, (size_t)at * sizeof(*fewer));
            memcpy(fewer + at, numbers + at + some, (size_t)(count - at - some) * sizeof(*fewer));
            if (!fails(seed, fewer, count - some)) {
                at += some;
                continue;
            }
            count -= some;
            memcpy(numbers, fewer, (size_t)count * sizeof(*fewer));
        }
    free(fewer);
    return count;
}

static void report(uint64_t seed, long *numbers, long count)
{
    count = shorten(seed, numbers, count);
    printf("# the shortest run that fails: seed %#lx, steps", seed);
    for (long i = 0; i < count; i++)
        printf(" %ld", numbers[i]);
    printf("\n");
    carry_out(seed, numbers, count);
}

/* ---- Growth while rights are taken ------------------------------------------------------------------------------- */

static bool answer_with(struct task *giver, int from, struct task *receiver, int to)
{
    static struct utcb utcb;
    utcb.items[0] = (uint64_t)(RIGHT_READ | RIGHT_WRITE) << ITEM_RIGHTS_SHIFT | (uint64_t)ITEM_MAP << ITEM_KIND_SHIFT |
                    (uint64_t)PAGE_SHIFT << ITEM_SIZE_SHIFT;
    utcb.item_addresses[0] = address_of(from);
    maker.task = giver;
    return pages_map_one(&utcb, &maker, receiver, address_of(to));
}

static bool is_writable(struct task *task, int page)
{
    const uint64_t *entry = space_entry(&task->space, address_of(page));
    return entry && (*entry & PTE_PRESENT) && (*entry & PTE_WRITE);
}

/* Two have page 1 of the giver, and rights are taken from the first of them. It goes, and the other one grows to the
 * front, to page 0: it may not be passed over. */
static void grow_while_visited(void)
{
    uint64_t address = address_of(0), end;
    uint32_t left = 4;
    enum error error = memory_map(memories[0], tasks[0], address, 0, 4, RIGHT_READ | RIGHT_WRITE);
    host_ok(error == ERROR_NONE && answer_with(tasks[0], 1, tasks[1], 5) && answer_with(tasks[0], 1, tasks[2], 5),
            "two have a page of a third");
    revoke_piece(&maker, tasks[0], &address, &left, RIGHT_WRITE);
    int first = is_writable(tasks[1], 5) ? 2 : 1, other = 3 - first;
    host_ok(!is_writable(tasks[first], 5) && is_writable(tasks[other], 5), "the first of them may not write any more");
    end = address_of(5) + PAGE_SIZE;
    while (!mapping_drop_range_piece(tasks[first], address_of(5), end, &error))
        ;
    host_ok(answer_with(tasks[0], 0, tasks[other], 4), "the other one gets the page before");
    while (left > 0)
        revoke_piece(&maker, tasks[0], &address, &left, RIGHT_WRITE);
    revoke_forget(&maker);
    host_ok(!is_writable(tasks[other], 5), "and loses its right all the same");
}

int main(int argc, char **argv)
{
    long steps = argc > 1 ? strtol(argv[1], NULL, 0) : STEPS;
    uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : SEED;
    unit = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 1;
    memory_pages = unit > 1 ? LARGE_MEMORY_PAGES : MEMORY_PAGES;
    long *numbers = malloc((size_t)steps * sizeof(*numbers));
    for (long i = 0; i < steps; i++)
        numbers[i] = i;
    bool bad = fails(seed, numbers, steps);
    if (bad)
        report(seed, numbers, steps);
    host_ok(!bad, "%ld random steps, with %u pages for one, equal the model (seed %#lx)%s%s", steps, unit, seed,
            run.wrong ? ": " : "", run.wrong ? run.wrong : "");
    free(numbers);
    if (!bad) { /* else there is a kernel in this process already */
        host_kernel_start();
        begin();
        if (unit == 1)
            grow_while_visited();
        end();
    }
    return host_done();
}
