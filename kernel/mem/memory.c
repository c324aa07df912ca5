/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory objects. See memory.h. */
#include "mem/memory.h"

#include "abi/capability.h"
#include "cap/factory.h"
#include "debug/panic.h"
#include "mem/frame.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"

#define ENTRIES LARGE_PAGE_PAGES
#define PAGES_AT_ONCE 24       /* in a piece of work */
#define LARGE_TAKES 4          /* a large frame is freed: as long as this many pages */
#define PAGES_MADE_AT_ONCE 3   /* each is zeroed, which takes 512 instructions */
#define PAGES_NAMED_AT_ONCE 32 /* of a device */
#define RUN_AT_ONCE 64         /* frames that lie together and are freed */

static uint64_t *table_of(uint64_t chunk)
{
    return physical_to_virtual(chunk);
}

uint64_t memory_frame(const struct memory *memory, uint32_t page)
{
    uint64_t chunk = memory_chunk(memory, page);
    if (chunk & CHUNK_LARGE)
        return chunk - CHUNK_LARGE + (uint64_t)(page % ENTRIES) * PAGE_SIZE;
    return table_of(chunk)[page % ENTRIES];
}

bool memory_is_large(const struct memory *memory, uint32_t page, uint32_t pages)
{
    uint64_t all = CHUNK_LARGE;
    for (uint32_t i = 0; i < pages; i += ENTRIES)
        all &= memory_chunk(memory, page + i);
    return all;
}

static bool is_borrowed(const struct memory *memory)
{
    return memory->kind >= MEMORY_BORROWED;
}

/* Frees the last of the frames that lie together, whether pages have come to stand there yet or not: some of one
 * chunk. */
static int free_last_of_run(struct memory *memory)
{
    struct factory *payer = memory->object.payer;
    uint32_t count = (memory->reserved - 1) % RUN_AT_ONCE + 1, left = memory->reserved -= count;
    frame_free_run(memory->base + (uint64_t)left * PAGE_SIZE, count);
    if (left == 0)
        factory_refund(payer, (uint64_t)memory->pages * PAGE_SIZE); /* it was one charge */
    if (left >= memory->present)
        return PAGES_AT_ONCE;
    if (left % ENTRIES == 0 && !(memory_chunk(memory, left) & CHUNK_LARGE))
        factory_free_frame(payer, memory_chunk(memory, left));
    memory->present = left;
    return PAGES_AT_ONCE;
}

/* Frees the last page, or with it the chunk that it is the last one of: a large frame goes whole. Answers how many
 * pages' work that was. */
static int free_last(struct memory *memory)
{
    if (memory->reserved > 0)
        return free_last_of_run(memory);
    struct factory *payer = memory->object.payer;
    uint32_t page = --memory->present;
    uint64_t chunk = memory_chunk(memory, page);
    if (chunk & CHUNK_LARGE) {
        memory->present = page / ENTRIES * ENTRIES;
        if (!is_borrowed(memory))
            factory_free_large_frame(payer, chunk - CHUNK_LARGE);
        return LARGE_TAKES;
    }
    if (!is_borrowed(memory))
        factory_free_frame(payer, table_of(chunk)[page % ENTRIES]);
    if (page % ENTRIES == 0)
        factory_free_frame(payer, chunk);
    return 1;
}

/* Frees some frames, the last first. Is nothing left? */
static bool free_some_frames(struct memory *memory)
{
    for (int i = 0; i < PAGES_AT_ONCE && memory->present + memory->reserved > 0;)
        i += free_last(memory);
    if (memory->present + memory->reserved > 0)
        return false;
    if (memory->chunks)
        factory_free_frame(memory->object.payer, virtual_to_physical(memory->chunks));
    memory->chunks = 0;
    return true;
}

/* A large frame for the next chunk, if all of it is wanted and there is one: where the frames lie together, that is so
 * if the chunk is aligned. */
