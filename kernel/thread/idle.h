/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU does while nobody can run: it waits for an interrupt, which is the only thing that can change that.
 */
#ifndef SALTO_THREAD_IDLE_H
#define SALTO_THREAD_IDLE_H

#include <stdbool.h>

/* No context competes. Lets interrupts in, and waits for one unless the kernel is `busy`: has work of its own, in
 * pieces, for which it is called again. Deadlines that were put off for somebody's sake strike now. */
void idle(bool busy);

#endif
