/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two ways into the Linux-call handler: where a program's first thread starts, and where the trampoline sends its
 * Linux calls. linux.lds puts the second at LINUX_HANDLER_ENTRY.
 */

/* Bytes at the top of root's stack in which linux_prepare() makes its initial stack. */
#define LINUX_ROOT_STACK_SIZE 512

/* Linux' clone, and behind it fork and vfork: what they make needs all registers of who calls. */
#define LINUX_CLONE 56
#define LINUX_BEHIND_CLONE 2

/*
 * Start: rdi = the initial Linux stack (argc, argv, envp, auxv) that the loader prepared, 0 for root; rsi = the
 * program's first instruction; rsp = the same as rdi, or the top of root's stack; every other register zero.
 * Leaves for the program with rsp at its initial stack, rdx = 0 (no function to register with atexit; psABI 3.4.1).
 */
    .section .text.start, "ax", @progbits
    .globl linux_start
    .type linux_start, @function
linux_start:
    movq %rsi, %r12
    andq $-16, %rsp
    subq $LINUX_ROOT_STACK_SIZE, %rsp
    movq %rsp, %rsi
    xorl %ebp, %ebp
    call linux_prepare
    movq %rax, %rsp
    movq %r12, %rcx
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    jmp *%rcx
    .size linux_start, . - linux_start

/*
 * Reflection: rax = Linux number, rdi rsi rdx r10 r8 r9 = arguments, rcx = the program's rip, r11 = its flags, rsp and
 * everything else as the program had it. All is given back but rax, rcx and r11, as Linux does. The 128 bytes below rsp
 * are the program's (psABI 3.2.2). rbx and r12 to r15 are kept by C; rbp keeps the stack pointer over the call.
 */
    .section .text.entry, "ax", @progbits
    .globl linux_entry
    .type linux_entry, @function
linux_entry:
    leaq -128(%rsp), %rsp
    pushq %r11
    pushq %rcx
    pushq %rax
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %r10
    pushq %r8
    pushq %r9
    movq %rsp, %rdi /* struct linux_frame */
    pushq %rbp
    movq %rsp, %rbp
    leaq -LINUX_CLONE(%rax), %rcx
    cmpq $LINUX_BEHIND_CLONE, %rcx
    jbe .Lclone
    andq $-16, %rsp
    cld
    call linux_call
    movq %rbp, %rsp
.Lreturn:
    popq %rbp
    popq %r9
    popq %r8
    popq %r10
    popq %rdx
    popq %rsi
    popq %rdi
    leaq 8(%rsp), %rsp
    popq %rcx
    movq (%rsp), %r11
    popfq
    leaq 128(%rsp), %rsp /* not add: the flags are the program's again */
    jmp *%rcx

.Lclone:
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi /* struct linux_registers */
    andq $-16, %rsp
    cld
    call linux_clone
    movq %rbp, %rsp
    jmp .Lreturn
    .size linux_entry, . - linux_entry

/*
 * Where a thread or process that clone made begins: rsp = rdi = its struct linux_birth. It returns from the call as
 * whoever made it does, but with 0.
 */
    .globl linux_child
    .type linux_child, @function
linux_child:
    xorl %ebp, %ebp
    call linux_child_begins
    movq %rax, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    xorl %eax, %eax
    jmp .Lreturn
    .size linux_child, . - linux_child

/* _Noreturn void linux_start_anew(uint64_t stack, uint64_t entry): begins with a program; goes on on the stack it is
 * on. */
    .globl linux_start_anew
    .type linux_start_anew, @function
linux_start_anew:
    jmp linux_start
    .size linux_start_anew, . - linux_start_anew

/* _Noreturn void linux_switch_stack(uint64_t stack, void (*function)(void)): goes on there, with no way back. */
    .globl linux_switch_stack
    .type linux_switch_stack, @function
linux_switch_stack:
    movq %rdi, %rsp
    xorl %ebp, %ebp
    call *%rsi
    ud2
    .size linux_switch_stack, . - linux_switch_stack

/*
 * _Noreturn void linux_last_call(uint64_t tag, uint64_t handle, uint64_t word, uint32_t *lock, uint32_t *thread):
 * forgets `thread`, gives `lock` back and makes a call that ends this thread. Meanwhile the stack is another's.
 */
    .globl linux_last_call
    .type linux_last_call, @function
linux_last_call:
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movl $0, (%r8)
    movl $0, (%rcx)
    xorl %edx, %edx
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %ebx, %ebx
    syscall
    ud2
    .size linux_last_call, . - linux_last_call

    .section .note.GNU-stack, "", @progbits
