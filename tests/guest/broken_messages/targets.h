/* SPDX-License-Identifier: BSD-2-Clause */
/* What hostile clients send to: an object of each interface, which nobody else needs. */
#ifndef BROKEN_TARGETS_H
#define BROKEN_TARGETS_H

#include "../../../tools/fuzz/broken_table.h"
#include "../common/worker.h"
#include "idl/memory_service.h"
#include "idl/process_service.h"

/* The test's own quota at the memory server, and the process server. */
extern memory_space_t bank;
extern process_starter_t starter;

struct targets {
    uint32_t handles[BROKEN_TARGETS]; /* in the test's own table */
    memory_space_t space;
    process_child_t child;
    uint32_t made[BROKEN_TARGETS], made_count; /* to be deleted */
};

/* A process of the file "child" that is not started. EXPECTs that it can be made. */
process_child_t make_child(void);

/* Makes them; EXPECTs that there is one for each interface of the table. */
void targets_create(struct targets *targets);

/* Frees them, whatever became of them. */
void targets_destroy(struct targets *targets);

/* Gives the worker capabilities to all of them, and to the same without any right: values[first] and on, the latter in
 * the upper halves. */
void targets_give(const struct targets *targets, const struct worker *worker, unsigned first);

#endif
