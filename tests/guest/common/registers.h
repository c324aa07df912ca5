/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All registers of a program at once: loaded, then a system call or whatever else enters the kernel, then stored.
 *
 * Everything here runs in workers of separate tasks too: it writes nothing but what it is given and its stack.
 * Offsets are shared with registers.S.
 */
#ifndef TESTS_GUEST_REGISTERS_H
#define TESTS_GUEST_REGISTERS_H

#define REGISTERS_RAX 0
#define REGISTERS_RBX 8
#define REGISTERS_RCX 16
#define REGISTERS_RDX 24
#define REGISTERS_RSI 32
#define REGISTERS_RDI 40
#define REGISTERS_RBP 48
#define REGISTERS_R8 56
#define REGISTERS_R9 64
#define REGISTERS_R10 72
#define REGISTERS_R11 80
#define REGISTERS_R12 88
#define REGISTERS_R13 96
#define REGISTERS_R14 104
#define REGISTERS_R15 112
#define REGISTERS_GENERAL 15 /* rsp is not among them */
#define REGISTERS_RSP 120
#define REGISTERS_FLAGS 128
#define REGISTERS_FS_BASE 136
#define REGISTERS_GS_BASE 144
#define REGISTERS_RSP_BEFORE 152
#define REGISTERS_VECTORS 160 /* 512 bytes, as FXSAVE stores them */
#define REGISTERS_SIZE 672

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* What FXSAVE stores, in its 64-bit form (Intel SDM volume 1, 10.5.1). The last 96 bytes are the program's own. */
struct vectors {
    uint16_t control, status;
    uint8_t tags, reserved;
    uint16_t opcode;
    uint64_t instruction, data;
    uint32_t mxcsr, mxcsr_mask;
    uint64_t x87[8][2]; /* 80 bits each */
    uint64_t xmm[16][2];
    uint64_t unused[12];
};

struct registers {
    union {
        struct {
            uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
        };
        uint64_t general[REGISTERS_GENERAL];
    };
    uint64_t rsp; /* stored only */
    uint64_t flags, fs_base, gs_base;
    uint64_t rsp_before; /* stored only: what rsp was before */
    struct vectors vectors __attribute__((aligned(16)));
};

_Static_assert(sizeof(struct vectors) == 512, "as FXSAVE stores it");
_Static_assert(sizeof(struct registers) == REGISTERS_SIZE, "as assembly has it");
_Static_assert(offsetof(struct registers, r15) == REGISTERS_R15, "where assembly stores it");
_Static_assert(offsetof(struct registers, rsp_before) == REGISTERS_RSP_BEFORE, "where assembly stores it");
_Static_assert(offsetof(struct registers, vectors) == REGISTERS_VECTORS, "where assembly stores it");

/* Loads all registers from `before`, makes a system call, and stores all in `after`. For C, all that a function keeps
 * is as it was; FS base, MXCSR and the x87 control word too. */
void registers_system_call(const struct registers *before, struct registers *after);

/* The instruction behind the `syscall`: what rcx holds after one. As the handler of Linux calls it makes
 * registers_system_call() come back from one. */
extern const char registers_return[];

/* Loads all registers from `before`, stores the address of a word on the stack in *flag, and spins until that word is
 * not zero. Then stores all registers in `after`. Only the flags of arithmetic change meanwhile. */
void registers_spin(const struct registers *before, struct registers *after, volatile uint64_t *flag);

/* Loads all registers from `before` and goes to `target`, one of those below, for ever. */
void registers_enter(const struct registers *before, const char *target) __attribute__((noreturn));

/* One instruction each that faults, with all registers as they were. */
extern const char registers_page_fault[], registers_supervisor_page[], registers_undefined[], registers_protection[],
    registers_breakpoint[], registers_divide[], registers_interrupt[];
#endif

#endif
