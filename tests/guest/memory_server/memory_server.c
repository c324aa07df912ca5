/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server: a client's own memory, from the first touch to the end. The other files have what several
 * share. */
#include <string.h>

#include <salto/startup.h>

#include "scene.h"

#define VALUE 0x5a17b0c5d00dUL
#define RETURN 0xc3c3c3c3c3c3c3c3UL /* `ret`, eight times */

/* A page is there when it is touched, zeroed, and not before. */
static void demand_zero(void)
{
    struct scene scene;
    scene_create(&scene, 100);
    uint64_t start = scene_allocate(&scene, 0, 100000, RW);
    EXPECT_EQUAL(start, PROGRAM_MMAP_BASE);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 0);
    EXPECT_EQUAL(scene_read(&scene, start + 50000 * PAGE_SIZE + 8), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 1);
    scene_write(&scene, start + 99999 * PAGE_SIZE, VALUE);
    EXPECT_EQUAL(scene_read(&scene, start + 99999 * PAGE_SIZE), VALUE);
    EXPECT_EQUAL(scene_read(&scene, start + 99999 * PAGE_SIZE + 8), 0);
    struct memory_statistics statistics = scene_statistics(scene.client);
    EXPECT_EQUAL(statistics.resident, 2);
    EXPECT_EQUAL(statistics.faults, 2);
    EXPECT_EQUAL(statistics.refused, 0);
    EXPECT(statistics.used <= statistics.resident + 2 * BOOKS);
    scene_destroy(&scene);
}

/* Who goes through memory in order gets it in larger and larger pieces, and never more than there is. */
static void in_order(void)
{
    struct scene scene;
    scene_create(&scene, 400);
    uint64_t start = scene_allocate(&scene, 0, 300, RW);
    scene_fill(&scene, start, 300, VALUE);
    EXPECT_EQUAL(scene_count(&scene, start, 300, VALUE), 300);
    struct memory_statistics statistics = scene_statistics(scene.client);
    EXPECT_EQUAL(statistics.resident, 300);
    EXPECT(statistics.faults < 30);
    scene_destroy(&scene);
}

static void protections(void)
{
    struct scene scene;
    scene_create(&scene, 100);
    uint64_t start = scene_allocate(&scene, 0, 10, RW);
    scene_fill(&scene, start, 10, RETURN);
    EXPECT_EQUAL(memory_space_protect(scene.client, start + 2 * PAGE_SIZE, 3, RIGHT_READ), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).regions, 3);
    EXPECT_EQUAL(scene_count(&scene, start, 10, RETURN), 10);
    scene_write(&scene, start + PAGE_SIZE, VALUE);
    scene_write(&scene, start + 5 * PAGE_SIZE, VALUE);
    EXPECT_EQUAL(memory_space_protect(scene.client, start + 2 * PAGE_SIZE, 3, RW), 0);
    scene_write(&scene, start + 3 * PAGE_SIZE, VALUE);
    EXPECT_EQUAL(memory_space_protect(scene.client, start + 2 * PAGE_SIZE, 1, RIGHT_READ | RIGHT_EXECUTE), 0);
    scene_execute(&scene, start + 2 * PAGE_SIZE);
    EXPECT_EQUAL(memory_space_protect(scene.client, start, 10, RW | RIGHT_EXECUTE), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_space_protect(scene.client, start, 11, RIGHT_READ), MEMORY_ERROR_NO_REGION);
    scene_write_refused(&scene, start + 2 * PAGE_SIZE);
    scene_destroy(&scene);
}

