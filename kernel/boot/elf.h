/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of an ELF64 file that the kernel needs to load root (System V ABI, AMD64 supplement; gABI chapters 4,
 * 5). */
#ifndef SALTO_BOOT_ELF_H
#define SALTO_BOOT_ELF_H

#include <stdint.h>

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_size, program_header_size, program_header_count;
    uint16_t section_header_size, section_header_count, section_names;
};

struct elf_program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, alignment;
};

#define ELF_MAGIC "\177ELF\2\1\1"
#define ELF_MAGIC_SIZE 7
#define ELF_TYPE_EXECUTABLE 2
#define ELF_MACHINE_X86_64 62
#define ELF_LOAD 1
#define ELF_FLAG_EXECUTE 1
#define ELF_FLAG_WRITE 2

#endif
