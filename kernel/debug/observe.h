/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A look at each system call before the kernel serves it, where the command line or the build asks for that. Elsewhere
 * the gate leads past it, so that it costs nothing.
 */
#ifndef SALTO_DEBUG_OBSERVE_H
#define SALTO_DEBUG_OBSERVE_H

#include <stdint.h>

struct thread;

/* Where system calls enter the kernel, for the gate. */
uint64_t observe_entry(void);

/* entry.S calls it before each system call of `thread`. */
void observe_system_call(struct thread *thread);

/* System calls that were observed. */
uint64_t observe_count(void);

#endif
