/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hot lines: numbers 1 and up of threads and endpoints; number 0 is nobody, and the endpoint on which nobody waits.
 * Pages of the hot state are mapped when first needed, and stay what they are for ever (layout.h says why).
 */
#ifndef SALTO_IPC_HOT_H
#define SALTO_IPC_HOT_H

#include "trampoline/layout.h"

#define HANDLE_NONE (~0UL) /* HOT_RECEIVE_HANDLE of a thread that may not wait plainly: no handle is as large */

/* Makes line 0 of both. */
void hot_initialise(void);

/* A cleared line, or 0 if there is none (all taken, or no memory for another page). */
struct hot_thread *hot_thread_allocate(void);
void hot_thread_free(struct hot_thread *line);
struct hot_endpoint *hot_endpoint_allocate(void);
void hot_endpoint_free(struct hot_endpoint *line);

#endif
