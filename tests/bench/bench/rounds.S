/* SPDX-License-Identifier: BSD-2-Clause */
/* See rounds.h. Counted are the instructions between the two rdtsc; an empty round is subtracted. */
#include "abi/message.h"
#include "markers.h"
#include "round.inc"
#include "rounds.h"

#define LONG_CALL (TAG_NATIVE + (MESSAGE_CALL << TAG_OPERATION_SHIFT))
#define RECEIVE (TAG_NATIVE + (MESSAGE_RECEIVE << TAG_OPERATION_SHIFT))
#define CLOCK_FREQUENCY_LABEL 0x00070001
#define PLAIN_TO_REPLY (TAG_PLAIN_REPLY - TAG_PLAIN_CALL)

        .text

        BEGIN_ROUNDS rounds_empty
        BEGIN_ROUND MARKER_EMPTY
        END_ROUND MARKER_EMPTY

.macro ROUNDS_CALL_0 name, id
        BEGIN_ROUNDS \name
        BEGIN_ROUND \id
        CLEAR_6
        CALL    TAG_PLAIN_CALL
        END_ROUND \id
.endm
        ROUNDS_CALL_0 rounds_call_0, MARKER_CALL_0
        ROUNDS_CALL_0 rounds_call_0_same, MARKER_CALL_0_SAME
        ROUNDS_CALL_0 rounds_call_0_crowd, MARKER_CALL_0_CROWD

        BEGIN_ROUNDS rounds_call_4
        BEGIN_ROUND MARKER_CALL_4
        LOAD_4
        CLEAR_2
        CALL    (TAG_PLAIN_CALL + 4)
        END_ROUND MARKER_CALL_4

        BEGIN_ROUNDS rounds_call_6
        BEGIN_ROUND MARKER_CALL_6
        LOAD_6
        CALL    (TAG_PLAIN_CALL + 6)
        END_ROUND MARKER_CALL_6

.macro ROUNDS_LONG name, id, words
        BEGIN_ROUNDS \name
        BEGIN_ROUND \id
        LOAD_6
        CALL    (LONG_CALL + \words)
        END_ROUND \id
.endm
        ROUNDS_LONG rounds_call_8, MARKER_CALL_8, 8
        ROUNDS_LONG rounds_call_32, MARKER_CALL_32, 32
        ROUNDS_LONG rounds_call_63, MARKER_CALL_63, 63

        BEGIN_ROUNDS rounds_kernel_null
        BEGIN_ROUND MARKER_KERNEL_NULL
        CLEAR_6
        movabs  $(CLOCK_FREQUENCY_LABEL << 32) + TAG_PLAIN_CALL, %rax
        mov     %r14d, %edi
        syscall
        END_ROUND MARKER_KERNEL_NULL

/* rdi = struct registers, which lies on the stack during the call. */
        .globl  call_with_registers
call_with_registers:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        push    %rdi
        mov     %rdi, %rcx
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movdqu  (%rcx), %xmm\number
        .endr
        mov     0(%rcx), %rax
        mov     8(%rcx), %rdi
        mov     16(%rcx), %rsi
        mov     24(%rcx), %rdx
        mov     32(%rcx), %r8
        mov     40(%rcx), %r9
        mov     48(%rcx), %r10
        mov     56(%rcx), %rbx
        mov     64(%rcx), %rbp
        mov     72(%rcx), %r12
        mov     80(%rcx), %r13
        mov     88(%rcx), %r14
        mov     96(%rcx), %r15
        syscall
        pop     %rcx
        mov     %rax, 0(%rcx)
        mov     %rdi, 8(%rcx)
        mov     %rsi, 16(%rcx)
        mov     %rdx, 24(%rcx)
        mov     %r8, 32(%rcx)
        mov     %r9, 40(%rcx)
        mov     %r10, 48(%rcx)
        mov     %rbx, 56(%rcx)
        mov     %rbp, 64(%rcx)
        mov     %r12, 72(%rcx)
        mov     %r13, 80(%rcx)
        mov     %r14, 88(%rcx)
        mov     %r15, 96(%rcx)
        .irp    number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        por     %xmm\number, %xmm0
        .endr
        movq    %xmm0, %rax
        psrldq  $8, %xmm0
        movq    %xmm0, %rcx
        or      %rcx, %rax
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

        .globl  sleep_forever
sleep_forever:
        push    %rdi
1:      mov     (%rsp), %rdi
        mov     $RECEIVE, %eax
        syscall
        jmp     1b

        .globl  echo_same
echo_same:
        push    %rdi
        mov     $RECEIVE, %eax
        syscall
1:      add     $PLAIN_TO_REPLY, %rax
        mov     (%rsp), %rdi
        CLEAR_6
        syscall
        jmp     1b
        .section .note.GNU-stack, "", @progbits
