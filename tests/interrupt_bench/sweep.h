/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sweep: one operation, over and over, while the 8254 interrupts at every moment of it in turn.
 *
 * A round starts the timer's one-shot count, spins for some instructions, and carries the operation out. The plugin of
 * tools/plugin/count.c counts what is executed from the start of the count, which a marker shows, to the first
 * instruction of the interrupt's vector. That is the timer's own time, always the same, and how long the interrupt was
 * held off; so the most that a sweep's rounds count, less the least, is the longest wait, to the step of the sweep.
 */
#ifndef SALTO_BENCH_SWEEP_H
#define SALTO_BENCH_SWEEP_H

/* Marker ids. Those of sweeps are ended by the timer's vector, and that of the driver begins with it. */
#define MARKER_DRIVER 32
#define MARKER_SWEEP 64
#define SWEEPS_MOST 64
#define SWEEP_MARK_SIZE 16

#ifndef __ASSEMBLER__
#include "../guest/common/worker.h"

struct operation {
    const char *name;
    void (*prepare)(void); /* before the round, or 0 */
    void (*run)(void);
    void (*clean_up)(void); /* behind it, or 0 */
    uint32_t step;          /* instructions from round to round */
};

/* What is swept: operations.c, and crowds.c. */
extern const struct operation operations[], crowd_operations[];
extern const unsigned operations_count, crowd_operations_count;

/* Make what the operations work on. */
void operations_prepare(void);
void crowd_operations_prepare(void);

/* Waits on notification `handle`; the first instruction behind the system call is the end marker of MARKER_DRIVER. */
void wait_and_mark(uint64_t handle);

/* Routines of SWEEP_MARK_SIZE bytes: number n is the begin marker of MARKER_SWEEP + n. */
extern const char sweep_marks[];
#endif

#endif
