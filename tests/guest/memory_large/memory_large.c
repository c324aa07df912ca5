/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server's pages of 2 MiB: asked for, and where memory is gone through in order. */
#include <salto/startup.h>

#include "../memory_server/scene.h"

#define LARGE 512
#define LARGE_SIZE (LARGE * PAGE_SIZE)
#define VALUE 0x1a49e
#define OTHER 0x2b5af

static memory_object_t create_large(const struct scene *scene, uint64_t pages)
{
    memory_object_t object = {0};
    EXPECT_EQUAL(memory_space_create_large(scene->client, pages, &object), 0);
    return object;
}

/* Pages of the mapping that the page at `address` is in, as the kernel has it; 0 if it is not mapped. */
static uint32_t mapped_pages(const struct scene *scene, uint64_t address)
{
    const memory_inspector_t inspector = {salto_require("inspector")};
    const uint64_t quota = scene_statistics(scene->client).quota; /* by which it is found */
    struct memory_client_info info = {.number = 0};
    struct memory_page_mapping mapping = {0};
    while (memory_inspector_client(inspector, info.number, &info) == 0 && info.statistics.quota != quota)
        ;
    EXPECT_EQUAL(info.statistics.quota, quota);
    return memory_inspector_mapping(inspector, info.number, address, 1, &mapping) == 0 ? mapping.pages : 0;
}

/* One access brings all 512 pages, zeroed. */
static void asked_for(void)
{
    struct scene scene;
    scene_create(&scene, 2 * LARGE + 20);
    memory_object_t object = create_large(&scene, 2 * LARGE);
    EXPECT_EQUAL(scene_attach(&scene, object, 2 * LARGE, RW), 0);
    scene_write(&scene, PLACE + 700 * PAGE_SIZE, VALUE);
    struct memory_statistics statistics = scene_statistics(scene.client);
    EXPECT_EQUAL(statistics.resident, LARGE);
    EXPECT_EQUAL(statistics.faults, 1);
    EXPECT_EQUAL(statistics.large, 1);
    EXPECT_EQUAL(mapped_pages(&scene, PLACE + 600 * PAGE_SIZE), LARGE);
    EXPECT_EQUAL(scene_count(&scene, PLACE + LARGE_SIZE, LARGE, 0), LARGE - 1);
    EXPECT_EQUAL(scene_count(&scene, PLACE, LARGE, 0), LARGE);
    EXPECT_EQUAL(scene_statistics(scene.client).faults, 2);
    guest_delete(object.handle);
    scene_destroy(&scene);
}

/* Memory that is gone through from its beginning comes in a few faults. */
static void in_order(void)
{
    struct scene scene;
    scene_create(&scene, 8 * LARGE);
    for (int round = 0; round < 2; round++) {
        uint64_t start = scene_allocate(&scene, 0, 3 * LARGE, RW), faults = scene_statistics(scene.client).faults;
        EXPECT_EQUAL(start % LARGE_SIZE, 0);
        scene_fill(&scene, start, 3 * LARGE, VALUE);
        struct memory_statistics statistics = scene_statistics(scene.client);
        EXPECT_EQUAL(statistics.resident, 3 * LARGE);
        EXPECT(statistics.faults - faults < (round == 0 ? 20 : 9));
        EXPECT(statistics.large >= (round == 0 ? 2 : 5)); /* the first one if a block was spare */
        EXPECT_EQUAL(scene_count(&scene, start, 3 * LARGE, VALUE), 3 * LARGE);
        EXPECT_EQUAL(memory_space_detach(scene.client, start, 3 * LARGE), 0);
    }
    scene_destroy(&scene);
}

