/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's fixed addresses for host tests: found before the kernel's own header, which it includes. What the kernel
 * dereferences (its map of physical memory, the shared part with the hot state) is moved to addresses that a program of
 * the host may map; everything else stays.
 */
#ifndef SALTO_TESTS_HOST_ADDRESSES_H
#define SALTO_TESTS_HOST_ADDRESSES_H

#include_next "abi/addresses.h"

#undef PHYSICAL_MAP
#define PHYSICAL_MAP 0x200000000000UL
#undef SHARED_BASE
#define SHARED_BASE 0x300000000000UL
#undef PRIVATE_BASE
#define PRIVATE_BASE (SHARED_BASE + 0x40000000UL)

#endif
