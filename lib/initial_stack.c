/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds a program's initial stack. From the top downwards: strings and random bytes, then, 16-byte aligned at its
 * lower end, the words: argc, argv, 0, envp, 0, auxiliary vector.
 */
#include "initial_stack.h"

#include <assert.h>
#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "abi/addresses.h"

#define AUXILIARY_WORDS 32 /* what make_auxiliary() uses at most */
#define CLOCK_TICKS 100

/* The memory, and how far up it is still free. */
struct builder {
    uint8_t *memory;
    size_t size;
    size_t used; /* bytes at the top */
    uint64_t top;
    bool full;
};

/* Puts bytes on top of the free part; answers their address in the program, or 0. */
static uint64_t push_bytes(struct builder *builder, const void *bytes, size_t length)
{
    if (builder->full || length > builder->size / 2 || builder->used > builder->size / 2 - length) {
        builder->full = true;
        return 0;
    }
    builder->used += length;
    memcpy(builder->memory + builder->size - builder->used, bytes, length);
    return builder->top - builder->used;
}

static uint64_t push_string(struct builder *builder, const char *string)
{
    return push_bytes(builder, string, strlen(string) + 1);
}

static void add_pair(uint64_t *words, size_t *count, uint64_t type, uint64_t value)
{
    assert(*count + 2 <= AUXILIARY_WORDS);
    words[(*count)++] = type;
    words[(*count)++] = value;
}

/* The auxiliary vector; answers how many words it has. */
static size_t make_auxiliary(const struct initial_stack *what, uint64_t random, uint64_t name, uint64_t *words)
{
    size_t count = 0;
    if (what->headers != 0) {
        add_pair(words, &count, AT_PHDR, what->headers);
        add_pair(words, &count, AT_PHENT, sizeof(Elf64_Phdr));
        add_pair(words, &count, AT_PHNUM, what->header_count);
    }
    add_pair(words, &count, AT_PAGESZ, PAGE_SIZE);
    add_pair(words, &count, AT_BASE, 0); /* no interpreter */
    add_pair(words, &count, AT_FLAGS, 0);
    add_pair(words, &count, AT_ENTRY, what->entry);
    add_pair(words, &count, AT_UID, 0);
    add_pair(words, &count, AT_EUID, 0);
    add_pair(words, &count, AT_GID, 0);
    add_pair(words, &count, AT_EGID, 0);
    add_pair(words, &count, AT_SECURE, 0);
    add_pair(words, &count, AT_CLKTCK, CLOCK_TICKS);
    add_pair(words, &count, AT_RANDOM, random);
    add_pair(words, &count, AT_EXECFN, name);
    add_pair(words, &count, AT_NULL, 0);
    return count;
}

/* Pushes `count` strings, and stores their addresses and a null pointer at `words`. */
static size_t add_strings(struct builder *builder, const char *const *strings, uint32_t count, uint64_t *words)
{
    for (uint32_t i = 0; i < count; i++)
        words[i] = push_string(builder, strings[i]);
    words[count] = 0;
    return (size_t)count + 1;
}

uint64_t initial_stack_build(const struct initial_stack *what, uint8_t *memory, size_t size, uint64_t top)
{
    struct builder builder = {.memory = memory, .size = size, .top = top};
    uint64_t words[what->arguments_count + what->environment_count + 4 + AUXILIARY_WORDS];
    size_t count = 0;
    uint64_t random = push_bytes(&builder, what->random, sizeof(what->random));
    uint64_t name = push_string(&builder, what->name);
    words[count++] = (uint64_t)what->arguments_count + 1;
    words[count++] = name;
    count += add_strings(&builder, what->arguments, what->arguments_count, words + count);
    count += add_strings(&builder, what->environment, what->environment_count, words + count);
    count += make_auxiliary(what, random, name, words + count);
    /* The words end where the padding begins that makes their lower end a multiple of 16. */
    size_t padding = (size_t) - (builder.used + count * sizeof(uint64_t)) % 16;
    builder.used += padding;
    return push_bytes(&builder, words, count * sizeof(uint64_t));
}
