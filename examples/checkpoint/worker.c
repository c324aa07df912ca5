/* SPDX-License-Identifier: BSD-2-Clause */
/* Works on memory of its own, which it lets the checkpointer read, and asks it what has changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <salto/startup.h>

#include "idl/checkpoint.h"
#include "idl/memory_service.h"

#define PAGE 4096
#define PAGES 64

static void check(int error, const char *what)
{
    if (error == 0)
        return;
    printf("worker: %s: error %d\n", what, error);
    exit(1);
}

/* Pages of this program that were copied when it wrote to them. */
static uint64_t copies_made(memory_space_t space)
{
    struct memory_statistics statistics;
    check(memory_space_statistics(space, &statistics), "statistics");
    return statistics.copies;
}

int main(void)
{
    static const int changes[] = {3, 17, 40, 41, 42};
    memory_space_t space = {salto_require("memory")};
    checkpoint_checkpointer_t checkpointer = {salto_require("checkpointer")};
    memory_object_t object = {0}, readable = {0};
    uint64_t start = 0, changed = 0;

    check(memory_space_create(space, PAGES, &object), "create");
    check(memory_object_share(object, KERNEL_RIGHTS_READ, &readable), "share");
    check(memory_space_attach(space, object, 0, 0, PAGES, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE, 0, &start),
          "attach");
    volatile uint32_t *words = (volatile uint32_t *)start;
    for (uint32_t i = 0; i < PAGES * PAGE / sizeof(*words); i++)
        words[i] = i;

    check(checkpoint_checkpointer_remember(checkpointer, (kernel_endpoint_t){readable.handle}), "remember");
    uint64_t copies = copies_made(space);
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        words[(uint32_t)changes[i] * PAGE / sizeof(*words)]++;
    words[8 * PAGE / sizeof(*words)] += 0; /* written to, and yet the same */
    copies = copies_made(space) - copies;
    check(checkpoint_checkpointer_compare(checkpointer, &changed), "compare");
    printf("worker: %" PRIu64 " pages have changed, and %" PRIu64 " were copied for that\n", changed, copies);
    return changed == sizeof(changes) / sizeof(changes[0]) ? 0 : 1;
}
