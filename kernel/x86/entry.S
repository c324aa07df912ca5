/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side of the gate: saves what the trampoline left in registers, calls C on the CPU's kernel stack, and
 * goes back through the trampoline to whoever runs now. The kernel keeps nothing on its stack between two entries.
 */
#include "trampoline/layout.h"
#include "thread/thread.h"

/* struct kernel_call */
#define CALL_TAG (THREAD_CALL + 0)
#define CALL_HANDLE (THREAD_CALL + 8)
#define CALL_WORDS (THREAD_CALL + 16)

/* struct trap_frame */
#define FRAME_R15 0
#define FRAME_R14 8
#define FRAME_R13 16
#define FRAME_R12 24
#define FRAME_RBP 32
#define FRAME_RBX 40
#define FRAME_R11 48
#define FRAME_R10 56
#define FRAME_R9 64
#define FRAME_R8 72
#define FRAME_RDI 80
#define FRAME_RSI 88
#define FRAME_RDX 96
#define FRAME_RCX 104
#define FRAME_RAX 112
#define FRAME_VECTOR 120
#define FRAME_SIZE 176

/* What the trampoline pushed below the hardware frame of a program: rax, vector, error code. */
#define ENTRY_WORDS 8
#define ENTRY_GATE (ENTRY_WORDS * 8)
/* What it pushed for ring 0: IDT register (two words), CR3, rax, vector, error code, hardware frame. */
#define RING0_CR3 16
#define RING0_RAX 24
#define RING0_VECTOR 32
#define RING0_FRAME_WORDS 7 /* vector, error code, rip, cs, rflags, rsp, ss */

        .text
        .code64

.macro SAVE_CALL
        mov     %gs:HOT_THREAD, %rbp
        mov     GATE_KERNEL_STACK(%rsp), %rsp
        mov     %rax, CALL_TAG(%rbp)
        mov     %rdi, CALL_HANDLE(%rbp)
        mov     %rsi, CALL_WORDS + 0(%rbp)
        mov     %rdx, CALL_WORDS + 8(%rbp)
        mov     %r8, CALL_WORDS + 16(%rbp)
        mov     %r9, CALL_WORDS + 24(%rbp)
        mov     %r10, CALL_WORDS + 32(%rbp)
        mov     %rbx, CALL_WORDS + 40(%rbp)
        mov     %rbp, %rdi
.endm

/* In: rsp = the CPU's gate; rax, rdi and the words as the program had them; the rest is saved. */
        .globl  kernel_system_call
kernel_system_call:
        SAVE_CALL
.Lserve_system_call:
        call    system_call
        mov     %rbp, %rax
        cmpq    $0, schedule_switch
        je      resume_system_call
        mov     schedule_switch, %rax
        cmp     $-1, %rax                       /* SCHEDULE_BEST */
        jne     1f
        call    schedule_resolve
1:      movq    $0, schedule_switch

/* In: rax = the thread that runs now. */
        .globl  kernel_resume
kernel_resume:
        cmpl    $0, THREAD_INTERRUPTED(%rax)
        jne     resume_interrupted
resume_system_call:
        mov     THREAD_HOT(%rax), %rsp
        mov     CALL_HANDLE(%rax), %rdi
        mov     CALL_WORDS + 0(%rax), %rsi
        mov     CALL_WORDS + 8(%rax), %rdx
        mov     CALL_WORDS + 16(%rax), %r8
        mov     CALL_WORDS + 24(%rax), %r9
        mov     CALL_WORDS + 32(%rax), %r10
        mov     CALL_WORDS + 40(%rax), %rbx
        mov     CALL_TAG(%rax), %rax
        jmp     trampoline_resume

