/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parsers of loader structures share. Nothing that a loader hands over is believed before it is checked: an
 * address must lie in memory that is mapped, a size must end where its structure ends.
 */
#ifndef SALTO_BOOT_LOADER_H
#define SALTO_BOOT_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_TYPE_USABLE 1 /* in both protocols: ACPI specification 6.4, table 15.4 */

/* One entry of a loader's memory map. */
struct loader_memory {
    uint64_t start, size;
    uint32_t type;
};

/* Prints `salto: boot: ` with the formatted text, naming what is wrong, and turns the machine off with status 255. */
_Noreturn void boot_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The structure of `size` bytes at `physical`. Refuses to boot, naming `what`, if it is not all in mapped memory. */
const void *loader_structure(uint64_t physical, uint64_t size, const char *what);

/* Copies the command line, of at most `available` bytes. Refuses to boot if it is not terminated or too long. */
void loader_command_line(const char *text, size_t available);

/* Notes where the boot module lies. Refuses to boot if the range is bad, or if there is one already. */
void loader_archive(uint64_t start, uint64_t end);

/* Notes a memory map of `count` entries that `entry` reads, in any order, overlapping or not: usable is what some entry
 * says is usable, and none says is not. */
void loader_memory_map(struct loader_memory (*entry)(const void *map, uint32_t index), const void *map, uint32_t count);

/* The two protocols: fill in boot_info from the structure at physical address `info`. */
void multiboot2_parse(uint64_t info);
void pvh_parse(uint64_t info);

#endif
