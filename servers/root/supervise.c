/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What root is told by the kernel about the programs of the set: faults and ends. The badge says whom a message is
 * about; one that names no program is dropped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <salto/server.h>

#include "idl/supervisor_server.h"
#include "root.h"

#define STATUS_FAULT 139 /* what a shell says of a program that a segmentation fault ended */

/* The program that a message is about, or NULL. */
static struct program *find_program(const struct idl_call *call)
{
    return call->badge >= 1 && call->badge <= root.programs_count ? &root.programs[call->badge - 1] : NULL;
}

/* A thread has stopped for good: the whole program ends. What root holds for it is released when the kernel says that
 * the task has ended. */
static void told_fault(void *object, const struct idl_call *call, uint32_t number, uint32_t vector, uint32_t error,
                       uint64_t address, uint64_t instruction)
{
    struct program *program = find_program(call);
    (void)object;
    if (!program || program->state != PROGRAM_RUNNING)
        return;
    report_fault(program, number, vector, error, address, instruction);
    program_ended(program, !program->manifest->expect_fault);
    int result = kernel_task_exit(program->task, STATUS_FAULT);
    if (result)
        program_problem(program, "it cannot be ended", result);
}

/* A program prints on what it was granted as "console"; without it, what it wrote about its failure is lost. */
static bool has_console(const struct manifest_program *program)
{
    for (uint32_t i = 0; i < program->grants_count; i++)
        if (strcmp(program->grants[i].name, "console") == 0)
            return true;
    return false;
}

static void told_exited(void *object, const struct idl_call *call, uint32_t number, uint32_t status)
{
    struct program *program = find_program(call);
    (void)object;
    (void)number;
    if (!program)
        return;
    if (program->state == PROGRAM_RUNNING) {
        if (status != 0)
            printf("%s: exited with status %" PRIu32 "%s\n", program->manifest->name, status,
                   has_console(program->manifest) ? "" : " (it was granted no console to say why)");
        if (program->manifest->expect_fault)
            printf("root: %s was expected to end by a fault\n", program->manifest->name);
        program_ended(program, status != 0 || program->manifest->expect_fault);
    }
    program_release(program);
}

KERNEL_SUPERVISOR_SERVER(serve_supervisor, told)

_Noreturn void supervise(void)
{
    int result = salto_serve(root.supervisor, serve_supervisor, NULL);
    root_fail("the supervisor's endpoint cannot be served: %s", salto_error_text(result));
}
