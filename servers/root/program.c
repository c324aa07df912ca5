/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs from their file to their end. The order matters: all files are checked, then all endpoints are made, then
 * all programs are created, and only then the first of them runs; servers start before the others.
 */
#include <salto/startup.h>
#include <stdio.h>
#include <string.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "root.h"

#define BYTES_PER_SLOT 8192
#define SLOTS_KEPT 16 /* for root itself */

/* Where a program's segments may lie. */
static const struct elf_limits program_limits = {
    .lowest = USER_START,
    .highest = PROGRAM_BREAK_BASE,
    .pie_base = STATIC_PIE_BASE,
};

/* Notes that a program cannot be started. */
static void refuse(struct program *program)
{
    program->state = PROGRAM_ENDED;
    if (!program->manifest->may_fail)
        root.failed = true;
}

static void check_file(struct program *program)
{
    char reason[ELF_REASON_SIZE];
    const struct manifest_program *manifest = program->manifest;
    /* The manifest was compared with the archive already, so the file is there. */
    if (archive_find(&root.archive, manifest->file, &program->file) &&
        elf_file_plan(program->file.data, program->file.size, &program_limits, &program->plan, reason))
        return;
    printf("root: program %s: file %s: %s\n", manifest->name, manifest->file, reason);
    refuse(program);
}

bool programs_check_files(void)
{
    root.programs_count = root.manifest.programs_count;
    for (uint32_t i = 0; i < root.programs_count; i++) {
        root.programs[i].manifest = &root.manifest.programs[i];
        root.waits |= manifest_waits_for(root.programs[i].manifest);
        if (root.programs[i].manifest->stored || root.programs[i].manifest->member != 0)
            root.programs[i].state = PROGRAM_ENDED; /* it is not started, or not by itself */
        else
            check_file(&root.programs[i]);
    }
    return !root.failed;
}

/* Hot slots of each kind that the set's programs may share. */
static uint32_t slots_to_share(void)
{
    uint32_t threads = 0, threads_used = 0, endpoints = 0, endpoints_used = 0;
    if (kernel_factory_slots(root.factory, &threads, &threads_used, &endpoints, &endpoints_used) != 0)
        return 0;
    threads -= threads_used;
    endpoints -= endpoints_used;
    uint32_t left = threads < endpoints ? threads : endpoints;
    return left > SLOTS_KEPT ? left - SLOTS_KEPT : 0;
}

/* A program's share: a thread and an endpoint for every 8 KiB of its memory; all get proportionally less where that is
 * more than there are. */
static void share_slots(void)
{
    uint64_t memory = 0, available = slots_to_share();
    for (uint32_t i = 0; i < root.programs_count; i++)
        memory += root.programs[i].state == PROGRAM_NEW ? root.programs[i].manifest->memory / BYTES_PER_SLOT : 0;
    for (uint32_t i = 0; i < root.programs_count; i++) {
        uint64_t wanted = root.programs[i].manifest->memory / BYTES_PER_SLOT;
        root.programs[i].slots = (uint32_t)(memory <= available ? wanted : wanted * available / memory);
    }
}

/* Makes the endpoints of all that is linked into the program's image. */
static bool make_endpoints(struct program *program)
{
    for (uint32_t i = 0; i < root.programs_count; i++)
        if (is_in_image(&root.programs[i], program) && !grants_make_endpoints(&root.programs[i], program))
            return false;
    return true;
}

/* Does somebody in the program's image serve? */
static bool serves(const struct program *program)
{
    for (uint32_t i = 0; i < root.programs_count; i++)
        if (is_in_image(&root.programs[i], program) && root.programs[i].manifest->endpoints_count > 0)
            return true;
    return false;
}

/* The program's quota, and the endpoints that come out of it. */
static bool make_factory(struct program *program)
{
    int result = kernel_factory_create_factory_with_slots(root.factory, program->manifest->memory, program->slots,
                                                          program->slots, &program->factory);
    if (result)
        return program_problem(program, "its quota cannot be had", result);
    return make_endpoints(program);
}

/* Has the kernel tell root of the program's faults and its end, with the program's place in the set, from 1, as
 * badge. */
static int set_supervisor(struct program *program)
{
    uint32_t handle = 0;
    uint64_t badge = (uint64_t)(program - root.programs) + 1;
    int result = kernel_task_mint(root.task, root.supervisor, root.task, RIGHT_WRITE, badge, &handle);
    if (result)
        return result;
    program_hold(program, handle);
    return kernel_task_set_supervisor(program->task, (kernel_endpoint_t){handle});
}

