/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IPC system call, as client stubs use it: inlined, and declaring all that it loses. Only calls and sends can be
 * inlined; whatever receives loses rbp too, which no compiler lets us declare, and goes through system_call.S.
 *
 * The registers are those of abi/message.h. x87 and vector registers come back wiped. A file that is compiled without
 * them (-mgeneral-regs-only, which leaves __SSE__ undefined) need not, and cannot, say so. MXCSR and the x87 control
 * word are set to their defaults, which cannot be declared: a program that changes them sets them again after an IPC.
 */
#ifndef SALTO_IPC_H
#define SALTO_IPC_H

#include "abi/errors.h"
#include "abi/message.h"

#include <stdint.h>

#ifdef __SSE__
#define IPC_LOST_VECTORS                                                                                         \
    , "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
        "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"
#else
#define IPC_LOST_VECTORS
#endif

/*
 * One IPC that does not wait to receive from others: call, send or reply. `words` are words 0 to 5, replaced by those
 * of the answer. Returns the tag of the answer, or an error number (abi/errors.h). A send or reply that succeeded
 * returns as if an answer of no words had come.
 */
static inline __attribute__((always_inline)) uint64_t ipc_exchange(uint64_t tag, uint64_t handle, uint64_t *words)
{
    register uint64_t word2 __asm__("r8") = words[2];
    register uint64_t word3 __asm__("r9") = words[3];
    register uint64_t word4 __asm__("r10") = words[4];

    __asm__ volatile("syscall"
                     : "+a"(tag), "+D"(handle), "+S"(words[0]), "+d"(words[1]), "+r"(word2), "+r"(word3), "+r"(word4),
                       "+b"(words[5])
                     :
                     : "rcx", "r11", "cc", "memory" IPC_LOST_VECTORS);
    words[2] = word2;
    words[3] = word3;
    words[4] = word4;
    return tag;
}

/* Sends a request and waits for its answer: MESSAGE_CALL. */
static inline __attribute__((always_inline)) uint64_t ipc_call(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return ipc_exchange(tag, handle, words);
}

/* Sends without an answer, waiting until it is received: MESSAGE_SEND. */
static inline __attribute__((always_inline)) uint64_t ipc_send(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return ipc_exchange(tag, handle, words);
}

/* This thread's UTCB. GS base is fixed when a thread is created, so compilers may read this once. */
static inline struct utcb *ipc_utcb(void)
{
    struct utcb *utcb;

    __asm__("movq %%gs:0, %0" : "=r"(utcb));
    return utcb;
}

#endif
