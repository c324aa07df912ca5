/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IPC system call for whoever receives. MXCSR and the x87 control word come back as their defaults.
 */
#include "salto/server.h"

#include "saved_registers.inc"

    .text

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

    .section .note.GNU-stack, "", @progbits
