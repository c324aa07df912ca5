/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at all clients, without changing anything: what idl/memory.idl says of Inspector. Each operation tells of one
 * thing, so that whoever looks at much keeps the clients waiting no longer than other clients do.
 */
#include <string.h>

#include "abi/capability.h"
#include "badges.h"
#include "idl/memory_service_server.h"
#include "operations.h"
#include "region_table.h"

static struct client *numbered_client(uint64_t badge, uint32_t number)
{
    bool allowed = badge == BADGE_INSPECTOR && number < CLIENTS_MAX;
    return allowed && clients[number].open ? &clients[number] : NULL;
}

static int on_inspector_client(void *server, const struct idl_call *call, uint32_t after,
                               struct memory_client_info *info)
{
    const struct client *client = NULL;
    (void)server;
    for (uint32_t number = after; !client && number < CLIENTS_MAX - 1; number++)
        client = numbered_client(call->badge, number + 1);
    if (!client)
        return MEMORY_ERROR_GONE;
    info->number = (uint32_t)(client - clients);
    info->parent = client->parent ? (uint32_t)(client->parent - clients) : 0;
    if (client->task != 0)
        machine_task_name(client->task, info->name);
    describe_client(client, &info->statistics);
    return 0;
}

static int on_inspector_region(void *server, const struct idl_call *call, uint32_t number, uint64_t address,
                               struct memory_region *result)
{
    const struct client *client = numbered_client(call->badge, number);
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    uint32_t index = regions_find(client, address);
    if (index == client->region_count)
        return MEMORY_ERROR_NO_REGION;
    describe_region(client->regions[index], result);
    return 0;
}

/* The first page of the region at `address` or above that is in memory; SPARSE_NONE if there is none. */
static uint64_t resident_page(const struct region *region, uint64_t address)
{
    uint64_t from = address > region->start ? (address - region->start) / PAGE_SIZE : 0;
    return sparse_next(&region->object->frames, region->offset + from, region->offset + region->pages);
}

/* The same of all regions of a client; NULL if there is none. */
static const struct region *resident_region(const struct client *client, uint64_t address, uint64_t *page)
{
    for (uint32_t i = regions_find(client, address); i < client->region_count; i++) {
        *page = resident_page(client->regions[i], address);
        if (*page != SPARSE_NONE)
            return client->regions[i];
    }
    return NULL;
}

static uint32_t mapped_rights(const struct region *region, uint64_t page)
{
    uint32_t state = sparse_get(&region->states, page);
    if (!(state & PAGE_MAPPED))
        return 0;
    return region->rights & (state & PAGE_WRITABLE ? RIGHTS_ALL : ~(uint32_t)RIGHT_WRITE);
}

static int on_inspector_page(void *server, const struct idl_call *call, uint32_t number, uint64_t address,
                             struct memory_page *result)
{
    const struct client *client = numbered_client(call->badge, number);
    uint64_t page = 0;
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    const struct region *region = resident_region(client, address, &page);
    if (!region)
        return MEMORY_ERROR_NO_REGION;
    uint32_t frame = sparse_get(&region->object->frames, page);
    *result = (struct memory_page){
        .address = region->start + (page - region->offset) * PAGE_SIZE,
        .frame = frame,
        .objects = frames_users(frame),
        .mapped = mapped_rights(region, page),
    };
    return 0;
}

static int on_inspector_mapping(void *server, const struct idl_call *call, uint32_t number, uint64_t address,
                                uint32_t which, struct memory_page_mapping *result)
{
    const struct client *client = numbered_client(call->badge, number);
    struct machine_mapping mapping;
    uint64_t page = 0;
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    const struct region *region = resident_region(client, address, &page);
    if (!region || page != region->offset + (address - region->start) / PAGE_SIZE)
        return MEMORY_ERROR_NO_REGION;
    uint32_t frame = sparse_get(&region->object->frames, page);
    if (!machine_mapping(frames_chunk(frame), frames_object_page(frame), which, &mapping))
        return MEMORY_ERROR_GONE;
    *result = (struct memory_page_mapping){
        .depth = mapping.depth,
        .rights = mapping.rights,
        .address = mapping.address,
        .pages = mapping.pages,
        .cache = mapping.cache,
    };
    memcpy(result->name, mapping.name, sizeof(result->name));
    return 0;
}

MEMORY_INSPECTOR_SERVER(inspector_dispatch_checked, on_inspector)

struct idl_answer inspector_dispatch(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                     uint64_t word3, struct idl_frame *frame)
{
    return inspector_dispatch_checked(badge, word0, word1, tag, word2, word3, frame);
}
