/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of the trampoline's fast paths that fail on demand, so that the kernel's own path carries what the trampoline
 * would have: both must come to the same.
 *
 * Each check is a conditional jump to the slow path at a named place. Where it shall fail, the jump is made
 * unconditional in the trampoline's text, by way of the kernel's map of memory; nothing is added where it shall not.
 * Invariant: apart from these jumps the text is as it was linked.
 */
#ifndef SALTO_IPC_FAST_PATH_H
#define SALTO_IPC_FAST_PATH_H

#include <stdbool.h>
#include <stdint.h>

/* Does what the command line asks for (docs/booting.md: fast-path, fast-path-checks) to the trampoline's text, which is
 * at `text` in the kernel's map and not in use yet. Refuses to boot where the command line makes no sense. */
void fast_path_prepare(uint8_t *text);

/* Did the command line say anything about the fast path? Then system calls are to be counted. */
bool fast_path_is_observed(void);

/* Where the command line asks for chance: draws anew which checks fail until the next call. */
void fast_path_draw(void);

#endif
