/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks grants up in the start-up table, which is mapped before the first instruction; and tells the server library, as
 * the program starts, by which handle it gives capabilities back, and makes new ones.
 */
#include <salto/local.h>
#include <salto/server.h>
#include <salto/startup.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/addresses.h"
#include "ring_client.h"
#include "serve_rings.h"

const struct startup_table *salto_startup_table(void)
{
    const struct startup_table *table = (const struct startup_table *)STARTUP_TABLE;
    return table->magic == STARTUP_MAGIC ? table : NULL;
}

/* Routes of the table's lines, which are opened when they are first asked for, once. */
static uint32_t routes[STARTUP_MAX_GRANTS];
static pthread_mutex_t routes_lock = PTHREAD_MUTEX_INITIALIZER;

/* Only where programs are linked into one image is it linked (lib/local.c). */
extern __typeof__(salto_local_open) salto_local_open __attribute__((weak));

/* What opens a route over each transport: answers 0 where that cannot be, and then messages go by the kernel, as they
 * do where nothing stands here. */
static uint32_t (*const openers[])(const struct startup_grant *grant) = {
    [STARTUP_OVER_LOCAL] = salto_local_open,
    [STARTUP_OVER_SHARED] = ring_open,
};

static uint32_t open_route(const struct startup_grant *grant, uint32_t *route)
{
    pthread_mutex_lock(&routes_lock);
    if (*route == 0)
        *route = openers[grant->over](grant);
    pthread_mutex_unlock(&routes_lock);
    return *route ? *route : grant->handle;
}

static bool has_route(const struct startup_grant *grant)
{
    return grant->over < sizeof(openers) / sizeof(openers[0]) && openers[grant->over];
}

/* Task and quota are those of the image, and so of all programs in it. (Its thread is the first program's.) */
static bool is_for_all(const char *name)
{
    return strcmp(name, "task") == 0 || strcmp(name, "factory") == 0;
}

uint32_t salto_grant_of(uint32_t program, const char *name)
{
    const struct startup_table *table = salto_startup_table();
    const uint32_t owner = is_for_all(name) ? 0 : program;
    for (uint32_t i = 0; table && i < table->grants_count; i++) {
        const struct startup_grant *grant = &table->grants[i];
        if (grant->program == owner && strcmp(grant->name, name) == 0)
            return has_route(grant) ? open_route(grant, &routes[i]) : grant->handle;
    }
    return 0;
}

uint32_t salto_grant(const char *name)
{
    return salto_grant_of(0, name);
}

uint32_t salto_require(const char *name)
{
    return salto_require_of(0, name);
}

uint32_t salto_require_of(uint32_t program, const char *name)
{
    uint32_t handle = salto_grant_of(program, name);
    if (handle == 0) {
        fprintf(stderr, "this program was not granted '%s': see its set.manifest\n", name);
        exit(1);
    }
    return handle;
}

const struct startup_rings *salto_rings(void)
{
    const struct startup_table *table = salto_startup_table();
    return table && table->has_rings ? (const struct startup_rings *)RINGS_TABLE : NULL;
}

__attribute__((constructor)) static void note_own_objects(void)
{
    salto_own_task = salto_grant("task");
    salto_own_factory = salto_grant("factory");
    if (salto_rings())
        rings_serve(salto_rings());
}
