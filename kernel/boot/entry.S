/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First instructions: from the 32-bit protected mode in which Multiboot2 (specification 2.0, section 3.3) and PVH
 * (Xen's docs/misc/pvh.pandoc) leave us, to boot_main() in C with paging on.
 *
 * Code in .boot runs at its physical address and so is linked there; all else is linked at KERNEL_IMAGE_BASE. The page
 * tables made here map the first 4 GiB (512 GiB on a CPU that has 1 GiB pages) at 0 and at PHYSICAL_MAP, and the image
 * at KERNEL_IMAGE_BASE. They stay as they are after the kernel has made its own: other CPUs come up on them.
 */
#include "abi/addresses.h"
#include "boot/entry.h"
#include "x86/cpu.h"

#define PHYSICAL(symbol) (symbol - KERNEL_IMAGE_BASE + KERNEL_LOAD_ADDRESS)

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define PAGE_PRESENT_WRITE 0x03
#define PAGE_LARGE 0x80
#define COM1 0x3f8

/* ---- What loaders look for --------------------------------------------------------------------------------------- */
    .section .boot.header, "a"
    .balign 8
multiboot2_header:
    .long MULTIBOOT2_HEADER_MAGIC
    .long 0 /* architecture: i386, protected mode */
    .long multiboot2_header_end - multiboot2_header
    .long 0x100000000 - (MULTIBOOT2_HEADER_MAGIC + (multiboot2_header_end - multiboot2_header))
    /* Information request: command line, modules, memory map; flags 0: the loader must understand it. */
    .balign 8
    .short 1, 0
    .long 20
    .long 1, 3, 6
    /* Optional request: RSDP, old and new (a BIOS machine has it where acpi.c searches). */
    .balign 8
    .short 1, 1
    .long 16
    .long 14, 15
    /* Entry address. */
    .balign 8
    .short 3, 0
    .long 12
    .long boot_entry_multiboot2
    /* Modules at page boundaries. */
    .balign 8
    .short 6, 0
    .long 8
    /* End. */
    .balign 8
    .short 0, 0
    .long 8
multiboot2_header_end:

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad boot_entry_pvh

/* ---- 32 bits ----------------------------------------------------------------------------------------------------- */
    .section .boot.text, "ax"
    .code32
    .global boot_entry_multiboot2
boot_entry_multiboot2:
    movl %eax, %ebp /* the loader's magic number; C checks it */
    jmp boot_entry

    .global boot_entry_pvh
boot_entry_pvh:
    movl $BOOT_MAGIC_PVH, %ebp /* PVH has its magic number in the structure */

/* ebp: who loaded us; ebx: physical address of its structure. Both stay there until C is called. */
boot_entry:
    cli
    cld
    movl $PHYSICAL(boot_stack_top), %esp
    call require_long_mode
    call fill_page_tables
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $PHYSICAL(boot_pml4), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
    movl %eax, %cr0
    lgdt PHYSICAL(boot_gdt_register_physical)
    ljmp $BOOT_CODE_SELECTOR, $boot_entry_64

/* Says so and stops if the CPU has no 64-bit mode (AMD APM volume 2, 14.6.1: CPUID 0x80000001, EDX bit 29). */
require_long_mode:
    pushl %ebx
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    movl %edx, %edi /* for fill_page_tables: bit 26 is 1 GiB pages */
    btl $29, %edx
    jnc no_long_mode
    popl %ebx
    ret

no_long_mode:
    movl $no_long_mode_text, %esi
1:  lodsb
    testb %al, %al
    jz 4f
    movb %al, %bl
    movl $0x10000, %ecx /* polls: a machine without COM1 does not hang here */
2:  movw $(COM1 + 5), %dx
    inb %dx, %al
    testb $0x20, %al
    jnz 3f
    loop 2b
3:  movw $COM1, %dx
    movb %bl, %al
    outb %al, %dx
    jmp 1b
4:  hlt
    jmp 4b

/* edi: EDX of CPUID 0x80000001. */
fill_page_tables:
    movl $(PHYSICAL(boot_map_pdpt) + PAGE_PRESENT_WRITE), %eax
    movl %eax, PHYSICAL(boot_pml4)
    movl %eax, PHYSICAL(boot_pml4) + PHYSICAL_MAP_PML4_INDEX * 8
    movl $(PHYSICAL(boot_top_pdpt) + PAGE_PRESENT_WRITE), PHYSICAL(boot_pml4) + TOP_PML4_INDEX * 8
    movl $(PHYSICAL(boot_image_directory) + PAGE_PRESENT_WRITE), PHYSICAL(boot_top_pdpt) + PRIVATE_PDPT_INDEX * 8
    movl $PHYSICAL(boot_image_directory), %esi
    movl $(PHYSICAL(boot_image_tables) + PAGE_PRESENT_WRITE), %eax
    movl $BOOT_IMAGE_TABLES, %ecx
    movl $PAGE_SIZE, %edx
    call fill_table
    movl $PHYSICAL(boot_image_tables), %esi
    movl $(KERNEL_LOAD_ADDRESS + PAGE_PRESENT_WRITE), %eax
    movl $(BOOT_IMAGE_TABLES * 512), %ecx
    call fill_table
    btl $26, %edi
    jnc fill_map_2_mib

/* 512 entries of 1 GiB; 32 bits do not hold the addresses. */
    movl $PHYSICAL(boot_map_pdpt), %esi
    movl $(PAGE_PRESENT_WRITE | PAGE_LARGE), %eax
    xorl %edx, %edx
    movl $512, %ecx
1:  movl %eax, (%esi)
    movl %edx, 4(%esi)
    addl $0x40000000, %eax
    adcl $0, %edx
    addl $8, %esi
    loop 1b
    ret

fill_map_2_mib:
    movl $PHYSICAL(boot_map_pdpt), %esi
    movl $(PHYSICAL(boot_map_directories) + PAGE_PRESENT_WRITE), %eax
    movl $4, %ecx
    movl $PAGE_SIZE, %edx
    call fill_table
    movl $PHYSICAL(boot_map_directories), %esi
    movl $(PAGE_PRESENT_WRITE | PAGE_LARGE), %eax
    movl $(4 * 512), %ecx
    movl $0x200000, %edx
    jmp fill_table

/* Writes ecx entries from esi on: eax, eax + edx, ... The upper halves are zero already. */
fill_table:
    movl %eax, (%esi)
    addl $8, %esi
    addl %edx, %eax
    loop fill_table
    ret

/* ---- 64 bits ----------------------------------------------------------------------------------------------------- */
    .code64
boot_entry_64:
    movabsq $boot_gdt_register, %rax
    lgdt (%rax)
    movl $BOOT_DATA_SELECTOR, %eax
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movabsq $boot_stack_top, %rsp
    movl %ebp, %edi
    movl %ebx, %esi
    xorl %ebp, %ebp
    movabsq $boot_main, %rax
    call *%rax
    ud2

    .section .boot.rodata, "a"
no_long_mode_text:
    .asciz "salto: this processor has no 64-bit mode; Salto needs one\r\n"

/* ---- In the image ------------------------------------------------------------------------------------------------ */
/* Accessed bits are set beforehand, so that the CPU never writes here. */
    .section .rodata
    .balign 8
    .global boot_gdt, boot_gdt_register
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* BOOT_CODE_SELECTOR: 64-bit code */
    .quad 0x00cf93000000ffff /* BOOT_DATA_SELECTOR */
    .if . - boot_gdt != BOOT_GDT_SIZE
    .error "BOOT_GDT_SIZE is wrong"
    .endif
    .short 0, 0, 0
boot_gdt_register_physical:
    .short BOOT_GDT_SIZE - 1
    .quad PHYSICAL(boot_gdt)
    .short 0, 0, 0
boot_gdt_register:
    .short BOOT_GDT_SIZE - 1
    .quad boot_gdt

    .bss
    .balign PAGE_SIZE
    .global boot_pml4
boot_pml4:
    .skip PAGE_SIZE
boot_map_pdpt:
    .skip PAGE_SIZE
boot_map_directories:
    .skip 4 * PAGE_SIZE
boot_top_pdpt:
    .skip PAGE_SIZE
boot_image_directory:
    .skip PAGE_SIZE
boot_image_tables:
    .skip BOOT_IMAGE_TABLES * PAGE_SIZE
    .skip BOOT_STACK_SIZE
    .global boot_stack_top
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
