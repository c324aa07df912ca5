/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the badges of the server's capabilities mean. A badge of the manifest is the client's number, from 1 up; those
 * that the server mints say what kind of thing they name, which one, and of which generation, so that one that names
 * something that is gone is found out. Nobody else can mint: who may copy a capability cannot change its badge.
 */
#ifndef SALTO_MEMORY_BADGES_H
#define SALTO_MEMORY_BADGES_H

#include "books.h"

enum badge_kind { BADGE_MANIFEST, BADGE_CLIENT, BADGE_OBJECT, BADGE_PAGER };

/* A badge of the manifest that is no client's: who has it may look at all (inspect.c). */
#define BADGE_INSPECTOR 1024

_Static_assert(BADGE_INSPECTOR >= CLIENTS_MAX, "no client has this number");

/* Beside a client's number in a badge of the manifest: who has it may know where memory lies. */
#define BADGE_LOCATES 2048

_Static_assert(BADGE_LOCATES >= CLIENTS_MAX && BADGE_LOCATES != BADGE_INSPECTOR, "no number has this bit");

#define BADGE_KIND_SHIFT 60
#define BADGE_RIGHTS_SHIFT 56
#define BADGE_GENERATION_SHIFT 24
#define BADGE_INDEX_MASK 0xffffff

static inline uint64_t badge_make(enum badge_kind kind, uint32_t rights, uint32_t generation, uint32_t index)
{
    return (uint64_t)kind << BADGE_KIND_SHIFT | (uint64_t)rights << BADGE_RIGHTS_SHIFT |
           (uint64_t)generation << BADGE_GENERATION_SHIFT | index;
}

static inline enum badge_kind badge_kind(uint64_t badge)
{
    return (enum badge_kind)(badge >> BADGE_KIND_SHIFT);
}

static inline uint32_t badge_rights(uint64_t badge)
{
    return (uint32_t)(badge >> BADGE_RIGHTS_SHIFT) & 15;
}

static inline uint32_t badge_generation(uint64_t badge)
{
    return (uint32_t)(badge >> BADGE_GENERATION_SHIFT);
}

static inline uint32_t badge_index(uint64_t badge)
{
    return (uint32_t)badge & BADGE_INDEX_MASK;
}

#endif
