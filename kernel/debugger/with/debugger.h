/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hooks of the kernel debugger in the kernel that has it (docs/debugger.md).
 */
#ifndef SALTO_DEBUGGER_H
#define SALTO_DEBUGGER_H

#include <stdint.h>

/* The kernel has panicked, and has said why: takes commands until it is told to turn the machine off. */
void debugger_panicked(void);

/* The timer interrupted: takes commands if the key was typed, until it is told to go on. All other keys are kept for
 * whoever reads the console. */
void debugger_look(void);

/* When to look next, as a value of the time-stamp counter. */
uint64_t debugger_next_look(void);

#endif
