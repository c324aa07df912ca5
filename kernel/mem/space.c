/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces of tasks. See space.h. */
#include "mem/space.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "mem/frame.h"
#include "mem/inventory.h"
#include "mem/kernel_space.h"
#include "mem/memory.h"
#include "mem/pcid.h"

#define ENTRIES 512
#define LEVELS 4
#define DIRECTORY 1      /* the level of page directories */
#define TABLES_AT_ONCE 8 /* freed, in a piece of work */
#define USER_PML4_ENTRIES 256
#define USER_HALF_END (1UL << 47)
#define STEPS_AT_ONCE 8     /* in a piece of work, or so many tables */
#define SKIPPED_AT_ONCE 16  /* entries of a table that a step passes */
#define PRIVATE_AT_ONCE 256 /* entries of the private table, ... */
#define PAGES_AT_ONCE 16    /* ... or so many pages of the task's own */
#define TOP_ENTRY_COVERS (1UL << 39)

static unsigned index_at(uint64_t address, int level)
{
    return (unsigned)(address >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

static uint64_t *table_of(uint64_t entry)
{
    return physical_to_virtual(entry & PTE_ADDRESS);
}

static uint64_t stand_in(uint64_t frame)
{
    return frame | PTE_PRESENT | PTE_NO_EXECUTE;
}

static void fill_words(uint64_t *words, uint64_t value, uint64_t count)
{
    __asm__ volatile("rep stosq" : "+D"(words), "+c"(count) : "a"(value) : "memory");
}

_Static_assert(PRIVATE_ENTRY(IO_BITMAP) == 0 && PRIVATE_ENTRY(SAVE_AREA) >= IO_BITMAP_PAGES &&
                   PRIVATE_ENTRY(CAPABILITY_SLOTS) >= PRIVATE_ENTRY(SAVE_AREA) + SAVE_AREA_PAGES &&
                   PRIVATE_ENTRY(CAPABILITY_SLOTS) + CAPABILITY_SLOT_PAGES == ENTRIES,
               "a private table begins with the bitmap and ends with the slots");

/* A private part: stand-in pages everywhere, so that the trampoline and the processor may read any slot or bit. */
static void fill_private_table(uint64_t *table)
{
    fill_words(table, stand_in(page_of_ones), IO_BITMAP_PAGES);
    fill_words(&table[IO_BITMAP_PAGES], 0, PRIVATE_ENTRY(CAPABILITY_SLOTS) - IO_BITMAP_PAGES);
    fill_words(&table[PRIVATE_ENTRY(CAPABILITY_SLOTS)], stand_in(page_of_zeros), CAPABILITY_SLOT_PAGES);
}

bool space_create(struct space *space, struct factory *payer)
{
    uint64_t frames[LEVELS]; /* PML4, PDPT, private directory, private table */
    for (int i = 0; i < LEVELS; i++) {
        frames[i] = i < LEVELS - 1 ? factory_allocate_frame(payer) : factory_allocate_raw_frame(payer);
        if (frames[i])
            continue;
        while (i-- > 0)
            factory_free_frame(payer, frames[i]);
        return false;
    }
    uint64_t *pml4 = physical_to_virtual(frames[0]), *pdpt = physical_to_virtual(frames[1]);
    uint64_t *directory = physical_to_virtual(frames[2]);
    pml4[TOP_PML4_INDEX] = frames[1] | PTE_PRESENT | PTE_WRITE;
    pdpt[SHARED_PDPT_INDEX] = shared_directory | PTE_PRESENT | PTE_WRITE;
    pdpt[PRIVATE_PDPT_INDEX] = frames[2] | PTE_PRESENT | PTE_WRITE;
    directory[0] = frames[3] | PTE_PRESENT | PTE_WRITE;
    space->pml4 = frames[0];
    space->cr3 = pcid_take(frames[0]);
    space->near = SPACE_NOWHERE;
    space->private_table = physical_to_virtual(frames[3]);
    fill_private_table(space->private_table);
    return true;
}

static bool is_stand_in(uint64_t entry)
{
    uint64_t frame = entry & PTE_ADDRESS;
    return frame == page_of_zeros || frame == page_of_ones;
}

/* Frees the table behind `entry`, which names nothing any more: all its entries are zero. */
static void free_table(struct factory *payer, uint64_t *entry)
{
    factory_free_zeroed_frame(payer, *entry & PTE_ADDRESS);
    *entry = 0;
}

/* How many entries from `index` on name no table: of the same table, and as many as are looked at in a step. */
static unsigned missing_entries(const uint64_t *table, unsigned index)
{
    unsigned end = index + SKIPPED_AT_ONCE < ENTRIES ? index + SKIPPED_AT_ONCE : ENTRIES, i = index;
    while (i + 4 <= end && !((table[i] | table[i + 1] | table[i + 2] | table[i + 3]) & PTE_PRESENT))
        i += 4;
    while (i < end && !(table[i] & PTE_PRESENT))
        i++;
    return i - index;
}

/* A step through the user half, from `space->cursor` on: frees the page table there, and the tables above it behind
 * their last entry. Where tables are missing, goes on behind what they would have covered. */
static void free_user_table(struct space *space, struct factory *payer)
{
    uint64_t *entries[LEVELS], *table = physical_to_virtual(space->pml4), address = space->cursor;
    unsigned passed = 1;
    int level = LEVELS - 1;
    for (; level > 0; level--) {
        entries[level] = &table[index_at(address, level)];
        if (!(*entries[level] & PTE_PRESENT))
            break;
        table = table_of(*entries[level]);
    }
    if (level == 0)
        free_table(payer, entries[++level]);
    else
        passed = missing_entries(table, index_at(address, level));
    space->cursor += (uint64_t)passed << (PAGE_SHIFT + 9 * level);
    for (level++; level < LEVELS && index_at(space->cursor, level - 1) == 0; level++)
        free_table(payer, entries[level]);
}

/* Where there are few tables, it is known which: frees the last ones, so that none is freed before those below it. */
static void free_noted_tables(struct space *space, struct factory *payer)
{
    for (int i = 0; i < STEPS_AT_ONCE && space->tables_count > 0; i++)
        free_table(payer, space->tables[--space->tables_count]);
    if (space->tables_count == 0)
        space->cursor = USER_HALF_END;
}

/* Goes on to the next top-level entry that names a table; there are few. */
static void skip_missing_tables(struct space *space)
{
    const uint64_t *pml4 = physical_to_virtual(space->pml4);
    unsigned i = index_at(space->cursor, LEVELS - 1);
    while (i < USER_PML4_ENTRIES && !(pml4[i] & PTE_PRESENT))
        i++;
    space->cursor = (uint64_t)i * TOP_ENTRY_COVERS;
}

/* Slots of capabilities are zeros by now, since the task has none any more, and so are save slots of threads. */
static void free_private_page(struct space *space, struct factory *payer, uint64_t *entry)
{
    space->private_pages--;
    if (entry >= &space->private_table[PRIVATE_ENTRY(SAVE_AREA)])
        factory_free_zeroed_frame(payer, *entry & PTE_ADDRESS);
    else
        factory_free_frame(payer, *entry & PTE_ADDRESS);
    *entry = 0;
}

/* Where there are few, it is known which. */
static void free_noted_pages(struct space *space, struct factory *payer)
{
    while (space->private_pages > 0)
        free_private_page(space, payer, &space->private_table[space->private_noted[space->private_pages - 1]]);
    space->private_cursor = ENTRIES;
}

/* Frees the task's own ones among the next private pages: those alone may be written, what stands in for others may
 * not. */
static void free_private_pages(struct space *space, struct factory *payer)
{
    uint64_t *entry = &space->private_table[space->private_cursor], *first = entry;
    uint64_t *end = &space->private_table[space->private_cursor / PRIVATE_AT_ONCE * PRIVATE_AT_ONCE + PRIVATE_AT_ONCE];
    for (int freed = 0; entry < end && freed < PAGES_AT_ONCE && space->private_pages > 0; entry += 4) {
        if (!((entry[0] | entry[1] | entry[2] | entry[3]) & PTE_WRITE)) /* as a rule */
            continue;
        for (int i = 0; i < 4; i++, freed++)
            if (entry[i] & PTE_WRITE)
                free_private_page(space, payer, &entry[i]);
    }
    space->private_cursor = space->private_pages > 0 ? space->private_cursor + (uint16_t)(entry - first) : ENTRIES;
}

static void free_top(struct space *space, struct factory *payer)
{
    uint64_t *pml4 = physical_to_virtual(space->pml4), *pdpt = table_of(pml4[TOP_PML4_INDEX]);
    factory_free_frame(payer, virtual_to_physical(space->private_table));
    *table_of(pdpt[PRIVATE_PDPT_INDEX]) = 0;
    free_table(payer, &pdpt[PRIVATE_PDPT_INDEX]);
    pdpt[SHARED_PDPT_INDEX] = 0;
    free_table(payer, &pml4[TOP_PML4_INDEX]);
    factory_free_zeroed_frame(payer, space->pml4);
    pcid_release(space->cr3);
}

bool space_destroy_piece(struct space *space, struct factory *payer)
{
    space->near = SPACE_NOWHERE;
    if (space->tables_count <= SPACE_TABLES && space->cursor < USER_HALF_END)
        return free_noted_tables(space, payer), false;
    if (space->cursor % TOP_ENTRY_COVERS == 0 && space->cursor < USER_HALF_END)
        skip_missing_tables(space);
    for (int i = 0; i < STEPS_AT_ONCE && space->cursor < USER_HALF_END; i++)
        free_user_table(space, payer);
    if (space->cursor < USER_HALF_END)
        return false;
    if (space->private_cursor == ENTRIES) {
        free_top(space, payer);
        return true;
    }
    if (space->private_cursor == 0 && space->private_pages <= SPACE_PRIVATE)
        return free_noted_pages(space, payer), false;
    free_private_pages(space, payer);
    return false;
}

bool space_mappable_anywhere(uint64_t address, uint64_t pages)
{
    if (address % PAGE_SIZE != 0 || address < USER_START || address >= USER_END)
        return false;
    if (pages > (USER_END - address) / PAGE_SIZE)
        return false;
    uint64_t end = address + pages * PAGE_SIZE;
    return end <= UTCB_BASE || address >= UTCB_BASE + (uint64_t)MAX_THREADS_PER_TASK * PAGE_SIZE;
}

uint64_t *space_directory_entry(const struct space *space, uint64_t address)
{
    const uint64_t *table = physical_to_virtual(space->pml4);
    for (int level = LEVELS - 1; level > DIRECTORY; level--) {
        uint64_t entry = table[index_at(address, level)];
        if (!(entry & PTE_PRESENT))
            return 0;
        table = table_of(entry);
    }
    return (uint64_t *)&table[index_at(address, DIRECTORY)];
}

static void note_table(struct space *space, uint64_t *entry)
{
    if (space->tables_count < SPACE_TABLES)
        space->tables[space->tables_count] = entry;
    if (space->tables_count <= SPACE_TABLES)
        space->tables_count++;
}

/* The table behind `entry` goes before its task. Once there were too many, that is not forgotten: not all are noted. */
static void forget_table(struct space *space, const uint64_t *entry)
{
    uint32_t i = 0;
    if (space->tables_count > SPACE_TABLES)
        return;
    while (space->tables[i] != entry)
        i++;
    for (space->tables_count--; i < space->tables_count; i++)
        space->tables[i] = space->tables[i + 1];
}

static uint64_t *remember_table(struct space *space, uint64_t address, uint64_t *table)
{
    space->near = (uint32_t)(address / LARGE_PAGE_SIZE);
    space->near_table = table;
    return &table[index_at(address, 0)];
}

uint64_t *space_find_entry(struct space *space, uint64_t address)
{
    uint64_t *entry = space_directory_entry(space, address);
    if (!entry || !(*entry & PTE_PRESENT))
        return 0;
    return *entry & PTE_LARGE ? entry : remember_table(space, address, table_of(*entry));
}

/* The entry for `address` in a table of `lowest` level, with tables made where they are missing; 0 if one cannot be
 * had. */
static inline uint64_t *make_entry(struct space *space, struct factory *payer, uint64_t address, int lowest)
{
    uint64_t *table = physical_to_virtual(space->pml4);
    for (int level = LEVELS - 1; level > lowest; level--) {
        uint64_t *entry = &table[index_at(address, level)];
        if (!(*entry & PTE_PRESENT)) {
            uint64_t frame = factory_allocate_frame(payer);
            if (frame == 0)
                return 0;
            *entry = frame | PTE_PRESENT | PTE_WRITE | PTE_USER;
            note_table(space, entry);
        }
        table = table_of(*entry);
    }
    return &table[index_at(address, lowest)];
}

uint64_t *space_make_entry(struct space *space, struct factory *payer, uint64_t address)
{
    if (space->near == address / LARGE_PAGE_SIZE)
        return &space->near_table[index_at(address, 0)];
    uint64_t *entry = make_entry(space, payer, address, 0);
    return entry ? remember_table(space, address, entry - index_at(address, 0)) : 0;
}

enum error space_prepare(struct space *space, struct factory *payer, uint64_t address)
{
    const uint64_t *entry = space_make_entry(space, payer, address);
    if (!entry)
        return ERROR_NO_MEMORY;
    return *entry & PTE_PRESENT ? ERROR_OCCUPIED : ERROR_NONE;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t space_map_pages(struct space *space, struct factory *payer, uint64_t address, const uint64_t *frames,
                         uint32_t count, uint64_t flags)
{
    uint64_t *entry = space_make_entry(space, payer, address);
    assert(!(flags & PTE_WRITE) || (flags & PTE_NO_EXECUTE));
    if (!entry)
        return 0;
    count = lesser(count, ENTRIES - index_at(address, 0));
    flags |= PTE_PRESENT | PTE_USER;
    for (uint32_t i = 0; i < count; i++)
        entry[i] = frames[i] | flags;
    return count;
}

uint32_t space_map_run(struct space *space, struct factory *payer, uint64_t address, uint64_t frame, uint32_t count,
                       uint64_t flags)
{
    uint64_t *entry = space_make_entry(space, payer, address);
    assert(!(flags & PTE_WRITE) || (flags & PTE_NO_EXECUTE));
    if (!entry)
        return 0;
    count = lesser(count, ENTRIES - index_at(address, 0));
    flags |= PTE_PRESENT | PTE_USER;
    for (uint32_t i = 0; i < count; i++)
        entry[i] = (frame + (uint64_t)i * PAGE_SIZE) | flags;
    return count;
}

/* ---- Large pages ------------------------------------------------------------------------------------------------- */

_Static_assert(CHUNK_LARGE == PTE_PRESENT, "what names a large frame is an entry already, but for the flags");

/* Fills in eight entries, if none names a table and each chunk is a large frame. */
static inline bool map_eight(uint64_t *entry, const uint64_t *chunks, uint64_t flags)
{
    uint64_t any = entry[0] | entry[1] | entry[2] | entry[3] | entry[4] | entry[5] | entry[6] | entry[7];
    if ((any & PTE_PRESENT) || !(eight_entries(chunks).all & CHUNK_LARGE))
        return false;
    entry[0] = chunks[0] | flags;
    entry[1] = chunks[1] | flags;
    entry[2] = chunks[2] | flags;
    entry[3] = chunks[3] | flags;
    entry[4] = chunks[4] | flags;
    entry[5] = chunks[5] | flags;
    entry[6] = chunks[6] | flags;
    entry[7] = chunks[7] | flags;
    return true;
}

uint32_t space_map_large(struct space *space, struct factory *payer, uint64_t address, const uint64_t *chunks,
                         uint32_t count, uint64_t flags)
{
    uint64_t *entry = make_entry(space, payer, address, DIRECTORY);
    uint32_t i, tables = 0;
    assert(address % LARGE_PAGE_SIZE == 0 && (!(flags & PTE_WRITE) || (flags & PTE_NO_EXECUTE)));
    if (!entry)
        return 0;
    count = lesser(count, ENTRIES - index_at(address, DIRECTORY));
    flags |= PTE_USER | PTE_LARGE;
    for (i = 0; i < count && tables < TABLES_AT_ONCE; i++) {
        for (; i + EIGHT <= count; i += EIGHT)
            if (!map_eight(&entry[i], &chunks[i], flags))
                break;
        if (i == count || !(chunks[i] & CHUNK_LARGE))
            break;
        if (entry[i] & PTE_PRESENT) {
            space->near = SPACE_NOWHERE;
            forget_table(space, &entry[i]);
            free_table(payer, &entry[i]);
            pcid_flush_page(space->cr3, address + i * LARGE_PAGE_SIZE); /* what leads to the table */
            tables++;
        }
        entry[i] = chunks[i] | flags;
    }
    return i;
}

bool space_is_within_large(const struct space *space, uint64_t address)
{
    const uint64_t *entry = address % LARGE_PAGE_SIZE ? space_directory_entry(space, address) : 0;
    return entry && (*entry & PTE_LARGE);
}

/* What was used stays used: each of the pages may have been. */
bool space_divide_large(struct space *space, struct factory *payer, uint64_t address)
{
    if (!space_is_within_large(space, address))
        return true;
    uint64_t *entry = space_directory_entry(space, address), small = *entry & ~PTE_LARGE;
    uint64_t frame = factory_allocate_raw_frame(payer), *table = physical_to_virtual(frame);
    if (frame == 0)
        return false;
    for (uint32_t i = 0; i < ENTRIES; i += 4, small += 4 * PAGE_SIZE) {
        table[i] = small;
        table[i + 1] = small + PAGE_SIZE;
        table[i + 2] = small + 2 * PAGE_SIZE;
        table[i + 3] = small + 3 * PAGE_SIZE;
    }
    *entry = frame | PTE_PRESENT | PTE_WRITE | PTE_USER;
    note_table(space, entry);
    pcid_flush_page(space->cr3, address);
    return true;
}

/* ---- Single pages ------------------------------------------------------------------------------------------------ */

void space_map(struct space *space, uint64_t address, uint64_t frame, uint64_t flags)
{
    uint64_t *entry = space_entry(space, address);
    assert(entry && !(*entry & PTE_PRESENT));
    assert(!(flags & PTE_WRITE) || (flags & PTE_NO_EXECUTE));
    *entry = frame | PTE_PRESENT | PTE_USER | PTE_MEMORY | flags;
}

void space_unmap(struct space *space, uint64_t address)
{
    /* Without PCID there is nothing to flush: the kernel runs on its own CR3, and the CR3 write on the way back to any
     * program forgets everything that is not global; user pages never are. */
    uint64_t *entry = space_entry(space, address);
    if (!entry)
        return;
    *entry = 0;
    pcid_flush_page(space->cr3, address);
}

bool space_is_stand_in(const struct space *space, uint64_t address)
{
    return is_stand_in(space->private_table[PRIVATE_ENTRY(address)]);
}

void *space_make_private_page(struct space *space, struct factory *payer, uint64_t address)
{
    uint64_t *entry = &space->private_table[PRIVATE_ENTRY(address)];
    const struct supervisor_pages *row = inventory_find(address);
    uint64_t frame = factory_allocate_frame(payer);
    assert(row);
    if (frame == 0)
        return 0;
    if (space->private_pages < SPACE_PRIVATE)
        space->private_noted[space->private_pages] = (uint16_t)PRIVATE_ENTRY(address);
    space->private_pages++;
    /* The stand-in's translation is gone before the program runs again. */
    *entry = frame | PTE_PRESENT | row->flags;
    pcid_flush_page(space->cr3, address);
    return table_of(*entry);
}
