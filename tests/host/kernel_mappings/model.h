/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model with which random steps on mappings are compared: it knows for each page of each task what shows there and
 * which page it came from. And the tasks and objects that the steps are on.
 */
#ifndef SALTO_TESTS_HOST_KERNEL_MAPPINGS_MODEL_H
#define SALTO_TESTS_HOST_KERNEL_MAPPINGS_MODEL_H

#include "mem/memory.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"

#define TASKS 4
#define MEMORIES 4
#define AREA_PAGES 16
#define PAGES (2 * AREA_PAGES) /* of a task, in two areas; the first one needs two page tables */
#define ROOT (-1)

/* What the model knows of a page of a task. */
struct cell {
    struct memory *memory; /* NULL: nothing is mapped */
    uint32_t number, rights, cache;
    int parent; /* task * PAGES + page, or ROOT */
    uint64_t use;
};

/* A run, as long as it is not broken. */
struct run {
    uint64_t state; /* of the random numbers of this step */
    const char *wrong;
};

extern struct cell model[TASKS * PAGES];
extern struct task *tasks[TASKS];
extern struct memory *memories[MEMORIES];
extern struct thread maker;
extern struct run run;
extern uint32_t unit, memory_pages; /* pages that a page of the model stands for; pages of the model in an object */

uint64_t random_below(uint64_t limit);

/* The first complaint of a run stands. */
void wrong(const char *what);

/* Of a page of the model in its task. */
uint64_t address_of(int page);

/* The page at `address`, or -1. */
int page_at(uint64_t address);

struct cell *cells_of(int task);

/* Compares the page tables with the model, and lets the kernel look at its invariants. */
void compare(void);

/* Nothing is there any more; what came from there comes from its parent. */
void model_drop(int page);

/* Rights are taken from what came from `page`; answers how it was used. */
uint64_t model_revoke(int page, uint32_t take);

/* Another object, or task, in place of this one, of which nothing is left. */
void replace_memory(int number);
void replace_task(int number);

/* Tasks and objects for a run; all that they took comes back. */
void begin(void);
void end(void);

#endif
