/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds of IPC that crosses the kernel: see rounds.h. */
#include "abi/message.h"
#include "markers.h"
#include "round.inc"
#include "rounds.h"

#define SEND_AND_WAIT (TAG_NATIVE + (MESSAGE_SEND_AND_WAIT << TAG_OPERATION_SHIFT))
#define GENERAL_CALL (TAG_NATIVE + (MESSAGE_CALL << TAG_OPERATION_SHIFT))
#define UTCB_ITEM 8 * (1 + MESSAGE_MAX_WORDS)

        .text

/* Signals the notification in rdi, and waits for the one that the thread is bound to. Whoever waits loses all registers
 * but rsp: what the rounds need stands on the stack. */
        .globl  rounds_notify
rounds_notify:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        push    %rsi
        push    %rdi
        xor     %r13d, %r13d
        sub     $16, %rsp
1:      mov     %r13, (%rsp)
        mov     16(%rsp), %r14
        MARKER_BEGIN(MARKER_NOTIFY)
        rdtsc
        mov     %eax, %r15d
        mov     %r15d, 8(%rsp)
        mov     $1, %esi
        CALL    (SEND_AND_WAIT + 1)
        rdtsc
        MARKER_END(MARKER_NOTIFY)
        sub     8(%rsp), %eax
        mov     (%rsp), %r13
        mov     24(%rsp), %r12
        mov     %eax, (%r12,%r13,4)
        inc     %r13d
        cmp     $ROUNDS, %r13d
        jne     1b
        add     $32, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

/* The item stands in the UTCB: it is not touched by a call. */
        BEGIN_ROUNDS rounds_call_cap
        BEGIN_ROUND MARKER_CALL_CAP
        CLEAR_6
        CALL    (GENERAL_CALL + (1 << TAG_ITEMS_SHIFT))
        END_ROUND MARKER_CALL_CAP

/* The same for a string. */
.macro STRING_ROUNDS name, id, rounds
        BEGIN_ROUNDS \name
        BEGIN_ROUND \id
        CLEAR_6
        CALL    (GENERAL_CALL + (1 << TAG_ITEMS_SHIFT))
        END_ROUND \id, \rounds
.endm
        STRING_ROUNDS rounds_string_4k, MARKER_STRING_4K, ROUNDS
        STRING_ROUNDS rounds_string_64k, MARKER_STRING_64K, ROUNDS
        STRING_ROUNDS rounds_string_1m, MARKER_STRING_1M, LONG_ROUNDS

        BEGIN_ROUNDS rounds_call_deadline
        BEGIN_ROUND MARKER_CALL_DEADLINE
        CLEAR_6
        CALL    (GENERAL_CALL + TAG_DEADLINE)
        END_ROUND MARKER_CALL_DEADLINE

        BEGIN_ROUNDS rounds_reply_later
        BEGIN_ROUND MARKER_REPLY_LATER
        CLEAR_6
        CALL    TAG_PLAIN_CALL
        END_ROUND MARKER_REPLY_LATER

        BEGIN_ROUNDS rounds_fault
        BEGIN_ROUND MARKER_FAULT
        ud2
        END_ROUND MARKER_FAULT
        .section .note.GNU-stack, "", @progbits
