/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF-64 files for x86-64: System V gABI chapters 4 and 5, and the psABI. Structures are copied out of the file before
 * they are read, because nothing in it need be aligned; offsets are compared so that no sum can overflow.
 */
#include "elf_file.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/addresses.h"
#include "abi/capability.h"

struct elf_reader {
    const unsigned char *bytes;
    size_t size;
    const struct elf_limits *limits;
    Elf64_Ehdr header;
    char *reason;
};

/* Notes why the file is refused; answers false, for the caller to pass on. */
static bool refuse(struct elf_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct elf_reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->reason, ELF_REASON_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* Does [offset, offset + length) lie in the file? */
static bool in_file(size_t size, uint64_t offset, uint64_t length)
{
    return offset <= size && length <= size - offset;
}

static bool check_identity(struct elf_reader *reader)
{
    if (reader->size < sizeof(Elf64_Ehdr))
        return refuse(reader, "the file is too short for an ELF header (%zu bytes)", reader->size);
    memcpy(&reader->header, reader->bytes, sizeof(Elf64_Ehdr));
    const unsigned char *identity = reader->header.e_ident;
    if (memcmp(identity, ELFMAG, SELFMAG) != 0)
        return refuse(reader, "not an ELF file: the magic number is missing");
    if (identity[EI_CLASS] != ELFCLASS64)
        return refuse(reader, "ELF class %u is not 64-bit", identity[EI_CLASS]);
    if (identity[EI_DATA] != ELFDATA2LSB)
        return refuse(reader, "ELF data encoding %u is not little-endian", identity[EI_DATA]);
    if (identity[EI_VERSION] != EV_CURRENT)
        return refuse(reader, "ELF version %u is unknown", identity[EI_VERSION]);
    return true;
}

static bool check_header(struct elf_reader *reader)
{
    const Elf64_Ehdr *header = &reader->header;
    if (header->e_machine != EM_X86_64)
        return refuse(reader, "machine %u is not x86-64", header->e_machine);
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return refuse(reader, "ELF type %u is no executable", header->e_type);
    if (header->e_type == ET_DYN && reader->limits->pie_base == 0)
        return refuse(reader, "a position-independent file is not allowed here");
    if (header->e_phentsize != sizeof(Elf64_Phdr))
        return refuse(reader, "program headers of %u bytes; 56 expected", header->e_phentsize);
    if (header->e_phnum == 0)
        return refuse(reader, "the file has no program headers");
    if (!in_file(reader->size, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)))
        return refuse(reader, "the program headers reach past the end of the file");
    return true;
}

static void read_program_header(const struct elf_reader *reader, uint32_t index, Elf64_Phdr *header)
{
    memcpy(header, reader->bytes + reader->header.e_phoff + index * sizeof(Elf64_Phdr), sizeof(*header));
}

/* Checks sizes and addresses of a PT_LOAD header before anything is computed from them. */
static bool check_segment_range(struct elf_reader *reader, uint32_t index, const Elf64_Phdr *header, uint64_t bias)
{
    const struct elf_limits *limits = reader->limits;
    if (header->p_filesz > header->p_memsz)
        return refuse(reader, "program header %u: more bytes in the file than in memory", index);
    if (!in_file(reader->size, header->p_offset, header->p_filesz))
        return refuse(reader, "program header %u: the segment reaches past the end of the file", index);
    if ((header->p_vaddr - header->p_offset) % PAGE_SIZE != 0)
        return refuse(reader, "program header %u: address and file offset differ within a page", index);
    uint64_t address = header->p_vaddr + bias;
    if (address < bias || address < limits->lowest || address >= limits->highest ||
        header->p_memsz > limits->highest - address)
        return refuse(reader, "program header %u: address 0x%llx, size 0x%llx lies outside 0x%llx-0x%llx", index,
                      (unsigned long long)header->p_vaddr, (unsigned long long)header->p_memsz,
                      (unsigned long long)limits->lowest, (unsigned long long)limits->highest);
    if (header->p_memsz > (uint64_t)(ELF_MAX_PAGES - 1) * PAGE_SIZE)
        return refuse(reader, "program header %u: a segment of 0x%llx bytes is too large", index,
                      (unsigned long long)header->p_memsz);
    if ((header->p_flags & PF_W) && (header->p_flags & PF_X))
        return refuse(reader, "program header %u: the segment is both writable and executable", index);
    return true;
}

