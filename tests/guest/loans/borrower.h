/* SPDX-License-Identifier: BSD-2-Clause */
/* A server of loans.idl in a task of its own, which cannot be trusted. */
#ifndef TESTS_GUEST_LOANS_BORROWER_H
#define TESTS_GUEST_LOANS_BORROWER_H

#include "../common/worker.h"

#include "idl/loans.h"
#include "idl/loans_server.h"

#define WINDOW 0x310000000000UL /* where it takes pages */
#define WINDOW_SIZE 0x10000UL
#define KEPT 0x320000000000UL /* where it maps them on to */

/* Of its area: where it serves, whom a handler calls that waits, and what mapping on came to. */
enum { BORROWER_ENDPOINT, BORROWER_PAUSE, BORROWER_MAPPED_ON };

/* A worker_function. `done` counts handlers that began. */
void borrower_serve(struct area *area);

#endif
