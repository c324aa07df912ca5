/* SPDX-License-Identifier: BSD-2-Clause */
/* What the inspector sees, and who may look. */
#include <salto/startup.h>
#include <string.h>

#include "scene.h"

#define PAGES 10
#define TOUCHED 3
#define VALUE 0x4444

/* The number of the client whose task is called `name`, 0 if there is none. */
static uint32_t find(memory_inspector_t inspector, const char *name, struct memory_client_info *info)
{
    *info = (struct memory_client_info){0};
    while (memory_inspector_client(inspector, info->number, info) == 0)
        if (strcmp((const char *)info->name, name) == 0)
            return info->number;
    return 0;
}

static void expect_pages(memory_inspector_t inspector, uint32_t number, uint64_t start)
{
    struct memory_page page = {.address = start};
    struct memory_page_mapping mapping = {0};
    for (uint64_t i = 0; i < TOUCHED; i++, page.address += PAGE_SIZE) {
        EXPECT_EQUAL(memory_inspector_page(inspector, number, page.address, &page), 0);
        EXPECT_EQUAL(page.address, start + 2 * i * PAGE_SIZE);
        EXPECT_EQUAL(page.objects, 1);
        EXPECT_EQUAL(page.mapped, RW);
        uint32_t found = 0;
        for (uint32_t which = 0; memory_inspector_mapping(inspector, number, page.address, which, &mapping) == 0;
             which++)
            found += mapping.address == page.address && strcmp((const char *)mapping.name, "inspected") == 0;
        EXPECT_EQUAL(found, 1);
    }
    EXPECT_EQUAL(memory_inspector_page(inspector, number, page.address, &page), MEMORY_ERROR_NO_REGION);
    EXPECT_EQUAL(memory_inspector_mapping(inspector, number, start + PAGE_SIZE, 0, &mapping), MEMORY_ERROR_NO_REGION);
    EXPECT_EQUAL(memory_inspector_mapping(inspector, number, start, 16, &mapping), MEMORY_ERROR_GONE);
}

void inspected(void)
{
    struct scene scene;
    struct memory_client_info info;
    struct memory_region region;
    const uint8_t name[32] = "inspected";
    memory_inspector_t inspector = {salto_require("inspector")};
    scene_create(&scene, 100);
    EXPECT_EQUAL(kernel_task_set_name(scene.worker.task, name), 0);
    uint64_t start = scene_allocate(&scene, 0, PAGES, RW);
    for (uint64_t i = TOUCHED; i-- > 0;) /* downwards, and not side by side: no page comes ahead */
        scene_write(&scene, start + 2 * i * PAGE_SIZE, VALUE);
    uint32_t number = find(inspector, "inspected", &info);
    EXPECT(number > 1);
    EXPECT_EQUAL(info.parent, 1);
    EXPECT_EQUAL(info.statistics.quota, 100);
    EXPECT_EQUAL(info.statistics.resident, TOUCHED);
    EXPECT_EQUAL(memory_inspector_region(inspector, number, 0, &region), 0);
    EXPECT_EQUAL(region.start, start);
    EXPECT_EQUAL(region.pages, PAGES);
    EXPECT_EQUAL(memory_inspector_region(inspector, number, start + PAGES * PAGE_SIZE, &region),
                 MEMORY_ERROR_NO_REGION);
    expect_pages(inspector, number, start);
    scene_destroy(&scene);
    EXPECT_EQUAL(memory_inspector_region(inspector, number, 0, &region), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_inspector_region(inspector, UINT32_MAX, 0, &region), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_inspector_client(inspector, UINT32_MAX, &info), MEMORY_ERROR_GONE);
}

/* Clients have the same server behind their capabilities, and may not; nor is the inspector a client. */
void inspected_by_clients(void)
{
    struct memory_client_info info;
    struct memory_region region;
    struct memory_page page;
    struct memory_page_mapping mapping;
    struct memory_statistics statistics;
    const uint32_t handles[] = {bank.handle, salto_require("nothing"), salto_require("plain")};
    for (unsigned i = 0; i < COUNT(handles); i++) {
        memory_inspector_t client = {handles[i]};
        EXPECT_EQUAL(memory_inspector_client(client, 0, &info), MEMORY_ERROR_GONE);
        EXPECT_EQUAL(memory_inspector_region(client, 1, 0, &region), MEMORY_ERROR_GONE);
        EXPECT_EQUAL(memory_inspector_page(client, 1, 0, &page), MEMORY_ERROR_GONE);
        EXPECT_EQUAL(memory_inspector_mapping(client, 1, 0, 0, &mapping), MEMORY_ERROR_GONE);
    }
    memory_space_t inspector = {salto_require("inspector")};
    EXPECT_EQUAL(memory_space_statistics(inspector, &statistics), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_close(inspector), MEMORY_ERROR_GONE);
}
