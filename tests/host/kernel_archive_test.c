/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the kernel's reader of the boot archive (kernel/boot/archive.c): what it finds, and that no damaged
 * archive makes it read outside of it, which AddressSanitizer would see: each stands at the end of its own memory.
 */
#include <stdlib.h>
#include <string.h>

#include "boot/archive.h"
#include "host_tap.h"

#define SEED 0xa5c41feUL
#define ROUNDS 50000
#define CAPACITY 2048

static char bytes[CAPACITY];
static size_t size;
static const char *const names[] = {"root", "linux", "set.manifest", "empty", "missing", ""};
#define NAMES (sizeof(names) / sizeof(names[0]))

static void add(const char *name, const char *data, size_t length)
{
    size_t name_size = strlen(name) + 1;
    size +=
        (size_t)snprintf(bytes + size, CAPACITY - size, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zx%08X",
                         1, 0100644, 0, 0, 1, 0, length, 0, 0, 0, 0, name_size, 0);
    memcpy(bytes + size, name, name_size);
    size = (size + name_size + 3) & ~3UL;
    memcpy(bytes + size, data, length);
    size = (size + length + 3) & ~3UL;
}

static void make(void)
{
    memset(bytes, 0, sizeof(bytes));
    size = 0;
    add("root", "root file", 9);
    add("empty", "", 0);
    add("linux", "x", 1);
    add("set.manifest", "hello", 5);
    add("TRAILER!!!", "", 0);
}

/* Looks for all names in a copy that ends where its memory ends. False if what is found lies outside of it. */
static bool find_all(const char *archive, size_t length, unsigned *found)
{
    char *copy = malloc(length ? length : 1);
    bool good = true;
    memcpy(copy, archive, length);
    for (size_t i = 0; i < NAMES; i++) {
        const char *data;
        size_t data_size;
        if (!archive_find(copy, length, names[i], &data, &data_size))
            continue;
        ++*found;
        good &= data >= copy && data_size <= length && data <= copy + length - data_size;
    }
    free(copy);
    return good;
}

static bool finds(const char *name, const char *content)
{
    const char *data;
    size_t data_size;
    return archive_find(bytes, size, name, &data, &data_size) && data_size == strlen(content) &&
           memcmp(data, content, data_size) == 0;
}

static void test_good(void)
{
    const char *data;
    size_t data_size;
    make();
    host_ok(finds("root", "root file") && finds("linux", "x") && finds("set.manifest", "hello"),
            "files are found with their content");
    host_ok(finds("empty", ""), "so is an empty one");
    host_ok(!archive_find(bytes, size, "roo", &data, &data_size) &&
                !archive_find(bytes, size, "root2", &data, &data_size) &&
                !archive_find(bytes, size, "", &data, &data_size),
            "what is not there is not");
    host_ok(!archive_find(bytes, 0, "root", &data, &data_size), "an empty archive holds nothing");
}

/* Every byte of the first header in turn becomes something that is no hexadecimal digit. */
static void test_bad_digits(void)
{
    static const char wrong[] = "@`/:Gg \xff";
    const char *data;
    size_t data_size, accepted = 0;
    for (size_t i = 0; i < sizeof(wrong) - 1; i++)
        for (size_t digit = 0; digit < 8; digit++) {
            make();
            bytes[6 + 6 * 8 + digit] = wrong[i];
            accepted += archive_find(bytes, size, "linux", &data, &data_size);
            make();
            bytes[6 + 11 * 8 + digit] = wrong[i];
            accepted += archive_find(bytes, size, "linux", &data, &data_size);
        }
    host_ok(accepted == 0, "a size with a character that is no digit is refused (%zu accepted)", accepted);
}

static void test_truncated(void)
{
    unsigned found = 0;
    bool good = true;
    make();
    for (size_t length = 0; length <= size; length++)
        good &= find_all(bytes, length, &found);
    host_ok(good && found > 0, "every truncated archive is read inside of it");
}

static void test_mutations(void)
{
    uint64_t state = SEED;
    unsigned found = 0, round = 0;
    for (; round < ROUNDS; round++) {
        make();
        for (uint64_t changes = 1 + host_random(&state) % 4; changes > 0; changes--) {
            static const char likely[] = "0123456789abcdefF07@";
            size_t place = host_random(&state) % size;
            bytes[place] = host_random(&state) % 2 ? likely[host_random(&state) % (sizeof(likely) - 1)]
                                                   : (char)host_random(&state);
        }
        if (!find_all(bytes, size - host_random(&state) % 8, &found))
            break;
    }
    host_ok(round == ROUNDS && found > 0 && found < ROUNDS * (NAMES - 2),
            "%u of %u mutations are read inside of the archive (seed %#lx)", round, ROUNDS, SEED);
}

int main(void)
{
    test_good();
    test_bad_digits();
    test_truncated();
    test_mutations();
    return host_done();
}
