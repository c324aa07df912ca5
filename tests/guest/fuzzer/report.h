/* SPDX-License-Identifier: BSD-2-Clause */
/* What was called how often, and what came of it. */
#ifndef FUZZER_REPORT_H
#define FUZZER_REPORT_H

#include "hunter.h"

/* Adds what a hunter counted. */
void report_add(const struct hunter *hunter);

/* How often a call failed with `error`. */
uint64_t report_hits(enum error error);

/* Writes the table of distinct (operation, error) pairs as TAP diagnostics. */
void report_print(void);

/* Was every operation called, and every error hit? Notes how often errors were, and what was never called. */
bool report_complete(void);

#endif
