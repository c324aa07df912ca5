/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the loader to kernel_main(): fills in boot_info, whoever loaded us, and gives out boot options.
 *
 * Everything here is written before kernel_main() runs, on the first CPU, and never again.
 */
#include "boot/boot.h"

#include <stdarg.h>

#include "boot/entry.h"
#include "boot/loader.h"
#include "boot/mapped.h"
#include "boot/ranges.h"
#include "debug/console.h"
#include "debug/format.h"
#include "debug/string.h"
#include "x86/acpi.h"
#include "x86/features.h"

#define LOW_MEMORY_END 0x100000UL
#define CONVENTIONAL_END 0xa0000UL /* where the video memory begins */
#define LOW_RANGES 16
#define PHYSICAL_ADDRESS_END (1UL << 52) /* Intel SDM volume 3, 4.1.4: the widest there is */
#define STATUS_REFUSED 255

struct boot_info boot_info;
static struct boot_range low_ranges[LOW_RANGES];
static struct range_list low_memory = {.ranges = low_ranges, .capacity = LOW_RANGES};
static struct range_list memory = {.ranges = boot_info.memory, .capacity = BOOT_MAX_RANGES};

static void put_console(void *context, char character)
{
    (void)context;
    console_putc(character);
}

void boot_refuse(const char *format, ...)
{
    va_list arguments;

    console_printf("salto: boot: ");
    va_start(arguments, format);
    format_arguments(put_console, NULL, format, arguments);
    va_end(arguments);
    console_printf("\n");
    power_off(STATUS_REFUSED);
}

uint64_t boot_low_page(void)
{
    if (low_memory.count == 0 || low_memory.ranges[0].start >= CONVENTIONAL_END)
        return 0;
    return low_memory.ranges[0].start;
}

const void *loader_structure(uint64_t physical, uint64_t size, const char *what)
{
    if (physical == 0)
        boot_refuse("%s: %s is at address 0", boot_info.loader, what);
    if (!boot_mapped(physical, size))
        boot_refuse("%s: %s of %lu bytes at 0x%lx lies beyond mapped memory", boot_info.loader, what, size, physical);
    return boot_pointer(physical);
}

void loader_command_line(const char *text, size_t available)
{
    size_t length = strnlen(text, available);

    if (length == available)
        boot_refuse("%s: the command line is not zero-terminated", boot_info.loader);
    if (length >= BOOT_COMMAND_LINE_SIZE)
        boot_refuse("%s: the command line has %lu characters; at most %d fit", boot_info.loader, length,
                    BOOT_COMMAND_LINE_SIZE - 1);
    memcpy(boot_info.command_line, text, length + 1);
}

void loader_archive(uint64_t start, uint64_t end)
{
    if (start >= end)
        boot_refuse("%s: the boot module ends (0x%lx) where it begins (0x%lx) or before", boot_info.loader, end, start);
    if (!boot_mapped(start, end - start))
        boot_refuse("%s: the boot module (0x%lx to 0x%lx) lies beyond mapped memory", boot_info.loader, start, end);
    if (start < IMAGE_PHYSICAL(kernel_end) && end > KERNEL_LOAD_ADDRESS)
        boot_refuse("%s: the boot module (0x%lx to 0x%lx) overlaps the kernel", boot_info.loader, start, end);
    if (boot_info.archive.start != boot_info.archive.end)
        boot_refuse("%s: there is more than one boot module; Salto takes one archive", boot_info.loader);
    boot_info.archive = (struct boot_range){start, end};
}

static uint64_t page_down(uint64_t address)
{
    return address & ~(uint64_t)(PAGE_SIZE - 1);
}

static uint64_t page_up(uint64_t address)
{
    return page_down(address + PAGE_SIZE - 1);
}

static void note_usable(struct loader_memory entry)
{
    uint64_t start = page_up(entry.start), end = page_down(entry.start + entry.size);

    ranges_add(&memory, start > LOW_MEMORY_END ? start : LOW_MEMORY_END, end);
    ranges_add(&low_memory, start, end < LOW_MEMORY_END ? end : LOW_MEMORY_END);
}

static void note_reserved(struct loader_memory entry)
{
    uint64_t start = page_down(entry.start), end = page_up(entry.start + entry.size);

    ranges_remove(&memory, start, end);
    ranges_remove(&low_memory, start, end);
}

/* Cuts an entry off where physical addresses end: firmware is known to reserve up to 2^64. */
static struct loader_memory clip(struct loader_memory entry)
{
    if (entry.start >= PHYSICAL_ADDRESS_END)
        entry.start = entry.size = 0;
    else if (entry.size > PHYSICAL_ADDRESS_END - entry.start)
        entry.size = PHYSICAL_ADDRESS_END - entry.start;
    return entry;
}

void loader_memory_map(struct loader_memory (*entry)(const void *map, uint32_t index), const void *map, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (entry(map, i).type == MEMORY_TYPE_USABLE)
            note_usable(clip(entry(map, i)));
    for (uint32_t i = 0; i < count; i++)
        if (entry(map, i).type != MEMORY_TYPE_USABLE)
            note_reserved(clip(entry(map, i)));
}

/* Takes out of the memory map what is in use, and refuses to boot without memory. */
static void finish_memory(void)
{
    struct boot_range archive = boot_info.archive;

    ranges_remove(&memory, KERNEL_LOAD_ADDRESS, IMAGE_PHYSICAL(kernel_end));
    ranges_remove(&memory, page_down(archive.start), page_up(archive.end));
    ranges_remove(&low_memory, page_down(archive.start), page_up(archive.end));
    ranges_remove(&low_memory, 0, PAGE_SIZE); /* the BIOS' own; and 0 means none to boot_low_page() */
    boot_info.memory_count = memory.count;
    if (memory.count == 0)
        boot_refuse("%s: the memory map has no usable memory above 1 MiB", boot_info.loader);
    if (memory.lost != 0)
        console_printf("salto: the memory map is in too many pieces: %lu KiB are not used\n", memory.lost / 1024);
}

static bool is_space(char character)
{
    return character == ' ' || character == '\t';
}

/* Copies a word, cut off at `size` - 1 bytes. */
static void copy_word(const char *word, char *value, size_t size)
{
    size_t length = 0;

    for (; size != 0 && length + 1 < size && word[length] != '\0' && !is_space(word[length]); length++)
        value[length] = word[length];
    if (size != 0)
        value[length] = '\0';
}

bool boot_option(const char *name, char *value, size_t size)
{
    size_t length = strlen(name);
    const char *word = boot_info.command_line;

    while (*word != '\0') {
        char after = strncmp(word, name, length) == 0 ? word[length] : 'x';

        if (after == '=' || after == '\0' || is_space(after)) {
            copy_word(word + length + (after == '='), value, size);
            return true;
        }
        while (*word != '\0' && !is_space(*word))
            word++;
        while (is_space(*word))
            word++;
    }
    return false;
}

void boot_main(uint32_t magic, uint32_t info)
{
    console_initialise();
    if (magic == BOOT_MAGIC_MULTIBOOT2)
        multiboot2_parse(info);
    else if (magic == BOOT_MAGIC_PVH)
        pvh_parse(info);
    else
        boot_refuse("entered with 0x%x in eax, which is neither Multiboot2 nor PVH", magic);
    finish_memory();
    acpi_initialise();
    features_enable();
    kernel_main();
}
