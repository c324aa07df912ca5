/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who waits for whom, and how waits end that no partner ends: by a deadline, by being broken off, by a death.
 *
 * The words `partner` and `waits` of a hot line say for what a thread waits. The trampoline may end such a wait unless
 * the word's lowest bit (WAIT_KERNEL) is set: then its compares fail, and the kernel ends it. That is so where more is
 * to be done than to hand over registers: a deadline to be taken back, a stopped thread not to be run, a fault, a
 * guarded task to be kept apart.
 */
#ifndef SALTO_IPC_WAIT_H
#define SALTO_IPC_WAIT_H

#include <stdbool.h>

#include "abi/errors.h"
#include "thread/thread.h"

/* The mark in `partner` and `waits` of a wait that only the kernel may end: so the trampoline's compare fails. */
#define WAIT_KERNEL 1UL

/* The line that a `partner` word names, marked or not. */
static inline struct hot_thread *wait_without_mark(struct hot_thread *line)
{
    return (struct hot_thread *)((uint64_t)line & ~WAIT_KERNEL);
}

/* The thread that may answer the call of `thread`, or 0 if it is not in a call that was received. */
static inline struct thread *wait_partner(const struct thread *thread)
{
    const struct hot_thread *line = wait_without_mark(thread->hot->partner);
    return line ? line->thread : 0;
}

/* The thread that `thread` may answer, or 0. */
static inline struct thread *wait_caller(const struct thread *thread)
{
    const struct hot_thread *caller = thread->hot->caller;
    return wait_without_mark(caller->partner) == thread->hot ? caller->thread : 0;
}

/* `receiver` may answer `caller` from now on; `caller` waits for that. */
void wait_for_answer(struct thread *caller, struct thread *receiver);

/* The same for a caller whose answer is the kernel's to look at. */
static inline void wait_for_kernel_answer(struct thread *caller, struct thread *receiver)
{
    caller->hot->partner = (struct hot_thread *)((uint64_t)receiver->hot | WAIT_KERNEL);
    receiver->hot->caller = caller->hot;
}

/* The wait of `thread`, whatever for, is over: it stands in no queue, has no deadline and no partner. */
void wait_end(struct thread *thread);

/* The wait of `thread` in an IPC ends with `error`, and it goes on. A thread that waits for the handler of its fault
 * stays stopped, and its task's supervisor is told. */
void wait_fail(struct thread *thread, enum error error);

/* Is `thread` in an IPC that can be broken off? */
bool wait_in_ipc(const struct thread *thread);

/* The trampoline may not end the present wait of `thread`. */
void wait_by_kernel_only(struct thread *thread);

#endif
