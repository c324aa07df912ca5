/* SPDX-License-Identifier: BSD-2-Clause */
/* Pinned objects: contiguous memory for devices, whose address is told to whom the manifest lets know it, and memory of
 * devices among a client's other regions. */
#include <salto/startup.h>

#include "../common/taker.h"
#include "scene.h"

#define PTE_CACHE 0x18UL
#define FOUR_GIGABYTES 0x100000000UL
#define ANYWHERE UINT64_MAX
#define HPET 0xfed00000UL
#define HPET_VENDOR 0x8086UL
#define BLOCK 512

/* The same client as `bank`, by a capability that may locate memory. */
static memory_space_t locator(void)
{
    return (memory_space_t){salto_require("locator")};
}

static memory_object_t contiguous(uint64_t pages, uint64_t alignment, uint64_t below, uint64_t *address)
{
    memory_object_t object = {0};
    EXPECT_EQUAL(memory_space_create_contiguous(locator(), pages, alignment, below, &object, address), 0);
    return object;
}

static void end(memory_object_t object)
{
    EXPECT_EQUAL(memory_object_destroy(object), 0);
    guest_delete(object.handle);
}

static uint64_t frame_at(const struct scene *scene, uint64_t address)
{
    uint64_t entry = page_entry_of(scene->worker.task, address);
    return entry & PTE_LARGE ? (entry & PTE_FRAME) + address % LARGE_PAGE_SIZE : entry & PTE_FRAME;
}

/* How many of the pages at PLACE lie behind `address` in order? */
static uint64_t pages_together(const struct scene *scene, uint64_t pages, uint64_t address)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < pages; i++)
        count += frame_at(scene, PLACE + i * PAGE_SIZE) == address + i * PAGE_SIZE;
    return count;
}

/* It lies where the server says, is zeroed though it was used before, and is charged and given back. */
void contiguous_memory(void)
{
    static const struct {
        uint64_t pages, alignment, below;
    } cases[] = {
        {1, PAGE_SIZE, ANYWHERE}, {40, 65536, 0x1000000}, {40, 65536, 0x1000000}, {600, 0x200000, FOUR_GIGABYTES}};
    uint64_t address = 0;
    end(contiguous(1, PAGE_SIZE, ANYWHERE, &address)); /* a page of the client's books is there to stay */
    uint64_t used = scene_statistics(bank).used;
    for (unsigned i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        scene_create(&scene, 100);
        memory_object_t object = contiguous(cases[i].pages, cases[i].alignment, cases[i].below, &address);
        struct memory_statistics statistics = scene_statistics(bank);
        EXPECT(statistics.resident >= cases[i].pages && statistics.used >= used + 100 + cases[i].pages);
        EXPECT(address % cases[i].alignment == 0 && address + cases[i].pages * PAGE_SIZE <= cases[i].below);
        EXPECT_EQUAL(scene_attach(&scene, object, cases[i].pages, RW), 0);
        EXPECT_EQUAL(scene_count(&scene, PLACE, cases[i].pages, 0), cases[i].pages);
        EXPECT_EQUAL(pages_together(&scene, cases[i].pages, address), cases[i].pages);
        scene_fill(&scene, PLACE, cases[i].pages, VALUE);
        EXPECT_EQUAL(!!(page_entry_of(scene.worker.task, PLACE) & PTE_LARGE), cases[i].pages >= BLOCK);
        end(object);
        EXPECT(!page_is_mapped(scene.worker.task, PLACE));
        scene_destroy(&scene);
        EXPECT_EQUAL(scene_statistics(bank).used, used);
    }
}

