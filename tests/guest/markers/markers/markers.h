/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this test share: a client in a task of its own that makes calls with all registers marked. */
#ifndef TESTS_MARKERS_H
#define TESTS_MARKERS_H

#include "../../common/marks.h"
#include "../../common/worker.h"

#define CALLS 6
#define BADGE 0x6bad6e
#define KEPT_REGISTERS 5 /* rbp, r12 to r15 */

/* One system call of a client's. It stands in the client's area, where a worker of another kind has its steps. */
struct call {
    struct registers before, after;
    uint64_t utcb_marks; /* base of the marks in words 6 and up, or 0 */
    uint64_t item;       /* typed item 0 */
    bool retry;          /* as long as it would block */
};

_Static_assert(CALLS * sizeof(struct call) <= sizeof(((struct area *)0)->steps), "the calls fit");
_Static_assert(offsetof(struct area, steps) % 16 == 0, "FXSAVE needs alignment");

static inline struct call *calls_of(struct area *area)
{
    return (struct call *)area->steps;
}

/* A worker_function: makes area->count calls, and counts them in area->done. */
void make_calls(struct area *area);

/* Adds a call with all registers marked by `kept`, words by `words`. */
struct call *add_call(const struct worker *client, uint64_t tag, uint64_t handle, uint64_t kept, uint64_t words);

/* Lets others run until a client waits in a call whose registers are marked by `kept`. */
void wait_in_call(uint64_t kept);

/* A copy of the endpoint in the client's table, with BADGE and the right to send; answers its handle there. */
uint32_t give_badged(const struct worker *client, uint32_t endpoint);

/* EXPECTs what every return of a native call gives back: stack, flags, bases; vector registers wiped. */
void expect_returned(const char *what, const struct registers *before, const struct registers *after);

/* EXPECTs that rbp and r12 to r15 are as before, and that the marks of `kept` are in no other register. */
void expect_caller_kept(const char *what, const struct call *call, uint64_t kept, uint64_t rdi);

/* EXPECTs that a call failed with `error`: its words are the caller's own still. */
void expect_failed(const char *what, const struct call *call, uint64_t error, uint64_t kept);

/* The tests of each file. */
void exchanges_fast(void);
void exchanges_long(void);
void exchanges_queued(void);
void exchanges_with_items(void);
void exchanges_one_way(void);
void exchanges_poll(void);
void answers_of_all_kinds(void);
void failures_at_once(void);
void failures_while_waiting(void);
void kernel_objects(void);
void linux_call(void);
void linux_call_without_handler(void);
void timer_ticks(void);
void faults_that_are_heard(void);
void faults_that_nobody_hears(void);
void trap_at_system_call(void);
void search_by_marked_call(void);
void search_finds_private_pages(void);
void search_finds_shared_pages(void);
void search_finds_user_pages(void);
void search_skips_own_pages(void);

#endif
