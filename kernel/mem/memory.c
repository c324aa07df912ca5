/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory objects and mappings. See memory.h. */
#include "mem/memory.h"

#include "abi/capability.h"
#include "cap/factory.h"
#include "debug/panic.h"
#include "mem/frame.h"
#include "mem/slab.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"

#define ENTRIES 512
#define PAGES_AT_ONCE 24     /* in a piece of work */
#define PAGES_MADE_AT_ONCE 3 /* each is zeroed, which takes 512 instructions */

uint64_t memory_frame(const struct memory *memory, uint32_t page)
{
    return memory->frames[page / ENTRIES][page % ENTRIES];
}

/* Frees some frames, the last first. Is nothing left? */
static bool free_some_frames(struct memory *memory)
{
    struct factory *payer = memory->object.payer;
    for (int i = 0; i < PAGES_AT_ONCE && memory->present > 0; i++) {
        uint32_t page = --memory->present;
        uint64_t *table = memory->frames[page / ENTRIES];
        if (!memory->borrowed)
            factory_free_frame(payer, table[page % ENTRIES]);
        if (page % ENTRIES == 0)
            factory_free_frame(payer, virtual_to_physical(table));
    }
    if (memory->present > 0)
        return false;
    if (memory->frames)
        factory_free_frame(payer, virtual_to_physical(memory->frames));
    memory->frames = 0;
    return true;
}

/* Nobody reads an entry beyond `present`, so nothing needs to stand there. */
static void *table_allocate(struct factory *payer)
{
    uint64_t frame = factory_allocate_raw_frame(payer);
    return frame ? physical_to_virtual(frame) : 0;
}

/* Enters one more frame: a new one, or where `physical` is given, the one that belongs there. */
static bool add_frame(struct memory *memory, uint64_t physical)
{
    struct factory *payer = memory->object.payer;
    uint32_t page = memory->present;
    uint64_t frame = physical ? physical + (uint64_t)page * PAGE_SIZE : factory_allocate_frame(payer);
    if (!frame)
        return false;
    if (page % ENTRIES == 0 && !(memory->frames[page / ENTRIES] = table_allocate(payer))) {
        if (!physical)
            factory_free_frame(payer, frame);
        return false;
    }
    memory->frames[page / ENTRIES][page % ENTRIES] = frame;
    memory->present++;
    return true;
}

/* Enters up to `most` more frames. */
static bool add_frames(struct memory *memory, uint64_t physical, uint32_t most)
{
    for (uint32_t i = 0; i < most && memory->present < memory->pages; i++)
        if (!add_frame(memory, physical))
            return false;
    return true;
}

/* An object that has no frame yet. */
static struct memory *create_empty(struct factory *payer, uint64_t pages)
{
    struct memory *memory = object_allocate(payer, OBJECT_MEMORY, sizeof(struct memory));
    if (!memory)
        return 0;
    memory->pages = (uint32_t)pages;
    memory->frames = table_allocate(payer);
    if (memory->frames)
        return memory;
    object_free(&memory->object);
    return 0;
}

static struct memory *create(struct factory *payer, uint64_t physical, uint64_t pages)
{
    struct memory *memory = create_empty(payer, pages);
    if (!memory)
        return 0;
    memory->borrowed = physical != 0;
    if (add_frames(memory, physical, memory->pages))
        return memory;
    object_destroy(&memory->object);
    return 0;
}

struct memory *memory_create(struct factory *payer, uint64_t pages, enum error *error)
{
    if (pages == 0 || pages > MEMORY_MAX_PAGES) {
        *error = ERROR_BAD_ARGUMENT;
        return 0;
    }
    struct memory *memory = create(payer, 0, pages);
    if (!memory)
        *error = ERROR_NO_MEMORY;
    return memory;
}

struct memory *memory_create_borrowed(struct factory *payer, uint64_t physical, uint64_t pages)
{
    assert(physical != 0 && pages <= MEMORY_MAX_PAGES);
    return create(payer, physical, pages);
}

/* ---- Made piece by piece ----------------------------------------------------------------------------------------- */

