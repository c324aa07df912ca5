/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem: prints where memory is. For each client of the memory server, which is a task or a quota that others are taken
 * out of: quota, pages in memory, regions and how they are shared; at the end the derivation tree of a page, that which
 * is mapped most often. `mem CLIENT ADDRESS` prints the tree of that page alone.
 *
 * Needs "inspector": a capability to the memory server with badge 1024. What it prints is what was there while it
 * looked: others go on meanwhile.
 */
#include <inttypes.h>
#include <salto/error.h>
#include <salto/startup.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "idl/memory_service.h"

#define PAGE 4096
#define MAPPINGS_TOLD 16 /* of a page */

static memory_inspector_t inspector;

/* The page whose tree is printed. */
static struct {
    uint32_t client, mappings;
    uint64_t address;
    char task[33];
} chosen;

static void fail(int error)
{
    fprintf(stderr, "mem: the memory server answers: %s\n", salto_error_text(error));
    exit(1);
}

static const char *rights_text(uint32_t rights)
{
    static char text[4];
    text[0] = rights & KERNEL_RIGHTS_READ ? 'r' : '-';
    text[1] = rights & KERNEL_RIGHTS_WRITE ? 'w' : '-';
    text[2] = rights & KERNEL_RIGHTS_EXECUTE ? 'x' : '-';
    return text;
}

/* ---- Trees ------------------------------------------------------------------------------------------------------- */

static bool mapping_of(uint32_t client, uint64_t address, uint32_t number, struct memory_page_mapping *mapping)
{
    int error = memory_inspector_mapping(inspector, client, address, number, mapping);
    if (error < 0)
        fail(error);
    return error == 0;
}

/* If the page is mapped more often than what was chosen, it is chosen. */
static void consider(const struct memory_client_info *client, uint64_t address)
{
    struct memory_page_mapping mapping;
    uint32_t count = 0;
    while (count < MAPPINGS_TOLD && mapping_of(client->number, address, count, &mapping))
        count++;
    if (count <= chosen.mappings)
        return;
    chosen.client = client->number;
    chosen.mappings = count;
    chosen.address = address;
    snprintf(chosen.task, sizeof(chosen.task), "%.32s", (const char *)client->name);
}

static void print_tree(uint32_t client, uint64_t address)
{
    static const char *const caches[] = {"", ", write-combining", ", uncached"};
    struct memory_page_mapping mapping;
    printf("memory object of the kernel\n");
    for (uint32_t i = 0; i < MAPPINGS_TOLD && mapping_of(client, address, i, &mapping); i++)
        printf("  %*s%.32s: 0x%" PRIx64 ", %s, 1 of %u pages%s\n", (int)mapping.depth * 2, "",
               (const char *)mapping.name, mapping.address, rights_text(mapping.rights), mapping.pages,
               mapping.cache < 3 ? caches[mapping.cache] : "");
}

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

/* Counts the pages of a region that are in memory, those of them that are mapped, and those whose frame others have
 * too. */
static void print_region(const struct memory_client_info *client, const struct memory_region *region)
{
    uint64_t end = region->start + region->pages * PAGE, resident = 0, mapped = 0, shared = 0;
    struct memory_page page = {.address = region->start};
    int error;
    for (;; page.address += PAGE) {
        error = memory_inspector_page(inspector, client->number, page.address, &page);
        if (error || page.address >= end)
            break;
        resident++;
        mapped += page.mapped != 0;
        shared += page.objects > 1 || region->sharers > 1;
        /* Who never touched a page has none mapped: the models of the process server. */
        if (client->statistics.faults > 0 && (page.objects > 1 || region->sharers > 1))
            consider(client, page.address);
    }
    if (error < 0)
        fail(error);
    printf("  0x%012" PRIx64 "  %s %8" PRIu64 " %9" PRIu64 " %7" PRIu64 " %7" PRIu64 " %9u\n", region->start,
           rights_text(region->rights), region->pages, resident, mapped, shared, region->sharers);
}

static void print_client(const struct memory_client_info *client)
{
    const struct memory_statistics *had = &client->statistics;
    struct memory_region region = {0};
    printf("\nclient %u", client->number);
    if (client->parent)
        printf(", of client %u", client->parent);
    printf(": %s%.32s\n", client->name[0] ? "task " : "no task", (const char *)client->name);
    printf("  quota %" PRIu64 " pages: %" PRIu64 " used, %" PRIu64 " in memory; %u clients, %u objects; %" PRIu64
           " faults, %" PRIu64 " refused; %" PRIu64 " pages copied; %" PRIu64 " large pages mapped\n",
           had->quota, had->used, had->resident, had->clients, had->objects, had->faults, had->refused, had->copies,
           had->large);
    if (had->regions > 0)
        printf("  address         rights pages in memory  mapped  shared  attached\n");
    while (memory_inspector_region(inspector, client->number, region.start, &region) == 0) {
        print_region(client, &region);
        region.start += region.pages * PAGE;
    }
}

static void print_all(void)
{
    struct memory_client_info client = {0};
    int error;
    printf("All sizes are in pages of 4 KiB.\n");
    while ((error = memory_inspector_client(inspector, client.number, &client)) == 0)
        print_client(&client);
    if (error < 0)
        fail(error);
    if (chosen.mappings == 0)
        return;
    printf("\nThe page that is mapped most often is at 0x%" PRIx64 " in %s:\n", chosen.address, chosen.task);
    print_tree(chosen.client, chosen.address);
}

int main(int count, char **arguments)
{
    inspector.handle = salto_require("inspector");
    if (count == 3)
        print_tree((uint32_t)strtoul(arguments[1], NULL, 0), strtoull(arguments[2], NULL, 0));
    else
        print_all();
    return 0;
}
