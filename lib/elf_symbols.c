/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks an address up in an ELF file's symbol table, for messages about faults. The file has passed elf_file_plan(),
 * but its section headers have not been looked at there: a malformed table only means that no name is found.
 */
#include <elf.h>
#include <string.h>

#include "elf_file.h"

/* A table within the file. */
struct elf_table {
    const unsigned char *bytes;
    uint64_t size;
};

/* Section header `index`, and the bytes of the section; false if either lies outside the file. */
static bool read_section(const unsigned char *bytes, size_t size, const Elf64_Ehdr *header, uint32_t index,
                         Elf64_Shdr *section, struct elf_table *table)
{
    if (index >= header->e_shnum || header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shoff > size)
        return false;
    uint64_t offset = (uint64_t)index * sizeof(Elf64_Shdr);
    if (size - header->e_shoff < offset || size - header->e_shoff - offset < sizeof(Elf64_Shdr))
        return false;
    memcpy(section, bytes + header->e_shoff + offset, sizeof(*section));
    if (section->sh_offset > size || section->sh_size > size - section->sh_offset)
        return false;
    table->bytes = bytes + section->sh_offset;
    table->size = section->sh_size;
    return true;
}

/* Finds the symbol table and the strings that belong to it. */
static bool find_tables(const unsigned char *bytes, size_t size, struct elf_table *symbols, struct elf_table *strings)
{
    Elf64_Ehdr header;
    Elf64_Shdr section, string_section;
    if (size < sizeof(header))
        return false;
    memcpy(&header, bytes, sizeof(header));
    for (uint32_t i = 0; i < header.e_shnum; i++) {
        if (read_section(bytes, size, &header, i, &section, symbols) && section.sh_type == SHT_SYMTAB)
            return read_section(bytes, size, &header, section.sh_link, &string_section, strings);
    }
    return false;
}

/* Does the section that a symbol without a size belongs to reach to `address`? */
static bool section_holds(const unsigned char *bytes, size_t size, uint32_t index, uint64_t address)
{
    Elf64_Ehdr header;
    Elf64_Shdr section;
    struct elf_table table;
    memcpy(&header, bytes, sizeof(header));
    return read_section(bytes, size, &header, index, &section, &table) && address >= section.sh_addr &&
           address - section.sh_addr < section.sh_size;
}

/* Can `address` be meant by `symbol`? Assembly labels carry neither type nor size: they reach to the next symbol, but
 * not out of their section. */
static bool is_candidate(const unsigned char *bytes, size_t size, const Elf64_Sym *symbol, uint64_t address)
{
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    if ((type != STT_FUNC && type != STT_NOTYPE) || symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= SHN_LORESERVE)
        return false;
    if (symbol->st_value > address)
        return false;
    if (symbol->st_size != 0)
        return address - symbol->st_value < symbol->st_size;
    return section_holds(bytes, size, symbol->st_shndx, address);
}

/* The string at `offset`, if it ends within the table and is not empty; else NULL. */
static const char *string_at(const struct elf_table *strings, uint32_t offset)
{
    if (offset >= strings->size || strings->bytes[offset] == 0)
        return NULL;
    if (!memchr(strings->bytes + offset, 0, strings->size - offset))
        return NULL;
    return (const char *)strings->bytes + offset;
}

bool elf_file_symbol(const void *file, size_t size, uint64_t bias, uint64_t address, const char **name,
                     uint64_t *offset)
{
    struct elf_table symbols, strings;
    bool found = false;
    uint64_t best = 0;
    if (address < bias || !find_tables(file, size, &symbols, &strings))
        return false;
    for (uint64_t i = 0; symbols.size - i >= sizeof(Elf64_Sym); i += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        memcpy(&symbol, symbols.bytes + i, sizeof(symbol));
        if (found && address - bias - symbol.st_value >= best)
            continue;
        if (!is_candidate(file, size, &symbol, address - bias))
            continue;
        const char *candidate = string_at(&strings, symbol.st_name);
        if (!candidate)
            continue;
        *name = candidate;
        best = address - bias - symbol.st_value;
        found = true;
    }
    *offset = best;
    return found;
}
