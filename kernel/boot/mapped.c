/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory under the boot page tables. See mapped.h, and entry.S, which makes the tables by the same rule. */
#include "boot/mapped.h"

#include "abi/addresses.h"
#include "boot/boot.h"
#include "x86/cpu.h"

#define CPUID_EXTENDED_FEATURES 0x80000001
#define CPUID_1_GIB_PAGES (1U << 26) /* EDX */

uint64_t boot_map_limit(void)
{
    return cpuid_checked(CPUID_EXTENDED_FEATURES, 0).edx & CPUID_1_GIB_PAGES ? 512UL << 30 : 4UL << 30;
}

bool boot_mapped(uint64_t physical, uint64_t size)
{
    return physical != 0 && size <= boot_map_limit() && physical <= boot_map_limit() - size;
}

const void *boot_pointer(uint64_t physical)
{
    return (const void *)(PHYSICAL_MAP + physical);
}
