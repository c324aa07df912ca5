/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Broken messages, as tools/salto/broken_table.py makes them of interfaces: for each operation and each kind that it
 * can have, a run of messages. tools/salto/broken.py says what the numbers mean; the enums here follow it.
 */
#ifndef BROKEN_TABLE_H
#define BROKEN_TABLE_H

#include <stdint.h>

#include "abi/errors.h"
#include "broken_counts.h"

enum broken_kind {
    KIND_CHANGED = 14, /* these two are no matter of one message */
    KIND_KILLED = 16,
};

enum broken_what {
    CELL_NUMBER,
    CELL_HANDLE,
    CELL_POWERLESS, /* a handle without any right */
    CELL_CAPABILITY,
    CELL_POWERLESS_ITEM,
    CELL_STRING,
    CELL_NOWHERE, /* a string where no memory is */
    CELL_PAGE,
};

enum broken_outcome {
    OUTCOME_KERNEL,  /* the error in place of a tag */
    OUTCOME_REFUSED, /* the dispatcher's answer, with the number of the parameter */
    OUTCOME_FAILED,  /* any error */
    OUTCOME_SENT,    /* nothing is answered */
    OUTCOME_DONE,    /* success */
};

#define CELL_ITEM 64 /* the place of item 0: below are words */

struct broken_cell {
    uint64_t value; /* of CELL_HANDLE to CELL_POWERLESS_ITEM: which target; of CELL_STRING: which text */
    uint8_t place, what;
};

struct broken_message {
    uint64_t tag;
    uint32_t first_cell;
    uint8_t cells_count;
    uint8_t target_what, outcome;
    uint8_t target; /* of CELL_NUMBER: handle 0, or all ones */
    uint8_t parameter, error;
};

struct broken_pair {
    uint16_t operation;
    uint8_t kind;
    uint16_t count;
    uint32_t first;
};

struct broken_operation {
    const char *name;
    uint8_t target;
    uint32_t first, count; /* all its messages */
};

struct broken_text {
    const char *text;
    uint32_t size;
};

extern const char *const broken_kinds[BROKEN_KINDS];
extern const uint32_t broken_targets[BROKEN_TARGETS]; /* ids of interfaces */
extern const struct broken_text broken_texts[];
extern const struct broken_cell broken_cells[];
extern const struct broken_message broken_messages[];
extern const struct broken_pair broken_pairs[BROKEN_PAIRS];
extern const struct broken_operation broken_operations[BROKEN_OPERATIONS];

#endif
