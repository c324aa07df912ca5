/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocations for pages that are mapped on, in pages.c: tests of allocation_failures.c. */
#ifndef TESTS_GUEST_ALLOCATION_FAILURES_PAGES_H
#define TESTS_GUEST_ALLOCATION_FAILURES_PAGES_H

/* Allocations fail in turn: of messages that map or grant pages, of mapping them on, of taking some of them back, and
 * of answers to faults. */
void pages_given(void);
void pages_mapped_on(void);
void pages_taken_back(void);
void pages_answered(void);

#endif
