/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IPC system call for whoever receives, and the server loop.
 *
 * A receive comes back with rbp and r12 to r15 zero, rbx a message word, rcx and r11 lost; only rsp is kept. So what C
 * expects back is kept on the stack, and the loop finds everything from rsp. MXCSR and the x87 control word come back
 * as their defaults.
 */
#include "abi/message.h"
#include "salto/server.h"

#define TAG_RECEIVE (TAG_NATIVE | MESSAGE_RECEIVE << TAG_OPERATION_SHIFT)

    .text

    .macro push_register register
    pushq %\register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \register, 0
    .endm

    .macro pop_register register
    popq %\register
    .cfi_adjust_cfa_offset -8
    .cfi_restore \register
    .endm

    .macro push_registers
    push_register rbx
    push_register rbp
    push_register r12
    push_register r13
    push_register r14
    push_register r15
    .endm

    .macro pop_registers
    pop_register r15
    pop_register r14
    pop_register r13
    pop_register r12
    pop_register rbp
    pop_register rbx
    .endm

    /* Words 1 to 5, which most answers do not use, are the sender's to clear. */
    .macro clear_words
    xorl %edx, %edx
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %ebx, %ebx
    .endm

/* uint64_t ipc_transfer(uint64_t tag, uint64_t handle, struct ipc_message *message) */
    .globl ipc_transfer
    .type ipc_transfer, @function
    .balign 16
ipc_transfer:
    .cfi_startproc
    push_registers
    pushq %rdx
    .cfi_adjust_cfa_offset 8
    movq %rdx, %rcx
    movq %rdi, %rax
    movq %rsi, %rdi
    movq IPC_MESSAGE_WORDS(%rcx), %rsi
    movq IPC_MESSAGE_WORDS + 8(%rcx), %rdx
    movq IPC_MESSAGE_WORDS + 16(%rcx), %r8
    movq IPC_MESSAGE_WORDS + 24(%rcx), %r9
    movq IPC_MESSAGE_WORDS + 32(%rcx), %r10
    movq IPC_MESSAGE_WORDS + 40(%rcx), %rbx
    syscall
    popq %rcx
    .cfi_adjust_cfa_offset -8
    movq %rdi, IPC_MESSAGE_BADGE(%rcx)
    movq %rsi, IPC_MESSAGE_WORDS(%rcx)
    movq %rdx, IPC_MESSAGE_WORDS + 8(%rcx)
    movq %r8, IPC_MESSAGE_WORDS + 16(%rcx)
    movq %r9, IPC_MESSAGE_WORDS + 24(%rcx)
    movq %r10, IPC_MESSAGE_WORDS + 32(%rcx)
    movq %rbx, IPC_MESSAGE_WORDS + 40(%rcx)
    pop_registers
    ret
    .cfi_endproc
    .size ipc_transfer, . - ipc_transfer

/* int salto_serve(uint32_t endpoint, idl_dispatcher *dispatcher, void *object) */
    .globl salto_serve
    .type salto_serve, @function
    .balign 16
salto_serve:
    .cfi_startproc
    xorl %ecx, %ecx
    jmp salto_serve_strings
    .cfi_endproc
    .size salto_serve, . - salto_serve

/* int salto_serve_strings(uint32_t endpoint, idl_string_dispatcher *dispatcher, void *object, void *buffers) */
    .globl salto_serve_strings
    .type salto_serve_strings, @function
    .balign 16
salto_serve_strings:
    .cfi_startproc
    push_registers
    subq $IDL_FRAME_SIZE, %rsp      /* leaves rsp 8 off a multiple of 16: the dispatcher's stack argument fills up */
    .cfi_adjust_cfa_offset IDL_FRAME_SIZE
    movl %edi, %edi
    movq %rdi, IDL_FRAME_ENDPOINT(%rsp)
    movq %rsi, IDL_FRAME_DISPATCHER(%rsp)
    movq %rdx, IDL_FRAME_OBJECT(%rsp)
    movq %rcx, IDL_FRAME_BUFFERS(%rsp)
    movq $0, IDL_FRAME_REFUSED(%rsp)

.Lreceive:
    movl $TAG_RECEIVE, %eax
    movl IDL_FRAME_ENDPOINT(%rsp), %edi
    xorl %esi, %esi
    clear_words
    syscall
    testl %eax, %eax
    jns .Lgive_up

    /* rdi badge, rsi and rdx words 0 and 1, r8 and r9 words 2 and 3 stand where C expects them already. */
.Lreceived:
    movq %rax, %rcx
    movq %r10, IDL_FRAME_WORD4(%rsp)
    movq %rbx, IDL_FRAME_WORD5(%rsp)
    pushq %rsp
    .cfi_adjust_cfa_offset 8
    call *IDL_FRAME_DISPATCHER + 8(%rsp)
    popq %rcx
    .cfi_adjust_cfa_offset -8
    movq %rdx, %rsi
    cmpl $TAG_PLAIN_REPLY + 1, %eax
    ja .Llong_answer
    clear_words
    movl IDL_FRAME_ENDPOINT(%rsp), %edi
    syscall
    testl %eax, %eax
    js .Lreceived
    jmp .Lfailed

.Llong_answer:
    movq IDL_FRAME_WORDS + 8(%rsp), %rdx
    movq IDL_FRAME_WORDS + 16(%rsp), %r8
    movq IDL_FRAME_WORDS + 24(%rsp), %r9
    movq IDL_FRAME_WORDS + 32(%rsp), %r10
    movq IDL_FRAME_WORDS + 40(%rsp), %rbx
    movl IDL_FRAME_ENDPOINT(%rsp), %edi
    syscall
    testl %eax, %eax
    js .Lreceived

    /* The answer could not be sent, or nothing could be received behind it. Whoever still waits for the answer gets the
     * error in its place; if nobody does, that fails too, and a plain receive tells whether the endpoint is at
     * fault. */
.Lfailed:
    cmpq $PHASE_SEND, %rdi
    jne .Lreplace
    incq IDL_FRAME_REFUSED(%rsp)
.Lreplace:
    negl %eax
    shlq $32, %rax
    movl $TAG_PLAIN_REPLY, %ecx
    orq %rcx, %rax
    movl IDL_FRAME_ENDPOINT(%rsp), %edi
    xorl %esi, %esi
    clear_words
    syscall
    testl %eax, %eax
    js .Lreceived
    jmp .Lreceive

.Lgive_up:
    negl %eax
    addq $IDL_FRAME_SIZE, %rsp
    .cfi_adjust_cfa_offset -IDL_FRAME_SIZE
    pop_registers
    ret
    .cfi_endproc
    .size salto_serve_strings, . - salto_serve_strings

    .section .note.GNU-stack, "", @progbits
