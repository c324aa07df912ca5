/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: an address space, a capability table, threads, and mappings of memory objects.
 *
 * Everything that a task needs while it lives (page tables, capability pages) is charged to the factory that created
 * it.
 */
#ifndef SALTO_THREAD_TASK_H
#define SALTO_THREAD_TASK_H

#include <stdbool.h>

#include "abi/errors.h"
#include "cap/capability.h"
#include "mem/mapping.h"
#include "mem/space.h"
#include "thread/schedule.h"
#include "x86/barriers.h"

#define TASK_NAME_SIZE 32

struct thread;
struct mapping;
struct port_grant;

struct task {
    struct object object;
    struct space space;
    struct capability_table table;
    struct thread *threads;
    uint64_t thread_numbers[MAX_THREADS_PER_TASK / 64]; /* bit set: number taken */
    struct mapping *mappings;                           /* tree by address */
    struct mapping *found;                              /* one of them, or 0: where a page was looked for last */
    struct mapping *given;                              /* tree by source: what was derived from pages of this task */
    struct port_grant *port_grants;
    uint32_t port_grants_count;
    uint32_t priority_limit;      /* highest priority that may be given to its threads */
    struct capability supervisor; /* who is told of faults and the end; empty if nobody */
    uint64_t linux_handler;
    struct thread *to_tell; /* the first of those whose lines still have the old one, while it is being changed */
    bool guarded;           /* never by the trampoline to or from another task: see Task.set_guarded */
    bool ended;
    bool untold;           /* the supervisor has not been told of the end yet */
    uint32_t exit_status;  /* for it */
    struct thread *to_end; /* the first of the threads that are still to be stopped, if it has ended */
    char name[TASK_NAME_SIZE + 1];
    struct task *next, *previous; /* all tasks */
    struct task *ended_next, *ended_previous;
};

_Static_assert(sizeof(struct task) <= 1008, "four of them share a frame (mem/slab.h)");

/* The mapping that has the page at `address`, or 0; quick where it was asked for before. */
static inline struct mapping *task_mapping_at(struct task *task, uint64_t address)
{
    struct mapping *found = task->found;
    if (found && address - mapping_address(found) < mapping_size(found))
        return found;
    return mapping_find_at(task, address);
}

/* A new empty task charged to `payer`; 0 and `*error` if that fails. */
struct task *task_create(struct factory *payer, enum error *error);

/* From now on the task is guarded. False if it is too late: it has threads, or has or had capabilities. */
bool task_guard(struct task *task);

/* A thread of `task` runs next on this CPU: barriers keep it apart from the task that ran last, if one of them is
 * guarded. The trampoline switches between unguarded tasks only, so what the kernel noted last is still true. */
static inline void task_enter(const struct task *task)
{
    struct cpu *cpu = this_cpu();
    const struct task *guarded = task->guarded ? task : 0;
    if (cpu->guarded == guarded)
        return;
    cpu->guarded = guarded;
    barriers_issue(cpu);
}

/* Begins to stop all threads for good, to tell the supervisor, and to delete the task's capabilities. Until it is
 * stopped, a thread may go on in what it does, but is not chosen to run (schedule.c). Idempotent. */
void task_exit(struct task *task, uint32_t status);

/* A piece of stopping the threads of a task that has ended, and of telling the supervisor. Is it done? */
bool task_stop_piece(struct task *task);

/* A piece of deleting the capabilities of tasks that have ended. False if there are none. */
bool task_empty_piece(void);
bool task_any_ended(void);

/* The last capability is gone: a piece of killing it and freeing all that it has. */
void task_destroy_piece(struct task *task);

/* The name as operations answer it: zero bytes behind it. */
static inline void task_copy_name(const struct task *task, uint8_t name[TASK_NAME_SIZE])
{
    for (int i = 0; i < TASK_NAME_SIZE; i++)
        name[i] = (uint8_t)task->name[i];
}

/* Number of tasks, and the first of the list of all. */
uint32_t task_count(void);
struct task *task_first(void);

/* A piece of Task.set_linux_handler. Do all threads have it? */
bool task_set_linux_handler_piece(struct task *task, uint64_t address);

/* A free thread number, or -1. */
int task_take_number(struct task *task);
void task_release_number(struct task *task, uint32_t number);

#endif
