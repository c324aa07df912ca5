/* SPDX-License-Identifier: BSD-2-Clause */
/* Random steps on mappings. See steps.h. */
#include "steps.h"

#include "abi/message.h"
#include "ipc/pages.h"
#include "kernel_parts/host_machine.h"
#include "mem/revoke.h"
#include "model.h"

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

void step(uint64_t seed)
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
