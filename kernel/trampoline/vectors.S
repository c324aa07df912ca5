/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts and exceptions: entry of all vectors, and the ways back that write CR3.
 *
 * On the stack page, which every task maps, stand only the hardware frame, vector, error code, and one scratch word
 * (rax) that is wiped right after the switch. From ring 3, GS is ours after `swapgs`. From ring 0, GS and CR3 may be
 * anybody's: both are left alone but for CR3, whose old value stands on the stack; the gate is found through the IDT's
 * own address, since each CPU has its IDT at the start of its area.
 */
#include "abi/addresses.h"
#include "trampoline/layout.h"

/* Offsets from rsp once rax is pushed. The hardware aligned the stack, so from ring 3 the gate lies right above. */
#define FRAME_CS 32
#define FRAME_GATE 64
#define AREA_GATE (CPU_ENTRY_STACK + GATE_OFFSET)

        .text
        .code64

/* Vectors for which the processor pushes an error code: 8, 10 to 14, 17, 21, 29, 30 (Intel SDM volume 3, 6.15; AMD APM
 * volume 2, 8.2). */
#define WITH_ERROR_CODE 0x60227d00

        .globl  trampoline_vectors
        .balign VECTOR_STUB_SIZE
trampoline_vectors:
        .set    vector, 0
        .rept   256
        .balign VECTOR_STUB_SIZE
        .if     vector >= 32
        push    $0
        .elseif ((WITH_ERROR_CODE >> vector) & 1) == 0
        push    $0
        .endif
        push    $vector
        jmp     interrupt
        .set    vector, vector + 1
        .endr

        .balign VECTOR_STUB_SIZE
interrupt:
        cld
        /* Three bytes that boot replaces by `clac` where the CPU has SMAP; elsewhere that is an undefined opcode. */
        .globl  trampoline_clac
trampoline_clac:
        nopl    (%rax)
        push    %rax
        testb   $3, FRAME_CS(%rsp)
        jz      from_ring0
        swapgs
        mov     FRAME_GATE + GATE_KERNEL_CR3(%rsp), %rax
        mov     %rax, %cr3
        jmp     *FRAME_GATE + GATE_INTERRUPT(%rsp)

from_ring0:
        mov     %cr3, %rax
        push    %rax
        sub     $16, %rsp
        sidt    (%rsp)
        mov     2(%rsp), %rax
        mov     AREA_GATE + GATE_KERNEL_CR3(%rax), %rax
        mov     %rax, %cr3
        mov     2(%rsp), %rax
        jmp     *AREA_GATE + GATE_RING0(%rax)

/* Back to where ring 0 was interrupted. In: rsp at the CR3 that from_ring0 pushed; everything but rax restored. */
        .globl  trampoline_return_ring0
trampoline_return_ring0:
        pop     %rax
        mov     %rax, %cr3
        xor     %eax, %eax
        xchg    %rax, (%rsp)
        add     $24, %rsp
        iretq

/* The kernel resumes a thread that was interrupted. In: rax = its CR3; rsp at a word that holds its rax, and an iretq
 * frame above; every other register, FS and GS base as the thread had them. */
        .globl  trampoline_return_interrupt
trampoline_return_interrupt:
        mov     %rax, %cr3
        xor     %eax, %eax
        xchg    %rax, (%rsp)
        add     $8, %rsp
        iretq