struct memory *memory_begin(struct thread *maker, struct factory *payer, uint64_t pages, enum error *error)
{
    struct memory *memory = maker->makes;
    *error = ERROR_BAD_ARGUMENT;
    if (memory && memory->object.payer == payer && memory->pages == pages && !memory->object.condemned)
        return memory;
    memory_give_up(maker);
    if (pages == 0 || pages > MEMORY_MAX_PAGES)
        return 0;
    *error = ERROR_NO_MEMORY;
    memory = create_empty(payer, pages);
    if (!memory)
        return 0;
    memory->maker = maker;
    maker->makes = memory;
    return memory;
}

bool memory_make_piece(struct memory *memory)
{
    if (memory->failure != ERROR_NONE)
        return free_some_frames(memory);
    if (!add_frames(memory, 0, PAGES_MADE_AT_ONCE))
        memory->failure = ERROR_NO_MEMORY;
    return memory->failure == ERROR_NONE && memory->present == memory->pages;
}

static void forget_maker(struct memory *memory)
{
    if (memory->maker)
        memory->maker->makes = 0;
    memory->maker = 0;
}

enum error memory_finish(struct memory *memory)
{
    enum error error = memory->failure;
    forget_maker(memory);
    if (error != ERROR_NONE)
        object_free(&memory->object);
    return error;
}

void memory_give_up(struct thread *maker)
{
    struct memory *memory = maker->makes;
    if (!memory)
        return;
    forget_maker(memory);
    object_condemn(&memory->object);
}

/* ---- Mappings ---------------------------------------------------------------------------------------------------- */

static void link_mapping(struct mapping *mapping)
{
    struct mapping **memory_list = &mapping->memory->mappings, **task_list = &mapping->task->mappings;
    mapping->memory_next = *memory_list;
    if (*memory_list)
        (*memory_list)->memory_previous = mapping;
    *memory_list = mapping;
    mapping->task_next = *task_list;
    if (*task_list)
        (*task_list)->task_previous = mapping;
    *task_list = mapping;
}

static void unlink_mapping(struct mapping *mapping)
{
    if (mapping->memory_next)
        mapping->memory_next->memory_previous = mapping->memory_previous;
    if (mapping->memory_previous)
        mapping->memory_previous->memory_next = mapping->memory_next;
    else
        mapping->memory->mappings = mapping->memory_next;
    if (mapping->task_next)
        mapping->task_next->task_previous = mapping->task_previous;
    if (mapping->task_previous)
        mapping->task_previous->task_next = mapping->task_next;
    else
        mapping->task->mappings = mapping->task_next;
}

/* Mapping records are charged to the task that they map into. */
static struct mapping *mapping_create(struct memory *memory, struct task *task, uint64_t address, uint32_t offset,
                                      uint32_t pages, uint32_t rights)
{
    struct mapping *mapping = slab_allocate(task->object.payer, sizeof(struct mapping));
    if (!mapping)
        return 0;
    mapping->memory = memory;
    mapping->task = task;
    mapping->address = address;
    mapping->offset = offset;
    mapping->pages = pages;
    mapping->rights = rights;
    link_mapping(mapping);
    return mapping;
}

static void mapping_free(struct mapping *mapping)
{
    unlink_mapping(mapping);
    slab_free(mapping);
}

static uint64_t entry_flags(uint32_t rights)
{
    uint64_t flags = PTE_USER;
    if (rights & RIGHT_WRITE)
        flags |= PTE_WRITE;
    if (!(rights & RIGHT_EXECUTE))
        flags |= PTE_NO_EXECUTE;
    return flags;
}

