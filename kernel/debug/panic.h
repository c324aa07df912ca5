/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the kernel cannot go on: says why, with registers and a symbolised stack, and turns the machine off with status
 * PANIC_STATUS. Only a defect of the kernel or of the machine may lead here, never anything that a program does.
 */
#ifndef SALTO_DEBUG_PANIC_H
#define SALTO_DEBUG_PANIC_H

#include "debug/trap_frame.h"

#define PANIC_STATUS 255

/* Prints `salto: PANIC: ` with the formatted text, where it was called, the registers as they are in it, and the
 * caller's stack; does not return. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As panic(), with the registers and stack of interrupted code. */
_Noreturn void panic_with_frame(const struct trap_frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints `frame`'s registers, and CR2, in six lines. */
void print_registers(const struct trap_frame *frame);

/* Panics, with place and text, if `condition` does not hold. */
#define assert(condition) ((condition) ? (void)0 : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #condition))

#endif
