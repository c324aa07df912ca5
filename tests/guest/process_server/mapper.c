/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain Linux program that uses memory in every way that the Linux-call handler knows. Its status is 0, or the line
 * on which something was not as Linux has it (less what does not fit into a status).
 */
#define _GNU_SOURCE /* mremap */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096UL
#define CHECK(condition)               \
    do {                               \
        if (!(condition))              \
            return __LINE__ % 120 + 1; \
    } while (0)

static char *map(void *address, size_t bytes, int protection, int flags)
{
    return mmap(address, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/* Much more than there is, of which little is touched. */
static int huge(void)
{
    const size_t gigabyte = 1UL << 30;
    for (int i = 0; i < 3; i++) {
        char *block = malloc(gigabyte);
        CHECK(block);
        for (size_t at = 0; at < gigabyte; at += gigabyte / 16) {
            CHECK(block[at] == 0);
            block[at] = (char)i;
        }
        for (size_t at = 0; at < gigabyte; at += gigabyte / 16)
            CHECK(block[at] == i);
        free(block);
    }
    return 0;
}

static int maps(void)
{
    char *first = map(NULL, 10 * PAGE, PROT_READ | PROT_WRITE, 0), *second = map(NULL, 1, PROT_READ, 0);
    CHECK(first != MAP_FAILED && second != MAP_FAILED && first != second);
    memset(first, 7, 10 * PAGE);
    CHECK(munmap(first + 3 * PAGE, 2 * PAGE) == 0);
    CHECK(first[3 * PAGE - 1] == 7 && first[5 * PAGE] == 7);
    CHECK(map(first + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED) == first + 3 * PAGE);
    CHECK(first[3 * PAGE] == 0 && first[3 * PAGE - 1] == 7);
    CHECK(map(first, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED) == first && first[0] == 0 && first[PAGE] == 7);
    CHECK(munmap(first, 100 * PAGE) == 0);
    CHECK(map(NULL, 0, PROT_READ, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(map(NULL, SIZE_MAX, PROT_READ, 0) == MAP_FAILED && errno == ENOMEM);
    CHECK(map(NULL, 1UL << 46, PROT_READ, 0) == MAP_FAILED && errno == ENOMEM);
    CHECK(map((void *)0x7e0000000000, PAGE, PROT_READ, MAP_FIXED) == MAP_FAILED && errno == EINVAL);
    CHECK(map((void *)0x7fffffffe000, PAGE, PROT_READ, MAP_FIXED) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 3, 0) == MAP_FAILED && errno == ENODEV);
    CHECK(munmap((void *)1, PAGE) == -1 && errno == EINVAL);
    CHECK(munmap(map(NULL, PAGE, PROT_NONE, 0), PAGE) == 0);
    return 0;
}

static int number = 41;
static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */

static int protections(void)
{
    char *block = map(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, 0);
    int (*function)(void) = (int (*)(void))(uintptr_t)(block + PAGE);
    CHECK(block != MAP_FAILED);
    memcpy(block + PAGE, code, sizeof(code));
    CHECK(mprotect(block + PAGE, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK(function() == 42);
    CHECK(mprotect(block, 4 * PAGE, PROT_READ) == 0);
    CHECK(mprotect(block, 4 * PAGE, PROT_READ | PROT_WRITE) == 0);
    block[PAGE] = 1;
    CHECK(mprotect(block, 4 * PAGE, PROT_WRITE | PROT_EXEC) == -1 && errno == EINVAL);
    CHECK(mprotect(block, 400 * PAGE, PROT_READ) == -1 && errno == ENOMEM);
    /* The program's own data are memory like any other. */
    CHECK(mprotect((void *)((uintptr_t)&number & -PAGE), PAGE, PROT_READ) == 0 && number == 41);
    CHECK(mprotect((void *)((uintptr_t)&number & -PAGE), PAGE, PROT_READ | PROT_WRITE) == 0);
    number++;
    CHECK(number == 42);
    return 0;
}

static int remaps(void)
{
    char *block = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0), *wall, *moved;
    CHECK(block != MAP_FAILED);
    memset(block, 9, 2 * PAGE);
    CHECK(mremap(block, 2 * PAGE, 5 * PAGE, 0) == block);
    wall = map(block + 5 * PAGE, PAGE, PROT_READ, MAP_FIXED);
    CHECK(wall == block + 5 * PAGE);
    CHECK(mremap(block, 5 * PAGE, 6 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
    moved = mremap(block, 5 * PAGE, 1000 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved != block && moved[0] == 9 && moved[2 * PAGE - 1] == 9 && moved[2 * PAGE] == 0);
    moved[999 * PAGE] = 1;
    CHECK(mremap(moved, 1000 * PAGE, PAGE, 0) == moved && moved[0] == 9);
    CHECK(mremap(moved, PAGE, 2 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
    CHECK(mremap(wall, PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
    return 0;
}

static int discards(void)
{
    char *block = map(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK(block != MAP_FAILED);
    memset(block, 5, 8 * PAGE);
    CHECK(madvise(block + PAGE, 3 * PAGE, MADV_DONTNEED) == 0);
    CHECK(block[0] == 5 && block[PAGE] == 0 && block[4 * PAGE - 1] == 0 && block[4 * PAGE] == 5);
    CHECK(madvise(block + 1, PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
    CHECK(madvise(block, PAGE, 1000) == -1 && errno == EINVAL);
    return 0;
}

/* The C library's own sbrk() does nothing. */
static char *set_break(char *end)
{
    return (char *)syscall(SYS_brk, end);
}

static int breaks(void)
{
    char *start = set_break(NULL);
    CHECK((uintptr_t)start % PAGE == 0 && set_break(start + 100) == start + 100);
    memset(start, 3, 100);
    CHECK(set_break(start + 50 * PAGE) == start + 50 * PAGE);
    CHECK(start[99] == 3 && start[100] == 0);
    memset(start, 4, 50 * PAGE);
    CHECK(mprotect(start + 10 * PAGE, PAGE, PROT_READ) == 0);
    CHECK(set_break(start + 60 * PAGE) == start + 60 * PAGE);
    start[59 * PAGE] = 1;
    CHECK(set_break(start + 20 * PAGE + 5) == start + 20 * PAGE + 5);
    CHECK(start[0] == 4 && start[19 * PAGE] == 4);
    CHECK(set_break(start + 40 * PAGE) == start + 40 * PAGE && start[30 * PAGE] == 0);
    CHECK(set_break(start - PAGE) == start + 40 * PAGE);
    CHECK(set_break((char *)0x7f0000000000) == start + 40 * PAGE);
    return 0;
}

/* More than its quota: it does not live to tell. */
static int exhausts(void)
{
    volatile char *block = malloc(64UL << 20);
    CHECK(block);
    for (size_t at = 0; at < 64UL << 20; at += PAGE)
        block[at] = 1;
    return 0;
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } tests[] = {{"huge", huge},         {"maps", maps},     {"protections", protections}, {"remaps", remaps},
                 {"discards", discards}, {"breaks", breaks}, {"exhausts", exhausts}};
    for (size_t i = 0; count > 1 && i < sizeof(tests) / sizeof(tests[0]); i++)
        if (strcmp(arguments[1], tests[i].name) == 0)
            return tests[i].run();
    return 121;
}