/* All registers come from the frame; rax and the iretq frame go by way of the CPU's entry stack. */
resume_interrupted:
        mov     %rax, %rbp
        movl    $0, THREAD_INTERRUPTED(%rbp)
        fxrstor64 THREAD_VECTOR_STATE(%rbp)
        mov     THREAD_HOT(%rbp), %rbx
        mov     HOT_GATE(%rbx), %rsp
        pushq   THREAD_FRAME + FRAME_VECTOR + 48(%rbp)  /* ss */
        pushq   THREAD_FRAME + FRAME_VECTOR + 40(%rbp)  /* rsp */
        pushq   THREAD_FRAME + FRAME_VECTOR + 32(%rbp)  /* rflags */
        pushq   THREAD_FRAME + FRAME_VECTOR + 24(%rbp)  /* cs */
        pushq   THREAD_FRAME + FRAME_VECTOR + 16(%rbp)  /* rip */
        pushq   THREAD_FRAME + FRAME_RAX(%rbp)
        mov     HOT_FS_BASE(%rbx), %rcx
        wrfsbase %rcx
        wrgsbase %rbx
        swapgs
        mov     HOT_USER_GS(%rbx), %rcx
        wrgsbase %rcx
        mov     HOT_CR3(%rbx), %rax
        mov     THREAD_FRAME + FRAME_R15(%rbp), %r15
        mov     THREAD_FRAME + FRAME_R14(%rbp), %r14
        mov     THREAD_FRAME + FRAME_R13(%rbp), %r13
        mov     THREAD_FRAME + FRAME_R12(%rbp), %r12
        mov     THREAD_FRAME + FRAME_RBX(%rbp), %rbx
        mov     THREAD_FRAME + FRAME_R11(%rbp), %r11
        mov     THREAD_FRAME + FRAME_R10(%rbp), %r10
        mov     THREAD_FRAME + FRAME_R9(%rbp), %r9
        mov     THREAD_FRAME + FRAME_R8(%rbp), %r8
        mov     THREAD_FRAME + FRAME_RDI(%rbp), %rdi
        mov     THREAD_FRAME + FRAME_RSI(%rbp), %rsi
        mov     THREAD_FRAME + FRAME_RDX(%rbp), %rdx
        mov     THREAD_FRAME + FRAME_RCX(%rbp), %rcx
        mov     THREAD_FRAME + FRAME_RBP(%rbp), %rbp
        jmp     trampoline_return_interrupt

/* In: rsp = rax, vector, error code, hardware frame on an entry stack; gs = the program's line; all else as the program
 * had it. The scratch word is wiped before anything else happens. */
        .globl  kernel_interrupt
kernel_interrupt:
        mov     %gs:HOT_THREAD, %rax
        mov     %rdi, THREAD_FRAME + FRAME_RDI(%rax)
        xor     %edi, %edi
        xchg    %rdi, (%rsp)
        mov     %rdi, THREAD_FRAME + FRAME_RAX(%rax)
        mov     %r15, THREAD_FRAME + FRAME_R15(%rax)
        mov     %r14, THREAD_FRAME + FRAME_R14(%rax)
        mov     %r13, THREAD_FRAME + FRAME_R13(%rax)
        mov     %r12, THREAD_FRAME + FRAME_R12(%rax)
        mov     %rbp, THREAD_FRAME + FRAME_RBP(%rax)
        mov     %rbx, THREAD_FRAME + FRAME_RBX(%rax)
        mov     %r11, THREAD_FRAME + FRAME_R11(%rax)
        mov     %r10, THREAD_FRAME + FRAME_R10(%rax)
        mov     %r9, THREAD_FRAME + FRAME_R9(%rax)
        mov     %r8, THREAD_FRAME + FRAME_R8(%rax)
        mov     %rsi, THREAD_FRAME + FRAME_RSI(%rax)
        mov     %rdx, THREAD_FRAME + FRAME_RDX(%rax)
        mov     %rcx, THREAD_FRAME + FRAME_RCX(%rax)
        .set    word, 1
        .rept   ENTRY_WORDS - 1
        mov     word * 8(%rsp), %rcx
        mov     %rcx, THREAD_FRAME + FRAME_VECTOR + (word - 1) * 8(%rax)
        .set    word, word + 1
        .endr
        rdfsbase %rcx
        mov     %rcx, %gs:HOT_FS_BASE
        fxsave64 THREAD_VECTOR_STATE(%rax)
        movl    $1, THREAD_INTERRUPTED(%rax)
        mov     ENTRY_GATE + GATE_KERNEL_STACK(%rsp), %rsp
        mov     %rax, %rdi
        call    interrupt
        jmp     kernel_resume

