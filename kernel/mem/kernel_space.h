/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own address space, and what all address spaces share. */
#ifndef SALTO_MEM_KERNEL_SPACE_H
#define SALTO_MEM_KERNEL_SPACE_H

#include <stdint.h>

/* Physical addresses, fixed at boot: page directory of the shared part; the pages that stand in for capability slots
 * and I/O bitmap pages that were never granted. */
extern uint64_t shared_directory, page_of_zeros, page_of_ones;

#endif
