/* SPDX-License-Identifier: BSD-2-Clause */
/* What this kind of CPU can do, and turning on what the kernel relies on. */
#ifndef SALTO_X86_FEATURES_H
#define SALTO_X86_FEATURES_H

#include <stdbool.h>

/* Read from the first CPU by the first features_enable(); read-only from then on. */
struct features {
    bool smep, smap, umip, machine_check; /* turned on where the CPU has them */
    bool pcid;                            /* likewise, where it has INVPCID too */
    bool gib_pages;                       /* there, but for others to use */
    bool predictor_barrier;               /* for x86/barriers.c to use, these three */
    bool buffer_clearing;
    bool cache_flush;
};

extern struct features features;

/*
 * Checks that this CPU has what the kernel needs (FSGSBASE, NX, syscall, SSE2, fxsave, global pages), and turns it on
 * together with write-protect, SMEP, SMAP and UMIP where the CPU has them. CR4.OSXSAVE and CR4.PKE are off afterwards.
 * On the first CPU prints one line that says what is on. To be called on each CPU before tables_setup(), with page
 * tables that have no user pages. A CPU that lacks something needed is named on the console, and the machine goes off.
 */
void features_enable(void);

#endif
