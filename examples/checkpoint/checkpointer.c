/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checkpointer: keeps a snapshot of a memory object, which is a copy on write at the memory server, so taking it
 * copies nothing, and each page that changes afterwards costs one page. To compare it takes a second one, so that the
 * worker can go on meanwhile, attaches both, and looks at each page.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <salto/server.h>
#include <salto/startup.h>

#include "idl/checkpoint_server.h"
#include "idl/memory_service.h"

#define PAGE 4096

static memory_object_t live, remembered; /* live: the worker's object */
static uint64_t pages;

static memory_space_t own_space(void)
{
    return (memory_space_t){salto_require("memory")};
}

/* Forgets a snapshot, and this program's capability to it. */
static void forget(memory_object_t *snapshot)
{
    if (snapshot->handle != 0 && memory_object_destroy(*snapshot) == 0)
        idl_release(snapshot->handle);
    snapshot->handle = 0;
}

static int on_remember(void *server, const struct idl_call *call, struct idl_cap *object)
{
    uint64_t resident;
    uint32_t sharers;
    kernel_rights_t rights;
    (void)server, (void)call;
    forget(&remembered);
    idl_release(live.handle);
    live.handle = idl_take(object);
    if (memory_object_describe(live, &pages, &resident, &sharers, &rights) != 0 ||
        memory_space_snapshot(own_space(), live, &remembered) != 0)
        return CHECKPOINT_ERROR_MEMORY;
    printf("checkpointer: remembers %" PRIu64 " pages\n", pages);
    return 0;
}

/* The snapshot in this program's address space; NULL if it cannot be attached. */
static const char *attach(memory_object_t snapshot)
{
    uint64_t start = 0;
    bool done = memory_space_attach(own_space(), snapshot, 0, 0, pages, KERNEL_RIGHTS_READ, 0, &start) == 0;
    return done ? (const char *)start : NULL;
}

static void detach(const char *start)
{
    if (start && memory_space_detach(own_space(), (uint64_t)start, pages) != 0)
        fprintf(stderr, "checkpointer: what was attached cannot be detached\n");
}

/* Prints and counts the pages in which the two differ. */
static uint64_t count_changes(const char *before, const char *after)
{
    uint64_t changed = 0;
    printf("checkpointer: these pages have changed:");
    for (uint64_t page = 0; page < pages; page++) {
        if (memcmp(before + page * PAGE, after + page * PAGE, PAGE) == 0)
            continue;
        printf(" %" PRIu64, page);
        changed++;
    }
    printf("\n");
    return changed;
}

static int on_compare(void *server, const struct idl_call *call, uint64_t *changed)
{
    memory_object_t now = {0};
    (void)server, (void)call;
    if (memory_space_snapshot(own_space(), live, &now) != 0)
        return CHECKPOINT_ERROR_MEMORY;
    const char *before = attach(remembered), *after = attach(now);
    bool good = before && after;
    if (good)
        *changed = count_changes(before, after);
    detach(before);
    detach(after);
    forget(&now);
    return good ? 0 : CHECKPOINT_ERROR_MEMORY;
}

CHECKPOINT_CHECKPOINTER_SERVER(serve_checkpointer, on)

int main(void)
{
    return salto_serve(salto_require("checkpointer"), serve_checkpointer, NULL) == 0 ? 0 : 1;
}
