/* SPDX-License-Identifier: BSD-2-Clause */
/* What peers run (peer.h). Each piece is copied as it stands, so it names no address; rdi and rsi are its arguments. */
#include "abi/addresses.h"
#include "abi/message.h"

#define RECEIVE (TAG_NATIVE + (MESSAGE_RECEIVE << TAG_OPERATION_SHIFT))
#define LONG_REPLY (TAG_NATIVE + (MESSAGE_REPLY_AND_WAIT << TAG_OPERATION_SHIFT))
#define SEND_AND_WAIT (TAG_NATIVE + (MESSAGE_SEND_AND_WAIT << TAG_OPERATION_SHIFT))
#define REPLY_KEEP_LABEL 0x000c0001
#define REGISTERS_WORDS 19 /* struct Registers of idl/kernel/thread.idl */
#define REQUEST_WORDS 4    /* of FaultHandler.exception, before its registers */
#define RIP_WORD 15
#define UD2_LENGTH 2
#define UTCB_STRING_BUFFER (8 * (1 + MESSAGE_MAX_WORDS + MESSAGE_MAX_ITEMS + 2 + MESSAGE_MAX_ITEMS)) /* the first */
#define UTCB_WINDOW (UTCB_STRING_BUFFER + 16 * MESSAGE_MAX_STRINGS)

        .text
        .globl  peer_answer, peer_answer_end, peer_notify, peer_notify_end, peer_keep, peer_keep_end, peer_handle, \
                peer_handle_end, \
                peer_take, peer_take_end, peer_open, peer_open_end, measure_on_stack

.macro CLEAR_WORDS
        xor     %esi, %esi
        xor     %edx, %edx
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        xor     %r10d, %r10d
        xor     %ebx, %ebx
.endm

/* Receives on rdi, the endpoint, which stands on the stack too, and answers everything with nothing. */
.macro ANSWER_FOREVER
        mov     $RECEIVE, %eax
        syscall
1:      mov     $TAG_PLAIN_REPLY, %eax
        mov     (%rsp), %rdi
        CLEAR_WORDS
        syscall
        jmp     1b
.endm

/* rdi: endpoint. Answers everything with nothing. */
peer_answer:
        push    %rdi
        ANSWER_FOREVER
peer_answer_end:

/* As peer_answer. rsi: where it takes a string of up to 1 MiB. */
peer_take:
        push    %rdi
        mov     %gs:0, %rax
        mov     %rsi, UTCB_STRING_BUFFER(%rax)
        movq    $1 << 20, UTCB_STRING_BUFFER + 8(%rax)
        ANSWER_FOREVER
peer_take_end:

/* As peer_answer. rsi: its window, of 1 GiB. */
peer_open:
        push    %rdi
        mov     %gs:0, %rax
        mov     %rsi, UTCB_WINDOW(%rax)
        movq    $30, UTCB_WINDOW + 8(%rax)
        ANSWER_FOREVER
peer_open_end:

/* rdi: the other side's notification. Answers each signal, on the notification that it is bound to, with one. */
peer_notify:
        push    %rdi
        xor     %edi, %edi
        mov     $RECEIVE, %eax
        syscall
1:      mov     $SEND_AND_WAIT + 1, %eax
        mov     (%rsp), %rdi
        syscall
        jmp     1b
peer_notify_end:

/* rdi: endpoint; rsi: reply object. Keeps each caller, and answers it by the reply object. */
peer_keep:
        push    %rdi
        push    %rsi
        mov     $RECEIVE, %eax
        syscall
1:      movabs  $(REPLY_KEEP_LABEL << 32) + TAG_PLAIN_CALL, %rax
        mov     (%rsp), %rdi
        CLEAR_WORDS
        syscall
        mov     $SEND_AND_WAIT, %eax
        mov     8(%rsp), %rdi
        shl     $WAIT_HANDLE_SHIFT, %rdi
        or      (%rsp), %rdi
        syscall
        jmp     1b
peer_keep_end:

/* rdi: endpoint. Handles faults: the thread goes on behind the `ud2` that it raised, all else as it was. */
peer_handle:
        push    %rdi
        mov     $RECEIVE, %eax
        syscall
1:      mov     %gs:0, %r11
        lea     8(%r11), %r11
        /* Registers 0 and 1 came in words 4 and 5, the rest in the UTCB; all are answered from word 0 on. */
        mov     %r10, %rsi
        mov     %rbx, %rdx
        mov     8 * 6(%r11), %r8
        mov     8 * 7(%r11), %r9
        mov     8 * 8(%r11), %r10
        mov     8 * 9(%r11), %rbx
        .set    word, 6
        .rept   REGISTERS_WORDS - 6
        mov     8 * (word + REQUEST_WORDS)(%r11), %rcx
        mov     %rcx, 8 * word(%r11)
        .set    word, word + 1
        .endr
        addq    $UD2_LENGTH, 8 * RIP_WORD(%r11)
        mov     $LONG_REPLY + REGISTERS_WORDS, %eax
        mov     (%rsp), %rdi
        syscall
        jmp     1b
peer_handle_end:

/* A thread of the benchmark's own task. rdi: struct measurement. */
measure_on_stack:
        push    %rdi
        mov     %rdi, %rax
        mov     8(%rax), %rdi
        mov     16(%rax), %rsi
        call    *(%rax)
        mov     (%rsp), %rdi
        mov     24(%rdi), %rdi
        mov     $TAG_PLAIN_CALL, %eax
        CLEAR_WORDS
        syscall
        ud2     /* whoever receives the call ends this thread, and does not answer */
        .section .note.GNU-stack, "", @progbits
