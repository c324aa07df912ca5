/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sorted list of physical address ranges that do not overlap or touch. No machine dependence: host tests compile it.
 *
 * The list has a fixed capacity. Where it is full the smallest range is given up: memory is lost, never invented.
 */
#ifndef SALTO_BOOT_RANGES_H
#define SALTO_BOOT_RANGES_H

#include "boot/boot.h"

struct range_list {
    struct boot_range *ranges;
    uint32_t count, capacity;
    uint64_t lost; /* bytes given up because the list was full */
};

/* Adds [start, end), merging it with what it overlaps or touches. Nothing happens if it is empty. */
void ranges_add(struct range_list *list, uint64_t start, uint64_t end);

/* Takes [start, end) out of every range. */
void ranges_remove(struct range_list *list, uint64_t start, uint64_t end);

#endif
