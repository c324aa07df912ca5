/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the walk of all page tables itself. */
#ifndef TESTS_ISOLATION_PLANTS_H
#define TESTS_ISOLATION_PLANTS_H

#include <stdint.h>

/* What the walk finds wrong in the whole machine. */
uint64_t walk_wrong_pages(void);

void walk_reports_plants(void);
void walk_reports_second_user(void);
void entries_that_are_not_there(void);

#endif
