/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C library's memory and string functions, of which the compiler calls the first four by itself even in a
 * freestanding program. Copies go by 8 bytes: each round of `rep` counts as an instruction for our yardstick.
 */
#include "debug/string.h"

#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
    void *to = destination;
    size_t words = size / 8, rest = size % 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(source), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(source), "+c"(rest) : : "memory");
    return destination;
}

void *memmove(void *destination, const void *source, size_t size)
{
    uint8_t *to = (uint8_t *)destination + size - 1;
    const uint8_t *from = (const uint8_t *)source + size - 1;

    if ((uintptr_t)destination - (uintptr_t)source >= size)
        return memcpy(destination, source, size);
    __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return destination;
}

void *memset(void *destination, int byte, size_t size)
{
    void *to = destination;
    uint64_t pattern = (uint8_t)byte * 0x0101010101010101UL;
    size_t words = size / 8, rest = size % 8;

    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
    return destination;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;

    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}

size_t strnlen(const char *text, size_t size)
{
    size_t length = 0;

    while (length < size && text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (uint8_t)*left - (uint8_t)*right;
}

int strncmp(const char *left, const char *right, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (left[i] != right[i] || left[i] == '\0')
            return (uint8_t)left[i] - (uint8_t)right[i];
    return 0;
}
