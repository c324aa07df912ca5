/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root: the first program. It starts what the manifest in the boot archive lists, hands out the capabilities that stand
 * there and no others, is told of every fault and every end, and turns the machine off when the set has ended.
 *
 * Invariants. A set starts whole: manifest and ELF files are checked before anything is created. Root alone holds
 * capabilities to tasks that are not its own. Nothing that a program sends can end root: programs reach it only through
 * the kernel's messages on the supervisor's endpoint, and who sent is told by a badge that root gave.
 */
#ifndef SALTO_ROOT_H
#define SALTO_ROOT_H

#include <salto/error.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/rings.h"
#include "abi/startup.h"
#include "archive.h"
#include "elf_file.h"
#include "idl/factory.h"
#include "idl/task.h"
#include "idl/thread.h"
#include "manifest.h"

#define ROOT_MAX_HELD 40

/* Where a program is in its life. */
enum program_state {
    PROGRAM_NEW,
    PROGRAM_RUNNING, /* a thread was started, and its end has not been told */
    PROGRAM_ENDED
};

/* A program of the set. Handles are 0 until they are created, and are deleted when the program has ended. */
struct program {
    const struct manifest_program *manifest;
    struct archive_file file;
    struct elf_plan plan;
    enum program_state state;
    uint32_t slots; /* hot slots of each kind in its quota */
    kernel_factory_t factory;
    kernel_task_t task;
    kernel_thread_t thread;
    uint32_t endpoints[MANIFEST_MAX_ENDPOINTS];
    uint32_t held[ROOT_MAX_HELD]; /* memory objects, and the supervisor capability that the kernel was given */
    uint32_t held_count;
};

/* Everything that root knows. */
struct root {
    kernel_task_t task;
    kernel_factory_t factory;
    struct archive archive;
    struct archive_file linux_file;
    struct elf_plan linux_plan;
    uint32_t linux_shared[ELF_MAX_SEGMENTS]; /* memory of the handler's read-only segments, which all tasks map */
    struct manifest manifest;
    struct program programs[MANIFEST_MAX_PROGRAMS];
    uint32_t programs_count;
    uint32_t supervisor; /* endpoint on which the kernel tells of faults and ends */
    uint32_t running;    /* programs that were started and have not ended */
    uint32_t waited;     /* those of them that the set waits for */
    bool waits;          /* the manifest has a program that the set waits for */
    bool failed;         /* the set has failed */
};

extern struct root root;

/* Is `member` part of the image of `program`: that itself, or linked into it (`over local`)? */
static inline bool is_in_image(const struct program *member, const struct program *program)
{
    return &root.programs[member->manifest->image] == program;
}

/* ---- main.c ---- */
/* Prints "root: " and the formatted text, and turns the machine off with status 1. */
_Noreturn void root_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Turns the machine off. */
_Noreturn void root_power_off(uint32_t status);

/* ---- load.c ---- */
/* Checks the handler's image, and makes the memory that all tasks share; root_fail() if that cannot be. */
void load_handler(void);

/* Loads image, handler, stack, start-up table and table of rings of a program whose task exists. `*stack` is the
 * initial stack pointer. False, after saying why, if memory does not suffice. */
bool load_program(struct program *program, const struct startup_table *table, const struct startup_rings *rings,
                  uint64_t *stack);

/* Notes a handle of root's table that is to be deleted when the program ends. */
void program_hold(struct program *program, uint32_t handle);

/* Says why `program` cannot be started: "root: program NAME: WHAT: ERROR". Answers false. */
bool program_problem(const struct program *program, const char *what, int result);

/* ---- grants.c ---- */
/* Makes the endpoints that the program serves, in root's table, from the quota of the one that its image belongs to. */
bool grants_make_endpoints(struct program *program, const struct program *image);

/* Copies into the program's task what it is granted, and what those are that are linked into it, and fills in the
 * start-up table. */
bool grants_hand_out(struct program *program, struct startup_table *table);

/* ---- rings.c ---- */
/* Makes the memory of all rings of the set, and what wakes their servers. False, after saying why, if one cannot be
 * had. */
bool rings_make(void);

/* Gives a program, whose `table` has all its lines, the rings of which it is the client or the server. */
bool rings_hand_out(struct program *program, struct startup_table *table, struct startup_rings *lines);

/* Notes that a program has ended: rings of which both have are free again. */
void rings_release(const struct program *program);

/* ---- program.c ---- */
/* Deletes a capability of root's. One that is gone already is no loss. */
void program_drop(uint32_t *handle);

/* Finds and checks the files of all programs; false if one that must not fail is refused. */
bool programs_check_files(void);

/* Creates and starts all programs. */
void programs_start(void);

/* Notes that a program has ended, and how; turns the machine off when the set has ended with that. */
void program_ended(struct program *program, bool failed);

/* Deletes what root holds for a program. */
void program_release(struct program *program);

/* ---- supervise.c ---- */
/* Serves the kernel's messages for ever. */
_Noreturn void supervise(void);

/* ---- report.c ---- */
/* Prints what a fault was, where, and the registers. */
void report_fault(const struct program *program, uint32_t number, uint32_t vector, uint32_t error, uint64_t address,
                  uint64_t instruction);

#endif
