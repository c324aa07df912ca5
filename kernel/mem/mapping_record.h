/* SPDX-License-Identifier: BSD-2-Clause */
/* What mapping.c and mapping_drop.c share. */
#ifndef SALTO_MEM_MAPPING_RECORD_H
#define SALTO_MEM_MAPPING_RECORD_H

#include "mem/mapping.h"
#include "mem/memory.h"
#include "thread/task.h"

/* Who pays for the record of `mapping`, and for its page tables. */
static inline struct factory *mapping_payer(const struct mapping *mapping)
{
    return mapping->task->object.payer;
}

/* The tree in which `mapping` stands by its source. */
static inline struct mapping **mapping_sources(const struct mapping *mapping)
{
    return mapping->giver ? &mapping->giver->given : &mapping->memory->mappings;
}

static inline uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

#endif