/* Only by the manifest's badge, and only of a server that may itself. */
void contiguous_memory_refused(void)
{
    memory_space_t blind = {salto_require("blind")};
    memory_object_t object = {0};
    struct scene scene;
    uint64_t address = 0;
    scene_create(&scene, 100);
    EXPECT_EQUAL(memory_space_create_contiguous(bank, 1, PAGE_SIZE, ANYWHERE, &object, &address),
                 MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_space_create_contiguous(scene.client, 1, PAGE_SIZE, ANYWHERE, &object, &address),
                 MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_space_create_contiguous(blind, 1, PAGE_SIZE, ANYWHERE, &object, &address),
                 MEMORY_ERROR_NOT_ALLOWED);
    static const struct {
        uint64_t pages, alignment, below;
        int error;
    } bad[] = {{0, PAGE_SIZE, ANYWHERE, MEMORY_ERROR_BAD_RANGE},
               {262145, PAGE_SIZE, ANYWHERE, MEMORY_ERROR_BAD_RANGE},
               {1UL << 60, PAGE_SIZE, ANYWHERE, MEMORY_ERROR_BAD_RANGE},
               {1, 0, ANYWHERE, MEMORY_ERROR_BAD_RANGE},
               {1, 2048, ANYWHERE, MEMORY_ERROR_BAD_RANGE},
               {1, 3 * PAGE_SIZE, ANYWHERE, MEMORY_ERROR_BAD_RANGE},
               {1, PAGE_SIZE, 0, MEMORY_ERROR_QUOTA},
               {1, PAGE_SIZE, MEBIBYTE, MEMORY_ERROR_QUOTA},
               {1, 1UL << 63, ANYWHERE, MEMORY_ERROR_QUOTA},
               {262144, PAGE_SIZE, ANYWHERE, MEMORY_ERROR_QUOTA}};
    uint64_t used = scene_statistics(bank).used;
    for (unsigned i = 0; i < COUNT(bad); i++)
        EXPECT_EQUAL(
            memory_space_create_contiguous(locator(), bad[i].pages, bad[i].alignment, bad[i].below, &object, &address),
            bad[i].error);
    EXPECT_EQUAL(scene_statistics(bank).used, used);
    scene_destroy(&scene);
}

