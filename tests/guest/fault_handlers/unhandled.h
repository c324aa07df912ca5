/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of faults whose handler refuses to answer, answers otherwise, dies, or is not there: the supervisor is told
 * instead, if there is one. What each tests is said in the table in fault_handlers.c.
 */
#ifndef TESTS_GUEST_UNHANDLED_H
#define TESTS_GUEST_UNHANDLED_H

void other_answers(void);
void refused_registers(void);
void flags(void);
void abandoned(void);
void handlers_die(void);
void handlers_die_with_two(void);
void handler_reclaimed(void);
void successors(void);
void handler_gone(void);
void nobody(void);

#endif
