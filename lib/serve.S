/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server loop. It finds everything from rsp, the only register that a receive keeps.
 */
#include "abi/message.h"
#include "salto/server.h"

#include "saved_registers.inc"

#define TAG_RECEIVE (TAG_NATIVE | MESSAGE_RECEIVE << TAG_OPERATION_SHIFT)

    .text

    /* Words 1 to 5, which most answers do not use, are the sender's to clear. */
    .macro clear_words
    xorl %edx, %edx
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %ebx, %ebx
    .endm

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
    movq salto_serve_hook(%rip), %rax
    testq %rax, %rax
    jz salto_serve_loop
    jmp *%rax
    .cfi_endproc
    .size salto_serve_strings, . - salto_serve_strings

/* int salto_serve_loop(uint32_t endpoint, idl_string_dispatcher *dispatcher, void *object, void *buffers) */
    .globl salto_serve_loop
    .type salto_serve_loop, @function
    .balign 16
salto_serve_loop:
    .cfi_startproc
    movq salto_serve_rings(%rip), %rax
    testq %rax, %rax
    jne .Lserve_rings
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
    movq %rax, IDL_FRAME_ANSWER(%rsp)
    movq IDL_FRAME_WORDS + 8(%rsp), %rdx
    movq IDL_FRAME_WORDS + 16(%rsp), %r8
    movq IDL_FRAME_WORDS + 24(%rsp), %r9
    movq IDL_FRAME_WORDS + 32(%rsp), %r10
    movq IDL_FRAME_WORDS + 40(%rsp), %rbx
    movl IDL_FRAME_ENDPOINT(%rsp), %edi
    syscall
    testl %eax, %eax
    js .Lreceived
    cmpq $PHASE_SEND, %rdi
    jne .Lreplace
    incq IDL_FRAME_REFUSED(%rsp)
    pushq %rax
    .cfi_adjust_cfa_offset 8
    movq IDL_FRAME_ANSWER + 8(%rsp), %rdi
    call idl_drop_answer
    popq %rax
    .cfi_adjust_cfa_offset -8
    jmp .Lreplace

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

.Lserve_rings:
    .cfi_startproc
    jmp *%rax
    .cfi_endproc
    .size salto_serve_loop, . - salto_serve_loop

    .bss
    .globl salto_serve_hook
    .type salto_serve_hook, @object
    .balign 8
salto_serve_hook:
    .zero 8
    .size salto_serve_hook, 8

    .section .note.GNU-stack, "", @progbits
