/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process server: starts programs of the boot archive as clients of the memory server, and tells how they ended.
 *
 * Invariants. What a process has comes out of its parent's quotas, here and at the memory server, and it ends before
 * its parent does; so a process that starts others without end comes to the end of its own quota. The server calls only
 * the kernel and the memory server, never a process. Text and constants of a file are in memory once, in an object of
 * the memory server that all its processes attach; what can be written is copied on write. All that processes of a file
 * have in common when they start, stack and start-up table included, is arranged once, in the file's model, and then
 * copied with one call.
 */
#ifndef SALTO_PROCESS_CHILD_H
#define SALTO_PROCESS_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/addresses.h"
#include "abi/startup.h"
#include "archive.h"
#include "elf_file.h"
#include "idl/factory.h"
#include "idl/memory_service.h"
#include "idl/process_service.h"
#include "idl/reply.h"
#include "idl/task.h"
#include "idl/thread.h"

#define PROCESSES_MAX 64
#define TEXT_SIZE 2048 /* of all arguments and environment strings */
#define STRINGS_MAX 32
#define NAME_SIZE 32
#define STACK_PAGES 256UL
#define STACK_BOTTOM (PROGRAM_STACK_TOP - STACK_PAGES * PAGE_SIZE)
#define GUARD_PAGES 16UL         /* below the stack, so that a function with large variables does not step over them */
#define SHARED_MEMORY UINT64_MAX /* what Space.derive takes for it */
#define STATUS_SIGNAL 128        /* what a shell adds to the number of a signal */
#define STATUS_KILLED 137        /* what a shell says of a program that was killed, ... */
#define STATUS_FAULT 139         /* ... and of one that a segmentation fault ended */

/* A file of the archive, as processes have it: an object of the memory server for each segment that is not written to,
 * and a model, a client of the memory server whose regions a process gets copies of. */
struct image {
    struct archive_file file;
    struct elf_plan plan;
    memory_object_t objects[ELF_MAX_SEGMENTS];
    memory_space_t model;
    kernel_task_t task; /* the model's: nothing runs in it */
};

/* Handles are 0 where there is nothing. */
struct process {
    bool used;
    uint32_t generation;   /* of this place in the table: capabilities carry it */
    kernel_reply_t waiter; /* of this place: keeps whoever waits, if `waited` */
    process_state_t state;
    struct process *parent; /* NULL: the server itself started it */
    uint32_t children;      /* processes in the table whose parent it is */
    const struct image *image;
    const struct image *next; /* that it is to run from now on, between Starter.replace and Starter.execute; or NULL */
    uint32_t status;
    bool signalled; /* a signal or a fault ended it */
    bool forked;    /* by its parent, which waits for it by Starter.wait */
    kernel_factory_t factory;
    kernel_task_t task;
    kernel_thread_t thread;
    memory_space_t space;
    uint32_t pager;
    bool waited;
    kernel_reply_t parent_waiter; /* keeps this process in Starter.wait, if `waits`; made when it waits first */
    bool waits;
    uint32_t waits_for; /* the child's number, 0: any */
    char name[NAME_SIZE];
    uint32_t text_used;
    const char *title; /* argv[0], NULL: its name */
    uint32_t arguments_count, environment_count;
    const char *arguments[STRINGS_MAX];
    const char *environment[STRINGS_MAX];
    struct startup_table table; /* from here on there is only what was written for this process: see process_take() */
    char text[TEXT_SIZE];
};

/* The capabilities that the server works with. */
struct service {
    kernel_task_t task;
    kernel_factory_t factory;
    memory_space_t space;
    uint32_t endpoint;
    struct archive archive;
};

extern struct service service;
extern struct process processes[PROCESSES_MAX]; /* process number n is processes[n - 1] */

/* What badges say. One of the manifest is below 2^60 and starts processes for the server itself. */
enum badge_kind { BADGE_MANIFEST, BADGE_STARTER, BADGE_PROCESS, BADGE_SUPERVISOR };

/* ---- images.c: the answers are PROCESS_ERROR_* or 0 ------------------------------------------------------------ */
/* The image of a file, which is made when it is asked for first. */
int image_find(const char *name, const struct image **image);

