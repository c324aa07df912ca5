/* SPDX-License-Identifier: BSD-2-Clause */
/* The per-CPU record of the kernel. One for each CPU; only its own CPU writes it, but for `answers`. */
#ifndef SALTO_X86_CPU_STATE_H
#define SALTO_X86_CPU_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "trampoline/layout.h"

#define KERNEL_STACK_SIZE 16384

/* Crossings into, out of and between guarded tasks since boot, and what was done there, each where this CPU has it. */
struct barrier_counts {
    uint64_t crossings, predictors, buffers, caches;
};

struct cpu {
    uint32_t index; /* 0 is the boot CPU; CPU_AREA + index * CPU_AREA_SIZE is its area */
    uint32_t apic_id;
    bool started;
    struct thread *current;       /* who runs, or ran last before the kernel was entered */
    struct gate *gate;            /* of its entry stack, in the shared part */
    struct hot_thread *idle_line; /* GS base while no thread runs */
    const struct task *guarded; /* the task that ran last, if it is guarded; else 0. It may be gone since: see task.h */
    struct barrier_counts barriers;
    uint64_t kernel_interrupts; /* that came while the kernel ran */
    volatile uint64_t answers;  /* interrupts answered for Debug.interrupt_cpus; written atomically */
};

extern struct cpu cpus[MAX_CPUS];
extern uint32_t cpu_count; /* CPUs started; written during boot only */

#endif
