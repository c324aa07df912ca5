/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hooks of the kernel debugger in the kernel that has it (docs/debugger.md).
 */
#ifndef SALTO_DEBUGGER_H
#define SALTO_DEBUGGER_H

#include <stdint.h>

struct thread;

/* What the ring of events holds; the two numbers beside it are ... */
enum debugger_event {
    EVENT_SYSTEM_CALL, /* tag, handle */
    EVENT_INTERRUPT,   /* vector, instruction pointer */
    EVENT_WAIT_FAILS,  /* error, 0 */
};

/* The kernel has panicked, and has said why: takes commands until it is told to turn the machine off. */
void debugger_panicked(void);

/* The timer interrupted: takes commands if the key was typed, until it is told to go on. All other keys are kept for
 * whoever reads the console. */
void debugger_look(void);

/* When to look next, as a value of the time-stamp counter. */
uint64_t debugger_next_look(void);

/* Something happened to `thread`: it is entered in the ring, in the place of the oldest event. */
void debugger_note(enum debugger_event kind, const struct thread *thread, uint64_t first, uint64_t second);

/* A system call of `thread` enters the kernel: its tag and handle are noted. */
void debugger_note_call(const struct thread *thread);

#endif