/* What happens to a part of a large page leaves the rest as it was. */
static void divided(void)
{
    struct scene scene;
    scene_create(&scene, 3 * LARGE);
    memory_object_t object = create_large(&scene, LARGE);
    EXPECT_EQUAL(scene_attach(&scene, object, LARGE, RW), 0);
    scene_fill(&scene, PLACE, LARGE, VALUE);
    EXPECT_EQUAL(memory_space_protect(scene.client, PLACE + 100 * PAGE_SIZE, 50, RIGHT_READ), 0);
    EXPECT_EQUAL(scene_count(&scene, PLACE, LARGE, VALUE), LARGE);
    EXPECT_EQUAL(mapped_pages(&scene, PLACE) < LARGE, true);
    scene_write(&scene, PLACE + 99 * PAGE_SIZE, OTHER);
    EXPECT_EQUAL(memory_space_detach(scene.client, PLACE + 200 * PAGE_SIZE, 10), 0);
    scene_write(&scene, PLACE + 210 * PAGE_SIZE, OTHER);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, LARGE); /* the object has them still */
    EXPECT_EQUAL(scene_count(&scene, PLACE, 200, VALUE), 199);
    EXPECT_EQUAL(scene_count(&scene, PLACE + 210 * PAGE_SIZE, LARGE - 210, VALUE), LARGE - 211);
    scene_write_refused(&scene, PLACE + 120 * PAGE_SIZE);
    guest_delete(object.handle);
    scene_destroy(&scene);
}

/* Memory of one's own: what is taken out of a large page is free, and what comes there again is zero. */
static void taken_apart(void)
{
    struct scene scene;
    scene_create(&scene, 8 * LARGE);
    uint64_t start = scene_allocate(&scene, 0, 2 * LARGE, RW);
    scene_fill(&scene, start, 2 * LARGE, VALUE);
    EXPECT(scene_statistics(scene.client).large >= 1);
    EXPECT_EQUAL(memory_space_discard(scene.client, start + 600 * PAGE_SIZE, 100), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 2 * LARGE - 100);
    EXPECT_EQUAL(scene_count(&scene, start + 600 * PAGE_SIZE, 100, 0), 100);
    EXPECT_EQUAL(scene_count(&scene, start, 2 * LARGE, VALUE), 2 * LARGE - 100);
    EXPECT_EQUAL(memory_space_detach(scene.client, start + 1000 * PAGE_SIZE, 24), 0);
    EXPECT_EQUAL(memory_space_detach(scene.client, start, 1000), 0);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, 0);
    scene_destroy(&scene);
}

/* The copy and the original go their own ways, page by page. */
static void copied(void)
{
    struct scene scene, other;
    memory_object_t copy = {0};
    scene_create(&scene, 3 * LARGE);
    scene_create(&other, 3 * LARGE + 1);
    memory_object_t object = create_large(&scene, LARGE);
    EXPECT_EQUAL(scene_attach(&scene, object, LARGE, RW), 0);
    scene_fill(&scene, PLACE, LARGE, VALUE);
    EXPECT_EQUAL(memory_space_snapshot(other.client, object, &copy), 0);
    EXPECT_EQUAL(scene_attach(&other, copy, LARGE, RW), 0);
    EXPECT_EQUAL(scene_count(&other, PLACE, LARGE, VALUE), LARGE);
    EXPECT_EQUAL(mapped_pages(&other, PLACE), LARGE); /* both read one large page */
    scene_write(&scene, PLACE + 300 * PAGE_SIZE, OTHER);
    scene_write(&other, PLACE + 301 * PAGE_SIZE, OTHER);
    EXPECT_EQUAL(scene_read(&other, PLACE + 300 * PAGE_SIZE), VALUE);
    EXPECT_EQUAL(scene_read(&scene, PLACE + 301 * PAGE_SIZE), VALUE);
    EXPECT_EQUAL(scene_statistics(scene.client).copies, 1);
    EXPECT_EQUAL(scene_statistics(other.client).copies, 1);
    EXPECT_EQUAL(memory_object_destroy(object), 0);
    EXPECT_EQUAL(scene_count(&other, PLACE, LARGE, VALUE), LARGE - 1);
    guest_delete(object.handle);
    guest_delete(copy.handle);
    scene_destroy(&other);
    scene_destroy(&scene);
}

/* One object in two address spaces, once where no large page can be. */
static void shared(void)
{
    struct scene scene, other;
    uint64_t start = 0;
    scene_create(&scene, 2 * LARGE);
    scene_create(&other, 100);
    memory_object_t object = create_large(&scene, LARGE);
    EXPECT_EQUAL(scene_attach(&scene, object, LARGE, RW), 0);
    EXPECT_EQUAL(memory_space_attach(other.client, object, PLACE + PAGE_SIZE, 0, LARGE, RW, FIXED, &start), 0);
    scene_write(&other, start + 17 * PAGE_SIZE, VALUE);
    EXPECT_EQUAL(scene_read(&scene, PLACE + 17 * PAGE_SIZE), VALUE);
    EXPECT_EQUAL(mapped_pages(&scene, PLACE), LARGE);
    EXPECT_EQUAL(memory_object_resize(object, 100), MEMORY_ERROR_BAD_RANGE);
    EXPECT_EQUAL(memory_object_resize(object, 2 * LARGE), 0);
    guest_delete(object.handle);
    scene_destroy(&other);
    scene_destroy(&scene);
}

