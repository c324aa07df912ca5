/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of idl/memory.idl. Whom a request is about is told by its badge; see badges.h. */
#include "operations.h"

#include "abi/capability.h"
#include "badges.h"
#include "idl/fault_server.h"
#include "idl/memory_service_server.h"
#include "region_table.h"

#define WRITE_BYTES 480        /* that a message can carry */
#define CONTIGUOUS_MOST 262144 /* pages that an object of the kernel can have */
#define RIGHTS_OF_OBJECTS (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE)

static struct client *client_of(uint64_t badge, enum badge_kind kind)
{
    uint32_t index = badge_index(badge);
    struct client *client = index < CLIENTS_MAX ? &clients[index] : NULL;
    if (!client || !client->open || badge_kind(badge) != kind || client->generation != badge_generation(badge))
        return NULL;
    return client;
}

/* The client that a capability of the manifest, or one of the server's own, names; NULL if it is gone. */
static struct client *named_client(uint64_t badge)
{
    if (badge_kind(badge) != BADGE_MANIFEST)
        return client_of(badge, BADGE_CLIENT);
    struct client *client = client_of(badge & ~(uint64_t)BADGE_LOCATES, BADGE_MANIFEST);
    return client && !client->parent ? client : NULL;
}

static struct object *named_object(uint64_t badge)
{
    return badge_kind(badge) == BADGE_OBJECT ? object_exported(badge_index(badge), badge_generation(badge)) : NULL;
}

static int mint(uint64_t badge, uint32_t *handle)
{
    *handle = machine_mint(badge);
    return *handle ? 0 : MEMORY_ERROR_TOO_MANY;
}

static int mint_client(const struct client *client, enum badge_kind kind, uint32_t *handle)
{
    return mint(badge_make(kind, 0, client->generation, (uint32_t)(client - clients)), handle);
}

static int mint_object(const struct object *object, uint32_t rights, uint32_t *handle)
{
    return mint(badge_make(BADGE_OBJECT, rights, object_generation(object), object->export), handle);
}

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

static int on_space_divide(void *server, const struct idl_call *call, uint64_t pages, memory_space_t *result)
{
    struct client *parent = named_client(call->badge);
    int error = 0;
    (void)server;
    if (!parent)
        return MEMORY_ERROR_GONE;
    struct client *client = client_open(parent, 0, pages, &error);
    if (!client)
        return error;
    error = mint_client(client, BADGE_CLIENT, &result->handle);
    if (error)
        client_close(client);
    return error;
}

static int on_space_branch(void *server, const struct idl_call *call, memory_space_t *result)
{
    struct client *parent = named_client(call->badge);
    int error = 0;
    (void)server;
    struct client *client = parent ? client_branch(parent, &error) : NULL;
    if (!client)
        return parent ? error : MEMORY_ERROR_GONE;
    error = mint_client(client, BADGE_CLIENT, &result->handle);
    if (error)
        client_close(client);
    return error;
}

static int on_space_adopt(void *server, const struct idl_call *call, struct idl_cap *task, kernel_pager_t *pager)
{
    struct client *client = named_client(call->badge);
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    if (client->task != 0)
        return MEMORY_ERROR_NO_SPACE;
    if (!machine_is_task(task->handle))
        return MEMORY_ERROR_GONE;
    int error = mint_client(client, BADGE_PAGER, &pager->handle);
    if (error == 0)
        client->task = idl_take(task);
    return error;
}

/* The capabilities to a client that a process begins with; without one of them there is none. */
static int mint_derived(const struct client *client, uint32_t *handle, uint32_t *pager)
{
    int error = mint_client(client, BADGE_CLIENT, handle);
    if (error)
        return error;
    error = mint_client(client, BADGE_PAGER, pager);
    if (error)
        machine_release(*handle);
    return error;
}

