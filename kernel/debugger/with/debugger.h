/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hooks of the kernel debugger in the kernel that has it (docs/debugger.md).
 */
#ifndef SALTO_DEBUGGER_H
#define SALTO_DEBUGGER_H

#include <stdint.h>

#include "debugger/event.h"

struct thread;

/* The kernel has panicked, and has said why: takes commands until it is told to turn the machine off. */
void debugger_panicked(void);

/* A program turns the machine off: before that it takes commands, if the kernel's command line says `debugger=end`, or
 * carries out one without arguments, if it says `debugger=COMMAND`. */
void debugger_ending(void);

/* The timer interrupted: takes commands if the key was typed, until it is told to go on. All other keys are kept for
 * whoever reads the console. */
void debugger_look(void);

/* When to look next, as a value of the time-stamp counter. */
uint64_t debugger_next_look(void);

/* Something happened to `thread`: it is entered in the ring, in the place of the oldest event. What the other arguments
 * are is said with each event; those that it does not have are 0. */
void debugger_note(enum debugger_event kind, const struct thread *thread, const struct thread *other,
                   const void *object, uint64_t value);

#endif
