/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatting of text without a C library. No state, no machine dependence: host tests compile it too. */
#ifndef SALTO_DEBUG_FORMAT_H
#define SALTO_DEBUG_FORMAT_H

#include <stdarg.h>

/* Takes one character of formatted text. */
typedef void (*format_put)(void *context, char character);

/*
 * Formats `arguments` and gives each character to `put`. A conversion is
 *   % [-] [0] [width] [.precision | .*] [l | ll | z] (s c d i u x p %)
 * with the meaning that it has in C's printf; the precision counts for %s alone, where the text need not be
 * zero-terminated within it. A null %s prints "(null)". %p prints 0x and 16 digits. An unknown conversion is printed as
 * it stands, and the rest of the format after it too, since its arguments are lost.
 */
void format_arguments(format_put put, void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
