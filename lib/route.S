/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where ipc_call() and ipc_send() go with a route's handle: takes and leaves registers as the system call does, and
 * calls C in between. The caller, which is inlined code, has declared lost whatever C may change.
 */
    .text

/* rax tag, rdi handle, rsi rdx r8 r9 r10 rbx words; returned likewise, rdi as zero. Any alignment of the stack. */
    .globl ipc_by_route
    .type ipc_by_route, @function
    .balign 16
ipc_by_route:
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    movq %rsp, %rbp
    .cfi_def_cfa_register rbp
    subq $48, %rsp
    andq $-16, %rsp
    movq %rsi, (%rsp)
    movq %rdx, 8(%rsp)
    movq %r8, 16(%rsp)
    movq %r9, 24(%rsp)
    movq %r10, 32(%rsp)
    movq %rbx, 40(%rsp)
    movl %edi, %esi
    movq %rax, %rdi
    movq %rsp, %rdx
    call salto_route_exchange
    movq (%rsp), %rsi
    movq 8(%rsp), %rdx
    movq 16(%rsp), %r8
    movq 24(%rsp), %r9
    movq 32(%rsp), %r10
    movq 40(%rsp), %rbx
    xorl %edi, %edi
    leave
    .cfi_def_cfa rsp, 8
    ret
    .cfi_endproc
    .size ipc_by_route, . - ipc_by_route

    .section .note.GNU-stack, "", @progbits
