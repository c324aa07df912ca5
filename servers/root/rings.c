/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings: for each capability that the manifest gives `over shared`, memory that its client and its server both have,
 * and for each server a notification that wakes it. See docs/transports.md.
 *
 * The memory is paid for by the set (root's own quota), and stays until both have ended: were it one of the two who
 * pays, his end would take it from under the other. The notification comes out of the server's quota and dies with it.
 */
#include <string.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "abi/rings.h"
#include "idl/memory.h"
#include "ring.h"
#include "root.h"

#define MOST_RINGS 512 /* of a set */

/* A ring. The two are the programs whose images they are in. */
struct set_ring {
    struct program *client, *server; /* NULL when it has ended */
    const struct program *member;    /* the client itself, and its grant */
    const struct manifest_grant *grant;
    kernel_memory_t memory;
    uint32_t number; /* among those of the server */
};

static struct set_ring rings[MOST_RINGS];
static uint32_t rings_count;

/* By the server's place in the set. */
static kernel_notification_t wakes[MANIFEST_MAX_PROGRAMS];
static uint32_t served[MANIFEST_MAX_PROGRAMS];

_Static_assert(RING_PAGES *PAGE_SIZE <= RING_STRIDE, "rings do not overlap");
_Static_assert(RINGS_BASE >= RINGS_TABLE + PAGE_SIZE, "nor do they lie over the table");
_Static_assert(RINGS_BASE + RINGS_MAX * RING_STRIDE <= ROOT_ARCHIVE, "there is room for all that a program can have");

static struct program *image_of(const struct manifest_program *manifest)
{
    return &root.programs[manifest->image];
}

static uint32_t place_of(const struct program *program)
{
    return (uint32_t)(program - root.programs);
}

/* The server's notification, which the first ring makes. */
static int make_notification(const struct program *server)
{
    kernel_notification_t *notification = &wakes[place_of(server)];

    return notification->handle ? 0 : kernel_factory_create_notification(server->factory, notification);
}

static bool make_ring(struct program *member, const struct manifest_grant *grant)
{
    struct program *client = image_of(member->manifest);
    struct program *server = image_of(root.programs[grant->program_index].manifest);
    kernel_memory_t memory = {0};
    int result;

    if (rings_count == MOST_RINGS || served[place_of(server)] == RINGS_MAX)
        return program_problem(member, "it needs one more ring than there can be", -ERROR_NO_SLOT);
    result = make_notification(server);
    if (result == 0)
        result = kernel_factory_create_memory(root.factory, RING_PAGES, &memory);
    if (result)
        return program_problem(member, "a ring cannot be had", result);
    rings[rings_count++] = (struct set_ring){client, server, member, grant, memory, served[place_of(server)]++};
    return true;
}

bool rings_make(void)
{
    for (uint32_t i = 0; i < root.programs_count; i++) {
        struct program *member = &root.programs[i];
        for (uint32_t j = 0; j < member->manifest->grants_count; j++) {
            const struct manifest_grant *grant = &member->manifest->grants[j];
            if (grant->over == MANIFEST_OVER_SHARED && image_of(member->manifest)->state == PROGRAM_NEW &&
                !make_ring(member, grant))
                return false;
        }
    }
    return true;
}

/* The handle in the program's table that `table` has for `name` of `member`. */
static uint32_t handle_of(const struct startup_table *table, const struct program *member, const char *name)
{
    for (uint32_t i = 0; i < table->grants_count; i++)
        if (table->grants[i].program == member->manifest->member && strcmp(table->grants[i].name, name) == 0)
            return table->grants[i].handle;
    return 0;
}

/* Gives the program the notification: a server to bind it, a client to signal it, by a bit that it cannot choose. */
static int give_notification(struct program *program, const struct set_ring *ring, uint32_t *handle)
{
    uint32_t source = wakes[place_of(ring->server)].handle;

    return program == ring->server
               ? kernel_task_copy(root.task, source, program->task, RIGHT_READ, handle)
               : kernel_task_mint(root.task, source, program->task, RIGHT_WRITE, RING_WAKES, handle);
}

/* Maps a ring into one of its two programs, and writes its line. */
static int give_ring(struct program *program, const struct set_ring *ring, const struct startup_table *table,
                     struct startup_rings *lines)
{
    const struct program *server = &root.programs[ring->grant->program_index];
    struct startup_ring *line = &lines->rings[lines->count];
    bool serves = program == ring->server;
    uint64_t address = RINGS_BASE + lines->count * RING_STRIDE;
    int result = kernel_memory_map(ring->memory, program->task, address, 0, RING_PAGES, RIGHT_READ | RIGHT_WRITE);

    *line = (struct startup_ring){.address = address, .badge = ring->grant->badge, .serves = serves};
    line->number = ring->number;
    line->handle =
        serves ? handle_of(table, server, ring->grant->endpoint) : handle_of(table, ring->member, ring->grant->name);
    lines->count++;
    return result == 0 ? give_notification(program, ring, &line->wakes) : result;
}

bool rings_hand_out(struct program *program, struct startup_table *table, struct startup_rings *lines)
{
    for (uint32_t i = 0; i < rings_count; i++) {
        int result = 0;
        if (program != rings[i].client && program != rings[i].server)
            continue;
        if (lines->count == RINGS_MAX)
            return program_problem(program, "it has more rings than there can be", -ERROR_NO_SLOT);
        result = give_ring(program, &rings[i], table, lines);
        if (result)
            return program_problem(program, "a ring cannot be mapped", result);
    }
    table->has_rings = lines->count != 0;
    return true;
}

void rings_release(const struct program *program)
{
    program_drop(&wakes[place_of(program)].handle);
    for (uint32_t i = 0; i < rings_count; i++) {
        if (rings[i].client == program)
            rings[i].client = NULL;
        if (rings[i].server == program)
            rings[i].server = NULL;
        if (!rings[i].client && !rings[i].server)
            program_drop(&rings[i].memory.handle);
    }
}
