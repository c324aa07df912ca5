/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hooks of the kernel debugger in a kernel without it: nothing, at no cost. Which of the two headers of this name
 * is meant is decided by the include path (kernel/meson.build).
 */
#ifndef SALTO_DEBUGGER_H
#define SALTO_DEBUGGER_H

#include <stdint.h>

#include "debugger/event.h"

struct thread;

/* The kernel has panicked, and has said why. */
static inline void debugger_panicked(void)
{
}

/* A program turns the machine off. */
static inline void debugger_ending(void)
{
}

/* The timer interrupted: a moment to look for the key. */
static inline void debugger_look(void)
{
}

/* When to look next, as a value of the time-stamp counter: never. */
static inline uint64_t debugger_next_look(void)
{
    return UINT64_MAX;
}

/* Something happened to `thread`. */
static inline void debugger_note(enum debugger_event kind, const struct thread *thread, const struct thread *other,
                                 const void *object, uint64_t value)
{
    (void)kind, (void)thread, (void)other, (void)object, (void)value;
}

#endif
