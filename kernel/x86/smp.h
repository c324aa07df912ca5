/* SPDX-License-Identifier: BSD-2-Clause */
/* The other CPUs: starting them, and asking whether they are there. Tasks stay on the first CPU. */
#ifndef SALTO_X86_SMP_H
#define SALTO_X86_SMP_H

#include <stdint.h>

struct cpu;

/*
 * Starts the other CPUs that ACPI lists, one after the other, up to MAX_CPUS in all. Each gets its struct cpu and area
 * (cpu_area_prepare()), its own tables and local APIC, and then idles with interrupts on. One that does not come up
 * within some 200 ms is named on the console and left out. Sets cpu_count; prints one line. Once, on the first CPU,
 * with the kernel's own page tables loaded, after tables_setup(), apic_initialise() and timer_initialise().
 */
void smp_start(void);

/* Sends VECTOR_IPI to all other started CPUs, waits for their answers, at most 100 ms, and returns how many came. */
uint32_t smp_count_answers(void);

/* Handles VECTOR_IPI: counts, and ends the interrupt. `cpu` is the CPU that runs this. */
void smp_answer(struct cpu *cpu);

#endif