/* Each right that a region lacks is refused. */
static void protections_refused(void)
{
    static const struct {
        uint32_t rights;
        void (*refused)(const struct scene *scene, uint64_t address);
    } cases[] = {{0, scene_read_refused},           {0, scene_write_refused},
                 {RIGHT_READ, scene_write_refused}, {RIGHT_READ, scene_execute_refused},
                 {RW, scene_execute_refused},       {RIGHT_READ | RIGHT_EXECUTE, scene_write_refused}};
    for (unsigned i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        scene_create(&scene, 100);
        uint64_t start = scene_allocate(&scene, 0, 2, RW);
        scene_write(&scene, start, RETURN); /* one page that was mapped with more rights, and one that was not */
        EXPECT_EQUAL(memory_space_protect(scene.client, start, 2, cases[i].rights), 0);
        cases[i].refused(&scene, start + i % 2 * PAGE_SIZE);
        EXPECT_EQUAL(scene_statistics(scene.client).refused, 1);
        scene_destroy(&scene);
    }
}

/* What lies around a hole stays, and what comes into it is new. */
static void detached(void)
{
    struct scene scene;
    scene_create(&scene, 200);
    uint64_t start = scene_allocate(&scene, 0, 64, RW), again = 0;
    scene_fill(&scene, start, 64, VALUE);
    EXPECT_EQUAL(memory_space_detach(scene.client, start + 20 * PAGE_SIZE, 10), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 54);
    EXPECT_EQUAL(scene_count(&scene, start, 20, VALUE), 20);
    EXPECT_EQUAL(scene_count(&scene, start + 30 * PAGE_SIZE, 34, VALUE), 34);
    EXPECT_EQUAL(memory_space_allocate(scene.client, start + 19 * PAGE_SIZE, 2, RW, FIXED, &again),
                 MEMORY_ERROR_OCCUPIED);
    EXPECT_EQUAL(scene_allocate(&scene, 0, 10, RW), start + 20 * PAGE_SIZE);
    EXPECT_EQUAL(scene_count(&scene, start + 20 * PAGE_SIZE, 10, 0), 10);
    EXPECT_EQUAL(memory_space_detach(scene.client, start + 5 * PAGE_SIZE, 50), 0);
    EXPECT_EQUAL(scene_count(&scene, start, 5, VALUE), 5);
    EXPECT_EQUAL(scene_count(&scene, start + 55 * PAGE_SIZE, 9, VALUE), 9);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 14);
    EXPECT_EQUAL(memory_space_detach(scene.client, PROGRAM_MMAP_BASE, 1000), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).regions, 0);
    scene_read_refused(&scene, start);
    scene_destroy(&scene);
}

static void discarded(void)
{
    struct scene scene;
    scene_create(&scene, 200);
    uint64_t start = scene_allocate(&scene, 0, 64, RW);
    scene_fill(&scene, start, 64, VALUE);
    EXPECT_EQUAL(memory_space_discard(scene.client, start + 10 * PAGE_SIZE, 20), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 44);
    EXPECT_EQUAL(scene_count(&scene, start + 10 * PAGE_SIZE, 20, 0), 20);
    EXPECT_EQUAL(scene_count(&scene, start, 64, VALUE), 44);
    scene_destroy(&scene);
}

/* Grows where it is, then where there is room; shrinks; contents stay. */
static void resized(void)
{
    struct scene scene;
    uint64_t moved = 0;
    scene_create(&scene, 300);
    uint64_t start = scene_allocate(&scene, 0, 4, RW);
    scene_fill(&scene, start, 4, VALUE);
    EXPECT_EQUAL(memory_space_resize(scene.client, start, 40, false, &moved), 0);
    EXPECT_EQUAL(moved, start);
    EXPECT_EQUAL(scene_count(&scene, start, 4, VALUE), 4);
    EXPECT_EQUAL(scene_count(&scene, start + 4 * PAGE_SIZE, 36, 0), 36);
    uint64_t wall = scene_allocate(&scene, 0, 1, RW);
    EXPECT_EQUAL(wall, start + 40 * PAGE_SIZE);
    EXPECT_EQUAL(memory_space_resize(scene.client, start, 41, false, &moved), MEMORY_ERROR_OCCUPIED);
    EXPECT_EQUAL(memory_space_resize(scene.client, start, 2000, true, &moved), 0);
    EXPECT_EQUAL(moved, (wall / 0x200000 + 1) * 0x200000); /* where it can have pages of 2 MiB */
    EXPECT_EQUAL(scene_count(&scene, moved, 4, VALUE), 4);
    scene_write(&scene, moved + 1999 * PAGE_SIZE, VALUE);
    EXPECT_EQUAL(memory_space_resize(scene.client, moved, 2, false, &moved), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 2);
    EXPECT_EQUAL(memory_space_resize(scene.client, moved, 3, false, &moved), 0);
    EXPECT_EQUAL(scene_read(&scene, moved + 2 * PAGE_SIZE), 0);
    EXPECT_EQUAL(memory_space_resize(scene.client, moved + PAGE_SIZE, 3, false, &moved), MEMORY_ERROR_NO_REGION);
    scene_destroy(&scene);
}

