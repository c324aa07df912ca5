/* SPDX-License-Identifier: BSD-2-Clause */
/* All registers at once. See registers.h. */
#include "registers.h"

    .macro each_register action
    \action rax, REGISTERS_RAX
    \action rbx, REGISTERS_RBX
    \action rdx, REGISTERS_RDX
    \action rsi, REGISTERS_RSI
    \action rbp, REGISTERS_RBP
    \action r8, REGISTERS_R8
    \action r9, REGISTERS_R9
    \action r10, REGISTERS_R10
    \action r11, REGISTERS_R11
    \action r12, REGISTERS_R12
    \action r13, REGISTERS_R13
    \action r14, REGISTERS_R14
    \action r15, REGISTERS_R15
    .endm

    .macro load register, offset
    movq \offset(%rdi), %\register
    .endm

    .macro store register, offset
    movq %\register, \offset(%rcx)
    .endm

/* What C expects back, and on top the place to store to, in rsi. */
    .macro keep_for_c
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    rdfsbase %rax
    pushq %rax
    pushq %rsi
    movq %rsp, REGISTERS_RSP_BEFORE(%rsi)
    .endm

/* From rdi. The flags are on the stack's top afterwards, to be popped last. */
    .macro load_all
    pushq REGISTERS_FLAGS(%rdi)
    fxrstor64 REGISTERS_VECTORS(%rdi)
    movq REGISTERS_FS_BASE(%rdi), %rax
    wrfsbase %rax
    movq REGISTERS_GS_BASE(%rdi), %rax
    wrgsbase %rax
    each_register load
    load rcx, REGISTERS_RCX
    load rdi, REGISTERS_RDI
    .endm

/* To where the word on the stack's top points. Nothing before pushfq changes flags. */
    .macro store_all
    xchgq %rcx, (%rsp)
    each_register store
    store rdi, REGISTERS_RDI
    store rsp, REGISTERS_RSP
    popq REGISTERS_RCX(%rcx)
    pushfq
    popq REGISTERS_FLAGS(%rcx)
    rdfsbase %rax
    movq %rax, REGISTERS_FS_BASE(%rcx)
    rdgsbase %rax
    movq %rax, REGISTERS_GS_BASE(%rcx)
    fxsave64 REGISTERS_VECTORS(%rcx)
    .endm

    .macro return_to_c
    popq %rax
    wrfsbase %rax
    fninit
    ldmxcsr default_mxcsr(%rip)
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .endm

    .text
    .globl registers_system_call, registers_return
    .type registers_system_call, @function
registers_system_call:
    keep_for_c
    load_all
    popfq
    syscall
registers_return:
    store_all
    return_to_c
    .size registers_system_call, . - registers_system_call

    .globl registers_spin
    .type registers_spin, @function
registers_spin:
    keep_for_c
    pushq $0
    movq %rsp, (%rdx)
    load_all
    popfq
1:  cmpq $0, (%rsp)
    je 1b
    leaq 8(%rsp), %rsp
    store_all
    return_to_c
    .size registers_spin, . - registers_spin

    .globl registers_enter
    .type registers_enter, @function
registers_enter:
    pushq %rsi
    load_all
    popfq
    ret
    .size registers_enter, . - registers_enter

    .macro target name
    .globl \name
\name:
    .endm

target registers_page_fault
    cmpb $0, 0x1000
target registers_supervisor_page
    cmpb $0, -0x80000000 /* SHARED_BASE, sign-extended */
target registers_undefined
    ud2
target registers_protection
    hlt
target registers_breakpoint
    int3
target registers_divide
    pushq $0
    divb (%rsp)
target registers_interrupt
    int $0x80

    .section .rodata
    .balign 4
default_mxcsr: .long 0x1f80

    .section .note.GNU-stack, "", @progbits
