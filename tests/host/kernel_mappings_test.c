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
#include "cap/capability.h"
#include "cap/factory.h"
#include "debug/invariants.h"
#include "host_tap.h"
#include "ipc/pages.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/memory.h"
#include "mem/revoke.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "thread/timeout.h"

#define QUOTA (60UL << 20)
#define SEED 0x9a9e5UL
#define STEPS 400000
#define TASKS 4
#define MEMORIES 4
#define MEMORY_PAGES 24
#define LARGE_MEMORY_PAGES 8
#define AREA_PAGES 16
#define PAGES (2 * AREA_PAGES)      /* of a task, in two areas; the first one needs two page tables */
#define BETWEEN_TABLES 0x40000000UL /* in the middle of the first area */
#define SECOND_AREA 0x50000000UL
#define ROOT (-1)

/* What the model knows of a page of a task. */
struct cell {
    struct memory *memory; /* NULL: nothing is mapped */
    uint32_t number, rights, cache;
    int parent; /* task * PAGES + page, or ROOT */
    uint64_t use;
};

/* A run, as long as it is not broken. */
struct run {
    uint64_t state; /* of the random numbers of this step */
    const char *wrong;
};

static struct cell model[TASKS * PAGES];
static struct task *tasks[TASKS];
static struct memory *memories[MEMORIES];
static struct capability task_holders[TASKS], memory_holders[MEMORIES];
static struct factory *factory;
static struct thread maker;
static struct run run;
static uint32_t unit = 1, memory_pages = MEMORY_PAGES; /* pages that a page of the model stands for */

static uint64_t random_below(uint64_t limit)
{
    return host_random(&run.state) % limit;
}

static void wrong(const char *what)
{
    if (!run.wrong)
        run.wrong = what;
}

static uint64_t address_of(int page)
{
    uint64_t start = page < AREA_PAGES ? BETWEEN_TABLES - AREA_PAGES / 2 * unit * PAGE_SIZE : SECOND_AREA;
    return start + (uint64_t)(page % AREA_PAGES) * unit * PAGE_SIZE;
}

/* The page at `address`, or -1. */
static int page_at(uint64_t address)
{
    for (int page = 0; page < PAGES; page++)
        if (address_of(page) == address)
            return page;
    return -1;
}

static struct cell *cells_of(int task)
{
    return &model[task * PAGES];
}

static void hold(struct capability *holder, struct object *object)
{
    *holder = (struct capability){0};
    capability_attach(holder, object, RIGHTS_ALL, 0);
}

/* ---- Comparison -------------------------------------------------------------------------------------------------- */

static uint64_t expected_entry(const struct cell *cell)
{
    static const uint64_t cache[] = {0, PTE_WRITE_COMBINING, PTE_UNCACHED};
    uint64_t flags = PTE_PRESENT | PTE_USER;
    if (!cell->memory)
        return 0;
    flags |= cell->rights & RIGHT_WRITE ? PTE_WRITE : 0;
    flags |= cell->rights & RIGHT_EXECUTE ? 0 : PTE_NO_EXECUTE;
    return memory_frame(cell->memory, cell->number * unit) | flags | cache[cell->cache] | cell->use;
}

/* The entry for the page at `address`, as if it were a small one. */
static uint64_t actual_entry(int task, uint64_t address)
{
    const uint64_t *entry = space_entry(&tasks[task]->space, address);
    if (!entry || !(*entry & PTE_LARGE))
        return entry ? *entry : 0;
    return (*entry & ~PTE_LARGE) + address % LARGE_PAGE_SIZE;
}

static void compare_page(int page)
{
    struct cell *cell = &model[page];
    uint64_t first = actual_entry(page / PAGES, address_of(page % PAGES));
    uint64_t last = actual_entry(page / PAGES, address_of(page % PAGES) + (unit - 1) * PAGE_SIZE);
    uint64_t neighbours = unit > 1 ? first & PTE_USE : 0;
    if (first != (expected_entry(cell) | neighbours))
        wrong("a page table is not as the model says");
    if (unit > 1 && (last & ~PTE_USE) != (cell->memory ? (first & ~PTE_USE) + (unit - 1) * PAGE_SIZE : 0))
        wrong("the last page of several is not as the first");
    if (cell->memory)
        cell->use |= neighbours;
}

static void compare(void)
{
    struct inspection inspection = {0};
    for (int i = 0; i < TASKS * PAGES; i++)
        compare_page(i);
    invariants_mappings(&inspection);
    if (inspection.broken)
        wrong(inspection.broken);
    if (mapping_any_abandoned() || maker.made)
        wrong("something is left half done");
}

/* ---- The model --------------------------------------------------------------------------------------------------- */