static void regions_told(void)
{
    struct scene scene;
    struct memory_region region;
    scene_create(&scene, 100);
    uint64_t start = scene_allocate(&scene, 0x200000000, 5, RIGHT_READ);
    EXPECT_EQUAL(memory_space_region(scene.client, 0, &region), 0);
    EXPECT_EQUAL(region.start, start);
    EXPECT_EQUAL(region.pages, 5);
    EXPECT_EQUAL(region.rights, RIGHT_READ);
    EXPECT_EQUAL(region.sharers, 1);
    EXPECT_EQUAL(memory_space_region(scene.client, start + 5 * PAGE_SIZE, &region), MEMORY_ERROR_NO_REGION);
    scene_destroy(&scene);
}

/* A client can change its task. */
static void tasks_change(void)
{
    struct scene scene;
    kernel_pager_t pager = {0};
    scene_create(&scene, 100);
    scene_write(&scene, scene_allocate(&scene, PLACE, 5, RW), VALUE);
    EXPECT_EQUAL(memory_space_adopt(scene.client, scene.worker.task, &pager), MEMORY_ERROR_NO_SPACE);
    EXPECT_EQUAL(memory_space_leave(scene.client), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).regions, 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 0);
    scene_read_refused(&scene, PLACE);
    EXPECT_EQUAL(memory_space_adopt(scene.client, scene.worker.task, &pager), 0);
    guest_delete(pager.handle);
    scene_destroy(&scene);
}

/* Whoever holds the capability writes for the client: own memory only, whatever its rights, never into a copy's
 * frames. */
static void written_for(void)
{
    struct scene scene;
    uint8_t bytes[480];
    memory_object_t object = {0};
    uint64_t place = PLACE + 3 * PAGE_SIZE - 240, start = 0;
    memset(bytes, 0x77, sizeof(bytes));
    scene_create(&scene, 100);
    scene_allocate(&scene, PLACE, 3, RIGHT_READ);
    EXPECT_EQUAL(memory_space_write(scene.client, place, 480, bytes), MEMORY_ERROR_BAD_RANGE);
    EXPECT_EQUAL(memory_space_write(scene.client, place - PAGE_SIZE, 481, bytes), MEMORY_ERROR_BAD_RANGE);
    EXPECT_EQUAL(memory_space_write(scene.client, place - PAGE_SIZE, 480, bytes), 0);
    EXPECT_EQUAL(scene_read(&scene, place - PAGE_SIZE), 0x7777777777777777);
    EXPECT_EQUAL(scene_read(&scene, place - PAGE_SIZE + 472), 0x7777777777777777);
    EXPECT_EQUAL(scene_read(&scene, place - PAGE_SIZE + 480), 0);
    EXPECT_EQUAL(memory_space_write(scene.client, PLACE - 1, 1, bytes), MEMORY_ERROR_NO_REGION);
    EXPECT_EQUAL(memory_space_create(scene.client, 2, &object), 0);
    EXPECT_EQUAL(memory_object_write(object, 2 * PAGE_SIZE - 8, 9, bytes), MEMORY_ERROR_BAD_RANGE);
    EXPECT_EQUAL(memory_object_write(object, UINT64_MAX, 2, bytes), MEMORY_ERROR_BAD_RANGE);
    EXPECT_EQUAL(memory_object_write(object, PAGE_SIZE - 8, 16, bytes), 0);
    EXPECT_EQUAL(memory_space_attach(scene.client, object, 0, 0, 2, RW, MEMORY_ATTACHMENT_PRIVATE, &start), 0);
    memset(bytes, 0x55, sizeof(bytes));
    EXPECT_EQUAL(memory_object_write(object, PAGE_SIZE - 8, 8, bytes), 0);
    EXPECT_EQUAL(scene_read(&scene, start + PAGE_SIZE - 8), 0x7777777777777777);
    EXPECT_EQUAL(scene_read(&scene, start + PAGE_SIZE), 0x7777777777777777);
    EXPECT_EQUAL(memory_space_attach(scene.client, object, 0, 0, 2, RW, 0, &start), 0);
    EXPECT_EQUAL(scene_read(&scene, start + PAGE_SIZE - 8), 0x5555555555555555);
    EXPECT_EQUAL(memory_space_write(scene.client, start, 1, bytes), MEMORY_ERROR_NOT_ALLOWED);
    guest_delete(object.handle);
    scene_destroy(&scene);
}

