/* SPDX-License-Identifier: BSD-2-Clause */
/* The loops of loops.h. A plain call's tag becomes its reply's by adding 7, a long one's by adding 256: the label
 * stays. */
#include "abi/message.h"

#define PLAIN_TO_REPLY (TAG_PLAIN_REPLY - TAG_PLAIN_CALL)
#define LONG_TO_REPLY ((MESSAGE_REPLY_AND_WAIT - MESSAGE_CALL) << TAG_OPERATION_SHIFT)
#define RECEIVE (TAG_NATIVE + (MESSAGE_RECEIVE << TAG_OPERATION_SHIFT))

        .text
.macro CLEAR first
        .if \first <= 0
        xor     %esi, %esi
        xor     %edx, %edx
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        .endif
        .if \first <= 4
        xor     %r10d, %r10d
        xor     %ebx, %ebx
        .endif
.endm

/* Everything but rsp is lost by waiting: the handle lives on the stack. */
.macro ECHO name, difference, words
        .globl  \name
\name:
        push    %rdi
        mov     $RECEIVE, %eax
        syscall
1:      add     $\difference, %rax
        mov     (%rsp), %rdi
        CLEAR   \words
        syscall
        jmp     1b
.endm

        ECHO    echo_0, PLAIN_TO_REPLY, 0
        ECHO    echo_4, PLAIN_TO_REPLY, 4
        ECHO    echo_6, PLAIN_TO_REPLY, 6
        ECHO    echo_long, LONG_TO_REPLY, 6

/* rbp := 0 exactly if all of them are. */
.macro GATHER words
        or      %r12, %rbp
        or      %r13, %rbp
        or      %r14, %rbp
        or      %r15, %rbp
        .if \words <= 0
        or      %rsi, %rbp
        or      %rdx, %rbp
        or      %r8, %rbp
        or      %r9, %rbp
        .endif
        .if \words <= 4
        or      %r10, %rbp
        or      %rbx, %rbp
        .endif
        .irp    number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        por     %xmm\number, %xmm0
        .endr
        movq    %xmm0, %r12
        or      %r12, %rbp
        psrldq  $8, %xmm0
        movq    %xmm0, %r12
        or      %r12, %rbp
.endm

.macro CHECK name, difference, words
        .globl  \name
\name:
        push    %rdi
        mov     $RECEIVE, %eax
        syscall
1:      GATHER  \words
        add     $\difference, %rax
        test    %rbp, %rbp
        jz      2f
        btc     $63, %rax
2:      inc     %rsi
        inc     %rdx
        inc     %r8
        inc     %r9
        inc     %r10
        inc     %rbx
        mov     (%rsp), %rdi
        CLEAR   \words
        syscall
        jmp     1b
.endm

        CHECK   check_0, PLAIN_TO_REPLY, 0
        CHECK   check_4, PLAIN_TO_REPLY, 4
        CHECK   check_6, PLAIN_TO_REPLY, 6
        CHECK   check_long, LONG_TO_REPLY, 6
        .section .note.GNU-stack, "", @progbits