static uint32_t segment_rights(uint32_t flags)
{
    uint32_t rights = RIGHT_READ; /* x86-64 has no mapping that cannot be read */
    if (flags & PF_W)
        rights |= RIGHT_WRITE;
    if (flags & PF_X)
        rights |= RIGHT_EXECUTE;
    return rights;
}

/* Plans one PT_LOAD header. The limits are page-aligned, so rounding to pages stays within them. */
static bool plan_segment(struct elf_reader *reader, uint32_t index, const Elf64_Phdr *header, struct elf_plan *plan)
{
    if (header->p_memsz == 0)
        return true;
    if (!check_segment_range(reader, index, header, plan->bias))
        return false;
    if (plan->segment_count == ELF_MAX_SEGMENTS)
        return refuse(reader, "program header %u: more than %d segments", index, ELF_MAX_SEGMENTS);
    struct elf_segment *segment = &plan->segments[plan->segment_count];
    segment->data = reader->bytes + header->p_offset;
    segment->file_bytes = header->p_filesz;
    segment->address = header->p_vaddr + plan->bias;
    segment->page_address = segment->address & ~(uint64_t)(PAGE_SIZE - 1);
    uint64_t bytes = segment->address - segment->page_address + header->p_memsz;
    segment->pages = (uint32_t)((bytes + PAGE_SIZE - 1) / PAGE_SIZE);
    segment->rights = segment_rights(header->p_flags);
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *other = &plan->segments[i];
        if (segment->page_address < other->page_address + (uint64_t)other->pages * PAGE_SIZE &&
            other->page_address < segment->page_address + (uint64_t)segment->pages * PAGE_SIZE)
            return refuse(reader, "program header %u: the segment at 0x%llx shares a page with another one", index,
                          (unsigned long long)header->p_vaddr);
    }
    plan->segment_count++;
    return true;
}

/* Where the program headers come to lie, if this segment, which was planned unless it is empty, holds them. */
static void find_headers(const struct elf_reader *reader, const Elf64_Phdr *header, struct elf_plan *plan)
{
    uint64_t start = reader->header.e_phoff;
    uint64_t length = (uint64_t)reader->header.e_phnum * sizeof(Elf64_Phdr);
    if (header->p_type != PT_LOAD || header->p_memsz == 0 || start < header->p_offset ||
        start - header->p_offset > header->p_filesz || length > header->p_filesz - (start - header->p_offset))
        return;
    plan->headers = header->p_vaddr + (start - header->p_offset) + plan->bias;
}

static bool check_entry(struct elf_reader *reader, const struct elf_plan *plan)
{
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        if (plan->entry >= segment->address && plan->entry - segment->address < segment->file_bytes)
            return segment->rights & RIGHT_EXECUTE
                       ? true
                       : refuse(reader, "the entry point 0x%llx is not executable", (unsigned long long)plan->entry);
    }
    return refuse(reader, "the entry point 0x%llx lies in no segment", (unsigned long long)plan->entry);
}

bool elf_file_plan(const void *file, size_t size, const struct elf_limits *limits, struct elf_plan *plan,
                   char reason[ELF_REASON_SIZE])
{
    struct elf_reader reader = {.bytes = file, .size = size, .limits = limits, .reason = reason};
    memset(plan, 0, sizeof(*plan));
    if (!check_identity(&reader) || !check_header(&reader))
        return false;
    plan->bias = reader.header.e_type == ET_DYN ? limits->pie_base : 0;
    plan->entry = reader.header.e_entry + plan->bias;
    plan->header_count = reader.header.e_phnum;
    for (uint32_t i = 0; i < plan->header_count; i++) {
        Elf64_Phdr header;
        read_program_header(&reader, i, &header);
        if (header.p_type == PT_INTERP)
            return refuse(&reader, "the program is linked dynamically; link it with -static");
        if (header.p_type == PT_LOAD && !plan_segment(&reader, i, &header, plan))
            return false;
        find_headers(&reader, &header, plan);
    }
    if (plan->segment_count == 0)
        return refuse(&reader, "the file has nothing to load");
    return check_entry(&reader, plan);
}
