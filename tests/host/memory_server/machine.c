/* SPDX-License-Identifier: BSD-2-Clause */
/* See machine.h. */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../servers/memory/frames.h"
#include "abi/capability.h"
#include "abi/errors.h"
#include "host_tap.h"

struct host_page host_pages[HOST_TASKS][HOST_PAGES + 1];
uint32_t host_chunks, host_failures;
uint64_t host_badge;
bool host_no_records;
uint32_t host_refused_holes;

static uint8_t window[HOST_CHUNKS_END * CHUNK_SIZE] __attribute__((aligned(PAGE_SIZE)));
static bool made[HOST_CHUNKS_END];
static uint32_t mappings;
static struct host_page answer; /* what machine_answer_page() was told last */
static uint64_t chance = 77;

static void require(bool condition, const char *what)
{
    if (!condition) {
        printf("# the machine was asked for what cannot be: %s\n", what);
        abort();
    }
}

static bool fails(void)
{
    return host_failures && host_random(&chance) % host_failures == 0;
}

void host_machine_reset(void)
{
    memset(host_pages, 0, sizeof(host_pages));
    memset(made, 0, sizeof(made));
    host_chunks = host_failures = 0;
}

uint8_t *const machine_window_start = window;

uint32_t machine_make_chunk(uint32_t number)
{
    require(number >= 1 && number <= HOST_CHUNKS && !made[number], "a chunk that is there");
    if (fails())
        return 0;
    memset(window + number * CHUNK_SIZE, 0, CHUNK_SIZE);
    made[number] = true;
    host_chunks++;
    return number + 100;
}

void machine_free_chunk(uint32_t number, uint32_t handle)
{
    require(made[number] && handle == number + 100, "a chunk that is not there is freed");
    for (int task = 0; task < HOST_TASKS; task++)
        for (int page = 0; page < HOST_PAGES; page++)
            require(host_pages[task][page].frame / CHUNK_PAGES != number, "a chunk that is mapped is freed");
    made[number] = false;
    host_chunks--;
}

uint32_t machine_make_block(uint32_t number)
{
    require(number >= HOST_BLOCKS_FIRST && number < HOST_CHUNKS_END && number % BLOCK_CHUNKS == 0, "no block's number");
    if (fails())
        return 0;
    memset(window + number * CHUNK_SIZE, 0, BLOCK_SIZE);
    for (uint32_t i = 0; i < BLOCK_CHUNKS; i++) {
        require(!made[number + i], "a block that is there");
        made[number + i] = true;
    }
    host_chunks += BLOCK_CHUNKS;
    return number + 100;
}

void machine_free_block(uint32_t number, uint32_t handle)
{
    for (uint32_t i = 0; i < BLOCK_CHUNKS; i++)
        machine_free_chunk(number + i, handle + i);
}

/* This machine has no contiguous memory: tests/guest/memory_server has. */
uint32_t machine_make_contiguous(uint64_t pages, uint64_t alignment, uint64_t below, uint64_t *address)
{
    (void)pages, (void)alignment, (void)below, (void)address;
    return 0;
}

int machine_map_object(uint32_t handle, uint64_t page, uint32_t task, uint64_t address, uint32_t pages, uint32_t rights)
{
    (void)handle, (void)page, (void)task, (void)address, (void)pages, (void)rights;
    require(false, "an object that was not made");
    return 0;
}

static struct host_page *pages_at(uint32_t task, uint64_t address, uint32_t pages)
{
    require(task > 0 && task < HOST_TASKS && address % PAGE_SIZE == 0 && pages > 0, "a mapping that cannot be");
    require(address >= HOST_BASE && (address - HOST_BASE) / PAGE_SIZE + pages <= HOST_PAGES, "an address far away");
    return &host_pages[task][(address - HOST_BASE) / PAGE_SIZE];
}

static void check_rights(uint32_t rights)
{
    require(rights & RIGHT_READ, "a mapping that cannot be read");
    require((rights & (RIGHT_WRITE | RIGHT_EXECUTE)) != (RIGHT_WRITE | RIGHT_EXECUTE), "writable and executable");
}

/* All of a mapping that cannot be split is lost. */
static void lose_mapping(struct host_page *page)
{
    uint32_t mapping = page->mapping;
    while (page > host_pages[0] && page[-1].frame && page[-1].mapping == mapping)
        page--;
    for (; page->frame && page->mapping == mapping; page++)
        *page = (struct host_page){.lost = true};
}

static void take_rights(struct host_page *page, uint32_t take)
{
    if (page->mapping == page[1].mapping && page[1].frame && fails())
        return lose_mapping(page);
    if (take == RIGHT_READ)
        *page = (struct host_page){0};
    else
        page->rights &= ~take, page->mapping = ++mappings;
}

