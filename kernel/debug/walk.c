/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks page tables by the hardware's rules, and compares what it finds with the inventory and the records of mappings.
 * See walk.h.
 *
 * What a frame is used for is found by marking: first all frames that only the kernel may see are marked, each of which
 * must have one use alone; then no user page may show a marked one.
 */
#include "debug/walk.h"

#include <stdbool.h>

#include "cap/capability.h"
#include "debug/console.h"
#include "mem/frame.h"
#include "mem/inventory.h"
#include "mem/kernel_space.h"
#include "mem/memory.h"
#include "thread/task.h"
#include "thread/thread.h"

#define ENTRIES 512
#define TOP_LEVEL 3
#define CANONICAL_SIGN 0xffff000000000000UL

extern const char kernel_end[];

/* A last-level entry, or that of a table. */
struct place {
    uint64_t address, entry;
    bool user;
    int level; /* 0: a page of 4 KiB, 1: of 2 MiB */
};

struct walk {
    const struct task *task; /* whose tables; 0: the shared part alone */
    bool skip_shared;
    void (*table)(struct walk *walk, const struct place *place); /* may be 0 */
    void (*page)(struct walk *walk, const struct place *place);
    struct walk_result result;
    struct search_result found;
    uint64_t value, mask; /* what is searched for */
    const struct task *searcher;
};

static void complain(struct walk *walk, const struct place *place, const char *reason)
{
    if (walk->result.wrong++ == 0)
        walk->result.first_wrong = reason;
    console_printf("salto: page walk: task \"%s\": %lx, entry %lx: %s\n", walk->task ? walk->task->name : "(all)",
                   place->address, place->entry, reason);
}

static void visit_tables(struct walk *walk, const struct place *table)
{
    const uint64_t *entries = physical_to_virtual(table->entry & PTE_ADDRESS);
    if (walk->table)
        walk->table(walk, table);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        struct place place = {.entry = entries[i], .level = table->level - 1};
        place.address = table->address | i << (PAGE_SHIFT + 9 * place.level);
        place.user = table->user && (place.entry & PTE_USER);
        if (place.level == TOP_LEVEL && i >= ENTRIES / 2)
            place.address |= CANONICAL_SIGN;
        if (!(place.entry & PTE_PRESENT))
            continue;
        if (walk->skip_shared && place.level == TOP_LEVEL - 1 && (place.entry & PTE_ADDRESS) == shared_directory)
            continue;
        if (place.level > 0 && !(place.entry & PTE_LARGE))
            visit_tables(walk, &place);
        else
            walk->page(walk, &place);
    }
}

static void visit_task(struct walk *walk, const struct task *task)
{
    struct place top = {.entry = task->space.pml4, .user = true, .level = TOP_LEVEL + 1};
    walk->task = task;
    visit_tables(walk, &top);
}

static void visit_all_tasks(struct walk *walk)
{
    for (const struct task *task = task_first(); task; task = task->next)
        visit_task(walk, task);
}

static void visit_shared(struct walk *walk)
{
    struct place directory = {.address = SHARED_BASE, .entry = shared_directory, .level = TOP_LEVEL - 1};
    walk->task = 0;
    visit_tables(walk, &directory);
}

static bool is_stand_in(const struct place *place)
{
    uint64_t frame = place->entry & PTE_ADDRESS;
    return frame == page_of_zeros || frame == page_of_ones;
}

/* ---- Frames that only the kernel may see ------------------------------------------------------------------------- */

static void claim(struct walk *walk, const struct place *place)
{
    if (frame_mark(place->entry & PTE_ADDRESS))
        complain(walk, place, "a page or table of the kernel's, whose frame has another use too");
    if (frame_is_free(place->entry & PTE_ADDRESS))
        complain(walk, place, "a page or table of the kernel's, whose frame is free");
}

static void claim_page(struct walk *walk, const struct place *place)
{
    if (!place->user && !is_stand_in(place))
        claim(walk, place);
}

static void claim_all(struct walk *walk)
{
    walk->table = claim;
    walk->page = claim_page;
    visit_shared(walk);
    walk->skip_shared = true;
    visit_all_tasks(walk);
    walk->skip_shared = false;
}

/* ---- Pages ------------------------------------------------------------------------------------------------------- */

static void count_table(struct walk *walk, const struct place *place)
{
    (void)place;
    walk->result.tables++;
}

static void check_supervisor(struct walk *walk, const struct place *place)
{
    const struct supervisor_pages *row = inventory_find(place->address);
    uint64_t flags = place->entry & INVENTORY_FLAGS;
    walk->result.supervisor_pages++;
    if (!row)
        complain(walk, place, "a supervisor page that the inventory does not list");
    else if (is_stand_in(place) && (!row->stand_in || flags != PTE_NO_EXECUTE))
        complain(walk, place, "a stand-in page that is not read-only, or not allowed here");
    else if (!is_stand_in(place) && flags != row->flags)
        complain(walk, place, "other rights than the inventory says");
}

static bool same_rights(uint64_t entry, uint32_t rights)
{
    return !(entry & PTE_WRITE) == !(rights & RIGHT_WRITE) && !(entry & PTE_NO_EXECUTE) == !!(rights & RIGHT_EXECUTE);
}

