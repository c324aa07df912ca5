/* SPDX-License-Identifier: BSD-2-Clause */
/* Goes through all books of the memory server, and compares them with each other and with what the machine maps. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "../../../servers/memory/region_table.h"
#include "abi/capability.h"
#include "machine.h"

static uint32_t users[HOST_CHUNKS_END * CHUNK_PAGES]; /* of each frame, as counted here */
static bool good;

static void expect(bool condition, const char *what)
{
    if (!condition)
        printf("# the books are wrong: %s\n", what);
    good = good && condition;
}

/* Frames of a tree, which are counted as used; answers how many. */
static uint64_t count_nodes(uint32_t frame, uint32_t height)
{
    uint64_t count = 1;
    if (frame == 0)
        return 0;
    users[frame]++;
    for (int i = 0; height > 1 && i < 1024; i++)
        count += count_nodes(((uint32_t *)frames_bytes(frame))[i], height - 1);
    return count;
}

static uint64_t count_sparse(const struct sparse *sparse)
{
    return count_nodes(sparse->root, sparse->height);
}

static bool is_attached(const struct object *object, uint64_t page)
{
    for (const struct region *region = object->regions; region; region = region->next)
        if (region->offset <= page && page < region->offset + region->pages)
            return true;
    return false;
}

/* The pages that an object costs its owner. */
static uint64_t check_object(const struct object *object)
{
    uint64_t resident = 0;
    uint32_t regions = 0;
    for (uint64_t page = 0; (page = sparse_next(&object->frames, page, object->pages)) != SPARSE_NONE; page++) {
        users[sparse_get(&object->frames, page)]++;
        resident++;
        expect(object->export || object->common || is_attached(object, page),
               "own memory is there only where it is attached");
    }
    for (const struct region *region = object->regions; region; region = region->next) {
        expect(region->object == object, "a region is in the list of its object");
        expect(!object->export || object_exported(object->export, object_generation(object)) == object, "an export");
        expect(object->export || object->common || region->client == object->owner,
               "what has no capability, and is not common, is the owner's alone");
        regions++;
    }
    expect(resident == object->resident, "the resident pages of an object");
    expect(regions == object->region_count, "the regions of an object");
    expect(regions > 0 || object->export, "an object that nobody can reach is gone");
    return resident + count_sparse(&object->frames);
}

static void check_page(const struct region *region, uint64_t page, const struct host_page *mapped)
{
    uint32_t state = sparse_get(&region->states, page), frame = sparse_get(&region->object->frames, page);
    expect(mapped->lost || !!(state & PAGE_MAPPED) == (mapped->frame != 0), "what a region takes for mapped is mapped");
    if (mapped->frame == 0)
        return;
    expect(page < region->object->pages, "no page behind the end of an object is mapped");
    expect(mapped->frame == frame, "the frame of the object is mapped");
    expect(!(mapped->rights & ~region->rights), "no more rights than the region has");
    expect(!!(state & PAGE_WRITABLE) == !!(mapped->rights & RIGHT_WRITE), "a region knows what is writable");
}

static uint64_t check_region(const struct region *region, bool *covered)
{
    const struct host_page *pages = host_pages[region->client->task];
    uint64_t first = (region->start - HOST_BASE) / PAGE_SIZE;
    for (uint64_t i = 0; i < region->pages; i++) {
        check_page(region, region->offset + i, &pages[first + i]);
        covered[first + i] = true;
    }
    return count_sparse(&region->states);
}

static void check_client(const struct client *client)
{
    static bool covered[HOST_PAGES];
    uint64_t used = client->region_frames, end_before = 0;
    uint32_t exported = 0, children = 0;
    memset(covered, 0, sizeof(covered));
    for (uint32_t i = 0; i < client->region_frames; i++)
        users[frames_number(client->regions) + i]++;
    for (uint32_t frame = client->record_frames; frame; frame = *(uint32_t *)frames_bytes(frame), used++)
        users[frame]++;
    for (uint32_t i = 0; i < client->region_count; i++) {
        expect(client->regions[i]->start >= end_before, "regions stand in order");
        end_before = region_end(client->regions[i]);
        used += check_region(client->regions[i], covered);
    }
    for (const struct object *object = client->objects; object; object = object->next) {
        used += check_object(object);
        exported += object->export != 0;
    }
    for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
        if (clients[i].open && clients[i].parent == client) {
            used += clients[i].quota + 1;
            children++;
        }
    }
    expect(used == client->used && used <= client->quota, "what a client is charged");
    expect(exported == client->exports && children == client->children, "exports and children");
    for (uint32_t i = 0; client->task && i < HOST_PAGES; i++)
        expect(covered[i] || host_pages[client->task][i].frame == 0, "nothing is mapped outside regions");
}

bool books_are_good(void)
{
    uint32_t used = 0;
    good = true;
    memset(users, 0, sizeof(users));
    for (uint32_t i = 0; i < CLIENTS_MAX; i++)
        if (clients[i].open)
            check_client(&clients[i]);
    for (uint32_t frame = 0; frame < HOST_CHUNKS_END * CHUNK_PAGES; frame++) {
        bool shared = users[frame] > 0 && frames_is_shared(frame);
        expect(users[frame] == 0 || frames_users(frame) == users[frame], "who has a frame");
        expect(shared || users[frame] <= 1, "that a frame is shared");
        used += users[frame] > 0;
    }
    expect(used == frames_used() && host_chunks == frames_chunks(), "how many frames are used");
    for (int task = 0; task < HOST_TASKS; task++)
        for (int page = 0; page < HOST_PAGES; page++)
            expect(!(host_pages[task][page].rights & RIGHT_WRITE) || users[host_pages[task][page].frame] == 1,
                   "nobody may write to what several have");
    return good;
}
