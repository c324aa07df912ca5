/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocations for pages that are mapped on, in pages.c: tests of allocation_failures.c. */
#ifndef TESTS_GUEST_ALLOCATION_FAILURES_PAGES_H
#define TESTS_GUEST_ALLOCATION_FAILURES_PAGES_H

void pages_given(void);
void pages_mapped_on(void);
void pages_taken_back(void);
void pages_answered(void);

#endif
