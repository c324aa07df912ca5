/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files as objects of the memory server. An object is filled by messages, once; after that, every process of the file
 * attaches it. See process.h.
 */
#include <stdio.h>
#include <string.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "process.h"

#define IMAGES_MAX 32
#define WRITE_BYTES 480 /* of one message */
#define HANDLER "linux"

static struct image images[IMAGES_MAX];
static uint32_t images_count;

static const struct elf_limits program_limits = {
    .lowest = USER_START, .highest = PROGRAM_BREAK_BASE, .pie_base = STATIC_PIE_BASE};
static const struct elf_limits handler_limits = {.lowest = LINUX_HANDLER_BASE, .highest = STARTUP_TABLE};

static int fill(memory_object_t object, const struct elf_segment *segment)
{
    const uint8_t *data = segment->data;
    uint64_t offset = segment->address - segment->page_address;
    for (uint64_t done = 0; done < segment->file_bytes; done += WRITE_BYTES) {
        uint8_t bytes[WRITE_BYTES] = {0};
        uint64_t left = segment->file_bytes - done;
        uint32_t some = left < WRITE_BYTES ? (uint32_t)left : WRITE_BYTES;
        memcpy(bytes, data + done, some);
        if (memory_object_write(object, offset + done, some, bytes) != 0)
            return PROCESS_ERROR_QUOTA;
    }
    return 0;
}

static void drop_objects(struct image *image)
{
    for (uint32_t i = 0; i < image->plan.segment_count; i++) {
        if (image->objects[i].handle == 0)
            continue;
        int result = memory_object_destroy(image->objects[i]);
        (void)result; /* an object that is gone already is no loss */
        idl_release(image->objects[i].handle);
        image->objects[i].handle = 0;
    }
}

static int make_objects(struct image *image)
{
    for (uint32_t i = 0; i < image->plan.segment_count; i++) {
        const struct elf_segment *segment = &image->plan.segments[i];
        int error = memory_space_create(service.space, segment->pages, &image->objects[i]);
        if (error == 0)
            error = fill(image->objects[i], segment);
        if (error)
            return PROCESS_ERROR_QUOTA;
    }
    return 0;
}

static int make_image(struct image *image, const char *name)
{
    char reason[ELF_REASON_SIZE];
    const struct elf_limits *limits = strcmp(name, HANDLER) == 0 ? &handler_limits : &program_limits;
    memset(image, 0, sizeof(*image));
    if (!archive_find(&service.archive, name, &image->file))
        return PROCESS_ERROR_NO_FILE;
    if (!elf_file_plan(image->file.data, image->file.size, limits, &image->plan, reason)) {
        printf("process: file %s: %s\n", name, reason);
        return PROCESS_ERROR_BAD_FILE;
    }
    int error = make_objects(image);
    if (error)
        drop_objects(image);
    return error;
}

int image_find(const char *name, const struct image **image)
{
    for (uint32_t i = 0; i < images_count; i++) {
        if (strcmp(images[i].file.name, name) == 0) {
            *image = &images[i];
            return 0;
        }
    }
    if (images_count == IMAGES_MAX)
        return PROCESS_ERROR_TOO_MANY;
    *image = &images[images_count];
    int error = make_image(&images[images_count], name);
    images_count += error == 0;
    return error;
}

const struct image *image_of_handler(void)
{
    const struct image *image;
    return image_find(HANDLER, &image) == 0 ? image : NULL;
}

int image_attach(const struct image *image, memory_space_t space)
{
    for (uint32_t i = 0; i < image->plan.segment_count; i++) {
        const struct elf_segment *segment = &image->plan.segments[i];
        bool own = segment->rights & RIGHT_WRITE;
        uint64_t start;
        memory_attachment_t how = MEMORY_ATTACHMENT_FIXED | (own ? MEMORY_ATTACHMENT_PRIVATE : 0);
        if (memory_space_attach(space, image->objects[i], segment->page_address, 0, segment->pages, segment->rights,
                                how, &start) != 0)
            return PROCESS_ERROR_QUOTA;
    }
    return 0;
}
