/* SPDX-License-Identifier: BSD-2-Clause */
/* See marks.h. */
#include "marks.h"

#include <string.h>

#include "abi/addresses.h"

#define CLEAN_CONTROL 0x037f
#define CLEAN_MXCSR 0x1f80
#define MARKED_CONTROL 0x0c7f /* exceptions masked, other rounding, other precision */
#define MARKED_STATUS 0x2800  /* the stack's top is register 5 */
#define X87_UPPER 0xffff      /* FXSAVE writes 10 of 16 bytes */
#define MARKED_MXCSR 0xffbf   /* everything but denormals-are-zero, which not every CPU has */

uint64_t marks_fresh(void)
{
    static uint64_t count;
    uint64_t mixed = ++count * 0x9e3779b97f4a7c15UL;
    mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9UL;
    return (mixed >> 16 | 0x5a17UL << 48) & MARK_BASE_MASK;
}

void marks_fill(struct registers *registers, uint64_t base)
{
    struct vectors *vectors = &registers->vectors;
    memset(registers, 0, sizeof(*registers));
    for (unsigned i = 0; i < REGISTERS_GENERAL; i++)
        registers->general[i] = base | (MARK_GENERAL + i);
    for (unsigned i = 0; i < 32; i++)
        vectors->xmm[i / 2][i % 2] = base | (MARK_XMM + i);
    for (unsigned i = 0; i < 8; i++) {
        vectors->x87[i][0] = base | (MARK_X87 + i);
        vectors->x87[i][1] = 0x4000 + i;
    }
    vectors->control = MARKED_CONTROL;
    vectors->status = MARKED_STATUS;
    vectors->tags = 0xff;
    vectors->mxcsr = MARKED_MXCSR;
    registers->flags = MARKED_FLAGS;
    registers->fs_base = base & (USER_END - 1) & MARK_MASK;
    registers->gs_base = ~registers->fs_base & (USER_END - 1) & MARK_MASK;
}

static uint64_t *word(struct registers *registers, unsigned number)
{
    uint64_t *const words[] = {&registers->rsi, &registers->rdx, &registers->r8,
                               &registers->r9,  &registers->r10, &registers->rbx};
    return words[number];
}

void marks_fill_words(struct registers *registers, uint64_t base)
{
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        *word(registers, i) = base | (MARK_WORD + i);
}

uint64_t marks_word(const struct registers *registers, unsigned number)
{
    return *word((struct registers *)registers, number);
}

unsigned marks_count(const void *memory, size_t size, uint64_t base)
{
    const uint64_t *words = memory;
    unsigned count = 0;
    for (size_t i = 0; i < size / sizeof(uint64_t); i++)
        count += (words[i] & MARK_MASK) == base;
    return count;
}

struct marks_found marks_search(uint64_t base, kernel_task_t owner)
{
    struct marks_found found = {~0UL, ~0UL, ~0UL, 0};
    EXPECT_EQUAL(kernel_debug_search(debug, ~base, MARK_BASE_MASK, owner, &found.in_shared, &found.in_private,
                                     &found.in_user, &found.address),
                 0);
    return found;
}

void marks_expect_nowhere(const char *what, uint64_t base, kernel_task_t owner)
{
    struct marks_found found = marks_search(base, owner);
    EXPECT_EQUAL_IN(what, found.in_shared, 0);
    EXPECT_EQUAL_IN(what, found.in_private, 0);
    EXPECT_EQUAL_IN(what, found.in_user, 0);
    EXPECT_EQUAL_IN(what, found.address, 0);
}

void marks_expect_clean_vectors(const char *what, const struct registers *registers)
{
    const struct vectors *vectors = &registers->vectors;
    EXPECT_EQUAL_IN(what, vectors->control, CLEAN_CONTROL);
    EXPECT_EQUAL_IN(what, vectors->status, 0);
    EXPECT_EQUAL_IN(what, vectors->tags, 0);
    EXPECT_EQUAL_IN(what, vectors->mxcsr, CLEAN_MXCSR);
    for (unsigned i = 0; i < 8; i++)
        EXPECT_IN(what, vectors->x87[i][0] == 0 && (vectors->x87[i][1] & X87_UPPER) == 0);
    for (unsigned i = 0; i < 16; i++)
        EXPECT_IN(what, vectors->xmm[i][0] == 0 && vectors->xmm[i][1] == 0);
}

void marks_expect_same_vectors(const char *what, const struct registers *before, const struct registers *after)
{
    const struct vectors *a = &before->vectors, *b = &after->vectors;
    EXPECT_EQUAL_IN(what, b->control, a->control);
    EXPECT_EQUAL_IN(what, b->status, a->status);
    EXPECT_EQUAL_IN(what, b->tags, a->tags);
    EXPECT_EQUAL_IN(what, b->mxcsr, a->mxcsr);
    EXPECT_IN(what, memcmp(a->x87, b->x87, sizeof(a->x87)) == 0);
    EXPECT_IN(what, memcmp(a->xmm, b->xmm, sizeof(a->xmm)) == 0);
}

void marks_expect_no_kernel_address(const char *what, const struct registers *registers)
{
    for (unsigned i = 1; i < REGISTERS_GENERAL; i++)
        EXPECT_IN(what, registers->general[i] < PHYSICAL_MAP);
}
