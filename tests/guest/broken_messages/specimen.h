/* SPDX-License-Identifier: BSD-2-Clause */
/* What server and honest client of specimen.idl reckon: a sum of all that was handed over, in order. */
#ifndef BROKEN_SPECIMEN_H
#define BROKEN_SPECIMEN_H

#include <stddef.h>
#include <stdint.h>

#define SUM_START 0xcbf29ce484222325UL
#define SUM_FACTOR 0x100000001b3UL

static inline uint64_t sum_word(uint64_t sum, uint64_t word)
{
    return (sum ^ word) * SUM_FACTOR;
}

static inline uint64_t sum_bytes(uint64_t sum, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum = sum_word(sum, ((const uint8_t *)bytes)[i]);
    return sum_word(sum, size);
}

/* Letter `i` of the texts that Specimen.read answers. */
static inline char letter_of(uint32_t seed, size_t i)
{
    return (char)('a' + (seed + i) % 26);
}

#endif
