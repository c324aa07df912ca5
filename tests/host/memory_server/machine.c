/* SPDX-License-Identifier: BSD-2-Clause */
/* See machine.h. */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../servers/memory/machine.h"
#include "abi/capability.h"
#include "abi/errors.h"
#include "host_tap.h"

struct host_page host_pages[HOST_TASKS][HOST_PAGES];
uint32_t host_chunks, host_failures;
uint64_t host_badge;

static uint8_t window[(HOST_CHUNKS + 1) * CHUNK_SIZE] __attribute__((aligned(PAGE_SIZE)));
static bool made[HOST_CHUNKS + 1];
static uint32_t mappings;
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

uint8_t *machine_window(void)
{
    return window;
}

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

static struct host_page *pages_at(uint32_t task, uint64_t address, uint32_t pages)
{
    require(task > 0 && task < HOST_TASKS && address % PAGE_SIZE == 0 && pages > 0, "a mapping that cannot be");
    require(address >= HOST_BASE && (address - HOST_BASE) / PAGE_SIZE + pages <= HOST_PAGES, "an address far away");
    return &host_pages[task][(address - HOST_BASE) / PAGE_SIZE];
}

int machine_map(uint32_t chunk, uint32_t task, uint64_t address, uint32_t page, uint32_t pages, uint32_t rights)
{
    struct host_page *place = pages_at(task, address, pages);
    require(made[chunk - 100] && page + pages <= CHUNK_PAGES && (rights & RIGHT_READ), "a mapping of nothing");
    require((rights & (RIGHT_WRITE | RIGHT_EXECUTE)) != (RIGHT_WRITE | RIGHT_EXECUTE), "writable and executable");
    if (fails())
        return -ERROR_NO_MEMORY;
    mappings++;
    for (uint32_t i = 0; i < pages; i++) {
        require(place[i].frame == 0, "a mapping over another");
        place[i] = (struct host_page){(chunk - 100) * CHUNK_PAGES + page + i, rights, mappings};
    }
    return 0;
}

/* Is the page mapped by the same call as its neighbour? */
static bool same_mapping(const struct host_page *page, const struct host_page *task, int64_t index)
{
    return index >= 0 && index < HOST_PAGES && task[index].frame != 0 && task[index].mapping == page->mapping;
}

int machine_unmap(uint32_t chunk, uint32_t task, uint64_t address, uint32_t pages)
{
    struct host_page *place = pages_at(task, address, pages), *all = host_pages[task];
    int64_t first = place - all;
    uint32_t mapping = place->mapping;
    for (uint32_t i = 0; i < pages; i++)
        require(place[i].frame / CHUNK_PAGES == chunk - 100 && place[i].mapping == mapping, "parts of two mappings");
    bool hole = same_mapping(place, all, first - 1) && same_mapping(place, all, first + pages);
    if (hole && fails())
        return -ERROR_NO_MEMORY;
    memset(place, 0, pages * sizeof(*place));
    mappings++;
    for (int64_t i = first + pages; hole && i < HOST_PAGES && all[i].mapping == mapping && all[i].frame; i++)
        all[i].mapping = mappings;
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
