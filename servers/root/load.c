/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills a task's address space: the program's segments, the Linux-call handler, the stack and the start-up table.
 * Memory is filled through a window of root's own address space, and mapped into the task with the rights that it is to
 * have.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "abi/startup.h"
#include "idl/memory.h"
#include "initial_stack.h"
#include "root.h"

/* Where root maps what it fills: between its own image and its heap. */
#define WINDOW 0x500000000000UL

bool program_problem(const struct program *program, const char *what, int result)
{
    printf("root: program %s: %s: %s\n", program->manifest->name, what, salto_error_text(result));
    return false;
}

void program_hold(struct program *program, uint32_t handle)
{
    if (program->held_count == ROOT_MAX_HELD)
        root_fail("program %s: more than %d handles", program->manifest->name, ROOT_MAX_HELD);
    program->held[program->held_count++] = handle;
}

/* Makes the first `pages` pages of `memory` visible at WINDOW; an error number of the stub otherwise. */
static int open_window(kernel_memory_t memory, uint32_t pages)
{
    return kernel_memory_map(memory, root.task, WINDOW, 0, pages, RIGHT_READ | RIGHT_WRITE);
}

static void close_window(kernel_memory_t memory, uint32_t pages)
{
    int result = kernel_memory_unmap(memory, root.task, WINDOW, pages);
    if (result)
        root_fail("the window cannot be closed: %s", salto_error_text(result));
}

/* Copies a segment's bytes into its memory. What lies behind them is zero already. */
static int fill_segment(kernel_memory_t memory, const struct elf_segment *segment)
{
    uint64_t offset = segment->address - segment->page_address;
    uint32_t pages = (uint32_t)((offset + segment->file_bytes + PAGE_SIZE - 1) / PAGE_SIZE);
    if (segment->file_bytes == 0)
        return 0;
    int result = open_window(memory, pages);
    if (result)
        return result;
    memcpy((uint8_t *)WINDOW + offset, segment->data, segment->file_bytes);
    close_window(memory, pages);
    return 0;
}

/* Makes memory from `factory` and fills it with a segment. */
static int make_segment(kernel_factory_t factory, const struct elf_segment *segment, kernel_memory_t *memory)
{
    int result = kernel_factory_create_memory(factory, segment->pages, memory);
    return result ? result : fill_segment(*memory, segment);
}

static int map_segment(const struct program *program, kernel_memory_t memory, const struct elf_segment *segment)
{
    return kernel_memory_map(memory, program->task, segment->page_address, 0, segment->pages, segment->rights);
}

void load_handler(void)
{
    static const struct elf_limits limits = {.lowest = LINUX_HANDLER_BASE, .highest = STARTUP_TABLE};
    char reason[ELF_REASON_SIZE];
    if (!archive_find(&root.archive, "linux", &root.linux_file))
        root_fail("the boot archive has no file 'linux'");
    if (!elf_file_plan(root.linux_file.data, root.linux_file.size, &limits, &root.linux_plan, reason))
        root_fail("file linux: %s", reason);
    for (uint32_t i = 0; i < root.linux_plan.segment_count; i++) {
        kernel_memory_t memory = {0};
        if (root.linux_plan.segments[i].rights & RIGHT_WRITE)
            continue;
        int result = make_segment(root.factory, &root.linux_plan.segments[i], &memory);
        if (result)
            root_fail("file linux: %s", salto_error_text(result));
        root.linux_shared[i] = memory.handle;
    }
}

/* Makes memory of the program's own quota for a segment, fills it, and maps it. */
static bool load_segment(struct program *program, const struct elf_segment *segment)
{
    kernel_memory_t memory = {0};
    int result = make_segment(program->factory, segment, &memory);
    if (memory.handle != 0)
        program_hold(program, memory.handle);
    if (result == 0)
        result = map_segment(program, memory, segment);
    return result == 0 || program_problem(program, "its image does not load", result);
}

