/* SPDX-License-Identifier: BSD-2-Clause */
/* What the archive holds, and where readers see it: lines of numbers and their squares. generate.py makes it. */
#ifndef TABLE_H
#define TABLE_H

#define TABLE 0x300000000000UL /* address in the readers */
#define LINES 32768
#define LINE_SIZE 32
#define LINE_FORMAT "%10u %20u\n"

#endif
