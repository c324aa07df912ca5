/* SPDX-License-Identifier: BSD-2-Clause */
/* PCIDs. See pcid.h. */
#include "mem/pcid.h"

#include "abi/addresses.h"
#include "x86/cpu.h"
#include "x86/features.h"

#define PCID_NONE 0xfffUL
#define WORD_BITS 64

/* INVPCID types, Intel SDM volume 2. */
#define INVALIDATE_ADDRESS 0
#define INVALIDATE_CONTEXT 1

static uint64_t used[(PCID_NONE + 1) / WORD_BITS] = {1}; /* bit set: taken; 0 is the kernel's */

static uint64_t find_free(void)
{
    for (uint64_t word = 0; word < sizeof(used) / sizeof(used[0]); word++) {
        if (used[word] == ~0UL)
            continue;
        uint64_t pcid = word * WORD_BITS + (uint64_t)__builtin_ctzl(~used[word]);
        if (pcid == PCID_NONE)
            break;
        used[word] |= 1UL << pcid % WORD_BITS;
        return pcid;
    }
    return PCID_NONE;
}

uint64_t pcid_take(uint64_t pml4)
{
    if (!features.pcid)
        return pml4;
    uint64_t pcid = find_free();
    return pml4 | pcid | (pcid == PCID_NONE ? 0 : CR3_NO_FLUSH);
}

void pcid_release(uint64_t cr3)
{
    uint64_t pcid = cr3 & CR3_PCID_MASK;
    if (!(cr3 & CR3_NO_FLUSH))
        return;
    invalidate_pcid(INVALIDATE_CONTEXT, pcid, 0);
    used[pcid / WORD_BITS] &= ~(1UL << pcid % WORD_BITS);
}

void pcid_flush_pages(uint64_t cr3, uint64_t address, uint32_t count)
{
    if (cr3 & CR3_NO_FLUSH)
        for (uint32_t i = 0; i < count; i++)
            invalidate_pcid(INVALIDATE_ADDRESS, cr3 & CR3_PCID_MASK, address + (uint64_t)i * PAGE_SIZE);
}

void pcid_flush_large_pages(uint64_t cr3, uint64_t address, uint32_t count)
{
    if (cr3 & CR3_NO_FLUSH)
        for (uint32_t i = 0; i < count; i++)
            invalidate_pcid(INVALIDATE_ADDRESS, cr3 & CR3_PCID_MASK, address + i * LARGE_PAGE_SIZE);
}

uint64_t pcid_kernel_cr3(uint64_t pml4)
{
    return features.pcid ? pml4 | CR3_NO_FLUSH : pml4;
}