static uint64_t large_frame(const struct memory *memory)
{
    uint64_t frame = memory->base + (uint64_t)memory->present * PAGE_SIZE;
    if (memory->pages - memory->present < ENTRIES)
        return 0;
    if (!memory->base)
        return factory_allocate_large_frame(memory->object.payer);
    return frame % LARGE_PAGE_SIZE == 0 ? frame : 0;
}

/* Where the next chunk's pages will stand: a large frame, or else a table. Nobody reads an entry beyond `present`, so
 * nothing needs to stand there. False if neither can be had. */
static bool begin_chunk(struct memory *memory)
{
    bool must_be_large = memory->kind == MEMORY_LARGE;
    uint64_t *chunk = &memory->chunks[memory->present / ENTRIES];
    if (must_be_large && frame_must_fail())
        return false;
    uint64_t frame = large_frame(memory);
    *chunk = frame ? frame | CHUNK_LARGE : must_be_large ? 0 : factory_allocate_raw_frame(memory->object.payer);
    return *chunk;
}

/* The page behind the last one, in a chunk that is there: a new one, or that of the frames that lie together. False if
 * it cannot be had. */
static bool enter_frame(struct memory *memory)
{
    uint32_t page = memory->present;
    uint64_t chunk = memory_chunk(memory, page), frame = memory->base + (uint64_t)page * PAGE_SIZE;
    if (!(chunk & CHUNK_LARGE)) {
        if (!memory->base && (frame = factory_allocate_page(memory->object.payer)) == 0)
            return false;
        table_of(chunk)[page % ENTRIES] = frame;
    } else if (!memory->base) {
        __builtin_memset(physical_to_virtual(memory_frame(memory, page)), 0, PAGE_SIZE);
    }
    if (memory->kind == MEMORY_CONTIGUOUS)
        frame_prepare_of_run(frame);
    return true;
}

/* Enters one more frame. */
static bool add_frame(struct memory *memory)
{
    bool first = memory->present % ENTRIES == 0;
    if (first && !begin_chunk(memory))
        return false;
    if (enter_frame(memory)) {
        memory->present++;
        return true;
    }
    if (first)
        factory_free_frame(memory->object.payer, memory_chunk(memory, memory->present));
    return false;
}

/* Enters up to `most` more frames. */
static bool add_frames(struct memory *memory, uint32_t most)
{
    for (uint32_t i = 0; i < most && memory->present < memory->pages; i++)
        if (!add_frame(memory))
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
    uint64_t frame = factory_allocate_raw_frame(payer);
    if (frame == 0) {
        object_free(&memory->object);
        return 0;
    }
    memory->chunks = physical_to_virtual(frame);
    return memory;
}