/* Its pages are the same all the time: nothing copies them, and what copies an address space has them in common. */
void pinned_memory_stays(void)
{
    struct scene scene, copy;
    memory_object_t none = {0};
    uint8_t bytes[480] = {0};
    uint64_t address = 0, start;
    scene_create(&scene, 100);
    scene_create(&copy, 100);
    memory_object_t object = contiguous(20, PAGE_SIZE, ANYWHERE, &address);
    EXPECT_EQUAL(scene_attach(&scene, object, 20, RW | RIGHT_EXECUTE), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(scene_attach(&scene, object, 20, RIGHT_READ | RIGHT_EXECUTE), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(scene_attach(&scene, object, 20, RW), 0);
    EXPECT_EQUAL(memory_space_snapshot(scene.client, object, &none), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_space_attach(scene.client, object, 0, 0, 20, RW, MEMORY_ATTACHMENT_PRIVATE, &start),
                 MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_object_resize(object, 30), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_object_resize(object, 10), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_object_write(object, 0, 8, bytes), MEMORY_ERROR_NOT_ALLOWED);
    scene_fill(&scene, PLACE, 20, VALUE);
    EXPECT_EQUAL(memory_space_copy_to(scene.client, copy.client), 0);
    scene_write(&copy, PLACE + 5 * PAGE_SIZE, VALUE + 1);
    EXPECT_EQUAL(scene_read(&scene, PLACE + 5 * PAGE_SIZE), VALUE + 1);
    EXPECT_EQUAL(pages_together(&copy, 20, address), 20);
    EXPECT_EQUAL(memory_space_protect(scene.client, PLACE + 2 * PAGE_SIZE, 3, RIGHT_READ), 0);
    EXPECT_EQUAL(memory_space_discard(scene.client, PLACE, 20), 0);
    EXPECT_EQUAL(memory_space_detach(scene.client, PLACE + 8 * PAGE_SIZE, 1), 0);
    EXPECT_EQUAL(scene_count(&scene, PLACE, 8, VALUE), 7);
    EXPECT_EQUAL(scene_count(&scene, PLACE + 9 * PAGE_SIZE, 11, VALUE), 11);
    EXPECT_EQUAL(frame_at(&scene, PLACE + 19 * PAGE_SIZE), address + 19 * PAGE_SIZE);
    EXPECT(!page_is_writable(scene.worker.task, PLACE + 2 * PAGE_SIZE));
    scene_write_refused(&scene, PLACE + 4 * PAGE_SIZE);
    scene_destroy(&scene);
    scene_destroy(&copy);
    end(object);
}

static memory_object_t import(const struct scene *scene, uint32_t handle)
{
    memory_object_t object = {0};
    EXPECT_EQUAL(memory_space_import(scene->client, (kernel_memory_t){handle}, &object), 0);
    return object;
}

/* A driver has its device among its regions, with the rights that it was granted, and cached so. */
void devices_imported(void)
{
    struct scene scene;
    memory_object_t none = {0};
    uint32_t hpet = salto_require("hpet");
    scene_create(&scene, 100);
    uint64_t used = scene_statistics(scene.client).used;
    memory_object_t object = import(&scene, hpet);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 0);
    EXPECT(scene_statistics(scene.client).used <= used + BOOKS);
    EXPECT_EQUAL(scene_attach(&scene, object, 2, RW), MEMORY_ERROR_BAD_RANGE);
    EXPECT_EQUAL(scene_attach(&scene, object, 1, RIGHT_READ | RIGHT_EXECUTE), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(scene_attach(&scene, object, 1, RW), 0);
    EXPECT_EQUAL(scene_read(&scene, PLACE) >> 16 & 0xffff, HPET_VENDOR);
    EXPECT_EQUAL(page_entry_of(scene.worker.task, PLACE) & (PTE_FRAME | PTE_CACHE), HPET | PTE_CACHE);
    EXPECT(page_is_writable(scene.worker.task, PLACE));
    uint32_t endpoint = guest_endpoint();
    EXPECT_EQUAL(memory_space_import(scene.client, (kernel_memory_t){endpoint}, &none), MEMORY_ERROR_GONE);
    guest_delete(endpoint);
    end(object);
    EXPECT(!page_is_mapped(scene.worker.task, PLACE));
    uint32_t reader = guest_copy(hpet, RIGHT_READ | RIGHT_COPY);
    object = import(&scene, reader);
    EXPECT_EQUAL(scene_attach(&scene, object, 1, RW), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(scene_attach(&scene, object, 1, RIGHT_READ), 0);
    EXPECT_EQUAL(scene_read(&scene, PLACE) >> 16 & 0xffff, HPET_VENDOR);
    scene_write_refused(&scene, PLACE);
    scene_destroy(&scene); /* the object is its, and goes with it */
    guest_delete(object.handle);
    guest_delete(reader);
}

/* Whoever takes the kernel's object back from the server harms itself only. */
void devices_taken_back(void)
{
    struct scene scene;
    kernel_memory_t memory = {guest_memory(4)};
    uint32_t lent = guest_copy(memory.handle, RW | RIGHT_COPY);
    scene_create(&scene, 100);
    memory_object_t object = import(&scene, lent);
    EXPECT_EQUAL(scene_attach(&scene, object, 4, RW), 0);
    scene_write(&scene, PLACE + PAGE_SIZE, VALUE);
    EXPECT_EQUAL(memory_space_detach(scene.client, PLACE, 4), 0);
    EXPECT(!page_is_mapped(scene.worker.task, PLACE + PAGE_SIZE));
    EXPECT_EQUAL(scene_attach(&scene, object, 4, RW), 0);
    EXPECT_EQUAL(scene_read(&scene, PLACE + PAGE_SIZE), VALUE);
    EXPECT_EQUAL(kernel_task_unmap(scene.worker.task, PLACE, 4), 0);
    EXPECT_EQUAL(kernel_task_revoke(own_task, lent), 0); /* the server's was derived from it */
    scene_read_refused(&scene, PLACE + 2 * PAGE_SIZE);
    scene_destroy(&scene);
    guest_delete(object.handle);
    guest_delete(lent);
    guest_delete(memory.handle);
}