static int on_space_derive(void *server, const struct idl_call *call, struct idl_cap *model, struct idl_cap *task,
                           uint64_t pages, memory_space_t *result, kernel_pager_t *pager)
{
    struct client *parent = named_client(call->badge), *from = named_client(machine_identify(model->handle));
    int error = 0;
    (void)server;
    if (!parent || !from || !machine_is_task(task->handle))
        return MEMORY_ERROR_GONE;
    struct client *client = pages == UINT64_MAX ? client_branch(parent, &error) : client_open(parent, 0, pages, &error);
    if (!client)
        return error;
    client->task = idl_take(task);
    error = regions_copy(from, client);
    error = error ? error : mint_derived(client, &result->handle, &pager->handle);
    if (error)
        client_close(client);
    return error;
}

static int on_space_close(void *server, const struct idl_call *call)
{
    struct client *client = named_client(call->badge);
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    client_close(client);
    return 0;
}

static int on_space_leave(void *server, const struct idl_call *call)
{
    struct client *client = named_client(call->badge);
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    client_leave(client);
    return 0;
}

void describe_client(const struct client *client, struct memory_statistics *statistics)
{
    *statistics = (struct memory_statistics){
        .quota = client->payer->quota,
        .used = client->used,
        .regions = client->region_count,
        .clients = client->children,
        .faults = client->faults,
        .refused = client->refused,
        .copies = client->copies,
        .large = client->large,
    };
    for (const struct object *object = client->objects; object; object = object->next) {
        statistics->resident += object->resident;
        statistics->objects++;
    }
}

static int on_space_statistics(void *server, const struct idl_call *call, struct memory_statistics *statistics)
{
    const struct client *client = named_client(call->badge);
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    describe_client(client, statistics);
    return 0;
}

/* ---- Regions ----------------------------------------------------------------------------------------------------- */

/* The address that region_attach() is given; false if none is allowed. */
static bool wanted_start(uint64_t address, memory_attachment_t how, uint64_t *start)
{
    *start = how & MEMORY_ATTACHMENT_FIXED ? address : 0;
    return !(how & MEMORY_ATTACHMENT_FIXED) || address != 0;
}

static int on_space_allocate(void *server, const struct idl_call *call, uint64_t address, uint64_t pages,
                             kernel_rights_t rights, memory_attachment_t how, uint64_t *start)
{
    struct client *client = named_client(call->badge);
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    if (pages == 0 || pages > SPARSE_MAX_PAGES || !wanted_start(address, how, start))
        return MEMORY_ERROR_BAD_RANGE;
    struct object *object = object_create(client, pages);
    if (!object)
        return MEMORY_ERROR_QUOTA;
    object->common = how & MEMORY_ATTACHMENT_COMMON;
    int error = region_attach(client, object, start, pages, 0, rights, RIGHTS_OF_OBJECTS);
    if (error)
        object_drop_unused(object);
    return error;
}

/* Attaches a copy of the object's pages that is the client's own. */
static int attach_copy(struct client *client, struct object *object, uint64_t *start, uint64_t pages, uint64_t offset,
                       uint32_t rights)
{
    if (pages == 0 || pages > object->pages || offset > object->pages - pages)
        return MEMORY_ERROR_BAD_RANGE;
    struct object *copy = object_copy(object, offset, pages, client, 0);
    if (!copy)
        return MEMORY_ERROR_QUOTA;
    int error = region_attach(client, copy, start, pages, 0, rights, RIGHTS_OF_OBJECTS);
    if (error)
        object_drop_unused(copy);
    return error;
}

static int on_space_attach(void *server, const struct idl_call *call, struct idl_cap *capability, uint64_t address,
                           uint64_t offset, uint64_t pages, kernel_rights_t rights, memory_attachment_t how,
                           uint64_t *start)
{
    uint64_t badge = machine_identify(capability->handle);
    struct client *client = named_client(call->badge);
    struct object *object = named_object(badge);
    uint32_t allowed = badge_rights(badge);
    (void)server;
    if (!client || !object)
        return MEMORY_ERROR_GONE;
    if (!wanted_start(address, how, start))
        return MEMORY_ERROR_BAD_RANGE;
    if (!(how & MEMORY_ATTACHMENT_PRIVATE))
        return region_attach(client, object, start, pages, offset, rights, allowed);
    if (!(allowed & RIGHT_READ) || object->pinned)
        return MEMORY_ERROR_NOT_ALLOWED;
    return attach_copy(client, object, start, pages, offset, rights);
}