/* A quota that has not 512 pages is refused an object's large page, and gets no other by itself. */
static void quota_too_small(void)
{
    struct scene scene;
    memory_object_t object = {0};
    scene_create(&scene, LARGE);
    EXPECT_EQUAL(memory_space_create_large(scene.client, 100, &object), MEMORY_ERROR_BAD_RANGE);
    EXPECT_EQUAL(memory_space_create_large(scene.client, 0, &object), MEMORY_ERROR_BAD_RANGE);
    uint64_t start = scene_allocate(&scene, 0, 2 * LARGE, RW);
    scene_fill(&scene, start, 100, VALUE);
    EXPECT_EQUAL(scene_statistics(scene.client).large, 0);
    object = create_large(&scene, LARGE);
    EXPECT_EQUAL(scene_attach(&scene, object, LARGE, RW), 0);
    struct memory_statistics before = scene_statistics(scene.client);
    scene_read_refused(&scene, PLACE + 5 * PAGE_SIZE);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, before.resident);
    guest_delete(object.handle);
    scene_destroy(&scene);
}

/* A frame that was in a large page, in whatever hands it comes next, is zeroed. */
static void zeroed(void)
{
    struct scene scene;
    for (int round = 0; round < 3; round++) {
        scene_create(&scene, 2 * LARGE);
        memory_object_t object = create_large(&scene, LARGE);
        EXPECT_EQUAL(scene_attach(&scene, object, LARGE, RW), 0);
        EXPECT_EQUAL(scene_count(&scene, PLACE, LARGE, 0), LARGE);
        scene_fill(&scene, PLACE, LARGE, VALUE);
        guest_delete(object.handle);
        scene_destroy(&scene);
    }
}

/* Without 2 MiB that lie together the pages of such an object come one by one; and what is free of large pages serves
 * them where there is nothing else: all that was promised can be had. */
static void no_large_memory(void)
{
    struct scene scene;
    const uint64_t all = 11000; /* of the 12,288 pages that the test was promised */
    scene_create(&scene, all);
    uint64_t start = scene_allocate(&scene, 0, 3 * LARGE, RW);
    scene_fill(&scene, start, 3 * LARGE, VALUE);
    for (uint64_t page = 0; page < 3 * LARGE; page += 2) /* every other page stays */
        EXPECT_EQUAL(memory_space_discard(scene.client, start + page * PAGE_SIZE, 1), 0);
    uint64_t many = all - 3 * LARGE / 2 - 100;
    uint64_t more = scene_allocate(&scene, 0, many, RW);
    scene_fill(&scene, more, many, VALUE);
    EXPECT_EQUAL(scene_statistics(scene.client).resident, many + 3 * LARGE / 2);
    for (uint64_t page = 1; page < 3 * LARGE; page += 2)
        EXPECT_EQUAL(scene_read(&scene, start + page * PAGE_SIZE), VALUE);
    EXPECT_EQUAL(scene_statistics(scene.client).refused, 0);
    scene_destroy(&scene);
}

static const struct guest_test tests[] = {
    {"an access to an object of large pages brings 512 pages", asked_for},
    {"memory that is gone through in order gets large pages", in_order},
    {"a large page is divided where its rights change", divided},
    {"parts of large pages are given back", taken_apart},
    {"a snapshot of a large page is copied page by page", copied},
    {"an object of large pages is shared, at whatever address", shared},
    {"a quota below 512 pages gets none", quota_too_small},
    {"no frame of a large page passes on unzeroed", zeroed},
    {"what is left of large pages serves as single ones", no_large_memory},
};

int main(void)
{
    bank = (memory_space_t){salto_require("memory")};
    return guest_run(tests, COUNT(tests));
}