/* How many pages of 4 KiB it is. */
static uint32_t pages_of(const struct place *place)
{
    return place->level > 0 ? LARGE_PAGE_PAGES : 1;
}

/* Does a mapping of a memory object, or a UTCB, account for this page? */
static bool is_recorded(const struct task *task, const struct place *place)
{
    uint64_t frame = place->entry & PTE_ADDRESS;
    for (const struct thread *thread = task->threads; thread; thread = thread->task_next)
        if (place->address == UTCB_BASE + (uint64_t)thread->number * PAGE_SIZE)
            return frame == thread->utcb_frame && same_rights(place->entry, RIGHT_READ | RIGHT_WRITE);
    const struct mapping *mapping = mapping_find(task, place->address, place->address + PAGE_SIZE);
    if (!mapping)
        return false;
    uint32_t page = (uint32_t)((place->address - mapping_address(mapping)) / PAGE_SIZE);
    if (place->level > 0 && !(memory_chunk(mapping->memory, mapping->offset + page) & CHUNK_LARGE))
        return false;
    return page < mapping->filled && pages_of(place) <= mapping->filled - page &&
           frame == memory_frame(mapping->memory, mapping->offset + page) && same_rights(place->entry, mapping->rights);
}

/* Is one of its frames free, or one that only the kernel may see? */
static bool shows_others(const struct place *place)
{
    uint64_t frame = place->entry & PTE_ADDRESS;
    for (uint32_t i = 0; i < pages_of(place); i++, frame += PAGE_SIZE)
        if (frame_is_marked(frame) || frame_is_free(frame))
            return true;
    return false;
}

static void check_user(struct walk *walk, const struct place *place)
{
    uint64_t frame = place->entry & PTE_ADDRESS;
    walk->result.user_pages += pages_of(place);
    if (place->address >= USER_END)
        complain(walk, place, "a user page outside the user half, or at its last page");
    if (place->entry & PTE_GLOBAL)
        complain(walk, place, "a global user page");
    if ((place->entry & PTE_WRITE) && !(place->entry & PTE_NO_EXECUTE))
        complain(walk, place, "writable and executable");
    if (frame >= KERNEL_LOAD_ADDRESS && frame < KERNEL_LOAD_ADDRESS + ((uint64_t)kernel_end - KERNEL_IMAGE_BASE))
        complain(walk, place, "a user page of the kernel's image");
    if (shows_others(place))
        complain(walk, place, "a user page that shows what the kernel uses, or a free frame");
    if (!is_recorded(walk->task, place))
        complain(walk, place, "a user page that no mapping accounts for");
}

static void check(struct walk *walk, const struct place *place)
{
    if (place->level > 1 || (place->level > 0 && !place->user))
        complain(walk, place, "a large page of the kernel's, or one of 1 GiB");
    else if (place->level > 0 && (place->entry & PTE_ADDRESS) % LARGE_PAGE_SIZE)
        complain(walk, place, "a large page that is not aligned");
    else if (place->user)
        check_user(walk, place);
    else
        check_supervisor(walk, place);
}

struct walk_result walk_all_tasks(void)
{
    struct walk walk = {0};
    claim_all(&walk);
    walk.table = count_table;
    walk.page = check;
    visit_all_tasks(&walk);
    frame_clear_marks();
    return walk.result;
}

/* ---- Search ------------------------------------------------------------------------------------------------------ */

static void mark_user_page(struct walk *walk, const struct place *place)
{
    (void)walk;
    for (uint32_t i = 0; place->user && i < pages_of(place); i++)
        (void)frame_mark((place->entry & PTE_ADDRESS) + (uint64_t)i * PAGE_SIZE);
}

/* What the searcher keeps in its own registers while it searches. */
static bool is_searchers(const struct walk *walk, const struct place *place)
{
    return walk->task == walk->searcher && place->address >= SAVE_AREA &&
           place->address < SAVE_AREA + SAVE_AREA_PAGES * PAGE_SIZE;
}

static void search_page(struct walk *walk, const struct place *place)
{
    const uint64_t *page = physical_to_virtual(place->entry & PTE_ADDRESS);
    if (place->user && !(place->entry & PTE_MEMORY)) /* a device's registers */
        return;
    uint64_t words = pages_of(place) * PAGE_SIZE / sizeof(uint64_t);
    uint64_t *count = place->user ? &walk->found.user : walk->task ? &walk->found.private : &walk->found.shared;
    if (place->user ? frame_is_marked(place->entry & PTE_ADDRESS) : is_searchers(walk, place))
        return;
    for (uint64_t i = 0; i < words; i++) {
        if ((page[i] & walk->mask) != walk->value)
            continue;
        ++*count;
        walk->found.address = place->address + i * sizeof(uint64_t);
    }
}

struct search_result walk_search(uint64_t value, uint64_t mask, const struct task *owner, const struct task *searcher)
{
    struct walk walk = {.value = value, .mask = mask, .searcher = searcher, .skip_shared = true};
    walk.page = mark_user_page;
    visit_task(&walk, owner);
    visit_task(&walk, searcher);
    walk.page = search_page;
    for (const struct task *task = task_first(); task; task = task->next)
        if (task != owner)
            visit_task(&walk, task);
    visit_shared(&walk);
    frame_clear_marks();
    return walk.found;
}
