/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of addresses at and beyond the ends of the user half. */
#ifndef TESTS_USER_STATE_CANONICAL_H
#define TESTS_USER_STATE_CANONICAL_H

void entry_points_are_checked(void);
void steps_outside_the_user_half(void);
void ticks_with_any_stack_pointer(void);
void answer_at_the_last_instruction(void);
void linux_call_at_the_last_instruction(void);

#endif
