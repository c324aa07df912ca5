/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time without an IPC: as the kernel reckons it, from the time-stamp counter, its frequency and its value at boot,
 * of which the start-up table tells.
 */
#include "salto/deadline.h"
#include "salto/startup.h"

#define NANOSECONDS 1000000000UL

uint64_t salto_now(void)
{
    const struct startup_table *table = salto_startup_table();
    uint64_t ticks;

    if (!table || table->tsc_hertz == 0)
        return 0;
    ticks = __builtin_ia32_rdtsc() - table->tsc_start;
    /* The remainder is below 2^34 (a counter of 17 GHz), so the product fits in 64 bits. */
    return ticks / table->tsc_hertz * NANOSECONDS + ticks % table->tsc_hertz * NANOSECONDS / table->tsc_hertz;
}
