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

static bool same_name(const char *left, const char *right)
{
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return *left == *right;
}

/* What the start-up table has under that name, or an entry of zeros. */
static const struct startup_grant *find(const char *name)
{
    static const struct startup_grant none;
    const struct startup_table *table = linux_startup_table();
    for (uint32_t i = 0; i < table->grants_count && i < STARTUP_MAX_GRANTS; i++) {
        if (same_name(table->grants[i].name, name))
            return &table->grants[i];
    }
    return &none;
}

static uint32_t find_grant(const char *name)
{
    return find(name)->handle;
}

void linux_find_grants(void)
{
    linux_grants = (struct linux_grants){0};
    if (linux_startup_table()->magic != STARTUP_MAGIC)
        return;
    linux_grants.task = find_grant("task");
    linux_grants.thread = find_grant("thread");
    linux_grants.factory = find_grant("factory");
    linux_grants.console = find_grant("console");
    /* A client of the memory server that does not page this task would be of no use: those that do have both. */
    linux_grants.pager = find_grant("pager");
    linux_grants.pager_interface = find("pager")->interface;
    if (linux_grants.pager != 0) {
        linux_grants.memory = find_grant("memory");
        linux_grants.process = find_grant("process");
    }
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
