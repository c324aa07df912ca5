/* SPDX-License-Identifier: BSD-2-Clause */
/* For the host test of the memory server. */
#ifndef SALTO_HOST_MEMORY_CHECK_H
#define SALTO_HOST_MEMORY_CHECK_H

#include <stdbool.h>

/* Are all invariants of servers/memory/books.h and frames.h kept? Says which is not. */
bool books_are_good(void);

#endif
