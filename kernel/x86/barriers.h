/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU remembers of a task in predictors and buffers, and wiping it. Only for guarded tasks: unguarded ones
 * share all of that, since the trampoline takes them to each other without the kernel (docs/security.md).
 */
#ifndef SALTO_X86_BARRIERS_H
#define SALTO_X86_BARRIERS_H

#include "x86/cpu_state.h"

/*
 * To be called on the way from one task to another, one of which is guarded. Overwrites the return stack; then what the
 * CPU has of: the predictors' barrier (IA32_PRED_CMD.IBPB), the first-level data cache's flush
 * (IA32_FLUSH_CMD.L1D_FLUSH), and, last, `verw`, which clears store, fill and load buffers. Counts each in the record
 * of this CPU.
 */
void barriers_issue(struct cpu *cpu);

#endif
