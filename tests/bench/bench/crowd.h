/* SPDX-License-Identifier: BSD-2-Clause */
/* Company for the row ipc.call.0.crowd, and the server thread of ipc.call.0.same. */
#ifndef SALTO_BENCH_CROWD_H
#define SALTO_BENCH_CROWD_H

#include <stdbool.h>
#include <stdint.h>

/* Starts a thread of this task at `entry` with `argument`; false if that fails. */
bool crowd_start_thread(void (*entry)(void), uint64_t argument);

/* A new endpoint's handle, or 0. */
uint32_t crowd_endpoint(void);

/* 1,000 threads that wait, and 10,000 capabilities; false, with a message, if that fails. */
bool crowd_gather(void);

/* Lets the other ready threads run until they wait. */
void crowd_settle(void);

#endif
