/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a boot loader told us, in one form whichever way we were booted (Multiboot2 or PVH). Filled in once, before
 * kernel_main, and read-only from then on. Strings and tables of the loader are copied in, so that its memory is free.
 */
#ifndef SALTO_BOOT_BOOT_H
#define SALTO_BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOT_MAX_RANGES 64
#define BOOT_COMMAND_LINE_SIZE 512

/* A range of physical addresses, in bytes. */
struct boot_range {
    uint64_t start, end;
};

struct boot_info {
    const char *loader;                        /* "Multiboot2" or "PVH" */
    struct boot_range memory[BOOT_MAX_RANGES]; /* usable memory, page-aligned inwards, sorted, not overlapping */
    uint32_t memory_count;
    struct boot_range archive;                 /* the boot module; start == end if there is none */
    uint64_t rsdp;                             /* physical address of a usable RSDP copy, 0 if not found */
    char command_line[BOOT_COMMAND_LINE_SIZE]; /* zero-terminated */
};

extern struct boot_info boot_info;

/* The value of `name=value` on the command line, copied into `value` (at most `size` bytes, terminated); false if the
 * name is not there. A bare `name` gives an empty value. */
bool boot_option(const char *name, char *value, size_t size);

/* End of the physical memory that the boot page tables map at PHYSICAL_MAP: 512 GiB, or 4 GiB on a CPU without 1 GiB
 * pages. Memory above it must not be touched before the kernel's own tables are loaded. */
uint64_t boot_map_limit(void);

/* Physical address of a page of usable memory below 640 KiB, for code that starts other CPUs; 0 if there is none.
 * boot_info leaves memory below 1 MiB out, so nobody else uses it. */
uint64_t boot_low_page(void);

/* C entry of the kernel, called by boot/entry.S's C part on the boot stack, paging on, interrupts off. */
_Noreturn void kernel_main(void);

#endif
