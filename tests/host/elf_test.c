/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The check of ELF files: each reason to refuse one, a plan that is right, symbols, and damaged files under the
 * sanitizers.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "elf_file.h"
#include "host_tap.h"

#define ROUNDS 20000
#define TEXT 0x400000UL
#define DATA 0x402000UL

/* A small executable: a segment of text, which holds the headers, one of data, and a symbol table. */
struct image {
    Elf64_Ehdr header;
    Elf64_Phdr segments[3];
    unsigned char text[64];
    unsigned char data[32];
    Elf64_Sym symbols[3];
    char strings[24];
    Elf64_Shdr sections[3];
};

static const struct elf_limits limits = {.lowest = 0x10000, .highest = 0x600000000000, .pie_base = 0x100000000};

static void make_sections(struct image *image)
{
    memcpy(image->strings, "\0start\0middle\0", 14);
    image->symbols[1] =
        (Elf64_Sym){.st_name = 1, .st_info = STT_FUNC, .st_shndx = 1, .st_value = TEXT + 0x200, .st_size = 0x20};
    image->symbols[2] =
        (Elf64_Sym){.st_name = 7, .st_info = STT_FUNC, .st_shndx = 1, .st_value = TEXT + 0x210, .st_size = 0x8};
    image->sections[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
                                      .sh_offset = offsetof(struct image, symbols),
                                      .sh_size = sizeof(image->symbols),
                                      .sh_link = 2};
    image->sections[2] = (Elf64_Shdr){
        .sh_type = SHT_STRTAB, .sh_offset = offsetof(struct image, strings), .sh_size = sizeof(image->strings)};
    image->header.e_shoff = offsetof(struct image, sections);
    image->header.e_shentsize = sizeof(Elf64_Shdr);
    image->header.e_shnum = 3;
}

static void make(struct image *image)
{
    const size_t data = offsetof(struct image, data);
    memset(image, 0, sizeof(*image));
    memcpy(image->header.e_ident, ELFMAG, SELFMAG);
    image->header.e_ident[EI_CLASS] = ELFCLASS64;
    image->header.e_ident[EI_DATA] = ELFDATA2LSB;
    image->header.e_ident[EI_VERSION] = EV_CURRENT;
    image->header.e_type = ET_EXEC;
    image->header.e_machine = EM_X86_64;
    image->header.e_entry = TEXT + offsetof(struct image, text);
    image->header.e_phoff = offsetof(struct image, segments);
    image->header.e_phentsize = sizeof(Elf64_Phdr);
    image->header.e_phnum = 3;
    image->segments[0] =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = TEXT, .p_filesz = data, .p_memsz = data};
    image->segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                      .p_flags = PF_R | PF_W,
                                      .p_offset = data,
                                      .p_vaddr = DATA + data,
                                      .p_filesz = 32,
                                      .p_memsz = 8192};
    image->segments[2] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
    make_sections(image);
}

static void test_good(void)
{
    struct image image;
    struct elf_plan plan;
    char reason[ELF_REASON_SIZE] = "";
    const size_t data = offsetof(struct image, data);
    make(&image);
    host_ok(elf_file_plan(&image, sizeof(image), &limits, &plan, reason), "a good file is planned %s", reason);
    host_ok(plan.segment_count == 2 && plan.bias == 0 && plan.entry == image.header.e_entry, "as it says");
    host_ok(plan.headers == TEXT + offsetof(struct image, segments) && plan.header_count == 3,
            "its program headers are found in memory");
    host_ok(plan.segments[0].pages == 1 && plan.segments[0].rights == (RIGHT_READ | RIGHT_EXECUTE) &&
                plan.segments[0].page_address == TEXT,
            "text is readable and executable");
    host_ok(plan.segments[1].pages == 3 && plan.segments[1].rights == (RIGHT_READ | RIGHT_WRITE) &&
                plan.segments[1].page_address == DATA && plan.segments[1].address == DATA + data &&
                plan.segments[1].file_bytes == 32 && plan.segments[1].data == image.data,
            "data is writable, and has its zeros");
    image.header.e_type = ET_DYN;
    host_ok(elf_file_plan(&image, sizeof(image), &limits, &plan, reason) && plan.bias == limits.pie_base &&
                plan.entry == image.header.e_entry + limits.pie_base &&
                plan.segments[0].address == TEXT + limits.pie_base,
            "a position-independent file is moved");
}

/* ---- What is refused ------------------------------------------------------------------------------------------- */

