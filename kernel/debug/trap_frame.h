/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of interrupted code, as the kernel's entry code stores them: the last five by the CPU, `error` by the
 * CPU or the vector's stub, the rest by the entry code. */
#ifndef SALTO_DEBUG_TRAP_FRAME_H
#define SALTO_DEBUG_TRAP_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define EXCEPTION_PAGE_FAULT 14 /* Intel SDM volume 3, 6.3.1 */

struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct trap_frame) == 22 * 8, "entry code stores 22 words");
_Static_assert(offsetof(struct trap_frame, vector) == 15 * 8, "vector and error stand above the general registers");
_Static_assert(offsetof(struct trap_frame, rip) == 17 * 8, "the CPU's frame stands above the error code");

#endif
