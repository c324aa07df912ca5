/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the start information of the PVH boot protocol (Xen, public/arch-x86/hvm/start_info.h), as QEMU's `-kernel`
 * gives it. Version 1 and later have the memory map that we need. Nothing says that the structures are aligned, so they
 * are copied.
 */
#include "boot/boot.h"
#include "boot/entry.h"
#include "boot/loader.h"
#include "debug/string.h"

#define MEMORY_MAX_ENTRIES 4096 /* far more than any firmware has; catches a wild count */
#define COMMAND_LINE_MAX_SIZE 4096

struct start_info {
    uint32_t magic, version, flags, modules_count;
    uint64_t modules, command_line, rsdp, memory_map;
    uint32_t memory_entries, reserved;
};

struct module {
    uint64_t start, size, command_line, reserved;
};

struct memory_entry {
    uint64_t start, size;
    uint32_t type, reserved;
};

_Static_assert(sizeof(struct start_info) == 56, "as the protocol lays it out");
_Static_assert(sizeof(struct module) == 32, "as the protocol lays it out");
_Static_assert(sizeof(struct memory_entry) == 24, "as the protocol lays it out");

static struct loader_memory memory_entry(const void *map, uint32_t index)
{
    struct memory_entry entry;

    memcpy(&entry, (const uint8_t *)map + index * sizeof(entry), sizeof(entry));
    return (struct loader_memory){entry.start, entry.size, entry.type};
}

static void parse_memory_map(const struct start_info *info)
{
    uint64_t size = (uint64_t)info->memory_entries * sizeof(struct memory_entry);

    if (info->memory_entries > MEMORY_MAX_ENTRIES)
        boot_refuse("PVH: the memory map claims to have %u entries", info->memory_entries);
    loader_memory_map(memory_entry, loader_structure(info->memory_map, size, "the memory map"), info->memory_entries);
}

static void parse_modules(const struct start_info *info)
{
    struct module module;

    if (info->modules_count == 0)
        return;
    if (info->modules_count > 1)
        boot_refuse("PVH: there are %u boot modules; Salto takes one archive", info->modules_count);
    memcpy(&module, loader_structure(info->modules, sizeof(module), "the module list"), sizeof(module));
    if (module.start + module.size < module.start)
        boot_refuse("PVH: the boot module at 0x%lx claims to have 0x%lx bytes", module.start, module.size);
    loader_archive(module.start, module.start + module.size);
}

static void parse_command_line(const struct start_info *info)
{
    if (info->command_line != 0)
        loader_command_line(loader_structure(info->command_line, COMMAND_LINE_MAX_SIZE, "the command line"),
                            COMMAND_LINE_MAX_SIZE);
}

void pvh_parse(uint64_t physical)
{
    struct start_info info;

    boot_info.loader = "PVH";
    memcpy(&info, loader_structure(physical, sizeof(info), "the start information"), sizeof(info));
    if (info.magic != BOOT_MAGIC_PVH)
        boot_refuse("PVH: the start information at 0x%lx begins with 0x%x instead of 0x%x", physical, info.magic,
                    BOOT_MAGIC_PVH);
    if (info.version < 1)
        boot_refuse("PVH: the start information has version %u, without a memory map", info.version);
    parse_command_line(&info);
    parse_modules(&info);
    parse_memory_map(&info);
    boot_info.rsdp = info.rsdp;
}
