/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hot lines: numbers 1 and up of threads and endpoints; number 0 is nobody, and the endpoint on which nobody waits.
 * Pages of the hot state are mapped when first needed, and stay what they are for ever (layout.h says why). A line is
 * taken out of its payer's share; lines that nobody pays for exist from boot.
 */
#ifndef SALTO_IPC_HOT_H
#define SALTO_IPC_HOT_H

#include "abi/errors.h"
#include "trampoline/layout.h"

/* HOT_RECEIVE_HANDLE of a thread that may not wait plainly. No handle is as large, but a program may try the number: so
 * the wait of whoever it may answer is marked too (ipc/wait.h), and its own. */
#define HANDLE_NONE (~0UL)

/* Makes line 0 of both. */
void hot_initialise(void);

struct factory;

/* Numbers of hot lines of each kind. */
struct hot_slots {
    uint32_t threads, endpoints;
};

/* Divides memory at boot: how many lines of each kind there may be on a machine with `memory` bytes, beyond those that
 * exist, and the bytes that have to be set aside for their pages. */
uint64_t hot_reserve(uint64_t memory, struct hot_slots *slots);

/* A cleared line, charged to `payer` (0: nobody); 0 and `*error` (NO_SLOT, NO_MEMORY) if there is none. */
struct hot_thread *hot_thread_allocate(struct factory *payer, enum error *error);
void hot_thread_free(struct hot_thread *line, struct factory *payer);
struct hot_endpoint *hot_endpoint_allocate(struct factory *payer, enum error *error);
void hot_endpoint_free(struct hot_endpoint *line, struct factory *payer);

#endif
