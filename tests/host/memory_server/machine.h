/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for the memory server on the host: chunks in ordinary memory, and tasks whose page tables can be looked at.
 * It keeps the kernel's rules: nothing is mapped over a mapping, a hole in a mapping needs a record, and what faults
 * map may become one mapping with its neighbours. It aborts where the server asks for what no kernel would do.
 */
#ifndef SALTO_HOST_MEMORY_MACHINE_H
#define SALTO_HOST_MEMORY_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_CHUNKS 24
#define HOST_BLOCKS_FIRST 32 /* their chunks have these numbers, ... */
#define HOST_CHUNKS_END 56   /* ... and those below */
#define HOST_TASKS 8         /* handles 1 to 7 */
#define HOST_PAGES 4096      /* of a task, from HOST_BASE on */
#define HOST_BASE 0x700000000000UL

struct host_page {
    uint32_t frame; /* 0: not mapped */
    uint32_t rights;
    uint32_t mapping; /* the number of the mapping that has it */
    bool lost; /* not mapped any more, since a mapping could not be split when others of its pages were recalled */
};

extern struct host_page host_pages[HOST_TASKS][HOST_PAGES + 1]; /* the last one is never mapped */
extern uint32_t host_chunks;                                    /* that exist */

/* One in so many calls fails for want of memory; 0: none. */
extern uint32_t host_failures;

/* No task has memory for the record that a hole in a mapping needs; and how often there was none. */
extern bool host_no_records;
extern uint32_t host_refused_holes;

/* The badge that the capability with this handle has; see machine_identify(). */
extern uint64_t host_badge;

/* Maps the page of the last answer at `address`, as the kernel does it where a fault is answered. False: it cannot
 * be. */
bool host_take_answer(uint32_t task, uint64_t address);

void host_machine_reset(void);

#endif
