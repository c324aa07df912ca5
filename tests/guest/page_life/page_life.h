/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of pages that are mapped on, by file. */
#ifndef TESTS_GUEST_PAGE_LIFE_H
#define TESTS_GUEST_PAGE_LIFE_H

/* disturbed.c: at every moment. */
void sender_is_broken_off(void);
void sender_sends_again(void);
void sender_ends(void);
void sender_task_ends(void);
void receiver_is_broken_off(void);
void receiver_ends(void);
void receiver_task_ends(void);
void source_is_revoked(void);
void memory_goes(void);
void revoked_while_faulting(void);
void revoked_while_copied_from(void);
void revoked_while_copied_to(void);

/* silent.c */
void hundred_silent_pagers(void);

#endif