static struct memory *create(struct factory *payer, uint64_t physical, uint64_t pages)
{
    struct memory *memory = create_empty(payer, pages);
    if (!memory)
        return 0;
    memory->kind = physical ? MEMORY_BORROWED : MEMORY_PLAIN;
    memory->base = physical;
    if (add_frames(memory, memory->pages))
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

/* Is it what is to be made? Contiguous memory is given its `base` later. */
static bool is_planned(const struct memory *memory, const struct memory_plan *plan)
{
    return memory->pages == plan->pages && memory->kind == plan->kind && memory->cache == plan->cache &&
           (plan->kind == MEMORY_CONTIGUOUS || memory->base == plan->base) && !memory->object.condemned;
}

struct memory *memory_begin(struct thread *maker, struct factory *payer, const struct memory_plan *plan,
                            enum error *error)
{
    struct memory *memory = maker->makes;
    *error = ERROR_BAD_ARGUMENT;
    if (memory && memory->object.payer == payer && is_planned(memory, plan))
        return memory;
    memory_give_up(maker);
    if (plan->pages == 0 || plan->pages > MEMORY_MAX_PAGES || (plan->kind == MEMORY_LARGE && plan->pages % ENTRIES))
        return 0;
    *error = ERROR_NO_MEMORY;
    memory = create_empty(payer, plan->pages);
    if (!memory)
        return 0;
    memory->kind = (uint8_t)plan->kind;
    memory->cache = plan->cache;
    memory->base = plan->base;
    memory->maker = maker;
    maker->makes = memory;
    return memory;
}

void memory_reserve_piece(struct memory *memory, uint64_t alignment, uint64_t below)
{
    struct factory *payer = memory->object.payer;
    uint64_t size = (uint64_t)memory->pages * PAGE_SIZE;
    assert(memory->kind == MEMORY_CONTIGUOUS && memory->reserved == 0);
    bool charged = !frame_must_fail() && factory_charge(payer, size);
    if (charged)
        memory->base = frame_allocate_run(memory->pages, alignment, below);
    if (memory->base) {
        memory->reserved = memory->pages;
        return;
    }
    if (charged)
        factory_refund(payer, size);
    if (!charged || !frame_gather_piece())
        memory->failure = ERROR_NO_MEMORY;
}

bool memory_make_piece(struct memory *memory)
{
    if (memory->failure != ERROR_NONE)
        return free_some_frames(memory);
    if (!add_frames(memory, is_borrowed(memory) ? PAGES_NAMED_AT_ONCE : PAGES_MADE_AT_ONCE))
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

static enum error check_request(const struct map_request *request)
{
    if (request->pages == 0 || (uint64_t)request->offset + request->pages > request->memory->pages)
        return ERROR_BAD_ARGUMENT;
    if ((request->rights & RIGHT_WRITE) && (request->rights & RIGHT_EXECUTE))
        return ERROR_BAD_ARGUMENT;
    return space_mappable(request->address, request->pages) ? ERROR_NONE : ERROR_BAD_ADDRESS;
}

enum error memory_map_piece(struct thread *maker, const struct map_request *request, bool *done)
{
    enum error error = check_request(request);
    return error == ERROR_NONE ? mapping_make_piece(maker, request, done) : error;
}

enum error memory_map_few(const struct map_request *request)
{
    enum error error = check_request(request);
    if (error == ERROR_NONE)
        error = mapping_make_few(request);
    if (error == ERROR_NO_MEMORY)
        mapping_abandoned_piece(); /* what was made of it; the rest of that later, if there is more */
    return error;
}

enum error memory_map(struct memory *memory, struct task *task, uint64_t address, uint32_t offset, uint32_t pages,
                      uint32_t rights)
{
    struct map_request request = memory_map_request(memory, task, address, offset, pages, rights);
    enum error error = check_request(&request);
    return error == ERROR_NONE ? mapping_make(&request) : error;
}

enum error memory_unmap_piece(struct memory *memory, struct task *task, uint64_t *address, uint32_t *pages)
{
    if (*pages == 0 || !space_mappable(*address, *pages))
        return ERROR_BAD_ADDRESS;
    uint64_t end = *address + (uint64_t)*pages * PAGE_SIZE;
    enum error error = ERROR_NONE;
    struct mapping *mapping = mapping_find(task, *address, end);
    if (!mapping || mapping->memory != memory || mapping_address(mapping) > *address || end > mapping_end(mapping))
        return ERROR_BAD_ADDRESS;
    if (!mapping_is_settled(mapping))
        return ERROR_BUSY;
    if (mapping_divide_large(mapping, *address, end, &error))
        return error;
    if (mapping_address(mapping) < *address && end < mapping_end(mapping) && !mapping_split(mapping, end))
        return ERROR_NO_MEMORY;
    bool front = end < mapping_end(mapping);
    uint32_t left = mapping->pages;
    bool done = mapping_drop_piece(mapping, *address, end);
    uint32_t dropped = done ? *pages : left - mapping->pages;
    *pages -= dropped;
    if (front)
        *address += (uint64_t)dropped * PAGE_SIZE;
    return ERROR_NONE;
}

void memory_destroy_piece(struct memory *memory)
{
    forget_maker(memory);
    if (mapping_drop_memory_piece(memory) && free_some_frames(memory))
        object_free(&memory->object);
}
