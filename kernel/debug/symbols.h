/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names for addresses in the text of kernel and trampoline.
 *
 * The table is made from a first link of the kernel by tools/kernel_symbols.py and linked into the second one. It lies
 * in .rodata, behind the text, so that it does not move what it describes; the tool checks that in the end.
 */
#ifndef SALTO_DEBUG_SYMBOLS_H
#define SALTO_DEBUG_SYMBOLS_H

#include <stdint.h>

/* One symbol of the table. */
struct symbol {
    uint32_t offset; /* of its address from SHARED_BASE */
    uint32_t name;   /* index in symbols_names */
};

/* Sorted by offset; symbols_names holds the names, zero-terminated one after the other. Generated. */
extern const uint32_t symbols_count;
extern const struct symbol symbols_table[];
extern const char symbols_names[];

/* Name of the text symbol at or before `address`, and how far behind it `address` is; NULL if it is in no text. */
const char *symbols_lookup(uint64_t address, uint64_t *offset);

#endif
