/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every fixed virtual address of the system, with the page-table indexes beside it.
 *
 * Shared by kernel, trampoline, assembly and programs, so it holds only #defines that both a C compiler and an
 * assembler can read. Nothing else in the tree writes one of these numbers again.
 */
#ifndef SALTO_ABI_ADDRESSES_H
#define SALTO_ABI_ADDRESSES_H

#ifdef __ASSEMBLER__
#define SALTO_ADDRESS(number) number
#else
#define SALTO_ADDRESS(number) number##UL
#endif

#define PAGE_SIZE 4096
#define PAGE_SHIFT 12
#define LARGE_PAGE_SIZE \
    SALTO_ADDRESS(0x200000)  /* what an entry of a page directory maps, where it names no page table */
#define LARGE_PAGE_PAGES 512 /* pages of 4 KiB in one */

/* ---- User half ------------------------------------------------------------------------------------------------- */
/* The topmost page of the user half is never mappable: `syscall` as its last instruction would make `sysret` fault. */
#define USER_START SALTO_ADDRESS(0x0000000000010000)
#define USER_END SALTO_ADDRESS(0x00007ffffffff000)

#define STATIC_PIE_BASE SALTO_ADDRESS(0x0000000100000000)    /* where root loads an ET_DYN program */
#define PROGRAM_BREAK_BASE SALTO_ADDRESS(0x0000600000000000) /* heap of brk() goes up from; images lie below */
#define PROGRAM_MMAP_BASE \
    SALTO_ADDRESS(0x0000700000000000) /* anonymous mappings of the Linux-call handler go up from */
#define LINUX_HANDLER_BASE SALTO_ADDRESS(0x00007e0000000000) /* the Linux-call handler's image is linked here */
#define LINUX_HANDLER_ENTRY (LINUX_HANDLER_BASE + 0x1000)    /* where Linux calls are reflected to */
/* Read-only table of what the program was granted: in the page table that the handler has, too. */
#define STARTUP_TABLE (LINUX_HANDLER_BASE + 0x1ff000)
/* What programs share by rings (abi/rings.h): read-only, which they are; and ring n at RINGS_BASE + n * RING_STRIDE. */
#define RINGS_TABLE (LINUX_HANDLER_BASE + 0x200000)
#define RINGS_BASE (LINUX_HANDLER_BASE + 0x240000)
#define RING_STRIDE 0x40000
#define ROOT_ARCHIVE SALTO_ADDRESS(0x00007f0000000000)      /* root only: the boot archive, read-only */
#define PROGRAM_STACK_TOP SALTO_ADDRESS(0x00007f7ffffff000) /* initial thread's stack ends here */
#define UTCB_BASE SALTO_ADDRESS(0x00007f8000000000) /* thread number n of a task: one page at UTCB_BASE + n pages */

/* ---- Last PML4 entry: its PDPT is each task's own; entry 510 is shared by all, entry 511 is private ------------- */
#define TOP_PML4_INDEX 511
#define SHARED_PDPT_INDEX 510
#define PRIVATE_PDPT_INDEX 511 /* in the kernel's own PDPT: the kernel's image */
#define SHARED_BASE SALTO_ADDRESS(0xffffffff80000000)
#define PRIVATE_BASE SALTO_ADDRESS(0xffffffffc0000000)
#define KERNEL_IMAGE_BASE PRIVATE_BASE

/* Shared part. */
#define TRAMPOLINE_TEXT SHARED_BASE
#define TRAMPOLINE_TEXT_PAGES 2
#define CPU_AREA (SHARED_BASE + 0x100000) /* CPU n: CPU_AREA + n * CPU_AREA_SIZE */
#define CPU_AREA_PAGES 8
#define CPU_AREA_SIZE 0x8000
#define MAX_CPUS 64
#define HOT_ENDPOINTS (SHARED_BASE + 0x1000000) /* 16 MiB: 64 bytes an endpoint */
#define HOT_THREADS (SHARED_BASE + 0x2000000)   /* 32 MiB: 128 bytes a thread */
#define MAX_ENDPOINTS 65536
#define MAX_THREADS 65536
#define HOT_ENDPOINT_SIZE 64
#define HOT_THREAD_SIZE 128
/* The TSSs are packed into the last pages of the shared part, so that the I/O bitmap, which comes first in the private
 * part, lies within the 16 bits of their I/O map base: a CR3 write switches port rights. */
#define TSS_PAGES 2
#define TSS_AREA (PRIVATE_BASE - TSS_PAGES * PAGE_SIZE)
#define TSS_STRIDE 128 /* CPU n: TSS_AREA + n * TSS_STRIDE */

/* Private part: 2 MiB, one page table. */
#define IO_BITMAP PRIVATE_BASE
#define IO_BITMAP_PAGES 3                  /* 8,192 bytes of bits, and a page whose first byte is 0xff */
#define SAVE_AREA (PRIVATE_BASE + 0x10000) /* 64 bytes a thread of the task */
#define SAVE_AREA_PAGES 64
#define SAVE_SLOT_SIZE 64
#define MAX_THREADS_PER_TASK 4096
#define CAPABILITY_SLOTS (PRIVATE_BASE + 0x100000) /* 16 bytes a slot */
#define CAPABILITY_SLOT_SIZE 16
#define MAX_CAPABILITIES 65536
#define CAPABILITY_SLOT_PAGES 256

/* ---- Kernel's own address space --------------------------------------------------------------------------------- */
#define PHYSICAL_MAP SALTO_ADDRESS(0xffff800000000000) /* all physical memory, not executable */
#define PHYSICAL_MAP_PML4_INDEX 256
#define KERNEL_LOAD_ADDRESS 0x100000 /* physical address where the image's first byte (KERNEL_IMAGE_BASE) lies */

#endif
