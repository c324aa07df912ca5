/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatting of text without a C library. See format.h. */
#include "debug/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One conversion: where it goes, and its flags. */
struct conversion {
    format_put put;
    void *context;
    bool left, zero, wide;
    int width, precision; /* precision -1: none */
};

static void pad(const struct conversion *conversion, int length, char character)
{
    for (int i = length; i < conversion->width; i++)
        conversion->put(conversion->context, character);
}

static void emit(const struct conversion *conversion, const char *text, int length)
{
    if (!conversion->left)
        pad(conversion, length, ' ');
    for (int i = 0; i < length; i++)
        conversion->put(conversion->context, text[i]);
    if (conversion->left)
        pad(conversion, length, ' ');
}

static void emit_string(const struct conversion *conversion, const char *text)
{
    int length = 0;

    if (text == NULL)
        text = "(null)";
    while ((conversion->precision < 0 || length < conversion->precision) && text[length] != '\0')
        length++;
    emit(conversion, text, length);
}

static void emit_number(struct conversion *conversion, uint64_t value, unsigned base, bool negative)
{
    char digits[24];
    int first = sizeof(digits);

    do {
        digits[--first] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (conversion->zero && !conversion->left && (int)sizeof(digits) - first + negative < conversion->width &&
           first > 1)
        digits[--first] = '0';
    if (negative)
        digits[--first] = '-';
    emit(conversion, digits + first, (int)sizeof(digits) - first);
}

static const char *parse_number(const char *format, int *number)
{
    for (*number = 0; *format >= '0' && *format <= '9' && *number < 1000; format++)
        *number = *number * 10 + (*format - '0');
    return format;
}

/* Reads flags, width and precision after the '%'; answers where the conversion's letter stands. */
static const char *parse(const char *format, struct conversion *conversion, va_list *arguments)
{
    conversion->left = conversion->zero = conversion->wide = false;
    conversion->precision = -1;
    for (; *format == '-' || *format == '0'; format++) {
        conversion->left |= *format == '-';
        conversion->zero |= *format == '0';
    }
    format = parse_number(format, &conversion->width);
    if (format[0] == '.' && format[1] == '*') {
        conversion->precision = va_arg(*arguments, int);
        format += 2;
    } else if (format[0] == '.') {
        format = parse_number(format + 1, &conversion->precision);
    }
    for (; *format == 'l' || *format == 'z'; format++)
        conversion->wide = true;
    return format;
}

static void emit_signed(struct conversion *conversion, va_list *arguments)
{
    int64_t value = conversion->wide ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);

    emit_number(conversion, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0);
}

static void emit_unsigned(struct conversion *conversion, unsigned base, va_list *arguments)
{
    emit_number(conversion, conversion->wide ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned), base,
                false);
}

static void emit_pointer(struct conversion *conversion, va_list *arguments)
{
    conversion->put(conversion->context, '0');
    conversion->put(conversion->context, 'x');
    conversion->zero = true;
    conversion->width = 16;
    emit_number(conversion, (uintptr_t)va_arg(*arguments, void *), 16, false);
}

static void emit_character(struct conversion *conversion, va_list *arguments)
{
    char character = (char)va_arg(*arguments, int);

    emit(conversion, &character, 1);
}

/* Prints one argument; false if `letter` is no conversion. */
static bool convert(char letter, struct conversion *conversion, va_list *arguments)
{
    switch (letter) {
    case 's':
        emit_string(conversion, va_arg(*arguments, const char *));
        return true;
    case 'c':
        emit_character(conversion, arguments);
        return true;
    case 'd':
    case 'i':
        emit_signed(conversion, arguments);
        return true;
    case 'u':
        emit_unsigned(conversion, 10, arguments);
        return true;
    case 'x':
        emit_unsigned(conversion, 16, arguments);
        return true;
    case 'p':
        emit_pointer(conversion, arguments);
        return true;
    case '%':
        conversion->put(conversion->context, '%');
        return true;
    default:
        return false;
    }
}

void format_arguments(format_put put, void *context, const char *format, va_list arguments)
{
    struct conversion conversion = {.put = put, .context = context};
    bool lost = false;
    va_list copy;

    va_copy(copy, arguments);
    while (*format != '\0') {
        const char *start = format++;

        if (*start == '%' && !lost) {
            format = parse(format, &conversion, &copy);
            if (convert(*format, &conversion, &copy)) {
                format++;
                continue;
            }
            lost = true;
            format = start + 1;
        }
        put(context, *start);
    }
    va_end(copy);
}
