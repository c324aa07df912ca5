/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files as models of processes. What a file has is brought into memory by messages, once; a process gets copies of the
 * regions of the file's model. See process.h.
 */
#include <stdio.h>
#include <string.h>

#include <salto/server.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "process.h"

#define IMAGES_MAX 32
#define WRITE_BYTES 480 /* of one message */
#define HANDLER "linux"
#define BOOKS 24 /* pages of the memory server's books for a model, at most */
#define FILLED 2 /* pages of a model that are there from the beginning, besides those of files: of stack and table */

static struct image images[IMAGES_MAX];
static uint32_t images_count;
static struct image handler; /* of Linux calls: without a model, it is a part of all others */

static const struct elf_limits program_limits = {
    .lowest = USER_START, .highest = PROGRAM_BREAK_BASE, .pie_base = STATIC_PIE_BASE};
static const struct elf_limits handler_limits = {.lowest = LINUX_HANDLER_BASE, .highest = STARTUP_TABLE};

static bool is_written(const struct elf_segment *segment)
{
    return segment->rights & RIGHT_WRITE;
}

/* ---- What processes share ---------------------------------------------------------------------------------------- */

/* The bytes of a segment from `done` on that one message carries. */
static uint32_t take_bytes(const struct elf_segment *segment, uint64_t done, uint8_t bytes[WRITE_BYTES])
{
    uint64_t left = segment->file_bytes - done;
    uint32_t some = left < WRITE_BYTES ? (uint32_t)left : WRITE_BYTES;
    memset(bytes, 0, WRITE_BYTES);
    memcpy(bytes, (const uint8_t *)segment->data + done, some);
    return some;
}

static int fill_object(memory_object_t object, const struct elf_segment *segment)
{
    uint64_t offset = segment->address - segment->page_address;
    uint8_t bytes[WRITE_BYTES];
    int error = 0;
    for (uint64_t done = 0; done < segment->file_bytes && error == 0; done += WRITE_BYTES)
        error = memory_object_write(object, offset + done, take_bytes(segment, done, bytes), bytes);
    return error;
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
    int error = 0;
    for (uint32_t i = 0; i < image->plan.segment_count && error == 0; i++) {
        const struct elf_segment *segment = &image->plan.segments[i];
        if (is_written(segment))
            continue;
        error = memory_space_create(service.space, segment->pages, &image->objects[i]);
        error = error ? error : fill_object(image->objects[i], segment);
    }
    if (error)
        drop_objects(image);
    return error ? PROCESS_ERROR_QUOTA : 0;
}

static int read_file(struct image *image, const char *name, const struct elf_limits *limits)
{
    char reason[ELF_REASON_SIZE];
    memset(image, 0, sizeof(*image));
    if (!archive_find(&service.archive, name, &image->file))
        return PROCESS_ERROR_NO_FILE;
    if (!elf_file_plan(image->file.data, image->file.size, limits, &image->plan, reason)) {
        printf("process: file %s: %s\n", name, reason);
        return PROCESS_ERROR_BAD_FILE;
    }
    int error = make_objects(image);
    if (error)
        memset(image, 0, sizeof(*image)); /* so that nobody takes it for read, and it is read again */
    return error;
}

/* ---- Models ------------------------------------------------------------------------------------------------------ */

static int allocate(memory_space_t space, uint64_t address, uint64_t pages, uint32_t rights)
{
    uint64_t start;
    return memory_space_allocate(space, address, pages, rights, MEMORY_ATTACHMENT_FIXED, &start);
}

/* Memory of the model's own, of which each process gets a copy on write. */
static int add_written(memory_space_t space, const struct elf_segment *segment)
{
    uint8_t bytes[WRITE_BYTES];
    int error = allocate(space, segment->page_address, segment->pages, segment->rights);
    for (uint64_t done = 0; done < segment->file_bytes && error == 0; done += WRITE_BYTES)
        error = memory_space_write(space, segment->address + done, take_bytes(segment, done, bytes), bytes);
    return error;
}

