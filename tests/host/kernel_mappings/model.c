/* SPDX-License-Identifier: BSD-2-Clause */
/* The model of mappings. See model.h. */
#include "model.h"

#include <string.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "debug/invariants.h"
#include "host_tap.h"
#include "kernel_parts/host_machine.h"

#define QUOTA (60UL << 20)
#define BETWEEN_TABLES 0x40000000UL /* in the middle of the first area */
#define SECOND_AREA 0x50000000UL

struct cell model[TASKS * PAGES];
struct task *tasks[TASKS];
struct memory *memories[MEMORIES];
struct thread maker;
struct run run;
uint32_t unit = 1, memory_pages;

static struct capability task_holders[TASKS], memory_holders[MEMORIES];
static struct factory *factory;

uint64_t random_below(uint64_t limit)
{
    return host_random(&run.state) % limit;
}

void wrong(const char *what)
{
    if (!run.wrong)
        run.wrong = what;
}

uint64_t address_of(int page)
{
    uint64_t start = page < AREA_PAGES ? BETWEEN_TABLES - AREA_PAGES / 2 * unit * PAGE_SIZE : SECOND_AREA;
    return start + (uint64_t)(page % AREA_PAGES) * unit * PAGE_SIZE;
}

int page_at(uint64_t address)
{
    for (int page = 0; page < PAGES; page++)
        if (address_of(page) == address)
            return page;
    return -1;
}

struct cell *cells_of(int task)
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
    uint64_t flags = PTE_PRESENT | PTE_USER | PTE_MEMORY;
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

void compare(void)
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

void model_drop(int page)
{
    struct cell *cell = &model[page];
    for (int i = 0; i < TASKS * PAGES; i++)
        if (model[i].memory && model[i].parent == page)
            model[i].parent = cell->parent;
    if (cell->parent != ROOT)
        model[cell->parent].use |= cell->use;
    memset(cell, 0, sizeof(*cell));
}

uint64_t model_revoke(int page, uint32_t take)
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

/* ---- Tasks and objects ------------------------------------------------------------------------------------------- */

void replace_memory(int number)
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

void replace_task(int number)
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

void begin(void)
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

void end(void)
{
    for (int i = 0; i < TASKS; i++)
        capability_delete(&task_holders[i]);
    for (int i = 0; i < MEMORIES; i++)
        capability_delete(&memory_holders[i]);
    if (factory->used != 0 || host_pieces_used() != 0)
        wrong("not everything comes back");
}