static bool comes_from(int page, int ancestor)
{
    for (page = model[page].parent; page != ROOT; page = model[page].parent)
        if (page == ancestor)
            return true;
    return false;
}

/* Nothing is there any more; what came from there comes from its parent. */
static void model_drop(int page)
{
    struct cell *cell = &model[page];
    for (int i = 0; i < TASKS * PAGES; i++)
        if (model[i].memory && model[i].parent == page)
            model[i].parent = cell->parent;
    if (cell->parent != ROOT)
        model[cell->parent].use |= cell->use;
    memset(cell, 0, sizeof(*cell));
}

static uint64_t model_revoke(int page, uint32_t take)
{
    uint64_t use = model[page].use;
    for (int i = 0; i < TASKS * PAGES; i++) {
        if (!model[i].memory || !comes_from(i, page))
            continue;
        use |= model[i].use;
        model[i].use = 0;
        model[i].rights &= ~take;
        if (take & RIGHT_READ)
            model[i].rights = UINT32_MAX; /* to go, once all that came from it is found */
    }
    for (int i = 0; i < TASKS * PAGES; i++)
        if (model[i].memory && model[i].rights == UINT32_MAX)
            model_drop(i);
    model[page].use = 0;
    return use;
}

/* Are large pages where the `count` pages at `page` of `task`, which were just mapped, have two halves of one? */
static void expect_large(int task, int page, uint32_t count)
{
    const struct cell *cells = cells_of(task) + page;
    for (uint32_t i = 0; unit > 1 && i + 1 < count; i++) {
        const uint64_t *entry = space_entry(&tasks[task]->space, address_of(page + (int)i));
        bool large = entry && (*entry & PTE_LARGE);
        if ((page + i) % 2 == 0 && cells[i].number % 2 == 0 && cells[i + 1].number == cells[i].number + 1 &&
            cells[i + 1].memory == cells[i].memory && cells[i + 1].rights == cells[i].rights && !large &&
            (memory_chunk(cells[i].memory, cells[i].number * unit) & CHUNK_LARGE))
            wrong("a large page is mapped as small ones");
    }
}

/* ---- Steps: each on the kernel and on the model ------------------------------------------------------------------ */

static bool range_is_free(const struct cell *cells, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (cells[i].memory)
            return false;
    return true;
}

static bool area_ends(int page, uint32_t count)
{
    return page % AREA_PAGES + (int)count > AREA_PAGES;
}

static void map(int task)
{
    int page = (int)random_below(PAGES);
    uint32_t count = 1 + (uint32_t)random_below(AREA_PAGES / 2), rights = (uint32_t)random_below(8);
    struct memory *memory = memories[random_below(MEMORIES)];
    uint32_t offset = (uint32_t)random_below(memory_pages);
    struct cell *cells = cells_of(task) + page;
    if (area_ends(page, count))
        return;
    enum error expected = ERROR_NONE;
    if (offset + count > memory_pages || (rights & 6) == 6)
        expected = ERROR_BAD_ARGUMENT;
    else if (!range_is_free(cells, count))
        expected = ERROR_OCCUPIED;
    enum error error = memory_map(memory, tasks[task], address_of(page), offset * unit, count * unit, rights);
    if (error == ERROR_NO_MEMORY && host_memory_failed())
        return;
    if (error != expected)
        wrong("Memory.map answers otherwise");
    for (uint32_t i = 0; error == ERROR_NONE && i < count; i++)
        cells[i] = (struct cell){memory, offset + i, rights, PAGE_WRITE_BACK, ROOT, 0};
    if (error == ERROR_NONE)
        expect_large(task, page, count);
}

/* A page of `task` that is mapped, the first from `page` on; `page` if none is. */
static int random_mapped(int task, int page)
{
    for (int i = 0; i < PAGES; i++)
        if (cells_of(task)[(page + i) % PAGES].memory)
            return (page + i) % PAGES;
    return page;
}

/* What a page item that maps `count` pages from `from` to `to` should lead to. */
static enum error expected_of_item(const struct cell *from, const struct cell *to, uint32_t count, uint32_t rights,
                                   uint32_t cache)
{
    if ((rights & 6) == 6)
        return ERROR_BAD_ARGUMENT;
    for (uint32_t i = 0; i < count; i++) {
        if (!from[i].memory)
            return ERROR_BAD_ADDRESS;
        if ((rights & ~RIGHT_READ & ~from[i].rights) || (cache && cache < from[i].cache))
            return ERROR_NO_RIGHT;
        if (to[i].memory)
            return ERROR_OCCUPIED;
    }
    return ERROR_NONE;
}

static void map_in_model(struct cell *from, struct cell *to, uint32_t count, uint32_t rights, uint32_t cache)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] = (struct cell){
            from[i].memory, from[i].number, rights, cache ? cache : from[i].cache, (int)(&from[i] - model), 0};
}

