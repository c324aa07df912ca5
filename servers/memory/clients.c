/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients: quotas, records, and the end of a client with all that it had. See books.h. */
#include <assert.h>
#include <string.h>

#include "idl/memory_service.h"
#include "region_table.h"

struct client clients[CLIENTS_MAX];

bool client_charge(struct client *client, uint64_t pages)
{
    struct client *payer = client->payer;
    assert(payer->used <= payer->quota);
    if (pages > client_left(client))
        return false;
    payer->used += pages;
    if (payer != client)
        client->used += pages;
    return true;
}

void client_discharge(struct client *client, uint64_t pages)
{
    struct client *payer = client->payer;
    assert(pages <= client->used && pages <= payer->used);
    payer->used -= pages;
    if (payer != client)
        client->used -= pages;
}

/* ---- Records ----------------------------------------------------------------------------------------------------- */

/* The first record of a frame of records is its head. */
struct record_head {
    uint32_t next; /* frame of records of the same client */
};

struct free_record {
    struct free_record *next;
};

static bool add_records(struct client *client)
{
    if (!client_charge(client, 1))
        return false;
    uint32_t frame = frames_take_all_raw(1);
    if (frame == 0) {
        client_discharge(client, 1);
        return false;
    }
    uint8_t *bytes = frames_bytes(frame);
    ((struct record_head *)bytes)->next = client->record_frames;
    client->record_frames = frame;
    for (uint32_t at = PAGE_SIZE - RECORD_SIZE; at > 0; at -= RECORD_SIZE)
        record_give(client, bytes + at);
    return true;
}

void *record_take(struct client *client)
{
    if (!client->free_records && !add_records(client))
        return NULL;
    struct free_record *record = client->free_records;
    client->free_records = record->next;
    return memset(record, 0, RECORD_SIZE);
}

void record_give(struct client *client, void *record)
{
    struct free_record *freed = record;
    freed->next = client->free_records;
    client->free_records = freed;
}

static void give_records(struct client *client)
{
    while (client->record_frames != 0) {
        uint32_t frame = client->record_frames;
        client->record_frames = ((struct record_head *)frames_bytes(frame))->next;
        frames_release(frame, 1);
        client_discharge(client, 1);
    }
    client->free_records = NULL;
}

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

static void begin(struct client *client, struct client *parent, uint64_t quota)
{
    uint32_t generation = client->generation;
    memset(client, 0, sizeof(*client));
    client->generation = generation;
    client->parent = parent;
    client->payer = client;
    client->quota = quota;
    client->open = true;
}

/* Number 0 is no client's. */
static struct client *free_place(void)
{
    for (uint32_t i = 1; i < CLIENTS_MAX; i++)
        if (!clients[i].open)
            return &clients[i];
    return NULL;
}

struct client *client_open(struct client *parent, uint32_t index, uint64_t quota, int *error)
{
    struct client *client = parent ? free_place() : &clients[index];
    *error = client ? MEMORY_ERROR_QUOTA : MEMORY_ERROR_TOO_MANY;
    if (!client || (parent && (quota == UINT64_MAX || !client_charge(parent, quota + 1))))
        return NULL;
    begin(client, parent, quota);
    if (parent)
        parent->children++;
    return client;
}

struct client *client_branch(struct client *parent, int *error)
{
    struct client *client = client_open(parent, 0, 0, error);
    if (client)
        client->payer = parent->payer;
    return client;
}

void client_leave(struct client *client)
{
    while (client->region_count > 0) {
        struct region *region = client->regions[client->region_count - 1];
        struct object *object = region->object;
        region_remove(region);
        object_drop_unused(object);
    }
    if (client->task != 0)
        machine_release(client->task);
    client->task = 0;
    client->task_ended = false;
}

/* Some client that was divided off this one, or NULL. */
static struct client *child_of(const struct client *client)
{
    for (uint32_t i = 0; client->children > 0 && i < CLIENTS_MAX; i++)
        if (clients[i].open && clients[i].parent == client)
            return &clients[i];
    return NULL;
}

/* Ends a client that has no others below it. One of the manifest is empty afterwards, and stays. */
static void end(struct client *client)
{
    struct client *parent = client->parent;
    client_leave(client);
    while (client->objects)
        object_destroy(client->objects);
    region_table_free(client);
    give_records(client);
    assert(client->used == 0);
    if (!parent)
        return begin(client, NULL, client->quota);
    client_discharge(parent, client->quota + 1);
    parent->children--;
    client->open = false;
    client->generation++;
}

void client_close(struct client *client)
{
    struct client *last = client;
    for (;;) {
        struct client *child = child_of(last);
        if (child) {
            last = child;
            continue;
        }
        struct client *parent = last->parent;
        bool all = last == client;
        end(last);
        if (all)
            return;
        last = parent;
    }
}
