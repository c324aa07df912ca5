/* SPDX-License-Identifier: BSD-2-Clause */
/* All that a program has in its processor, before and after a Linux call. Offsets are shared with linux_call.S. */
#ifndef TESTS_REGISTERS_STATE_H
#define TESTS_REGISTERS_STATE_H

#define STATE_RAX 0
#define STATE_RBX 8
#define STATE_RCX 16
#define STATE_RDX 24
#define STATE_RSI 32
#define STATE_RDI 40
#define STATE_RBP 48
#define STATE_R8 56
#define STATE_R9 64
#define STATE_R10 72
#define STATE_R11 80
#define STATE_R12 88
#define STATE_R13 96
#define STATE_R14 104
#define STATE_R15 112
#define STATE_RSP 120
#define STATE_FLAGS 128
#define STATE_RED_ZONE 144 /* 128 bytes */
#define STATE_VECTORS 272  /* 512 bytes, as FXSAVE stores them */

#define RED_ZONE_SIZE 128

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct state {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rsp, flags;
    uint8_t red_zone[RED_ZONE_SIZE] __attribute__((aligned(16)));
    uint8_t vectors[512] __attribute__((aligned(16)));
};

_Static_assert(offsetof(struct state, rsp) == STATE_RSP, "assembly stores it there");
_Static_assert(offsetof(struct state, flags) == STATE_FLAGS, "assembly stores it there");
_Static_assert(offsetof(struct state, red_zone) == STATE_RED_ZONE, "assembly stores it there");
_Static_assert(offsetof(struct state, vectors) == STATE_VECTORS, "assembly stores it there");

extern struct state state_before, state_after;

/* Loads everything from state_before but rsp, makes a Linux call, and stores everything in state_after.
 * state_before.rsp becomes what rsp was. */
void linux_call_marked(void);

/* The instruction behind the call's `syscall`. */
extern const char linux_call_returns[];
#endif

#endif
