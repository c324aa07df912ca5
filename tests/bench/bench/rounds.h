/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds written in assembly, so that what is counted is what stands there. */
#ifndef SALTO_BENCH_ROUNDS_H
#define SALTO_BENCH_ROUNDS_H

#define ROUNDS 10000

/* Marker ids: a row's own, and the empty loop's. stub.add is compiled C, and has an empty loop of its own. */
#define MARKER_EMPTY 1
#define MARKER_EMPTY_STUB 2
#define MARKER_CALL_0 10
#define MARKER_CALL_4 11
#define MARKER_CALL_6 12
#define MARKER_CALL_8 13
#define MARKER_CALL_32 14
#define MARKER_CALL_63 15
#define MARKER_CALL_0_SAME 16
#define MARKER_CALL_0_CROWD 17
#define MARKER_KERNEL_NULL 18
#define MARKER_STUB_ADD 19
#define MARKER_NOTIFY 20
#define MARKER_CALL_CAP 21
#define MARKER_CALL_DEADLINE 22
#define MARKER_REPLY_LATER 23
#define MARKER_FAULT 24
#define MARKER_THREAD 25
#define MARKER_TASK 26
#define MARKER_STRING_4K 30
#define MARKER_STRING_64K 31
#define MARKER_STRING_1M 32
#define MARKER_PAGE_4K 33
#define MARKER_PAGE_4M 34
#define MARKER_PAGE_1G 35

/* Rounds of rows whose rounds are long. */
#define LONG_ROUNDS 500

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Runs ROUNDS rounds against `handle` and stores what the time-stamp counter says of each. */
typedef void measure(uint64_t handle, uint32_t samples[ROUNDS]);
measure rounds_empty, rounds_call_0, rounds_call_4, rounds_call_6, rounds_call_8, rounds_call_32, rounds_call_63,
    rounds_call_0_same, rounds_call_0_crowd, rounds_kernel_null, rounds_stub_empty, rounds_stub_add, rounds_notify,
    rounds_string_4k, rounds_string_64k, rounds_string_1m, rounds_call_cap, rounds_call_deadline, rounds_reply_later,
    rounds_fault, rounds_thread, rounds_task, rounds_page_4k, rounds_page_4m, rounds_page_1g;

/* All registers of a call, in and out. */
struct registers {
    uint64_t tag, handle, words[6];
    uint64_t preserved[5]; /* rbp r12 r13 r14 r15 */
};

/* One call with all of `registers` set, xmm registers filled; `registers` is what came back. Returns whether any xmm
 * register came back other than zero. */
uint64_t call_with_registers(struct registers *registers);

/* A thread's first instruction: receives on the endpoint in rdi for ever, and never answers. */
void sleep_forever(void);
/* As the server of ipc.call.0: for the same address space. */
void echo_same(void);
#endif

#endif