enum error memory_map(struct memory *memory, struct task *task, uint64_t address, uint32_t offset, uint32_t pages,
                      uint32_t rights)
{
    if (pages == 0 || (uint64_t)offset + pages > memory->pages)
        return ERROR_BAD_ARGUMENT;
    if ((rights & RIGHT_WRITE) && (rights & RIGHT_EXECUTE))
        return ERROR_BAD_ARGUMENT;
    if (!space_mappable(address, pages))
        return ERROR_BAD_ADDRESS;
    enum error error = space_prepare(&task->space, task->object.payer, address, pages);
    if (error != ERROR_NONE)
        return error;
    if (!mapping_create(memory, task, address, offset, pages, rights))
        return ERROR_NO_MEMORY;
    for (uint32_t i = 0; i < pages; i++)
        space_map(&task->space, address + (uint64_t)i * PAGE_SIZE, memory_frame(memory, offset + i),
                  entry_flags(rights));
    return ERROR_NONE;
}

static uint64_t mapping_end(const struct mapping *mapping)
{
    return mapping->address + (uint64_t)mapping->pages * PAGE_SIZE;
}

/* The mapping of `memory` that covers all of the range, or 0. */
static struct mapping *find_mapping(struct memory *memory, struct task *task, uint64_t address, uint64_t end)
{
    for (struct mapping *mapping = task->mappings; mapping; mapping = mapping->task_next)
        if (mapping->memory == memory && mapping->address <= address && end <= mapping_end(mapping))
            return mapping;
    return 0;
}

static void unmap_pages(struct task *task, uint64_t address, uint64_t end)
{
    for (; address < end; address += PAGE_SIZE)
        space_unmap(&task->space, address);
}

/* Makes what a mapping has behind `end` a mapping of its own. */
static bool split_mapping(struct mapping *mapping, uint64_t end)
{
    uint32_t after = (uint32_t)((mapping_end(mapping) - end) / PAGE_SIZE), before = mapping->pages - after;
    if (!mapping_create(mapping->memory, mapping->task, end, mapping->offset + before, after, mapping->rights))
        return false;
    mapping->pages = before;
    return true;
}

/* Unmaps the first pages of a mapping, which keeps others. */
static void drop_first_pages(struct mapping *mapping, uint32_t pages)
{
    uint64_t end = mapping->address + (uint64_t)pages * PAGE_SIZE;
    unmap_pages(mapping->task, mapping->address, end);
    mapping->address = end;
    mapping->offset += pages;
    mapping->pages -= pages;
}

static void drop_last_pages(struct mapping *mapping, uint32_t pages)
{
    uint64_t end = mapping_end(mapping);
    unmap_pages(mapping->task, end - (uint64_t)pages * PAGE_SIZE, end);
    mapping->pages -= pages;
    if (mapping->pages == 0)
        mapping_free(mapping);
}

enum error memory_unmap_piece(struct memory *memory, struct task *task, uint64_t *address, uint32_t *pages)
{
    if (*pages == 0 || !space_mappable(*address, *pages))
        return ERROR_BAD_ADDRESS;
    uint64_t end = *address + (uint64_t)*pages * PAGE_SIZE;
    struct mapping *mapping = find_mapping(memory, task, *address, end);
    uint32_t some = *pages < PAGES_AT_ONCE ? *pages : PAGES_AT_ONCE;
    if (!mapping)
        return ERROR_BAD_ADDRESS;
    if (mapping->address == *address && end < mapping_end(mapping)) {
        drop_first_pages(mapping, some);
        *address += (uint64_t)some * PAGE_SIZE;
    } else {
        if (end < mapping_end(mapping) && !split_mapping(mapping, end))
            return ERROR_NO_MEMORY;
        drop_last_pages(mapping, some);
    }
    *pages -= some;
    return ERROR_NONE;
}

/* Unmaps some pages, the last first. The record goes with the last of them. */
static void drop_mapping_piece(struct mapping *mapping)
{
    drop_last_pages(mapping, mapping->pages < PAGES_AT_ONCE ? mapping->pages : PAGES_AT_ONCE);
}

bool memory_unmap_task_piece(struct task *task)
{
    if (task->mappings)
        drop_mapping_piece(task->mappings);
    return !task->mappings;
}

void memory_destroy_piece(struct memory *memory)
{
    forget_maker(memory);
    if (memory->mappings)
        return drop_mapping_piece(memory->mappings);
    if (free_some_frames(memory))
        object_free(&memory->object);
}
