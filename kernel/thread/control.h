/* SPDX-License-Identifier: BSD-2-Clause */
/* Control of threads from outside. */
#ifndef SALTO_THREAD_CONTROL_H
#define SALTO_THREAD_CONTROL_H

#include "thread/thread.h"

/* Stops `thread`, which was started: it does not run until it is resumed. */
void control_stop(struct thread *thread);

/* Lets `thread` go on, which was stopped or stands still by a fault; one instruction only if `step`. */
void control_resume(struct thread *thread, bool step);

/* Ends the IPC that `thread` waits in, if any, and sets where it goes on, unless `address` is 0. Answers where it would
 * have gone on. */
uint64_t control_break_off(struct thread *thread, uint64_t address);

#endif