static void bad_magic(struct image *image)
{
    image->header.e_ident[1] = 'e';
}
static void bad_class(struct image *image)
{
    image->header.e_ident[EI_CLASS] = ELFCLASS32;
}
static void bad_encoding(struct image *image)
{
    image->header.e_ident[EI_DATA] = ELFDATA2MSB;
}
static void bad_version(struct image *image)
{
    image->header.e_ident[EI_VERSION] = 2;
}
static void bad_machine(struct image *image)
{
    image->header.e_machine = EM_AARCH64;
}
static void bad_type(struct image *image)
{
    image->header.e_type = ET_REL;
}
static void bad_header_size(struct image *image)
{
    image->header.e_phentsize = 32;
}
static void no_headers(struct image *image)
{
    image->header.e_phnum = 0;
}
static void far_headers(struct image *image)
{
    image->header.e_phoff = sizeof(*image) - 8;
}
static void wild_headers(struct image *image)
{
    image->header.e_phoff = ~0UL - 8;
}
static void interpreter(struct image *image)
{
    image->segments[2].p_type = PT_INTERP;
}
static void small_memory(struct image *image)
{
    image->segments[1].p_memsz = 31;
}
static void far_segment(struct image *image)
{
    image->segments[1].p_offset += 0x100000;
}
static void wild_segment(struct image *image)
{
    image->segments[1].p_offset = ~0UL - 0xfff + image->segments[1].p_offset;
}
static void crooked_segment(struct image *image)
{
    image->segments[1].p_vaddr += 8;
}
static void low_segment(struct image *image)
{
    image->segments[0].p_vaddr = 0;
}
static void kernel_segment(struct image *image)
{
    image->segments[1].p_vaddr += 0xffff800000000000;
}
static void fixed_area(struct image *image)
{
    image->segments[1].p_vaddr += 0x600000000000;
}
static void endless_segment(struct image *image)
{
    image->segments[1].p_memsz = ~0UL;
}
static void large_segment(struct image *image)
{
    image->segments[1].p_memsz = 1UL << 30;
}
static void write_execute(struct image *image)
{
    image->segments[1].p_flags |= PF_X;
}
static void overlap(struct image *image)
{
    image->segments[1].p_vaddr -= 0x2000;
}
static void nothing(struct image *image)
{
    image->segments[0].p_type = image->segments[1].p_type = PT_NULL;
}
static void entry_in_data(struct image *image)
{
    image->header.e_entry = image->segments[1].p_vaddr;
}
static void entry_nowhere(struct image *image)
{
    image->header.e_entry = 0x12345678;
}
static void entry_in_kernel(struct image *image)
{
    image->header.e_entry = ~0UL;
}

static const struct {
    const char *name;
    void (*damage)(struct image *image);
    const char *reason;
} bad_files[] = {
    {"wrong magic number", bad_magic, "magic"},
    {"32-bit class", bad_class, "not 64-bit"},
    {"big-endian encoding", bad_encoding, "not little-endian"},
    {"unknown version", bad_version, "version 2"},
    {"other machine", bad_machine, "not x86-64"},
    {"relocatable object", bad_type, "no executable"},
    {"strange program headers", bad_header_size, "56 expected"},
    {"no program headers", no_headers, "no program headers"},
    {"program headers past the end", far_headers, "program headers reach past"},
    {"program headers that wrap around", wild_headers, "program headers reach past"},
    {"an interpreter", interpreter, "linked dynamically"},
    {"less memory than file", small_memory, "header 1: more bytes in the file"},
    {"segment past the end", far_segment, "header 1: the segment reaches past"},
    {"segment that wraps around", wild_segment, "header 1: the segment reaches past"},
    {"address and offset that differ", crooked_segment, "header 1: address and file offset"},
    {"segment at address 0", low_segment, "header 0: address 0x0"},
    {"segment in the kernel's half", kernel_segment, "header 1: address 0xffff"},
    {"segment in a fixed area", fixed_area, "outside"},
    {"endless segment", endless_segment, "outside"},
    {"segment too large", large_segment, "too large"},
    {"writable and executable segment", write_execute, "both writable and executable"},
    {"overlapping segments", overlap, "shares a page"},
    {"nothing to load", nothing, "nothing to load"},
    {"entry point in data", entry_in_data, "not executable"},
    {"entry point outside", entry_nowhere, "in no segment"},
    {"entry point in the kernel", entry_in_kernel, "in no segment"},
};