static bool load_image(struct program *program)
{
    for (uint32_t i = 0; i < program->plan.segment_count; i++) {
        if (!load_segment(program, &program->plan.segments[i]))
            return false;
    }
    return true;
}

/* Maps the handler: text and constants are shared, variables are the task's own. */
static bool map_handler(struct program *program)
{
    for (uint32_t i = 0; i < root.linux_plan.segment_count; i++) {
        const struct elf_segment *segment = &root.linux_plan.segments[i];
        if (segment->rights & RIGHT_WRITE) {
            if (!load_segment(program, segment))
                return false;
            continue;
        }
        int result = map_segment(program, (kernel_memory_t){root.linux_shared[i]}, segment);
        if (result)
            return program_problem(program, "the Linux-call handler does not load", result);
    }
    return true;
}

/* Memory of `pages` pages out of the program's quota, mapped in the window. */
static int make_filled(struct program *program, uint32_t pages, kernel_memory_t *memory)
{
    int result = kernel_factory_create_memory(program->factory, pages, memory);
    if (result)
        return result;
    program_hold(program, memory->handle);
    return open_window(*memory, pages);
}

static bool load_table(struct program *program, const struct startup_table *table)
{
    kernel_memory_t memory;
    int result = make_filled(program, 1, &memory);
    if (result == 0) {
        memcpy((void *)WINDOW, table, sizeof(*table));
        close_window(memory, 1);
        result = kernel_memory_map(memory, program->task, STARTUP_TABLE, 0, 1, RIGHT_READ);
    }
    return result == 0 || program_problem(program, "its start-up table does not load", result);
}

/* The table of its rings, if it has any. */
static bool load_rings(struct program *program, const struct startup_rings *rings)
{
    kernel_memory_t memory;
    int result = 0;
    if (rings->count == 0)
        return true;
    result = make_filled(program, 1, &memory);
    if (result == 0) {
        memcpy((void *)WINDOW, rings, sizeof(*rings));
        close_window(memory, 1);
        result = kernel_memory_map(memory, program->task, RINGS_TABLE, 0, 1, RIGHT_READ);
    }
    return result == 0 || program_problem(program, "the table of its rings does not load", result);
}

/* The program's arguments and what else stands on its initial stack. */
static uint64_t fill_stack(const struct program *program)
{
    const struct manifest_program *manifest = program->manifest;
    struct initial_stack what = {
        .name = manifest->name,
        .arguments = manifest->arguments,
        .arguments_count = manifest->arguments_count,
        .environment = manifest->environment,
        .environment_count = manifest->environment_count,
        .headers = program->plan.headers,
        .header_count = program->plan.header_count,
        .entry = program->plan.entry,
    };
    if (getrandom(what.random, sizeof(what.random), 0) != sizeof(what.random))
        root_fail("there are no random bytes");
    return initial_stack_build(&what, (uint8_t *)WINDOW, manifest->stack, PROGRAM_STACK_TOP);
}

static bool load_stack(struct program *program, uint64_t *stack)
{
    uint32_t pages = (uint32_t)(program->manifest->stack / PAGE_SIZE);
    kernel_memory_t memory;
    int result = make_filled(program, pages, &memory);
    if (result == 0) {
        *stack = fill_stack(program);
        close_window(memory, pages);
        if (*stack == 0) {
            printf("root: program %s: its arguments and environment take more than half of its stack\n",
                   program->manifest->name);
            return false;
        }
        result = kernel_memory_map(memory, program->task, PROGRAM_STACK_TOP - program->manifest->stack, 0, pages,
                                   RIGHT_READ | RIGHT_WRITE);
    }
    return result == 0 || program_problem(program, "its stack does not load", result);
}

bool load_program(struct program *program, const struct startup_table *table, const struct startup_rings *rings,
                  uint64_t *stack)
{
    return load_image(program) && map_handler(program) && load_table(program, table) && load_rings(program, rings) &&
           load_stack(program, stack);
}