static const struct guest_test tests[] = {
    {"a page is there when it is touched, zeroed, and not before", demand_zero},
    {"memory that is gone through in order comes in larger pieces", in_order},
    {"rights change page by page", protections},
    {"each right that a region lacks is refused, and told", protections_refused},
    {"what lies around a hole stays, and what comes into it is new", detached},
    {"what was discarded is zero", discarded},
    {"regions grow, move and shrink", resized},
    {"regions are told", regions_told},
    {"a client can change its task", tasks_change},
    {"memory is written to for a client", written_for},
    {"an object is shared with different rights", sharing_rights},
    {"an object that its owner takes away is gone for all", sharing_ends_with_owner},
    {"a snapshot and what it was made of go their own ways", snapshots},
    {"a private attachment sees no later writes, nor is it seen", private_copies},
    {"an address space is copied on write", address_spaces_copied},
    {"a client begins with all that another has", spaces_derived},
    {"copies of copies, in any order of ends", copies_of_copies},
    {"a quota of each size is refused cleanly at each step", quota_of_each_size},
    {"who touches more than his quota is refused, and told", quota_exhausted_by_touching},
    {"quotas are divided, and come back", quotas_divided},
    {"a task without a quota for page tables harms nobody", task_quota_exhausted},
    {"a client has so many regions and no more", many_regions},
    {"a client that dies gives everything back", client_dies},
    {"no frame passes to another client unzeroed", frames_are_zeroed},
    {"capabilities to what is gone are refused", stale_capabilities},
    {"capabilities to other things are refused", foreign_capabilities},
    {"a client maps its own pages where its region lies", own_pages_in_regions},
    {"and takes out pages that are there", own_pages_taken_out},
    {"a client's task is taken from the server", task_taken_from_server},
    {"ranges that cannot be are refused", bad_ranges},
    {"rubbish is answered, and does nothing", rubbish},
    {"what a client mapped on goes when it is given back", mapped_on_and_given_back},
    {"and when a snapshot is taken", mapped_on_and_copied},
    {"and when the frame is left to another", mapped_on_and_left_to_the_copy},
    {"each allocation of the kernel fails once, and one is told", allocations_fail},
    {"the inspector sees clients, regions, pages and mappings", inspected},
    {"and nobody else does", inspected_by_clients},
    {"contiguous memory lies where the server says", contiguous_memory},
    {"and is for whom the manifest lets know that", contiguous_memory_refused},
    {"pinned memory stays as it is", pinned_memory_stays},
    {"a device is a region among others", devices_imported},
    {"and can be taken back from the server", devices_taken_back},
    {"random operations of two clients, beside a third", random_operations},
};

int main(void)
{
    bank = (memory_space_t){salto_require("memory")};
    return guest_run(tests, COUNT(tests));
}
