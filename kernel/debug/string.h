/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's memory and string functions, as the C standard (7.24) and POSIX (strnlen) define them. */
#ifndef SALTO_DEBUG_STRING_H
#define SALTO_DEBUG_STRING_H

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t size);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t size);

#endif
