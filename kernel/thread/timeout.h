/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moments at which something is to happen: deadlines of waiting threads, refills of budgets. A binary heap, earliest
 * first, so that adding and removing take a number of steps that the number of threads bounds logarithmically.
 *
 * Times are values of the time-stamp counter. Room for the heap is made when threads are created, so that adding never
 * fails.
 */
#ifndef SALTO_THREAD_TIMEOUT_H
#define SALTO_THREAD_TIMEOUT_H

#include <stdbool.h>
#include <stdint.h>

#define TIMEOUT_NEVER UINT64_MAX

enum timeout_kind {
    TIMEOUT_DEADLINE, /* of a thread that waits */
    TIMEOUT_REFILL,   /* of a scheduling context whose budget is used up */
};

struct timeout {
    uint64_t when;
    uint32_t place; /* in the heap, from 1 on; 0: not in it */
    enum timeout_kind kind;
};

/* Makes room for the timeouts of one more thread. False without memory. */
bool timeout_reserve(void);

/* A thread is gone. */
void timeout_release(void);

/* Enters `timeout`, which is not in the heap. */
void timeout_add(struct timeout *timeout, uint64_t when);

/* Takes it out, if it is in. */
void timeout_remove(struct timeout *timeout);

/* The earliest moment, TIMEOUT_NEVER if there is none. */
uint64_t timeout_earliest(void);

/* Takes out and answers the earliest one if it is due at `now`; else 0. */
struct timeout *timeout_take_due(uint64_t now);

#endif
