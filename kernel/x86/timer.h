/* SPDX-License-Identifier: BSD-2-Clause */
/* Time: the frequency of the time-stamp counter, delays, and the local APIC's one-shot timer. */
#ifndef SALTO_X86_TIMER_H
#define SALTO_X86_TIMER_H

#include <stdint.h>

/* Finds out the frequencies of time-stamp counter and APIC timer, which takes up to 30 ms. Once, on the first CPU,
 * after apic_initialise() and acpi_initialise(), interrupts off. Panics if no clock of known frequency runs. */
void timer_initialise(void);

/* Frequency of the time-stamp counter in hertz; never 0 after timer_initialise(). */
uint64_t tsc_hertz(void);
/* The counter's value at the time that timer_now() calls 0. */
uint64_t tsc_start(void);

/* Nanoseconds since timer_initialise() began, from the time-stamp counter of the CPU that runs this. */
uint64_t timer_now(void);

/* Waits for `nanoseconds`, at least, without giving up the CPU. */
void timer_delay(uint64_t nanoseconds);

/* Makes this CPU's timer interrupt once, with VECTOR_TIMER, when the time-stamp counter reaches `when`; at once if it
 * has. Comes early where that is more than some seconds away, but never late by its own doing. Replaces what was armed
 * before. */
void timer_arm_at(uint64_t when);

/* Ticks of the time-stamp counter in `nanoseconds`, and its value at `nanoseconds` since boot; UINT64_MAX where that
 * does not fit. */
uint64_t timer_ticks(uint64_t nanoseconds);
uint64_t timer_at(uint64_t nanoseconds);

/* Takes back timer_arm_at(). An interrupt that is already pending still comes. */
void timer_disarm(void);

#endif
