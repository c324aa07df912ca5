/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The victim: two tasks that no hunter holds anything of. A client keeps a pattern in memory of its own and calls a
 * partner by a badged capability; it checks both when told to. The first program compares the two capability tables.
 */
#ifndef FUZZER_VICTIM_H
#define FUZZER_VICTIM_H

#include <stdbool.h>

void victim_create(void);

/* Lets the victim look at its memory and call its partner, if it is ready to; does not wait. */
void victim_go(void);

/* Lets it look once more, waits for it, compares the capability tables. False if anything changed; notes what. */
bool victim_intact(void);

void victim_destroy(void);

#endif
