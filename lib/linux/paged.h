/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's calls for memory, where the memory server pages the task. Internal to the Linux-call handler. */
#ifndef SALTO_LINUX_PAGED_H
#define SALTO_LINUX_PAGED_H

#include "linux.h"

#pragma GCC visibility push(hidden) /* one image: names need no global offset table */

/* The heap is empty, and begins at PROGRAM_BREAK_BASE. */
void paged_prepare(void);

/* As the functions of memory_calls.c, which has taken the lock. */
linux_function paged_mmap, paged_munmap, paged_mprotect, paged_brk, paged_discard, paged_mremap;

#pragma GCC visibility pop

#endif
