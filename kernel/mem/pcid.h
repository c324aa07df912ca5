/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process-context identifiers: translations of an address space survive the CR3 writes of crossings (Intel SDM volume
 * 3, 4.10). The kernel's address space has 0; a task has one of its own from 1 up, or, when all are taken, none: it
 * then uses 0xfff, whose translations every load of CR3 drops.
 *
 * Invariant: a CR3 value with the no-flush bit is only ever loaded while no stale translation of its PCID is cached. So
 * whoever takes a mapping away flushes it at once, and a PCID is flushed when it is given back. Tasks run on one CPU;
 * on more, these flushes are what an interrupt has to carry to the others. Without PCID all of this does nothing.
 */
#ifndef SALTO_MEM_PCID_H
#define SALTO_MEM_PCID_H

#include <stdint.h>

#define CR3_NO_FLUSH (1UL << 63)
#define CR3_PCID_MASK 0xfffUL

/* The value to load into CR3 for the page tables at `pml4`, with a PCID of their own if one is free. */
uint64_t pcid_take(uint64_t pml4);

/* Gives the PCID of a CR3 value back, with nothing left in the TLB. */
void pcid_release(uint64_t cr3);

/* Drops the translations of the `count` pages at `address` in the address space of `cr3`. */
void pcid_flush_pages(uint64_t cr3, uint64_t address, uint32_t count);

/* The same for one. */
static inline void pcid_flush_page(uint64_t cr3, uint64_t address)
{
    if (cr3 & CR3_NO_FLUSH)
        pcid_flush_pages(cr3, address, 1);
}

/* The same for large pages. */
void pcid_flush_large_pages(uint64_t cr3, uint64_t address, uint32_t count);

/* The kernel's CR3 value for gates. */
uint64_t pcid_kernel_cr3(uint64_t pml4);

#endif
