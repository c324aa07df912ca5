/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of newc archives. An entry is a header of 110 bytes (a magic number of six characters and 13 fields of eight
 * hexadecimal digits), the zero-terminated name, and the data; name and data are each padded to a multiple of 4 bytes
 * counted from the start of the archive. See cpio(5), "New ASCII Format".
 */
#include "archive.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 110
#define MAGIC "070701"          /* without checksums */
#define MAGIC_CHECKSUM "070702" /* with a checksum field, which is not looked at */
#define MAGIC_SIZE 6
#define FIELD_SIZE 8
#define FIELD_FILE_SIZE 6
#define FIELD_NAME_SIZE 11
#define TRAILER "TRAILER!!!"

/* The value of a hexadecimal digit, or -1. */
static int digit_value(unsigned char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* Field number `index` of the header at `header`. False if it holds something other than digits. */
static bool read_field(const unsigned char *header, unsigned index, uint32_t *value)
{
    const unsigned char *digits = header + MAGIC_SIZE + index * FIELD_SIZE;
    *value = 0;
    for (unsigned i = 0; i < FIELD_SIZE; i++) {
        int digit = digit_value(digits[i]);
        if (digit < 0)
            return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

static size_t align_to_4(size_t position)
{
    return (position + 3) & ~(size_t)3;
}

/* Reads the entry at `position`, and where the next one is. Answers NULL, or what is wrong with it. */
static const char *read_entry(const unsigned char *bytes, size_t size, size_t position, struct archive_file *file,
                              size_t *next)
{
    uint32_t file_size, name_size;
    if (position > size || size - position < HEADER_SIZE)
        return "the archive ends where a header or the trailer should be";
    const unsigned char *header = bytes + position;
    if (memcmp(header, MAGIC, MAGIC_SIZE) != 0 && memcmp(header, MAGIC_CHECKSUM, MAGIC_SIZE) != 0)
        return "no newc header (070701) stands here";
    if (!read_field(header, FIELD_FILE_SIZE, &file_size) || !read_field(header, FIELD_NAME_SIZE, &name_size))
        return "a size in the header is not hexadecimal";
    size_t name = position + HEADER_SIZE;
    if (name_size == 0 || name_size > size - name)
        return "the name reaches past the end of the archive";
    if (bytes[name + name_size - 1] != 0 || memchr(bytes + name, 0, name_size) != bytes + name + name_size - 1)
        return "the name is not one zero-terminated string";
    size_t data = align_to_4(name + name_size);
    if (data > size || file_size > size - data)
        return "the file reaches past the end of the archive";
    file->name = (const char *)bytes + name;
    file->data = bytes + data;
    file->size = file_size;
    *next = align_to_4(data + file_size);
    return NULL;
}

bool archive_open(struct archive *archive, const void *bytes, size_t size, char reason[ARCHIVE_REASON_SIZE])
{
    size_t position = 0;
    struct archive_file file;
    for (;;) {
        size_t next;
        const char *problem = read_entry(bytes, size, position, &file, &next);
        if (problem) {
            snprintf(reason, ARCHIVE_REASON_SIZE, "boot archive, byte %zu: %s", position, problem);
            return false;
        }
        if (strcmp(file.name, TRAILER) == 0)
            break;
        position = next;
    }
    archive->bytes = bytes;
    archive->size = position; /* entries end where the trailer begins */
    return true;
}

bool archive_next(const struct archive *archive, size_t *position, struct archive_file *file)
{
    size_t next;
    /* An entry that was checked fits in front of the trailer, so its padding does too. */
    if (*position >= archive->size || read_entry(archive->bytes, archive->size, *position, file, &next))
        return false;
    *position = next;
    return true;
}

bool archive_find(const struct archive *archive, const char *name, struct archive_file *file)
{
    size_t position = 0;
    while (archive_next(archive, &position, file)) {
        if (strcmp(file->name, name) == 0)
            return true;
    }
    return false;
}
