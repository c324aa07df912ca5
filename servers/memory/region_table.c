/* SPDX-License-Identifier: BSD-2-Clause */
/* The regions of a client in the order of their addresses, and the gaps between them. See books.h. */
#include "region_table.h"

#include <assert.h>
#include <string.h>

#include "idl/memory_service.h"

#define ENTRIES_PER_FRAME (PAGE_SIZE / sizeof(struct region *))

_Static_assert(REGIONS_MAX <= CHUNK_PAGES * ENTRIES_PER_FRAME, "the table fits into a chunk");

/* Tables are filled, and emptied, from the end, as a rule. */
uint32_t regions_find(const struct client *client, uint64_t address)
{
    uint32_t low = 0, high = client->region_count;
    if (high > 0 && region_end(client->regions[high - 1]) <= address)
        return high;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (region_end(client->regions[middle]) > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool range_is_good(uint64_t address, uint64_t pages)
{
    return address % PAGE_SIZE == 0 && address >= USER_START && address < UTCB_BASE && pages > 0 &&
           pages <= (UTCB_BASE - address) / PAGE_SIZE;
}

/* The first address from `start` on where so many pages may begin: many lie so that they can be large pages. */
static uint64_t aligned(uint64_t start, uint64_t pages)
{
    return pages < BLOCK_PAGES ? start : (start + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
}

uint64_t regions_gap(const struct client *client, uint64_t pages)
{
    uint64_t start = aligned(client->gap > GAPS_START ? client->gap : GAPS_START, pages);
    for (uint32_t i = regions_find(client, start); i < client->region_count; i++) {
        const struct region *region = client->regions[i];
        if (region->start >= start && (region->start - start) / PAGE_SIZE >= pages)
            return start;
        start = aligned(region_end(region), pages);
    }
    return start < GAPS_END && pages <= (GAPS_END - start) / PAGE_SIZE ? start : 0;
}

static bool make_room(struct client *client)
{
    if (client->region_count < client->region_frames * ENTRIES_PER_FRAME)
        return true;
    uint32_t count = client->region_frames ? client->region_frames * 2 : 1;
    if (!client_charge(client, count))
        return false;
    uint32_t frame = frames_take_all_raw(count);
    if (frame == 0) {
        client_discharge(client, count);
        return false;
    }
    struct region **table = frames_bytes(frame);
    if (client->region_count > 0)
        memcpy(table, client->regions, client->region_count * sizeof(*table));
    region_table_free(client);
    client->regions = table;
    client->region_frames = count;
    return true;
}

void region_table_free(struct client *client)
{
    if (client->region_frames > 0)
        frames_release(frames_number(client->regions), client->region_frames);
    client_discharge(client, client->region_frames);
    client->region_frames = 0;
    client->regions = NULL;
}

int region_table_add(struct client *client, struct region *region)
{
    if (client->region_count == REGIONS_MAX)
        return MEMORY_ERROR_TOO_MANY;
    if (!make_room(client))
        return MEMORY_ERROR_QUOTA;
    uint32_t index = regions_find(client, region->start);
    assert(index == client->region_count || client->regions[index]->start >= region_end(region));
    if (index < client->region_count)
        memmove(client->regions + index + 1, client->regions + index,
                (client->region_count - index) * sizeof(*client->regions));
    client->regions[index] = region;
    client->region_count++;
    /* The lowest gap moves up only where it is used up from its start. */
    if (region->start <= (client->gap > GAPS_START ? client->gap : GAPS_START) && region_end(region) > client->gap)
        client->gap = region_end(region);
    return 0;
}

void region_table_remove(struct region *region)
{
    struct client *client = region->client;
    uint32_t index = client->region_count - 1;
    if (client->regions[index] != region)
        index = client->recent;
    if (index >= client->region_count || client->regions[index] != region)
        index = regions_find(client, region->start);
    assert(index < client->region_count && client->regions[index] == region);
    client->region_count--;
    if (index < client->region_count)
        memmove(client->regions + index, client->regions + index + 1,
                (client->region_count - index) * sizeof(*client->regions));
    region_table_gap(client, region->start);
}

void region_table_gap(struct client *client, uint64_t address)
{
    if (address < client->gap)
        client->gap = address;
}
