/* SPDX-License-Identifier: BSD-2-Clause */
/* Marked instructions: see sweep.h. */
#include "abi/message.h"
#include "../bench/markers.h"
#include "sweep.h"

#define RECEIVE (TAG_NATIVE + (MESSAGE_RECEIVE << TAG_OPERATION_SHIFT))

        .text
        .globl  sweep_marks
        .balign SWEEP_MARK_SIZE
sweep_marks:
        .set    number, 0
        .rept   SWEEPS_MOST
        .balign SWEEP_MARK_SIZE
        MARKER_BEGIN(MARKER_SWEEP + number)
        ret
        .set    number, number + 1
        .endr

/* Receiving loses rbp and r12 to r15, and the words' registers. */
        .globl  wait_and_mark
wait_and_mark:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     $RECEIVE, %eax
        syscall
        MARKER_END(MARKER_DRIVER)
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret
        .section .note.GNU-stack, "", @progbits