void machine_recall(uint32_t frame, uint32_t pages, uint32_t take, bool executed)
{
    require(take == RIGHT_READ || take == RIGHT_WRITE, "rights that are not taken");
    uint32_t most = frame / CHUNK_PAGES >= HOST_BLOCKS_FIRST ? BLOCK_PAGES : CHUNK_PAGES;
    require(pages > 0 && made[frame / CHUNK_PAGES] && frame % most + pages <= most, "nothing recalled");
    for (int task = 0; task < HOST_TASKS; task++)
        for (struct host_page *page = host_pages[task]; page < host_pages[task] + HOST_PAGES; page++)
            if (page->frame - frame < pages && executed == !!(page->rights & RIGHT_EXECUTE))
                take_rights(page, take);
}

int machine_map(uint32_t chunk, uint32_t page, uint32_t frame, uint32_t task, uint64_t address, uint32_t pages,
                uint32_t rights)
{
    struct host_page *place = pages_at(task, address, pages);
    bool large = chunk - 100 >= HOST_BLOCKS_FIRST && !(rights & RIGHT_EXECUTE);
    require(frame == (chunk - 100) * CHUNK_PAGES + page, "another page");
    require(made[chunk - 100] && page + pages <= (large ? BLOCK_PAGES : CHUNK_PAGES), "a mapping of nothing");
    check_rights(rights);
    if (fails())
        return -ERROR_NO_MEMORY;
    mappings++;
    for (uint32_t i = 0; i < pages; i++) {
        require(place[i].frame == 0, "a mapping over another");
        place[i] = (struct host_page){frame + i, rights, mappings, false};
    }
    return 0;
}

uint32_t machine_map_list(uint32_t task, const struct machine_run *runs, uint32_t count)
{
    uint32_t done = 0;
    require(count > 0 && count <= MACHINE_RUNS, "a list of nothing");
    while (done < count &&
           machine_map(frames_chunk(runs[done].frame), frames_object_page(runs[done].frame), runs[done].frame, task,
                       runs[done].address, runs[done].pages, runs[done].rights) == 0)
        done++;
    return done;
}

void machine_answer_page(const void *bytes, uint32_t rights)
{
    uint64_t at = (uint64_t)((const uint8_t *)bytes - window);
    require(at % PAGE_SIZE == 0 && at < sizeof(window) && made[at / CHUNK_SIZE], "an answer with no page");
    check_rights(rights);
    require(!(rights & RIGHT_EXECUTE), "more rights than the server has");
    answer = (struct host_page){(uint32_t)(at / PAGE_SIZE), rights, 0, false};
}

/* Is the page part of the same mapping as its neighbour, in the direction `step`? */
static bool same_mapping(const struct host_page *page, int step)
{
    return page[step].frame != 0 && page[step].mapping == page->mapping;
}

/* The kernel may put the page into one mapping with a neighbour that has the next frame and the same rights. */
static uint32_t merged(const struct host_page *page, bool first)
{
    for (int step = first ? 1 : -1; step <= 1; step += 2)
        if (page[step].frame == page->frame + (uint32_t)step && page[step].rights == page->rights &&
            page[step].frame / CHUNK_PAGES == page->frame / CHUNK_PAGES && host_random(&chance) % 2)
            return page[step].mapping;
    return ++mappings;
}

bool host_take_answer(uint32_t task, uint64_t address)
{
    struct host_page *place = pages_at(task, address, 1);
    require(place->frame == 0, "a mapping over another");
    if (fails())
        return false;
    *place = answer;
    place->mapping = merged(place, place == host_pages[task]);
    return true;
}

int machine_unmap(uint32_t task, uint64_t address, uint64_t pages)
{
    struct host_page *place = pages_at(task, address, (uint32_t)pages), *end = place + pages;
    bool hole = place->frame != 0 && place > host_pages[task] && same_mapping(place, -1);
    for (const struct host_page *page = place; page < end; page++)
        hole = hole && same_mapping(page, 1);
    if (hole && (host_no_records || fails())) {
        host_refused_holes++;
        return -ERROR_NO_MEMORY;
    }
    memset(place, 0, pages * sizeof(*place));
    uint32_t mapping = end->mapping;
    mappings++;
    for (; hole && end->frame && end->mapping == mapping; end++)
        end->mapping = mappings;
    return 0;
}

void machine_release(uint32_t handle)
{
    (void)handle;
}

uint32_t machine_mint(uint64_t badge)
{
    host_badge = badge;
    return 1;
}

uint64_t machine_identify(uint32_t handle)
{
    (void)handle;
    return host_badge;
}

bool machine_is_task(uint32_t handle)
{
    return handle > 0 && handle < HOST_TASKS;
}
