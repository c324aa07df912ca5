/* SPDX-License-Identifier: BSD-2-Clause */
/* See vectors.h. The file is a row of sections: a header, then for each vector the two sizes and the two frames. */
#include "vectors.h"

#include <salto/startup.h>
#include <salto/tap.h>
#include <stdlib.h>
#include <string.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "archive.h"
#include "idl/memory.h"

#define SHOWN 24 /* bytes */

struct section {
    char name[40];
    uint32_t count, size; /* of its vectors, in bytes */
};

static _Noreturn void fail(const char *what)
{
    tap_note("vectors: %s", what);
    exit(1);
}

static struct archive_file find_file(void)
{
    const kernel_memory_t memory = {salto_require("archive")};
    const kernel_task_t task = {salto_require("task")};
    char reason[ARCHIVE_REASON_SIZE];
    struct archive archive;
    struct archive_file file;
    uint32_t pages = 0;
    int result;
    if (kernel_memory_size(memory, &pages) != 0)
        fail("the archive has no size");
    result = kernel_memory_map(memory, task, ROOT_ARCHIVE, 0, pages, RIGHT_READ);
    if (result != 0 && result != -ERROR_OCCUPIED) /* by the other half, where both are linked into one image */
        fail("the archive cannot be mapped");
    if (!archive_open(&archive, (const void *)ROOT_ARCHIVE, (size_t)pages * PAGE_SIZE, reason))
        fail(reason);
    if (!archive_find(&archive, "vectors", &file))
        fail("they are not in the archive: tests/guest/round_trips/run.py puts them there");
    return file;
}

struct vectors vectors_of(const char *interface)
{
    static struct archive_file file;
    const uint8_t *at, *end;
    struct section section;
    if (!file.data)
        file = find_file();
    at = file.data;
    for (end = at + file.size; at != end; at += section.size) {
        memcpy(&section, at, sizeof(section));
        at += sizeof(section);
        if (strncmp(section.name, interface, sizeof(section.name)) == 0)
            return (struct vectors){at, at, at + section.size, section.count};
    }
    tap_note("vectors: none of %s", interface);
    exit(1);
}

struct vector vectors_next(struct vectors *vectors)
{
    struct vector vector;
    if (vectors_at_end(vectors))
        vectors->at = vectors->first;
    memcpy(&vector.request_size, vectors->at, sizeof(uint32_t));
    memcpy(&vector.reply_size, vectors->at + sizeof(uint32_t), sizeof(uint32_t));
    vector.request = vectors->at + 2 * sizeof(uint32_t);
    vector.reply = vector.request + vector.request_size;
    vectors->at = vector.reply + vector.reply_size;
    return vector;
}

static void tell(const char *what, const uint8_t *frame, uint64_t size, uint64_t from)
{
    char text[3 * SHOWN + 1] = "";
    for (uint64_t i = 0; i < SHOWN && from + i < size; i++) {
        text[3 * i] = "0123456789abcdef"[frame[from + i] >> 4];
        text[3 * i + 1] = "0123456789abcdef"[frame[from + i] & 15];
        text[3 * i + 2] = ' ';
    }
    tap_note("  %s, %lu bytes, from %lu on: %s", what, size, from, text);
}

bool vectors_same(const char *what, const uint8_t *found, uint64_t found_size, const uint8_t *wanted,
                  uint32_t wanted_size)
{
    uint64_t equal = 0;
    while (equal < found_size && equal < wanted_size && found[equal] == wanted[equal])
        equal++;
    if (equal == found_size && equal == wanted_size)
        return true;
    tap_note("%s:", what);
    tell("found", found, found_size, 0);
    tell("wanted", wanted, wanted_size, 0);
    tell("found", found, found_size, equal);
    tell("wanted", wanted, wanted_size, equal);
    return false;
}
