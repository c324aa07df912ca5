/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of threads that do not run. What is written was checked, so that going back to the program cannot fault. */
#ifndef SALTO_THREAD_REGISTERS_H
#define SALTO_THREAD_REGISTERS_H

#include "idl/thread_kernel.h"
#include "thread/thread.h"

/* The registers with which `thread` will go on, if its wait (if any) ended now. */
void registers_read(const struct thread *thread, struct kernel_registers *registers);

/* May a thread have these? BAD_ADDRESS: the instruction pointer is outside the user half, or the FS base is not
 * canonical. */
enum error registers_check(const struct kernel_registers *registers);

/* Sets them, but for the flags that are not a program's to choose. The thread must not be in an IPC. */
void registers_write(struct thread *thread, const struct kernel_registers *registers);

/* Turns a thread that would go on from a system call into one that goes on from an interrupt: all its registers stand
 * in its frame then. */
void registers_to_frame(struct thread *thread);

/* Sets x87 and vector registers, as they stand beside the frame, to their defaults. */
void registers_clean_vectors(struct thread *thread);

#endif
