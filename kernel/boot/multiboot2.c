/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the boot information of a Multiboot2 loader (Multiboot2 specification 2.0, section 3.6): a list of tags, each
 * of type, size and contents, 8-byte aligned, closed by a tag of type 0.
 */
#include "boot/boot.h"
#include "boot/entry.h"
#include "boot/loader.h"
#include "debug/string.h"

#define TAG_END 0
#define TAG_COMMAND_LINE 1
#define TAG_MODULE 3
#define TAG_MEMORY_MAP 6
#define TAG_RSDP_OLD 14
#define TAG_RSDP_NEW 15

#define INFO_MAX_SIZE 0x100000 /* far more than any loader makes; catches a wild size */
#define MEMORY_ENTRY_SIZE 24
#define RSDP_SIZE_OLD 20
#define RSDP_SIZE_NEW 36

struct tag {
    uint32_t type, size;
};

struct tag_module {
    struct tag tag;
    uint32_t start, end;
};

struct tag_memory_map {
    struct tag tag;
    uint32_t entry_size, entry_version;
    uint8_t entries[];
};

struct memory_entry {
    uint64_t start, size;
    uint32_t type, reserved;
};

_Static_assert(sizeof(struct memory_entry) == MEMORY_ENTRY_SIZE, "as the specification lays it out");

static uint8_t rsdp_copy[RSDP_SIZE_NEW]; /* the loader's copy lies in memory that will be used otherwise */

/* Contents of `tag` must have at least `size` bytes. */
static void require_size(const struct tag *tag, uint32_t size)
{
    if (tag->size - sizeof(struct tag) < size)
        boot_refuse("Multiboot2: the tag of type %u has %u bytes, and needs %lu", tag->type, tag->size,
                    size + sizeof(struct tag));
}

static struct loader_memory memory_entry(const void *map, uint32_t index)
{
    const struct tag_memory_map *tag = map;
    const struct memory_entry *entry = (const void *)(tag->entries + (size_t)index * tag->entry_size);

    return (struct loader_memory){entry->start, entry->size, entry->type};
}

static void parse_memory_map(const struct tag *tag)
{
    const struct tag_memory_map *map = (const void *)tag;

    require_size(tag, sizeof(*map) - sizeof(*tag));
    if (map->entry_size < MEMORY_ENTRY_SIZE || map->entry_size % 8 != 0)
        boot_refuse("Multiboot2: an entry of the memory map has %u bytes", map->entry_size);
    loader_memory_map(memory_entry, map, (uint32_t)((tag->size - sizeof(*map)) / map->entry_size));
}

static void parse_module(const struct tag *tag)
{
    const struct tag_module *module = (const void *)tag;

    require_size(tag, sizeof(*module) - sizeof(*tag));
    loader_archive(module->start, module->end);
}

/* The new RSDP is better than the old one, whichever comes first. */
static void parse_rsdp(const struct tag *tag, uint32_t size)
{
    require_size(tag, size);
    if (boot_info.rsdp != 0 && size == RSDP_SIZE_OLD)
        return;
    memcpy(rsdp_copy, tag + 1, size);
    boot_info.rsdp = IMAGE_PHYSICAL(rsdp_copy);
}

static void parse_tag(const struct tag *tag)
{
    switch (tag->type) {
    case TAG_COMMAND_LINE:
        loader_command_line((const char *)(tag + 1), tag->size - sizeof(*tag));
        break;
    case TAG_MODULE:
        parse_module(tag);
        break;
    case TAG_MEMORY_MAP:
        parse_memory_map(tag);
        break;
    case TAG_RSDP_OLD:
        parse_rsdp(tag, RSDP_SIZE_OLD);
        break;
    case TAG_RSDP_NEW:
        parse_rsdp(tag, RSDP_SIZE_NEW);
        break;
    default:
        break; /* the loader tells much that we do not need */
    }
}

void multiboot2_parse(uint64_t info)
{
    const uint8_t *base;
    uint32_t size, offset = sizeof(struct tag);

    boot_info.loader = "Multiboot2";
    if (info % 8 != 0)
        boot_refuse("Multiboot2: the boot information at 0x%lx is not 8-byte aligned", info);
    size = *(const uint32_t *)loader_structure(info, sizeof(struct tag), "the boot information");
    if (size < 2 * sizeof(struct tag) || size > INFO_MAX_SIZE)
        boot_refuse("Multiboot2: the boot information claims to have %u bytes", size);
    base = loader_structure(info, size, "the boot information");
    while (offset <= size - sizeof(struct tag)) {
        const struct tag *tag = (const void *)(base + offset);

        if (tag->size < sizeof(*tag) || tag->size > size - offset)
            boot_refuse("Multiboot2: the tag of type %u at offset %u claims to have %u bytes", tag->type, offset,
                        tag->size);
        if (tag->type == TAG_END)
            return;
        parse_tag(tag);
        offset += (tag->size + 7) & ~7U;
    }
    boot_refuse("Multiboot2: the boot information has no end tag");
}