/* One flexpage, from a random place to where a random window leads; where it does not matter which of several errors
 * comes first, any will do. */
static void map_on(int giver, bool grant)
{
    static struct utcb utcb;
    int receiver = (int)random_below(TASKS), page = (int)random_below(PAGES);
    uint64_t unit_log2 = PAGE_SHIFT + (uint64_t)__builtin_ctz(unit), log2 = unit_log2 + random_below(4),
             window_log2 = log2 + random_below(3);
    uint32_t count = 1u << (log2 - unit_log2), rights = (uint32_t)random_below(8), cache = 0;
    if (random_below(8)) /* as a rule there is something, and the rights are held */
        page = random_mapped(giver, page);
    if (random_below(8))
        rights &= cells_of(giver)[page].rights | RIGHT_READ;
    if (random_below(8) == 0)
        cache = (uint32_t)random_below(3);
    uint64_t source = address_of(page) & -(1UL << log2);
    uint64_t window = address_of((int)random_below(PAGES)) & -(1UL << window_log2);
    uint64_t target = window + (source & ((1UL << window_log2) - 1));
    int from = page_at(source), to = page_at(target);
    if (from < 0 || to < 0 || area_ends(from, count) || area_ends(to, count))
        return;
    utcb.items[0] = (uint64_t)rights << ITEM_RIGHTS_SHIFT |
                    (uint64_t)(grant ? ITEM_GRANT : ITEM_MAP) << ITEM_KIND_SHIFT | log2 << ITEM_SIZE_SHIFT |
                    (uint64_t)cache << ITEM_CACHE_SHIFT;
    utcb.item_addresses[0] = source;
    struct cell *from_cells = cells_of(giver) + from, *to_cells = cells_of(receiver) + to;
    enum error expected = expected_of_item(from_cells, to_cells, count, rights, cache);
    struct pages pages;
    enum error error = pages_read(&pages, &utcb, 1, (struct page_window){window, window_log2});
    if (error == ERROR_NONE)
        error = pages_map(&pages, &maker, tasks[giver], tasks[receiver]);
    while (mapping_abandoned_piece()) /* more than the few pages that go at once in the kernel */
        ;
    if (error == ERROR_NO_MEMORY && host_memory_failed())
        return;
    if ((error == ERROR_NONE) != (expected == ERROR_NONE))
        wrong("a page item is taken, or refused, otherwise");
    if (error != ERROR_NONE)
        return;
    map_in_model(from_cells, to_cells, count, rights, cache);
    for (uint32_t i = 0; grant && i < count; i++)
        model_drop(giver * PAGES + from + (int)i);
}

/* As a pager answers a fault: one page, which may make a neighbouring mapping longer. As a rule it goes beside a page
 * that is mapped, and comes from beside where that came from. */
static void answer_fault(void)
{
    static struct utcb utcb;
    int beside = (int)random_below(TASKS * PAGES), step = random_below(2) ? 1 : -1;
    uint32_t rights = (uint32_t)random_below(8);
    while (random_below(8) && (!model[beside].memory || model[beside].parent == ROOT))
        beside = (beside + 1) % (TASKS * PAGES);
    if (!model[beside].memory || model[beside].parent == ROOT)
        return;
    if (random_below(8))
        rights = model[beside].rights;
    int from = model[beside].parent + step, to = beside + step;
    if (random_below(8) == 0)
        from = (int)random_below(TASKS * PAGES);
    if (from < 0 || from >= TASKS * PAGES || to < 0 || to >= TASKS * PAGES)
        return;
    utcb.items[0] = (uint64_t)rights << ITEM_RIGHTS_SHIFT | (uint64_t)ITEM_MAP << ITEM_KIND_SHIFT |
                    (uint64_t)PAGE_SHIFT << ITEM_SIZE_SHIFT;
    utcb.item_addresses[0] = address_of(from % PAGES);
    maker.task = tasks[from / PAGES];
    enum error expected = expected_of_item(&model[from], &model[to], 1, rights, 0);
    bool mapped = pages_map_one(&utcb, &maker, tasks[to / PAGES], address_of(to % PAGES) + random_below(PAGE_SIZE));
    while (mapping_abandoned_piece())
        ;
    if (!mapped && expected == ERROR_NONE && host_memory_failed())
        return;
    if (mapped != (expected == ERROR_NONE))
        wrong("an answer to a fault is taken, or refused, otherwise");
    if (mapped)
        map_in_model(&model[from], &model[to], 1, rights, 0);
}

