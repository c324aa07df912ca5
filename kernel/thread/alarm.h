/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the timer interrupts: at the earliest of the moments that matter to whoever runs. Timeouts of lower priority
 * than that are *put off*: the timer is not armed for them, and whoever of lower priority runs next arms it
 * (alarm_for).
 *
 * Invariants: `alarm_time` is the earliest moment for which the timer was armed since it interrupted last. If
 * READY_PUT_OFF is set in `ready_count`, the timer is armed for all timeouts but those below `alarm_priority`, and
 * whoever runs has that priority at least; else for all.
 */
#ifndef SALTO_THREAD_ALARM_H
#define SALTO_THREAD_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "thread/ready.h"
#include "thread/timeout.h"
#include "x86/timer.h"

extern uint64_t alarm_time;
extern uint32_t alarm_priority;

_Static_assert(PRIORITIES == TIMEOUT_PRIORITIES, "each priority has its timeouts");

/* The timer interrupts at `when` at the latest. */
static inline void alarm_at(uint64_t when)
{
    if (when >= alarm_time)
        return;
    alarm_time = when;
    timer_arm_at(when);
}

/* The timer has interrupted, and is not armed. */
static inline void alarm_rang(void)
{
    alarm_time = TIMEOUT_NEVER;
}

/* Are timeouts put off that matter while somebody of this priority runs? */
static inline bool alarm_puts_off(uint32_t priority)
{
    return (ready_count & READY_PUT_OFF) && priority < alarm_priority;
}

/* The same as alarm_at for a timeout of this priority, unless such are put off. */
static inline void alarm_at_priority(uint64_t when, uint32_t priority)
{
    if (!alarm_puts_off(priority))
        alarm_at(when);
}

/* Enters a timeout, for which the timer is armed unless it is put off. */
static inline void alarm_add(struct timeout *timeout, uint64_t when, uint32_t priority)
{
    timeout_add(timeout, when, priority);
    alarm_at_priority(when, priority);
}

/* Somebody of this priority runs: the timer is armed for all timeouts but those below, which are put off. */
void alarm_for(uint32_t priority);

#endif