static int on_space_detach(void *server, const struct idl_call *call, uint64_t address, uint64_t pages)
{
    struct client *client = named_client(call->badge);
    (void)server;
    return client ? regions_detach(client, address, pages) : MEMORY_ERROR_GONE;
}

static int on_space_protect(void *server, const struct idl_call *call, uint64_t address, uint64_t pages,
                            kernel_rights_t rights)
{
    struct client *client = named_client(call->badge);
    (void)server;
    return client ? regions_protect(client, address, pages, rights) : MEMORY_ERROR_GONE;
}

static int on_space_discard(void *server, const struct idl_call *call, uint64_t address, uint64_t pages)
{
    struct client *client = named_client(call->badge);
    (void)server;
    return client ? regions_discard(client, address, pages) : MEMORY_ERROR_GONE;
}

static int on_space_resize(void *server, const struct idl_call *call, uint64_t address, uint64_t pages, bool move,
                           uint64_t *start)
{
    struct client *client = named_client(call->badge);
    (void)server;
    *start = address;
    return client ? regions_resize(client, start, pages, move) : MEMORY_ERROR_GONE;
}

static int on_space_write(void *server, const struct idl_call *call, uint64_t address, uint32_t length,
                          const uint8_t bytes[WRITE_BYTES])
{
    struct client *client = named_client(call->badge);
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    uint32_t index = regions_find(client, address);
    const struct region *region = index < client->region_count ? client->regions[index] : NULL;
    if (!region || region->start > address)
        return MEMORY_ERROR_NO_REGION;
    if (length > WRITE_BYTES || length > region_end(region) - address)
        return MEMORY_ERROR_BAD_RANGE;
    if (!region_is_own(region))
        return MEMORY_ERROR_NOT_ALLOWED;
    uint64_t offset = region->offset * PAGE_SIZE + (address - region->start);
    return object_write(region->object, offset, bytes, length) ? 0 : MEMORY_ERROR_QUOTA;
}

static int on_space_copy_to(void *server, const struct idl_call *call, struct idl_cap *capability)
{
    const struct client *from = named_client(call->badge);
    struct client *to = named_client(machine_identify(capability->handle));
    (void)server;
    return from && to ? regions_copy(from, to) : MEMORY_ERROR_GONE;
}

void describe_region(const struct region *region, struct memory_region *result)
{
    *result = (struct memory_region){
        .start = region->start,
        .pages = region->pages,
        .offset = region->offset,
        .resident = region->object->resident,
        .sharers = region->object->region_count,
        .rights = region->rights,
    };
}

static int on_space_region(void *server, const struct idl_call *call, uint64_t address, struct memory_region *result)
{
    const struct client *client = named_client(call->badge);
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    uint32_t index = regions_find(client, address);
    if (index == client->region_count)
        return MEMORY_ERROR_NO_REGION;
    describe_region(client->regions[index], result);
    return 0;
}

/* ---- Objects ----------------------------------------------------------------------------------------------------- */

/* Gives a new object its capability; without one it is gone again. */
static int hand_out(struct object *object, uint32_t rights, uint32_t *handle)
{
    int error = object_export(object) ? mint_object(object, rights, handle) : MEMORY_ERROR_TOO_MANY;
    if (error)
        object_destroy(object);
    return error;
}

