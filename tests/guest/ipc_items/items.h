/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of items share, and the special cases among them (special.c). */
#ifndef TESTS_GUEST_IPC_ITEMS_ITEMS_H
#define TESTS_GUEST_IPC_ITEMS_ITEMS_H

#include "../common/worker.h"

enum route { SEND, CALL, REPLY, REPLY_AND_WAIT, ROUTES };

/* Gives items to the host's task. Answers what arrived in `arrived`: handles there, and what a receiver had before. */
void give(const struct worker *host, enum route route, const uint64_t *items, uint32_t count, uint64_t *arrived);

/* The host's task holds an object of this type under `handle`, with these rights. */
void expect_holds(const struct worker *host, uint64_t handle, uint32_t type, uint32_t rights);

/* Within one task a copy is a second handle, and a move another one. */
void own_table(void);
/* Items travel beside words: both arrive, whatever the length. */
void beside_words(void);
/* A request that fails moves nothing. */
void failures_move_nothing(void);
/* A caller may give away the capability that it calls with: the answer comes all the same. */
void gives_its_way_away(void);
/* A server may even give away the right to wait: its caller is answered, and the wait fails. */
void gives_its_wait_away(void);

#endif
