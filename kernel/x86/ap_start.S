/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First instructions of the CPUs that smp.c starts. The start-up interrupt lets them begin in real mode at the start of
 * a page below 1 MiB, to which smp.c has copied ap_start_code; CS is that page, so it may be any. From there they go
 * straight to 64-bit mode (Intel SDM volume 3, 10.8.5 allows it: protection and paging are turned on together) on the
 * boot page tables, into .boot, which those map at its physical address; and on to the kernel's page tables and C.
 */
#include "abi/addresses.h"
#include "boot/entry.h"
#include "x86/cpu.h"

#define PHYSICAL(symbol) (symbol - KERNEL_IMAGE_BASE + KERNEL_LOAD_ADDRESS)

    .section .rodata
    .global ap_start_code, ap_start_code_end
    .code16
ap_start_code:
    cli
    cld
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $PHYSICAL(boot_pml4), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $(EFER_LME | EFER_NXE), %eax /* the kernel's page tables use NX */
    wrmsr
    lgdtl %cs:(ap_gdt_register - ap_start_code)
    movl $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
    movl %eax, %cr0
    ljmpl $BOOT_CODE_SELECTOR, $ap_start_64

    .balign 4
ap_gdt_register:
    .short BOOT_GDT_SIZE - 1
    .long PHYSICAL(boot_gdt)
ap_start_code_end:

    .section .boot.text, "ax"
    .code64
ap_start_64:
    movabsq $ap_start_high, %rax
    jmp *%rax

    .text
ap_start_high:
    lgdt boot_gdt_register(%rip)
    movl $BOOT_DATA_SELECTOR, %eax
    movl %eax, %ss
    xorl %edi, %edi
    xchgq %rdi, ap_start_cpu(%rip) /* an interrupt that was sent twice, or came late, finds it gone */
    testq %rdi, %rdi
    jz 1f
    movq ap_start_cr3(%rip), %rax
    movq ap_start_stack(%rip), %rsp
    movq %rax, %cr3
    xorl %ebp, %ebp
    call smp_run_cpu
1:  cli
    hlt
    jmp 1b

    .section .note.GNU-stack, "", @progbits