static int add_segments(memory_space_t space, const struct image *image)
{
    int error = 0;
    for (uint32_t i = 0; i < image->plan.segment_count && error == 0; i++) {
        const struct elf_segment *segment = &image->plan.segments[i];
        uint64_t start;
        error = is_written(segment)
                    ? add_written(space, segment)
                    : memory_space_attach(space, image->objects[i], segment->page_address, 0, segment->pages,
                                          segment->rights, MEMORY_ATTACHMENT_FIXED, &start);
    }
    return error;
}

int image_attach(const struct image *image, memory_space_t space)
{
    return add_segments(space, image) ? PROCESS_ERROR_QUOTA : 0;
}

int stack_attach(memory_space_t space)
{
    return allocate(space, STACK_BOTTOM, STACK_PAGES, RIGHT_READ | RIGHT_WRITE) ? PROCESS_ERROR_QUOTA : 0;
}

/* Writes nothing new, so that the page is there: all processes will write to theirs, which the memory server notes. */
static int fill_page(memory_space_t space, uint64_t address)
{
    const uint8_t bytes[WRITE_BYTES] = {0};
    return memory_space_write(space, address, 1, bytes);
}

/* The stack's pages come into being as it grows downwards. Below it are pages that cannot be touched, and nobody
 * attaches anything there: who goes on beyond its end faults, and the report knows why. */
static int add_regions(const struct image *image)
{
    const uint64_t guard = STACK_BOTTOM - GUARD_PAGES * PAGE_SIZE;
    int error = add_segments(image->model, image);
    error = error ? error : add_segments(image->model, &handler);
    error = error ? error : allocate(image->model, STARTUP_TABLE, 1, RIGHT_READ);
    error = error ? error : fill_page(image->model, STARTUP_TABLE);
    error = error ? error : allocate(image->model, guard, GUARD_PAGES, 0);
    error = error ? error : stack_attach(image->model);
    return error ? error : fill_page(image->model, PROGRAM_STACK_TOP - PAGE_SIZE);
}

static uint64_t written_pages(const struct image *image)
{
    uint64_t pages = 0;
    for (uint32_t i = 0; i < image->plan.segment_count; i++)
        pages += is_written(&image->plan.segments[i]) ? image->plan.segments[i].pages : 0;
    return pages;
}

/* What debuggers and `mem` call the model. */
static int name_model(const struct image *image)
{
    uint8_t name[NAME_SIZE] = {0};
    snprintf((char *)name, sizeof(name), "model of %.22s", image->file.name);
    return kernel_task_set_name(image->task, name);
}

static int open_model(struct image *image)
{
    uint64_t pages = written_pages(image) + written_pages(&handler) + FILLED + BOOKS;
    kernel_pager_t pager = {0};
    int result = kernel_factory_create_task(service.factory, &image->task);
    result = result ? result : name_model(image);
    result = result ? result : memory_space_divide(service.space, pages, &image->model);
    result = result ? result : memory_space_adopt(image->model, image->task, &pager);
    idl_release(pager.handle); /* nothing faults in it */
    return result;
}

static void close_model(struct image *image)
{
    int result = image->model.handle ? memory_space_close(image->model) : 0;
    (void)result; /* what is gone already is no loss */
    idl_release(image->model.handle);
    idl_release(image->task.handle);
}

static int make_model(struct image *image)
{
    int error = open_model(image);
    error = error ? error : add_regions(image);
    if (error)
        close_model(image);
    return error ? PROCESS_ERROR_QUOTA : 0;
}

static int make_image(struct image *image, const char *name)
{
    int error = handler.plan.entry ? 0 : read_file(&handler, HANDLER, &handler_limits);
    error = error ? error : read_file(image, name, &program_limits);
    if (error)
        return error;
    error = make_model(image);
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
    return &handler;
}
