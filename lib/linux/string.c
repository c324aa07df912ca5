/* SPDX-License-Identifier: BSD-2-Clause */
/* What a compiler may call on its own in a freestanding image. */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *left, const void *right, size_t length);

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t length)
{
    unsigned char *out = to;
    const unsigned char *in = from;
    if (out <= in || out >= in + length)
        return memcpy(to, from, length);
    while (length-- > 0) {
        out[length] = in[length];
        __asm__ volatile("" : : : "memory"); /* the loop must not become a call of memmove */
    }
    return to;
}

void *memset(void *to, int value, size_t length)
{
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(length) : "a"(value) : "memory");
    return start;
}

int memcmp(const void *left, const void *right, size_t length)
{
    const unsigned char *a = left, *b = right;
    for (size_t i = 0; i < length; i++) {
        __asm__ volatile("" : : : "memory");
        if (a[i] != b[i])
            return a[i] - b[i];
    }
    return 0;
}
