/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the boot archive. Nothing in it is trusted: every size is checked against what is left. */
#include "boot/archive.h"

#include "debug/string.h"

#define HEADER_SIZE 110
#define FIELD_SIZE 8
#define FIELD_FILE_SIZE 6 /* index of the eight-digit field behind the six bytes of magic */
#define FIELD_NAME_SIZE 11
#define MAGIC "070701"
#define MAGIC_SIZE 6

/* The value of a hexadecimal digit, or 16. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20; /* small letters */
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* A field of eight hexadecimal digits; false if one is none. */
static bool read_field(const char *header, int index, size_t *value)
{
    const char *digits = header + MAGIC_SIZE + index * FIELD_SIZE;
    *value = 0;
    for (int i = 0; i < FIELD_SIZE; i++) {
        unsigned digit = digit_value(digits[i]);
        if (digit > 15)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static size_t round_up(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

bool archive_find(const char *archive, size_t size, const char *name, const char **data, size_t *data_size)
{
    size_t name_size, position = 0, wanted = strlen(name) + 1;
    while (size - position >= HEADER_SIZE) {
        const char *header = archive + position;
        if (memcmp(header, MAGIC, MAGIC_SIZE) != 0 || !read_field(header, FIELD_FILE_SIZE, data_size) ||
            !read_field(header, FIELD_NAME_SIZE, &name_size))
            return false;
        size_t start = round_up(position + HEADER_SIZE + name_size);
        if (start > size || *data_size > size - start)
            return false;
        *data = archive + start;
        if (name_size == wanted && memcmp(header + HEADER_SIZE, name, wanted) == 0)
            return true;
        position = round_up(start + *data_size);
        if (position > size)
            return false;
    }
    return false;
}