static int create(uint64_t badge, uint64_t pages, bool large, memory_object_t *result)
{
    struct client *client = named_client(badge);
    if (!client)
        return MEMORY_ERROR_GONE;
    if (pages == 0 || pages > SPARSE_MAX_PAGES || (large && pages % BLOCK_PAGES != 0))
        return MEMORY_ERROR_BAD_RANGE;
    struct object *object = object_create(client, pages);
    if (!object)
        return MEMORY_ERROR_QUOTA;
    object->large = large;
    return hand_out(object, RIGHTS_OF_OBJECTS, &result->handle);
}

static int on_space_create(void *server, const struct idl_call *call, uint64_t pages, memory_object_t *result)
{
    (void)server;
    return create(call->badge, pages, false, result);
}

static int on_space_create_large(void *server, const struct idl_call *call, uint64_t pages, memory_object_t *result)
{
    (void)server;
    return create(call->badge, pages, true, result);
}

static bool may_locate(uint64_t badge)
{
    return badge_kind(badge) == BADGE_MANIFEST && (badge & BADGE_LOCATES) && machine_may_locate();
}

static int on_space_create_contiguous(void *server, const struct idl_call *call, uint64_t pages, uint64_t alignment,
                                      uint64_t below, memory_object_t *result, uint64_t *address)
{
    struct client *client = named_client(call->badge);
    (void)server;
    if (!client)
        return MEMORY_ERROR_GONE;
    if (!may_locate(call->badge))
        return MEMORY_ERROR_NOT_ALLOWED;
    if (pages == 0 || pages > CONTIGUOUS_MOST || alignment < PAGE_SIZE || (alignment & (alignment - 1)))
        return MEMORY_ERROR_BAD_RANGE;
    struct object *object = object_create_contiguous(client, pages, alignment, below, address);
    return object ? hand_out(object, RIGHT_READ | RIGHT_WRITE, &result->handle) : MEMORY_ERROR_QUOTA;
}

static int on_space_import(void *server, const struct idl_call *call, struct idl_cap *memory, memory_object_t *result)
{
    struct client *client = named_client(call->badge);
    uint64_t pages = 0;
    uint32_t rights = 0;
    (void)server;
    if (!client || !machine_is_memory(memory->handle, &pages, &rights))
        return MEMORY_ERROR_GONE;
    struct object *object = object_import(client, memory->handle, pages);
    if (!object)
        return MEMORY_ERROR_QUOTA;
    idl_take(memory);
    return hand_out(object, rights & RIGHTS_OF_OBJECTS, &result->handle);
}

static int on_space_snapshot(void *server, const struct idl_call *call, struct idl_cap *capability,
                             memory_object_t *result)
{
    uint64_t badge = machine_identify(capability->handle);
    struct client *client = named_client(call->badge);
    struct object *object = named_object(badge);
    (void)server;
    if (!client || !object)
        return MEMORY_ERROR_GONE;
    if (!(badge_rights(badge) & RIGHT_READ) || object->pinned)
        return MEMORY_ERROR_NOT_ALLOWED;
    struct object *copy = object_copy(object, 0, object->pages, client, 0);
    return copy ? hand_out(copy, RIGHTS_OF_OBJECTS, &result->handle) : MEMORY_ERROR_QUOTA;
}

static int on_object_share(void *server, const struct idl_call *call, kernel_rights_t rights, memory_object_t *result)
{
    const struct object *object = named_object(call->badge);
    (void)server;
    return object ? mint_object(object, rights & badge_rights(call->badge), &result->handle) : MEMORY_ERROR_GONE;
}

static int on_object_resize(void *server, const struct idl_call *call, uint64_t pages)
{
    struct object *object = named_object(call->badge);
    (void)server;
    if (!object)
        return MEMORY_ERROR_GONE;
    bool allowed = (badge_rights(call->badge) & RIGHT_WRITE) && !object->pinned;
    return allowed ? object_resize(object, pages) : MEMORY_ERROR_NOT_ALLOWED;
}

