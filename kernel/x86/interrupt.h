/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts and exceptions, after the entry code saved the registers. */
#ifndef SALTO_X86_INTERRUPT_H
#define SALTO_X86_INTERRUPT_H

#include "thread/thread.h"
#include "x86/cpu_state.h"

/* An interrupt or exception of a program; its registers are in thread->frame. Returns who runs now. */
struct thread *interrupt(struct thread *thread);

/* An interrupt or exception of ring 0: of a CPU that waits for interrupts, or of the kernel itself. */
void ring0_interrupt(const struct trap_frame *frame, struct cpu *cpu);

#endif