static void unmap(int task)
{
    int page = (int)random_below(PAGES);
    uint32_t count = 1 + (uint32_t)random_below(AREA_PAGES);
    enum error error;
    if (area_ends(page, count))
        return;
    uint64_t start = address_of(page), end = start + (uint64_t)count * unit * PAGE_SIZE;
    while (mapping_abandoned_piece() || !mapping_drop_range_piece(tasks[task], start, end, &error))
        ;
    if (error == ERROR_NO_MEMORY && host_memory_failed())
        return;
    if (error != ERROR_NONE)
        wrong("Task.unmap answers otherwise");
    for (uint32_t i = 0; i < count; i++)
        if (model[task * PAGES + page + (int)i].memory)
            model_drop(task * PAGES + page + (int)i);
}

static void take_back(int task)
{
    static const uint32_t takes[] = {
        0, RIGHT_WRITE, RIGHT_EXECUTE, RIGHT_WRITE | RIGHT_EXECUTE, RIGHT_READ, RIGHTS_ALL - RIGHT_COPY};
    int page = (int)random_below(PAGES);
    uint32_t count = 1 + (uint32_t)random_below(AREA_PAGES), take = takes[random_below(6)];
    uint32_t left = count * unit;
    if (area_ends(page, count))
        return;
    uint64_t use = 0, address = address_of(page);
    if (left == 1 && (take & RIGHT_READ) && revoke_page(&maker, tasks[task], address))
        left = 0;
    while (left > 0)
        revoke_piece(&maker, tasks[task], &address, &left, take);
    for (uint32_t i = 0; i < count; i++)
        if (model[task * PAGES + page + (int)i].memory)
            use |= model_revoke(task * PAGES + page + (int)i, take);
    if (unit > 1 ? use & ~(uint64_t)maker.found : use != maker.found)
        wrong("pages were used otherwise");
    revoke_forget(&maker);
}

/* As the processor does when the page is read, or written. */
static void use_page(int task)
{
    int page = (int)random_below(PAGES);
    struct cell *cell = cells_of(task) + page;
    uint64_t *entry = space_entry(&tasks[task]->space, address_of(page));
    uint64_t use = PTE_ACCESSED | (random_below(2) && cell->rights & RIGHT_WRITE ? PTE_DIRTY : 0);
    if (!cell->memory || !entry)
        return;
    *entry |= use;
    cell->use |= use;
}

static void replace_memory(int number)
{
    enum error error;
    for (int i = 0; i < TASKS * PAGES; i++)
        if (model[i].memory == memories[number])
            memset(&model[i], 0, sizeof(model[i]));
    capability_delete(&memory_holders[number]);
    host_memory_fail_after(-1);
    memories[number] = memory_create(factory, memory_pages * unit, &error);
    hold(&memory_holders[number], &memories[number]->object);
}

static void replace_task(int number)
{
    enum error error;
    for (int page = 0; page < PAGES; page++)
        if (model[number * PAGES + page].memory)
            model_drop(number * PAGES + page);
    capability_delete(&task_holders[number]);
    host_memory_fail_after(-1);
    tasks[number] = task_create(factory, &error);
    hold(&task_holders[number], &tasks[number]->object);
}

static void step(uint64_t seed)
{
    run.state = seed;
    int task = (int)random_below(TASKS);
    uint64_t kind = random_below(60);
    if ((kind < 22 || kind >= 40) && random_below(8) == 0)
        host_memory_fail_after((long)random_below(4));
    if (kind < 8)
        map(task);
    else if (kind < 22)
        map_on(task, false);
    else if (kind < 24)
        map_on(task, true);
    else if (kind < 28)
        unmap(task);
    else if (kind < 34)
        take_back(task);
    else if (kind < 38)
        use_page(task);
    else if (kind >= 40 && unit == 1) /* an answer gives a single page */
        answer_fault();
    else if (kind >= 40)
        map_on(task, false);
    else if (kind == 38 && random_below(4) == 0)
        replace_memory((int)random_below(MEMORIES));
    else if (random_below(8) == 0)
        replace_task(task);
    host_memory_fail_after(-1);
    compare();
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

static void begin(void)
{
    enum error error;
    factory = host_first_factory(QUOTA);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = task_create(factory, &error);
        hold(&task_holders[i], &tasks[i]->object);
    }
    for (int i = 0; i < MEMORIES; i++) {
        memories[i] = memory_create(factory, memory_pages * unit, &error);
        hold(&memory_holders[i], &memories[i]->object);
    }
}

static void end(void)
{
    for (int i = 0; i < TASKS; i++)
        capability_delete(&task_holders[i]);
    for (int i = 0; i < MEMORIES; i++)
        capability_delete(&memory_holders[i]);
    if (factory->used != 0 || host_pieces_used() != 0)
        wrong("not everything comes back");
}

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