/* Attaches the image itself, and an empty stack, to a client of the memory server that goes on with it. */
int image_attach(const struct image *image, memory_space_t space);
int stack_attach(memory_space_t space);

/* The image of the Linux-call handler, which has been made if a process was started. It has no model. */
const struct image *image_of_handler(void);

/* ---- table.c ----------------------------------------------------------------------------------------------------- */
/* Number of a process: 1 and up. */
static inline uint32_t process_number(const struct process *process)
{
    return (uint32_t)(process - processes) + 1;
}

/* The badge of a capability to the process, and the process that a badge names, or NULL. */
uint64_t process_badge(const struct process *process, enum badge_kind kind);
struct process *process_named(uint64_t badge, enum badge_kind kind);

/* A capability to the server's own endpoint with this badge; 0 if there is none. */
uint32_t process_mint(uint64_t badge);

/* Makes what the places have for ever; false if there is not enough memory. To be called once. */
bool processes_prepare(void);

/* A place for a process that `parent` starts, or the server itself where that is NULL; NULL if all are taken. */
struct process *process_take(struct process *parent);

/* Ends a process and those that it started, gives back what they had, and answers whoever waits. */
void process_end(struct process *process, uint32_t status);

/* As process_end, by a signal or what Linux takes for one. */
void process_end_signalled(struct process *process, uint32_t status);

/* Forgets a process that has ended. */
void process_forget(struct process *process);

/* ---- start.c ----------------------------------------------------------------------------------------------------- */
/* Makes what the kernel and the memory server have of a process, with copies of the regions of `model`: `memory` is its
 * quota of memory in pages, or SHARED_MEMORY, where it uses its parent's. */
int process_create(struct process *process, memory_space_t model, uint64_t memory, uint64_t kernel);

/* Enters a copy of a capability into the process's table, with all its rights. */
int process_give(struct process *process, const char *name, uint32_t handle);

/* Gives a child what its parent's start-up table names besides what each process has of its own. What the parent has
 * given away meanwhile, it has not. */
int process_inherit(struct process *process);

/* Writes the start-up table into the memory of the process that is there for it. */
int process_write_table(struct process *process);

/* Writes the initial stack into memory that is there for it. */
int process_load_stack(struct process *process, uint64_t *stack);

/* Loads it, and starts its first thread. */
int process_start(struct process *process);

/* ---- fork.c ------------------------------------------------------------------------------------------------------ */
/* Makes a copy of a process that runs, in a place that has a parent, and starts it. */
int process_fork(struct process *process, uint64_t entry, uint64_t stack);

/* A child of `parent` that was forked and has ended: number `number`, or any if that is 0. NULL if none has; then
 * `*any` says whether there is one that has not. */
struct process *process_ended_child(const struct process *parent, uint32_t number, bool *any);

/* Keeps the caller, who is `parent`, until such a child has ended. False if there is none that will end, or it is kept
 * already, or cannot be kept. */
bool process_keep_parent(struct process *parent, uint32_t number);

/* Tells the parent of a process that has ended, if it waits for it, and forgets the process then. */
void process_tell_parent(struct process *process);

/* Is `process` the other one, or did it come from it? */
bool process_is_below(const struct process *process, const struct process *other);

/* ---- replace.c --------------------------------------------------------------------------------------------------- */
/* As Starter.replace, append and execute. */
int process_replace(struct process *process, const char *name);
int process_append(struct process *process, const uint8_t text[256], bool environment);
int process_execute(struct process *process, uint64_t *entry, uint64_t *stack);

/* One more string of those that a process starts with. */
int process_add_string(struct process *process, const uint8_t text[256], const char **strings, uint32_t *count);

/* ---- report.c ---------------------------------------------------------------------------------------------------- */
/* Prints on the server's console what a fault of the process's thread `number` was, and where. */
void report_fault(const struct process *process, uint32_t number, uint32_t vector, uint32_t error, uint64_t address,
                  uint64_t instruction);

/* ---- operations.c ---------------------------------------------------------------------------------------------- */
struct idl_answer;
struct idl_frame;

/* For salto_serve(). */
struct idl_answer process_dispatch(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                   uint64_t word3, struct idl_frame *frame);

#endif
