/* SPDX-License-Identifier: BSD-2-Clause */
/* A Linux call with every register marked. See state.h. */
#include "state.h"

    .macro store register offset
    movq %\register, state_after + \offset(%rip)
    .endm

    .macro load register offset
    movq state_before + \offset(%rip), %\register
    .endm

    .text
    .globl linux_call_marked
    .type linux_call_marked, @function
linux_call_marked:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    subq $1024, %rsp /* so that what is compared below rsp is nobody else's */
    movq %rsp, state_before + STATE_RSP(%rip)

    leaq -RED_ZONE_SIZE(%rsp), %rdi
    leaq state_before + STATE_RED_ZONE(%rip), %rsi
    movl $RED_ZONE_SIZE, %ecx
    cld
    rep movsb
    fxrstor64 state_before + STATE_VECTORS(%rip)
    addq $8, %rsp /* the flags are popped from above the red zone */
    pushq state_before + STATE_FLAGS(%rip)
    popfq
    leaq -8(%rsp), %rsp
    load rax STATE_RAX
    load rbx STATE_RBX
    load rcx STATE_RCX
    load rdx STATE_RDX
    load rsi STATE_RSI
    load rdi STATE_RDI
    load rbp STATE_RBP
    load r8 STATE_R8
    load r9 STATE_R9
    load r10 STATE_R10
    load r11 STATE_R11
    load r12 STATE_R12
    load r13 STATE_R13
    load r14 STATE_R14
    load r15 STATE_R15
    syscall
    .globl linux_call_returns
linux_call_returns:
    store rax STATE_RAX
    store rbx STATE_RBX
    store rcx STATE_RCX
    store rdx STATE_RDX
    store rsi STATE_RSI
    store rdi STATE_RDI
    store rbp STATE_RBP
    store r8 STATE_R8
    store r9 STATE_R9
    store r10 STATE_R10
    store r11 STATE_R11
    store r12 STATE_R12
    store r13 STATE_R13
    store r14 STATE_R14
    store r15 STATE_R15
    store rsp STATE_RSP
    fxsave64 state_after + STATE_VECTORS(%rip)
    leaq -RED_ZONE_SIZE(%rsp), %rsi
    leaq state_after + STATE_RED_ZONE(%rip), %rdi
    movl $RED_ZONE_SIZE, %ecx
    leaq 1024(%rsp), %rsp /* not add: the flags have not been stored yet */
    pushfq
    popq state_after + STATE_FLAGS(%rip)
    cld
    rep movsb
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .size linux_call_marked, . - linux_call_marked

    .bss
    .balign 64
    .globl state_before, state_after
state_before: .skip 1024
state_after: .skip 1024

    .section .note.GNU-stack, "", @progbits