static void test_bad(void)
{
    struct image image;
    struct elf_plan plan;
    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        char reason[ELF_REASON_SIZE] = "";
        make(&image);
        bad_files[i].damage(&image);
        bool planned = elf_file_plan(&image, sizeof(image), &limits, &plan, reason);
        if (!host_ok(!planned && strstr(reason, bad_files[i].reason), "refused: %s", bad_files[i].name))
            printf("# reason: %s\n", planned ? "none" : reason);
    }
    char reason[ELF_REASON_SIZE];
    make(&image);
    host_ok(!elf_file_plan(&image, 63, &limits, &plan, reason) && strstr(reason, "too short"), "refused: cut header");
    struct elf_limits fixed = limits;
    fixed.pie_base = 0;
    image.header.e_type = ET_DYN;
    host_ok(!elf_file_plan(&image, sizeof(image), &fixed, &plan, reason) && strstr(reason, "position-independent"),
            "refused: position-independent where that cannot be");
}

static bool symbol_is(const struct image *image, uint64_t bias, uint64_t address, const char *name, uint64_t offset)
{
    const char *found;
    uint64_t found_offset;
    return elf_file_symbol(image, sizeof(*image), bias, address, &found, &found_offset) && strcmp(found, name) == 0 &&
           found_offset == offset;
}

static void test_symbols(void)
{
    struct image image;
    const char *name;
    uint64_t offset;
    make(&image);
    host_ok(symbol_is(&image, 0, TEXT + 0x205, "start", 5), "a function is found");
    host_ok(symbol_is(&image, 0, TEXT + 0x212, "middle", 2), "the nearest one is taken");
    host_ok(symbol_is(&image, 0x1000, TEXT + 0x1205, "start", 5), "the bias is taken off");
    host_ok(!elf_file_symbol(&image, sizeof(image), 0, TEXT, &name, &offset) &&
                !elf_file_symbol(&image, sizeof(image), 0, TEXT + 0x220, &name, &offset),
            "what lies outside all functions is not found");
    image.symbols[2].st_size = 0;
    image.symbols[2].st_shndx = 0x7fff;
    host_ok(symbol_is(&image, 0, TEXT + 0x212, "start", 0x12), "a label in no section is not taken");
    image.symbols[2].st_shndx = 2;
    image.sections[2].sh_addr = TEXT + 0x200;
    host_ok(symbol_is(&image, 0, TEXT + 0x212, "middle", 2) &&
                !elf_file_symbol(&image, sizeof(image), 0, TEXT + 0x240, &name, &offset),
            "a label without a size reaches to the end of its section");
    make(&image);
    image.sections[2].sh_size = 10;
    host_ok(symbol_is(&image, 0, TEXT + 0x212, "start", 0x12), "a name that is not ended is not shown");
    image.header.e_shoff = ~0UL;
    host_ok(!elf_file_symbol(&image, sizeof(image), 0, TEXT + 0x205, &name, &offset), "a table outside is not read");
}

/* Damages files at random; what is still accepted must be what the header promises. */
static void test_damaged(uint64_t seed)
{
    uint64_t state = seed;
    unsigned planned = 0, wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct image image;
        struct elf_plan plan;
        char reason[ELF_REASON_SIZE];
        const char *name;
        uint64_t offset;
        make(&image);
        size_t size = host_random(&state) % 4 ? sizeof(image) : 1 + host_random(&state) % sizeof(image);
        unsigned char *copy = malloc(size);
        memcpy(copy, &image, size);
        for (int i = 0; i < 3; i++)
            copy[host_random(&state) % size] = (unsigned char)host_random(&state);
        bool good = elf_file_plan(copy, size, &limits, &plan, reason);
        planned += good;
        for (uint32_t i = 0; good && i < plan.segment_count; i++) {
            const struct elf_segment *segment = &plan.segments[i];
            const unsigned char *data = segment->data;
            wrong += data < copy || data + segment->file_bytes > copy + size || segment->page_address < limits.lowest ||
                     segment->page_address + (uint64_t)segment->pages * 4096 > limits.highest;
        }
        elf_file_symbol(copy, size, 0, TEXT + host_random(&state) % 1024, &name, &offset);
        free(copy);
    }
    host_ok(wrong == 0 && planned > 0 && planned < ROUNDS, "%d damaged files, %u still planned (seed %llu)", ROUNDS,
            planned, (unsigned long long)seed);
}

int main(int count, char **arguments)
{
    test_good();
    test_bad();
    test_symbols();
    test_damaged(count > 1 ? strtoull(arguments[1], NULL, 0) | 1 : 1);
    return host_done();
}
