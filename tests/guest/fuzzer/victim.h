/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The victim: two tasks that no hunter holds anything of. A client keeps a pattern in memory of its own and calls a
 * partner by a badged capability; it checks both when told to. The first program compares the two capability tables.
 */
#ifndef FUZZER_VICTIM_H
#define FUZZER_VICTIM_H

#include <stdbool.h>
#include <stdint.h>

void victim_create(void);

/* Lets the victim look at its memory and call its partner, if it is ready to; does not wait. */
void victim_go(void);

/* Lets it look once more, waits for it, compares the capability tables. False if anything changed; notes what. */
bool victim_intact(void);

/* Is this a word of the pattern in the victim's memory and messages, which nobody else may come by? */
bool victim_owns(uint64_t word);

void victim_destroy(void);

#endif
