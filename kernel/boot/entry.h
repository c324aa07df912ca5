/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot assembly, the linker script and the C of the boot layer agree on. */
#ifndef SALTO_BOOT_ENTRY_H
#define SALTO_BOOT_ENTRY_H

#define BOOT_CODE_SELECTOR 0x08
#define BOOT_DATA_SELECTOR 0x10
#define BOOT_GDT_SIZE 24
#define BOOT_MAGIC_MULTIBOOT2 0x36d76289 /* in eax at entry: Multiboot2 specification 3.3 */
#define BOOT_MAGIC_PVH 0x336ec578        /* first word of the PVH start information */
#define BOOT_IMAGE_TABLES 4              /* page tables for the image: 2 MiB each; kernel.ld asserts that it fits */
#define BOOT_STACK_SIZE 16384

#ifndef __ASSEMBLER__
#include <stdint.h>

#include "x86/cpu_state.h"

_Static_assert(BOOT_STACK_SIZE == KERNEL_STACK_SIZE, "the boot stack is a kernel stack");

/* Physical address of a symbol of the image. */
#define IMAGE_PHYSICAL(symbol) (KERNEL_LOAD_ADDRESS + ((uint64_t)(symbol) & ~KERNEL_IMAGE_BASE))

extern char boot_pml4[], boot_stack_top[];
extern char kernel_text_start[], kernel_text_end[], kernel_rodata_start[], kernel_rodata_end[], kernel_data_start[],
    kernel_end[];

/* C entry, called by entry.S on the boot stack: `magic` says who loaded us, `info` is the physical address of what it
 * hands over. Fills in boot_info and calls kernel_main(). */
_Noreturn void boot_main(uint32_t magic, uint32_t info);
#endif

#endif
