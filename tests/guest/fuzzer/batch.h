/* SPDX-License-Identifier: BSD-2-Clause */
/* A batch: some tasks of hunters, the objects that they hold, and everything gone again. */
#ifndef FUZZER_BATCH_H
#define FUZZER_BATCH_H

#include <stdbool.h>
#include <stdint.h>

/* Makes what the kernel keeps for ever: pages of hot state, of the own capability table. */
void batch_prepare(void);

/* Lets hunters make calls until they are through, dead, or wait for what never comes; answers how many calls came back.
 * With `full` there is a task without a free handle, too. EXPECTs that the victim is as before, and, with
 * `compare`, all totals: the first batch still makes tables of pages that this program keeps. */
uint32_t batch_run(uint64_t seed, bool full, bool compare);

#endif