/* In: rsp = IDT register, CR3, rax, vector, error code, hardware frame; rax = the CPU's area; kernel's CR3; GS
 * anybody's. On a stack page of the shared part (IST) the rest happens on that stack's kernel stack, found in the gate
 * at the page's end; else on the stack that was interrupted, which is the kernel's. */
        .globl  kernel_ring0
kernel_ring0:
        push    %rcx
        push    %rdx
        mov     CPU_ENTRY_STACK + GATE_OFFSET + GATE_CPU(%rax), %rdx
        lea     16(%rsp), %rax                  /* what the trampoline pushed */
        mov     %rsp, %rcx
        sub     $CPU_AREA, %rcx
        cmp     $MAX_CPUS * CPU_AREA_SIZE, %rcx
        jae     1f
        mov     %rsp, %rcx
        or      $PAGE_SIZE - 1, %rcx
        mov     1 - GATE_SIZE + GATE_KERNEL_STACK(%rcx), %rsp
1:      and     $-16, %rsp
        sub     $FRAME_SIZE + 32, %rsp
        mov     %r15, FRAME_R15(%rsp)
        mov     %r14, FRAME_R14(%rsp)
        mov     %r13, FRAME_R13(%rsp)
        mov     %r12, FRAME_R12(%rsp)
        mov     %rbp, FRAME_RBP(%rsp)
        mov     %rbx, FRAME_RBX(%rsp)
        mov     %r11, FRAME_R11(%rsp)
        mov     %r10, FRAME_R10(%rsp)
        mov     %r9, FRAME_R9(%rsp)
        mov     %r8, FRAME_R8(%rsp)
        mov     %rdi, FRAME_RDI(%rsp)
        mov     %rsi, FRAME_RSI(%rsp)
        xor     %ecx, %ecx
        xchg    -16(%rax), %rcx
        mov     %rcx, FRAME_RDX(%rsp)
        xor     %ecx, %ecx
        xchg    -8(%rax), %rcx
        mov     %rcx, FRAME_RCX(%rsp)
        xor     %ecx, %ecx
        xchg    RING0_RAX(%rax), %rcx
        mov     %rcx, FRAME_RAX(%rsp)
        .set    word, 0
        .rept   RING0_FRAME_WORDS
        mov     RING0_VECTOR + word * 8(%rax), %rcx
        mov     %rcx, FRAME_VECTOR + word * 8(%rsp)
        .set    word, word + 1
        .endr
        mov     %rax, %rbx
        rdgsbase %r12
        mov     %rsp, %rdi
        mov     %rdx, %rsi
        call    ring0_interrupt
        wrgsbase %r12
        mov     %rbx, %rcx
        mov     FRAME_R12(%rsp), %r12
        mov     FRAME_RBX(%rsp), %rbx
        mov     FRAME_R11(%rsp), %r11
        mov     FRAME_R10(%rsp), %r10
        mov     FRAME_R9(%rsp), %r9
        mov     FRAME_R8(%rsp), %r8
        mov     FRAME_RDI(%rsp), %rdi
        mov     FRAME_RSI(%rsp), %rsi
        mov     FRAME_RDX(%rsp), %rdx
        mov     FRAME_RAX(%rsp), %rax
        mov     %rax, RING0_RAX(%rcx)
        mov     FRAME_RCX(%rsp), %rax
        lea     RING0_CR3(%rcx), %rsp
        mov     %rax, %rcx
        jmp     trampoline_return_ring0

/* As kernel_system_call, for a kernel that was asked to look at each system call first. */
        .globl  kernel_system_call_observed
kernel_system_call_observed:
        SAVE_CALL
        call    observe_system_call
        mov     %rbp, %rdi
        jmp     .Lserve_system_call

/* void kernel_resume_first(struct thread *thread): leaves boot for the first program. */
        .globl  kernel_resume_first
kernel_resume_first:
        mov     %rdi, %rax
        jmp     kernel_resume