static int set_up_task(struct program *program)
{
    uint8_t name[32] = {0};
    uint32_t number;
    memcpy(name, program->manifest->name, sizeof(program->manifest->name));
    int result = kernel_factory_create_task(program->factory, &program->task);
    if (result == 0 && program->manifest->guarded)
        result = kernel_task_set_guarded(program->task);
    if (result == 0)
        result = kernel_factory_create_thread(program->factory, program->task, &program->thread, &number);
    if (result == 0)
        result = kernel_task_set_priority_limit(program->task, program->manifest->priority);
    if (result == 0)
        result = kernel_thread_set_priority(program->thread, program->manifest->priority);
    if (result == 0)
        result = kernel_task_set_name(program->task, name);
    if (result == 0)
        result = kernel_task_set_linux_handler(program->task, LINUX_HANDLER_ENTRY);
    return result == 0 ? set_supervisor(program) : result;
}

/* Creates the program up to its first instruction; `*stack` is its stack pointer. */
static bool create(struct program *program, uint64_t *stack)
{
    static struct startup_table table;
    static struct startup_rings rings;
    int result = set_up_task(program);
    if (result)
        return program_problem(program, "its task cannot be created", result);
    memset(&table, 0, sizeof(table));
    table.magic = STARTUP_MAGIC;
    table.tsc_hertz = salto_startup_table()->tsc_hertz;
    table.tsc_start = salto_startup_table()->tsc_start;
    table.program_entry = program->plan.entry;
    memset(&rings, 0, sizeof(rings));
    return grants_hand_out(program, &table) && rings_hand_out(program, &table, &rings) &&
           load_program(program, &table, &rings, stack);
}

static void start(struct program *program, uint64_t stack)
{
    int result = kernel_thread_start(program->thread, root.linux_plan.entry, stack, stack, program->plan.entry);
    if (result) {
        program_problem(program, "it does not start", result);
        refuse(program);
        return;
    }
    program->state = PROGRAM_RUNNING;
    root.running++;
    root.waited += manifest_waits_for(program->manifest) ? 1 : 0;
}

/* Turns the machine off if the set has ended: nothing runs, or nothing of what the set waits for. */
static void check_end(void)
{
    if (root.running == 0 || (root.waits && root.waited == 0))
        root_power_off(root.failed);
}

/* Starts the programs that serve, or those that do not. */
static void start_those(bool servers, const uint64_t *stacks)
{
    for (uint32_t i = 0; i < root.programs_count; i++) {
        struct program *program = &root.programs[i];
        if (program->state == PROGRAM_NEW && serves(program) == servers)
            start(program, stacks[i]);
    }
}

void programs_start(void)
{
    static uint64_t stacks[MANIFEST_MAX_PROGRAMS];
    share_slots();
    for (uint32_t i = 0; i < root.programs_count; i++) {
        if (root.programs[i].state == PROGRAM_NEW && !make_factory(&root.programs[i]))
            refuse(&root.programs[i]);
    }
    root.failed |= !rings_make();
    for (uint32_t i = 0; i < root.programs_count; i++) {
        if (root.programs[i].state == PROGRAM_NEW && !create(&root.programs[i], &stacks[i]))
            refuse(&root.programs[i]);
    }
    if (root.failed)
        root_fail("the set does not start");
    start_those(true, stacks);
    start_those(false, stacks);
    if (root.failed)
        root_power_off(1);
    check_end();
}

void program_ended(struct program *program, bool failed)
{
    const struct manifest_program *manifest = program->manifest;
    if (program->state != PROGRAM_RUNNING)
        return;
    program->state = PROGRAM_ENDED;
    root.running--;
    root.waited -= manifest_waits_for(manifest) ? 1 : 0;
    if (failed && !manifest->may_fail) {
        root.failed = true;
        if (serves(program)) {
            printf("root: %s is gone, and others may wait for it: the set ends\n", manifest->name);
            root_power_off(1);
        }
    }
    check_end();
}

void program_drop(uint32_t *handle)
{
    if (*handle != 0) {
        int result = kernel_task_delete(root.task, *handle);
        (void)result;
    }
    *handle = 0;
}

/* Ends what the program created and others may hold: it comes back whoever has capabilities to it. */
static void reclaim(struct program *program)
{
    int result = kernel_factory_reclaim(program->factory);
    if (result)
        program_problem(program, "its quota cannot be reclaimed", result);
}

static void drop_endpoints(const struct program *image)
{
    for (uint32_t i = 0; i < root.programs_count; i++)
        for (uint32_t j = 0; j < root.programs[i].manifest->endpoints_count && is_in_image(&root.programs[i], image);
             j++)
            program_drop(&root.programs[i].endpoints[j]);
}

void program_release(struct program *program)
{
    reclaim(program);
    rings_release(program);
    program_drop(&program->thread.handle);
    program_drop(&program->task.handle);
    for (uint32_t i = 0; i < program->held_count; i++)
        program_drop(&program->held[i]);
    program->held_count = 0;
    drop_endpoints(program);
    program_drop(&program->factory.handle);
}
