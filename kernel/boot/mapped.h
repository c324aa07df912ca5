/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory as the parsers of firmware's and loaders' structures see it: only what the boot page tables map, and
 * read-only. Apart, so that host tests can put a buffer of their own in its place.
 */
#ifndef SALTO_BOOT_MAPPED_H
#define SALTO_BOOT_MAPPED_H

#include <stdbool.h>
#include <stdint.h>

/* Are all `size` bytes at `physical` mapped? Address 0 is taken for missing: false. */
bool boot_mapped(uint64_t physical, uint64_t size);

/* Where `physical`, which must be mapped, can be read. */
const void *boot_pointer(uint64_t physical);

#endif