static int on_object_describe(void *server, const struct idl_call *call, uint64_t *pages, uint64_t *resident,
                              uint32_t *sharers, kernel_rights_t *rights)
{
    const struct object *object = named_object(call->badge);
    (void)server;
    if (!object)
        return MEMORY_ERROR_GONE;
    *pages = object->pages;
    *resident = object->resident;
    *sharers = object->region_count;
    *rights = badge_rights(call->badge);
    return 0;
}

static int on_object_write(void *server, const struct idl_call *call, uint64_t offset, uint32_t length,
                           const uint8_t bytes[WRITE_BYTES])
{
    struct object *object = named_object(call->badge);
    (void)server;
    if (!object)
        return MEMORY_ERROR_GONE;
    if (!(badge_rights(call->badge) & RIGHT_WRITE) || object->pinned)
        return MEMORY_ERROR_NOT_ALLOWED;
    uint64_t size = object->pages * PAGE_SIZE;
    if (length > WRITE_BYTES || offset > size || length > size - offset)
        return MEMORY_ERROR_BAD_RANGE;
    return object_write(object, offset, bytes, length) ? 0 : MEMORY_ERROR_QUOTA;
}

static int on_object_destroy(void *server, const struct idl_call *call)
{
    struct object *object = named_object(call->badge);
    (void)server;
    if (!object)
        return MEMORY_ERROR_GONE;
    if (!(badge_rights(call->badge) & RIGHT_WRITE))
        return MEMORY_ERROR_NOT_ALLOWED;
    object_destroy(object);
    return 0;
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

static enum fault_answer last_answer; /* to what was served last, if that was a fault */

/* Whatever is refused stands still, and the task's supervisor is told. */
static int on_pager_page_fault(void *server, const struct idl_call *call, uint32_t number, uint32_t access,
                               uint64_t address, uint64_t instruction)
{
    struct client *client = client_of(call->badge, BADGE_PAGER);
    (void)server, (void)number, (void)instruction;
    last_answer = client ? fault_serve(client, address, access) : FAULT_REFUSED;
    return last_answer == FAULT_REFUSED ? -ERROR_BAD_ADDRESS : 0;
}

MEMORY_SPACE_SERVER(dispatch_space, on_space)
MEMORY_OBJECT_SERVER(dispatch_object, on_object)
KERNEL_PAGER_SERVER(dispatch_pager, on_pager)

#define INTERFACE_SHIFT 48 /* of a request's tag */

/* An answer that maps a page is the generated one with an item. */
static struct idl_answer serve_fault(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                     uint64_t word3, struct idl_frame *frame)
{
    struct idl_answer answer = dispatch_pager(badge, word0, word1, tag, word2, word3, frame);
    if (last_answer == FAULT_GO_ON_MAPPED)
        answer.tag = message_tag(MESSAGE_REPLY_AND_WAIT, 0, 1);
    return answer;
}

/* What is not a fault may take pages from clients. */
static struct idl_answer serve_request(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                       uint64_t word3, struct idl_frame *frame)
{
    struct idl_answer answer = tag >> INTERFACE_SHIFT == MEMORY_OBJECT_ID
                                   ? dispatch_object(badge, word0, word1, tag, word2, word3, frame)
                                   : dispatch_space(badge, word0, word1, tag, word2, word3, frame);
    frames_settle();
    return answer;
}

struct idl_answer memory_dispatch(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                  uint64_t word3, struct idl_frame *frame)
{
    if (frame->refused && last_answer == FAULT_GO_ON_MAPPED)
        fault_not_mapped();
    frame->refused = 0;
    last_answer = FAULT_REFUSED;
    switch (tag >> INTERFACE_SHIFT) {
    case KERNEL_PAGER_ID:
        return serve_fault(badge, word0, word1, tag, word2, word3, frame);
    case MEMORY_INSPECTOR_ID:
        return inspector_dispatch(badge, word0, word1, tag, word2, word3, frame);
    default:
        return serve_request(badge, word0, word1, tag, word2, word3, frame);
    }
}
