/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows whose rounds cross the kernel: who takes part in each, and what is checked of it. */
#ifndef SALTO_BENCH_KERNEL_ROWS_H
#define SALTO_BENCH_KERNEL_ROWS_H

#include <stdbool.h>
#include <stdint.h>

/* Measures each row, and calls `report` with what it found. False, with a message, if one cannot be measured. */
typedef void report_row(const char *name, int marker, bool compiled, uint32_t *samples);
bool kernel_rows_measure(report_row *report);

#endif
