/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader of boot archives: what it finds, what it refuses, and that no damaged archive makes it read outside. */
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "host_tap.h"

#define ROUNDS 20000

/* An archive that is being written. */
struct writer {
    char bytes[4096];
    size_t size;
};

static void pad(struct writer *writer)
{
    while (writer->size % 4 != 0)
        writer->bytes[writer->size++] = 0;
}

static void add(struct writer *writer, const char *name, const char *data, size_t length)
{
    writer->size +=
        (size_t)sprintf(writer->bytes + writer->size, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zx%08X", 1,
                        0100644, 0, 0, 1, 0, length, 0, 0, 0, 0, strlen(name) + 1, 0);
    memcpy(writer->bytes + writer->size, name, strlen(name) + 1);
    writer->size += strlen(name) + 1;
    pad(writer);
    memcpy(writer->bytes + writer->size, data, length);
    writer->size += length;
    pad(writer);
}

static void make(struct writer *writer)
{
    memset(writer, 0, sizeof(*writer));
    add(writer, "root", "abc", 3);
    add(writer, "empty", "", 0);
    add(writer, "set.manifest", "hello world", 11);
    add(writer, "TRAILER!!!", "", 0);
}

static void test_good(void)
{
    struct writer writer;
    struct archive archive;
    struct archive_file file;
    char reason[ARCHIVE_REASON_SIZE] = "";
    make(&writer);
    host_ok(archive_open(&archive, writer.bytes, writer.size, reason), "a good archive is opened");
    host_ok(archive_open(&archive, writer.bytes, sizeof(writer.bytes), reason), "so is one with padding behind it");
    host_ok(archive_find(&archive, "set.manifest", &file) && file.size == 11 &&
                memcmp(file.data, "hello world", 11) == 0,
            "a file is found");
    host_ok(archive_find(&archive, "empty", &file) && file.size == 0, "an empty file is found");
    host_ok(!archive_find(&archive, "roo", &file) && !archive_find(&archive, "TRAILER!!!", &file),
            "what is not there is not found");
    size_t position = 0;
    unsigned count = 0;
    while (archive_next(&archive, &position, &file))
        count++;
    host_ok(count == 3, "three files are stepped through");
}

/* Is an archive with `byte` at `offset` refused, for a reason that holds `text`? */
static bool is_refused(size_t offset, char byte, size_t size, const char *text)
{
    struct writer writer;
    struct archive archive;
    char reason[ARCHIVE_REASON_SIZE] = "";
    make(&writer);
    writer.bytes[offset] = byte;
    return !archive_open(&archive, writer.bytes, size ? size : writer.size, reason) && strstr(reason, text);
}

static void test_bad(void)
{
    host_ok(is_refused(0, '1', 0, "byte 0: no newc header"), "a wrong magic number is refused");
    host_ok(is_refused(0, '0', 60, "ends where a header"), "a cut header is refused");
    host_ok(is_refused(0, '0', 112, "the name reaches past"), "a cut name is refused");
    host_ok(is_refused(0, '0', 117, "the file reaches past"), "a cut file is refused");
    host_ok(is_refused(0, '0', 120, "ends where a header"), "a missing trailer is refused");
    host_ok(is_refused(56, 'x', 0, "not hexadecimal"), "a size that is no number is refused");
    host_ok(is_refused(54, 'F', 0, "the file reaches past"), "a huge size is refused");
    host_ok(is_refused(94, 'F', 0, "the name reaches past"), "a huge name is refused");
    host_ok(is_refused(112, 0, 0, "not one zero-terminated string"), "a zero byte within a name is refused");
    host_ok(is_refused(114, 'x', 0, "not one zero-terminated string"), "a name that is not ended is refused");
}

/* Damages archives at random. The copy is exactly as large as it is said to be, so that the sanitizer sees each read
 * outside. */
static void test_damaged(uint64_t seed)
{
    struct writer writer;
    uint64_t state = seed;
    unsigned opened = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct archive archive;
        struct archive_file file;
        char reason[ARCHIVE_REASON_SIZE];
        make(&writer);
        size_t size = 1 + host_random(&state) % writer.size;
        char *copy = malloc(size);
        memcpy(copy, writer.bytes, size);
        for (int i = 0; i < 3; i++)
            copy[host_random(&state) % size] = (char)host_random(&state);
        size_t position = 0;
        unsigned sum = 0;
        if (archive_open(&archive, copy, size, reason)) {
            while (archive_next(&archive, &position, &file))
                for (size_t i = 0; i < file.size; i++)
                    sum += ((const unsigned char *)file.data)[i];
            opened += sum != 1;
        }
        free(copy);
    }
    host_ok(true, "%d damaged archives, %u still readable (seed %llu)", ROUNDS, opened, (unsigned long long)seed);
}

int main(int count, char **arguments)
{
    test_good();
    test_bad();
    test_damaged(count > 1 ? strtoull(arguments[1], NULL, 0) | 1 : 1);
    return host_done();
}
