/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IPC system call, as client stubs use it: inlined, and declaring all that it loses. Only calls and sends can be
 * inlined; whatever receives loses rbp too, which no compiler lets us declare, and goes through system_call.S.
 *
 * The registers are those of abi/message.h. x87 and vector registers come back wiped. A file that is compiled without
 * them (-mgeneral-regs-only, which leaves __SSE__ undefined) need not, and cannot, say so. MXCSR and the x87 control
 * word are set to their defaults, which cannot be declared: a program that changes them sets them again after an IPC.
 *
 * A handle whose bit 31 is set is a *route* of this program (route.h): ipc_call() and ipc_send() go that way, by cold
 * code that leaves every register as the system call would. What is for the kernel alone asks it by ipc_exchange().
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

/* Programs that have no routes (the Linux-call handler links no table of them) say so: then no handle is looked at. The
 * cold code, in a section that is no compiler's own (which would put it in its own way), steps over the red zone of
 * whoever it stands in; ipc_by_route (lib/route.S) takes and leaves registers as the system call does. */
#ifdef IPC_WITHOUT_ROUTES
#define IPC_BY_HANDLE "syscall"
#else
#define IPC_BY_HANDLE                                      \
    "testl %%edi, %%edi\n\t"                               \
    "js 2f\n\t"                                            \
    "syscall\n"                                            \
    "1:\n\t"                                               \
    ".pushsection .text.unlikely.route,\"ax\",@progbits\n" \
    "2:\n\t"                                               \
    "leaq -128(%%rsp), %%rsp\n\t"                          \
    "call ipc_by_route\n\t"                                \
    "leaq 128(%%rsp), %%rsp\n\t"                           \
    "jmp 1b\n\t"                                           \
    ".popsection"
#endif

/* One IPC by `instructions`, which take and leave registers as the system call does. */
#define IPC_DO(instructions, tag, handle, words)                                                                    \
    __extension__({                                                                                                 \
        register uint64_t ipc_word2 __asm__("r8") = (words)[2];                                                     \
        register uint64_t ipc_word3 __asm__("r9") = (words)[3];                                                     \
        register uint64_t ipc_word4 __asm__("r10") = (words)[4];                                                    \
                                                                                                                    \
        __asm__ volatile __inline__(instructions                                                                    \
                                    : "+a"(tag), "+D"(handle), "+S"((words)[0]), "+d"((words)[1]), "+r"(ipc_word2), \
                                      "+r"(ipc_word3), "+r"(ipc_word4), "+b"((words)[5])                            \
                                    :                                                                               \
                                    : "rcx", "r11", "cc", "memory" IPC_LOST_VECTORS);                               \
        (words)[2] = ipc_word2;                                                                                     \
        (words)[3] = ipc_word3;                                                                                     \
        (words)[4] = ipc_word4;                                                                                     \
    })

/*
 * One IPC of the kernel that does not wait to receive from others: call, send or reply. `words` are words 0 to 5,
 * replaced by those of the answer. Returns the tag of the answer, or an error number (abi/errors.h). A send or reply
 * that succeeded returns as if an answer of no words had come. A route's handle is ERROR_BAD_HANDLE to the kernel.
 */
static inline __attribute__((always_inline)) uint64_t ipc_exchange(uint64_t tag, uint64_t handle, uint64_t *words)
{
    IPC_DO("syscall", tag, handle, words);
    return tag;
}

/* Sends a request and waits for its answer: MESSAGE_CALL; else as ipc_exchange(). */
static inline __attribute__((always_inline)) uint64_t ipc_call(uint64_t tag, uint64_t handle, uint64_t *words)
{
    IPC_DO(IPC_BY_HANDLE, tag, handle, words);
    return tag;
}

/* Sends without an answer, waiting until it is received: MESSAGE_SEND; else as ipc_exchange(). */
static inline __attribute__((always_inline)) uint64_t ipc_send(uint64_t tag, uint64_t handle, uint64_t *words)
{
    IPC_DO(IPC_BY_HANDLE, tag, handle, words);
    return tag;
}

/* This thread's UTCB. GS base is fixed when a thread is created, so compilers may read this once. */
static inline struct utcb *ipc_utcb(void)
{
    struct utcb *utcb;

    __asm__("movq %%gs:0, %0" : "=r"(utcb));
    return utcb;
}

#endif
