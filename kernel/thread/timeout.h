/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moments at which something is to happen: deadlines of waiting threads, refills of budgets. Times are values of the
 * time-stamp counter.
 *
 * Each timeout has a priority, that of whom it will let run: whoever runs asks only for those that matter to it, so
 * threads of low priority cannot interrupt one of high priority, however many deadlines they have. For each priority
 * there is a leftist heap, earliest first, whose nodes are the timeouts themselves: adding and removing take a number
 * of steps that grows as the logarithm of how many there are of that priority, and never fail.
 */
#ifndef SALTO_THREAD_TIMEOUT_H
#define SALTO_THREAD_TIMEOUT_H

#include <stdbool.h>
#include <stdint.h>

#define TIMEOUT_NEVER UINT64_MAX
#define TIMEOUT_PRIORITIES 256

enum timeout_kind {
    TIMEOUT_DEADLINE, /* of a thread that waits */
    TIMEOUT_REFILL,   /* of a scheduling context whose budget is used up */
};

struct timeout {
    uint64_t when;
    struct timeout *parent, *left, *right;
    uint8_t rank; /* nodes on the way down to the right, this one counted; 0: not in a heap */
    uint8_t priority;
    uint8_t kind; /* enum timeout_kind */
};

/* Enters `timeout`, which is in no heap. `priority` is below TIMEOUT_PRIORITIES. */
void timeout_add(struct timeout *timeout, uint64_t when, uint32_t priority);

/* Takes it out, if it is in. */
void timeout_remove(struct timeout *timeout);

/* Gives it at least this priority, if it is in. True if that was more than it had. */
bool timeout_raise(struct timeout *timeout, uint32_t priority);

/* The earliest moment of those of `least` priority and above, TIMEOUT_NEVER if there is none. */
uint64_t timeout_earliest(uint32_t least);

/* Is there one below this priority? */
bool timeout_any_below(uint32_t priority);

/* Takes out and answers one that is due at `now`: of those of `least` priority and above the highest, among equals the
 * earliest; else 0. */
struct timeout *timeout_take_due(uint64_t now, uint32_t least);

#endif
