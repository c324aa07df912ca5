/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks an ELF file whole, and plans how it is loaded, before anything is created for it.
 *
 * A plan that elf_file_plan() made can be carried out without another check: every segment lies in the file and within
 * the limits, no two share a page, none is writable and executable, and the entry point is in an executable one.
 */
#ifndef SALTO_LIB_ELF_FILE_H
#define SALTO_LIB_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 16
#define ELF_MAX_PAGES 262144 /* of one segment: what one memory object can hold */
#define ELF_REASON_SIZE 160

/* Where segments may lie: all pages in [lowest, highest). A static-pie file is moved to pie_base; 0 refuses those. */
struct elf_limits {
    uint64_t lowest;
    uint64_t highest;
    uint64_t pie_base;
};

/* A segment to load: `pages` zeroed pages at `page_address`, of which `file_bytes` bytes from `data` on are copied to
 * `address`. `rights` are those of kernel/abi/capability.h. */
struct elf_segment {
    const void *data;
    uint64_t file_bytes;
    uint64_t address;
    uint64_t page_address;
    uint32_t pages;
    uint32_t rights;
};

struct elf_plan {
    uint64_t entry;        /* first instruction, moved by the bias */
    uint64_t bias;         /* what is added to the addresses in the file: 0 for ET_EXEC */
    uint64_t headers;      /* address of the program headers in memory (AT_PHDR), 0 if no segment holds them */
    uint32_t header_count; /* AT_PHNUM */
    uint32_t segment_count;
    struct elf_segment segments[ELF_MAX_SEGMENTS];
};

/* Checks the `size` bytes of `file` (any alignment) and fills in `plan`. False if it cannot be loaded; then `reason`
 * says why. The plan points into the file. */
bool elf_file_plan(const void *file, size_t size, const struct elf_limits *limits, struct elf_plan *plan,
                   char reason[ELF_REASON_SIZE]);

/* Finds the function that holds `address` (as it is at run time; `bias` from the plan) in the file's symbol table.
 * False if there is no table, or no function that starts at or below. `*name` points into the file. */
bool elf_file_symbol(const void *file, size_t size, uint64_t bias, uint64_t address, const char **name,
                     uint64_t *offset);

#endif
