/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that several clients have: shared, and copied on write. */
#include "scene.h"

#define PAGES 40
#define FIRST 0x1111
#define SECOND 0x2222
#define THIRD 0x3333

static memory_object_t create_object(const struct scene *owner, uint64_t pages)
{
    memory_object_t object = {0};
    EXPECT_EQUAL(memory_space_create(owner->client, pages, &object), 0);
    return object;
}

/* One writes, the other reads; what the capability does not allow cannot be had. */
void sharing_rights(void)
{
    struct scene writer, reader;
    memory_object_t read_only = {0}, again = {0};
    uint64_t pages, resident;
    uint32_t sharers, rights;
    scene_create(&writer, 200);
    scene_create(&reader, 20);
    memory_object_t object = create_object(&writer, PAGES);
    EXPECT_EQUAL(scene_attach(&writer, object, PAGES, RW), 0);
    EXPECT_EQUAL(memory_object_share(object, RIGHT_READ, &read_only), 0);
    EXPECT_EQUAL(memory_object_share(read_only, RW, &again), 0);
    EXPECT_EQUAL(memory_object_describe(again, &pages, &resident, &sharers, &rights), 0);
    EXPECT_EQUAL(pages, PAGES);
    EXPECT_EQUAL(sharers, 1);
    EXPECT_EQUAL(rights, RIGHT_READ);
    EXPECT_EQUAL(scene_attach(&reader, read_only, PAGES, RW), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_object_resize(read_only, 1), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(memory_object_destroy(read_only), MEMORY_ERROR_NOT_ALLOWED);
    EXPECT_EQUAL(scene_attach(&reader, read_only, PAGES, RIGHT_READ), 0);
    EXPECT_EQUAL(memory_space_protect(reader.client, PLACE, 1, RW), MEMORY_ERROR_NOT_ALLOWED);
    scene_fill(&writer, PLACE, PAGES, FIRST);
    EXPECT_EQUAL(scene_count(&reader, PLACE, PAGES, FIRST), PAGES); /* charged to the writer alone */
    scene_write(&writer, PLACE, SECOND);
    EXPECT_EQUAL(scene_read(&reader, PLACE), SECOND);
    EXPECT_EQUAL(scene_statistics(reader.client).resident, 0);
    EXPECT_EQUAL(memory_object_resize(object, 10), 0);
    EXPECT_EQUAL(scene_count(&reader, PLACE, 10, FIRST), 9);
    EXPECT_EQUAL(scene_statistics(writer.client).resident, 10);
    scene_read_refused(&reader, PLACE + 10 * PAGE_SIZE);
    guest_delete(object.handle);
    guest_delete(read_only.handle);
    guest_delete(again.handle);
    scene_destroy(&reader);
    scene_destroy(&writer);
}

/* Destroyed, or with its owner: either way nobody has it any more. */
void sharing_ends_with_owner(void)
{
    for (int closes = 0; closes < 2; closes++) {
        struct scene owner, other;
        scene_create(&owner, 200);
        scene_create(&other, 20);
        memory_object_t object = create_object(&owner, PAGES);
        EXPECT_EQUAL(scene_attach(&owner, object, PAGES, RW), 0);
        EXPECT_EQUAL(scene_attach(&other, object, PAGES, RW), 0);
        scene_fill(&owner, PLACE, PAGES, FIRST);
        EXPECT_EQUAL(scene_count(&other, PLACE, PAGES, FIRST), PAGES);
        EXPECT_EQUAL(closes ? memory_space_close(owner.client) : memory_object_destroy(object), 0);
        EXPECT_EQUAL(scene_statistics(other.client).regions, 0);
        EXPECT_EQUAL(scene_attach(&other, object, PAGES, RW), MEMORY_ERROR_GONE);
        scene_read_refused(&other, PLACE);
        scene_destroy(&other);
        guest_delete(object.handle);
        if (!closes) {
            EXPECT_EQUAL(scene_statistics(owner.client).resident, 0);
            scene_destroy(&owner);
            continue;
        }
        guest_delete(owner.client.handle);
        worker_destroy(&owner.worker);
        guest_delete(owner.endpoint);
        guest_delete(owner.supervisor);
    }
}

/* Each sees its own writes, and not those of the other. */
void snapshots(void)
{
    struct scene first, second;
    memory_object_t copy = {0};
    scene_create(&first, 200);
    scene_create(&second, 200);
    memory_object_t object = create_object(&first, PAGES);
    EXPECT_EQUAL(scene_attach(&first, object, PAGES, RW), 0);
    for (uint64_t page = PAGES - 5; page-- > 0;) /* downwards, so that no page comes ahead */
        scene_write(&first, PLACE + page * PAGE_SIZE, FIRST);
    EXPECT_EQUAL(memory_space_snapshot(second.client, object, &copy), 0);
    EXPECT_EQUAL(scene_statistics(second.client).resident, PAGES - 5);
    EXPECT_EQUAL(scene_attach(&second, copy, PAGES, RW), 0);
    scene_fill(&first, PLACE, 10, SECOND);
    scene_fill(&first, PLACE + (PAGES - 5) * PAGE_SIZE, 5, SECOND);
    EXPECT_EQUAL(scene_count(&second, PLACE, PAGES, FIRST), PAGES - 5);
    EXPECT_EQUAL(scene_count(&second, PLACE + (PAGES - 5) * PAGE_SIZE, 5, 0), 5);
    scene_fill(&second, PLACE + 5 * PAGE_SIZE, 20, THIRD);
    EXPECT_EQUAL(scene_count(&first, PLACE, PAGES, SECOND), 15);
    EXPECT_EQUAL(scene_count(&first, PLACE, PAGES, FIRST), PAGES - 15);
    EXPECT_EQUAL(scene_count(&second, PLACE, PAGES, THIRD), 20);
    EXPECT_EQUAL(scene_count(&second, PLACE, PAGES, FIRST), PAGES - 25);
    EXPECT_EQUAL(scene_statistics(first.client).copies, 10);
    EXPECT_EQUAL(scene_statistics(second.client).copies, 15); /* five are its own since the first wrote */
    scene_destroy(&first);                                    /* what the second has of it stays */
    EXPECT_EQUAL(scene_count(&second, PLACE, PAGES, FIRST), PAGES - 25);
    scene_fill(&second, PLACE, PAGES, SECOND);
    EXPECT_EQUAL(scene_statistics(second.client).copies, 15);
    guest_delete(object.handle);
    guest_delete(copy.handle);
    scene_destroy(&second);
}

void private_copies(void)
{
    struct scene owner, other;
    memory_object_t read_only = {0};
    uint64_t start = 0;
    scene_create(&owner, 200);
    scene_create(&other, 200);
    memory_object_t object = create_object(&owner, PAGES);
    EXPECT_EQUAL(memory_object_share(object, RIGHT_READ, &read_only), 0);
    EXPECT_EQUAL(scene_attach(&owner, object, PAGES, RW), 0);
    scene_fill(&owner, PLACE, PAGES, FIRST);
    EXPECT_EQUAL(memory_space_attach(other.client, read_only, 0, 10, 20, RW, MEMORY_ATTACHMENT_PRIVATE, &start), 0);
    scene_fill(&owner, PLACE, PAGES, SECOND);
    EXPECT_EQUAL(scene_count(&other, start, 20, FIRST), 20);
    scene_fill(&other, start, 20, THIRD);
    EXPECT_EQUAL(scene_count(&owner, PLACE, PAGES, SECOND), PAGES);
    EXPECT_EQUAL(memory_space_attach(other.client, read_only, 0, 30, 20, RW, MEMORY_ATTACHMENT_PRIVATE, &start),
                 MEMORY_ERROR_BAD_RANGE);
    guest_delete(object.handle);
    guest_delete(read_only.handle);
    scene_destroy(&owner);
    EXPECT_EQUAL(scene_count(&other, start, 20, THIRD), 20);
    scene_destroy(&other);
}

/* As fork does: own memory is copied on write, shared memory stays shared. */
void address_spaces_copied(void)
{
    struct scene parent, child;
    scene_create(&parent, 200);
    scene_create(&child, 200);
    memory_object_t object = create_object(&parent, PAGES);
    EXPECT_EQUAL(scene_attach(&parent, object, PAGES, RW), 0);
    uint64_t own = scene_allocate(&parent, 0, PAGES, RW), constant = scene_allocate(&parent, 0, 1, RW);
    scene_fill(&parent, own, PAGES, FIRST);
    scene_write(&parent, constant, FIRST);
    EXPECT_EQUAL(memory_space_protect(parent.client, constant, 1, RIGHT_READ), 0);
    EXPECT_EQUAL(memory_space_copy_to(parent.client, child.client), 0);
    EXPECT_EQUAL(scene_statistics(child.client).regions, 3);
    EXPECT_EQUAL(scene_statistics(child.client).resident, PAGES + 1);
    EXPECT_EQUAL(memory_space_copy_to(parent.client, child.client), MEMORY_ERROR_NO_SPACE);
    scene_fill(&child, own, PAGES / 2, SECOND);
    scene_write(&child, PLACE, SECOND);
    EXPECT_EQUAL(scene_read(&parent, PLACE), SECOND);
    EXPECT_EQUAL(scene_count(&parent, own, PAGES, FIRST), PAGES);
    scene_fill(&parent, own, PAGES, THIRD);
    EXPECT_EQUAL(scene_count(&child, own, PAGES, FIRST), PAGES / 2);
    EXPECT_EQUAL(scene_count(&child, own, PAGES, SECOND), PAGES / 2);
    EXPECT_EQUAL(scene_read(&child, constant), FIRST);
    scene_write_refused(&child, constant);
    guest_delete(object.handle);
    scene_destroy(&child);
    scene_destroy(&parent);
}

/* A client with a quota of its own, or without, and with all that another has, by one call: or nothing at all. */
void spaces_derived(void)
{
    static const uint64_t quotas[] = {50, UINT64_MAX};
    struct scene model, child;
    memory_space_t derived = {0};
    kernel_pager_t pager = {0};
    scene_create(&model, 200);
    scene_create(&child, 200);
    scene_fill(&model, scene_allocate(&model, PLACE, PAGES, RW), PAGES, FIRST);
    EXPECT_EQUAL(memory_space_leave(child.client), 0);
    const kernel_task_t task = child.worker.task, none = {child.client.handle};
    uint64_t used = scene_statistics(child.client).used;
    EXPECT_EQUAL(memory_space_derive(child.client, model.client, none, 50, &derived, &pager), MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_derive(child.client, (memory_space_t){task.handle}, task, 50, &derived, &pager),
                 MEMORY_ERROR_GONE);
    EXPECT_EQUAL(memory_space_derive(child.client, model.client, task, 1000, &derived, &pager), MEMORY_ERROR_QUOTA);
    EXPECT_EQUAL(memory_space_derive(child.client, model.client, task, PAGES, &derived, &pager), MEMORY_ERROR_QUOTA);
    EXPECT_EQUAL(scene_statistics(child.client).clients, 0);
    EXPECT_EQUAL(scene_statistics(child.client).used, used);
    for (unsigned i = 0; i < COUNT(quotas); i++) {
        EXPECT_EQUAL(memory_space_derive(child.client, model.client, task, quotas[i], &derived, &pager), 0);
        EXPECT_EQUAL(scene_statistics(derived).regions, 1);
        EXPECT_EQUAL(scene_statistics(derived).resident, PAGES);
        EXPECT_EQUAL(scene_statistics(derived).quota, i == 0 ? 50 : 200);
        EXPECT_EQUAL(scene_statistics(child.client).clients, 1);
        EXPECT_EQUAL(memory_space_close(derived), 0);
        EXPECT_EQUAL(scene_statistics(child.client).used, used);
        guest_delete(pager.handle);
        guest_delete(derived.handle);
    }
    EXPECT_EQUAL(scene_count(&model, PLACE, PAGES, FIRST), PAGES);
    scene_destroy(&child);
    scene_destroy(&model);
}

/* Four that have the same frames; they end in every order of two. */
void copies_of_copies(void)
{
    for (int order = 0; order < 2; order++) {
        struct scene scenes[4];
        for (int i = 0; i < 4; i++)
            scene_create(&scenes[i], 100);
        scene_allocate(&scenes[0], PLACE, PAGES, RW);
        scene_fill(&scenes[0], PLACE, PAGES, FIRST);
        for (int i = 1; i < 4; i++)
            EXPECT_EQUAL(memory_space_copy_to(scenes[i / 2].client, scenes[i].client), 0);
        for (int i = 0; i < 4; i++)
            scene_fill(&scenes[i], PLACE + (uint64_t)i * PAGE_SIZE, 1, SECOND + (uint64_t)i);
        for (int i = 0; i < 4; i++) {
            EXPECT_EQUAL(scene_count(&scenes[i], PLACE, PAGES, FIRST), PAGES - 1);
            EXPECT_EQUAL(scene_read(&scenes[i], PLACE + (uint64_t)i * PAGE_SIZE), SECOND + (uint64_t)i);
        }
        for (int i = 0; i < 4; i++)
            scene_destroy(&scenes[order ? 3 - i : i]);
    }
}
