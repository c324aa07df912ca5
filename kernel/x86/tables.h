/* SPDX-License-Identifier: BSD-2-Clause */
/* Each CPU's GDT, IDT and TSS, in the pages that all address spaces share, and the `syscall` entry. */
#ifndef SALTO_X86_TABLES_H
#define SALTO_X86_TABLES_H

struct cpu;

/* The trampoline's entry points, from its own ELF (linked with --just-symbols). */
extern const char trampoline_vectors[], trampoline_system_call[];

/*
 * Writes the tables of `cpu` and makes the CPU that runs this use them: segments, interrupt gates, task state, and
 * where `syscall` goes. The CPU's area and its TSS must be mapped writable, and the gates at the tops of its stacks be
 * filled in. GS and FS base are 0 afterwards. Interrupts must be off.
 */
void tables_setup(struct cpu *cpu);

#endif
