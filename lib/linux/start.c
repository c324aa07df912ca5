/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens before a program's first instruction: the handler looks up what the program was granted, and makes
 * root's initial stack. (Every other program's is made by root; root's would be by the kernel, which knows no Linux.)
 */
#include <elf.h>

#include "abi/addresses.h"
#include "linux.h"
#include "regions.h"
#include "threads.h"

_Static_assert(LINUX_HANDLER_BASE == 0x7e0000000000, "linux.lds links the handler at LINUX_HANDLER_BASE");
_Static_assert(LINUX_HANDLER_ENTRY == LINUX_HANDLER_BASE + 0x1000, "linux.lds puts linux_entry there");

struct linux_grants linux_grants;
const char *linux_program_name = "program";

/* Where the parts of root's stack lie, in 8-byte words from its start. */
enum {
    ROOT_ARGC = 0,
    ROOT_ARGV = 1,        /* one argument, and the null pointer */
    ROOT_ENVIRONMENT = 3, /* the null pointer */
    ROOT_AUXILIARY = 4,   /* pairs, ended by AT_NULL */
    ROOT_RANDOM = 16,     /* 16 bytes for AT_RANDOM */
    ROOT_NAME = 18
};

/* Names that the handler looks for are short: each is compared as one word, the zeros behind it included. */
#define NAME_BYTES 8

static const struct wanted {
    char name[NAME_BYTES];
    uint32_t *place;
} wanted[] = {
    {"task", &linux_grants.task},       {"thread", &linux_grants.thread}, {"factory", &linux_grants.factory},
    {"console", &linux_grants.console}, {"pager", &linux_grants.pager},   {"memory", &linux_grants.memory},
    {"process", &linux_grants.process},
};

#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

static uint64_t word_of(const char *name)
{
    uint64_t word;
    __builtin_memcpy(&word, name, sizeof(word));
    return word;
}

/* Notes a line of the start-up table, if the handler wants it; of those with one name, the first. */
static void note_grant(const struct startup_grant *grant)
{
    uint64_t name = word_of(grant->name);
    uint32_t i = 0;
    while (i < WANTED && word_of(wanted[i].name) != name)
        i++;
    if (i == WANTED || *wanted[i].place != 0)
        return;
    *wanted[i].place = grant->handle;
    if (wanted[i].place == &linux_grants.pager)
        linux_grants.pager_interface = grant->interface;
}

void linux_find_grants(void)
{
    const struct startup_table *table = linux_startup_table();
    linux_grants = (struct linux_grants){0};
    if (table->magic != STARTUP_MAGIC)
        return;
    for (uint32_t i = 0; i < table->grants_count && i < STARTUP_MAX_GRANTS; i++)
        note_grant(&table->grants[i]);
    /* A client of the memory server that does not page this task would be of no use: those that do have both. */
    if (linux_grants.pager == 0)
        linux_grants.memory = linux_grants.process = 0;
}

/* argc, argv, no environment, and what musl reads of the auxiliary vector. Root has no thread-local variables, so its
 * program headers are not needed. */
static void make_root_stack(uint64_t *stack)
{
    char *name = (char *)(stack + ROOT_NAME);
    const char *root = "root";
    for (int i = 0; i < 5; i++)
        name[i] = root[i];
    linux_random_bytes((uint8_t *)(stack + ROOT_RANDOM), 16);
    stack[ROOT_ARGC] = 1;
    stack[ROOT_ARGV] = (uint64_t)name;
    stack[ROOT_ARGV + 1] = 0;
    stack[ROOT_ENVIRONMENT] = 0;
    uint64_t *auxiliary = stack + ROOT_AUXILIARY;
    *auxiliary++ = AT_PAGESZ;
    *auxiliary++ = PAGE_SIZE;
    *auxiliary++ = AT_RANDOM;
    *auxiliary++ = (uint64_t)(stack + ROOT_RANDOM);
    *auxiliary++ = AT_ENTRY;
    *auxiliary++ = linux_startup_table()->program_entry;
    *auxiliary++ = AT_NULL;
    *auxiliary = 0;
}

uint64_t linux_prepare(uint64_t stack, uint64_t *room)
{
    linux_find_grants();
    linux_threads_prepare();
    linux_memory_prepare();
    linux_console_prepare();
    linux_process_begins_anew();
    if (stack == 0) {
        make_root_stack(room);
        stack = (uint64_t)room;
    }
    const uint64_t *words = (const uint64_t *)stack;
    if (words[0] > 0)
        linux_program_name = (const char *)words[1];
    return stack;
}
