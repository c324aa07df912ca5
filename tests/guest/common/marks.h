/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Marks: values that stand nowhere else in the machine, one for each register, and the search for them.
 *
 * All marks of one base differ in their low bits only, so that one search finds them all, whichever register they come
 * from. Bases are computed, never written down: no image and no archive holds one.
 */
#ifndef TESTS_GUEST_MARKS_H
#define TESTS_GUEST_MARKS_H

#include "guest.h"
#include "registers.h"

#define MARK_MASK (~0xffUL)       /* of one family */
#define MARK_BASE_MASK (~0x7ffUL) /* of all families of a base */
#define MARK_FAMILY(number) \
    ((uint64_t)(number) << 8) /* 0 to 7, ORed to a base: its marks are told apart, and searched at once */
#define MARK_GENERAL 0x00     /* + number in struct registers */
#define MARK_XMM 0x20         /* + 2 * number, and the upper half + 1 */
#define MARK_X87 0x50         /* + number */
#define MARK_WORD 0x80        /* + number of a message's word */
#define MARKS_IN_REGISTERS (REGISTERS_GENERAL + 32 + 8)

/* Flags of arithmetic, direction and interrupts: what a program may have set and must get back. */
#define MARKED_FLAGS 0xed7UL

/* A base that was not used before. */
uint64_t marks_fresh(void);

/* Marks every general register, all of xmm, x87 and the control words; flags and bases get values of their own. */
void marks_fill(struct registers *registers, uint64_t base);

/* Marks message words 0 to 5. */
void marks_fill_words(struct registers *registers, uint64_t base);

/* Word `number`, 0 to 5, of a message in registers. */
uint64_t marks_word(const struct registers *registers, unsigned number);

/* How many aligned 8-byte words of `size` bytes are marks of `base`. */
unsigned marks_count(const void *memory, size_t size, uint64_t base);

/* Where marks of any family of `base` are that task `owner` had in its registers. */
struct marks_found {
    uint64_t in_shared, in_private, in_user;
    uint64_t address; /* of one such place, or 0 */
};
struct marks_found marks_search(uint64_t base, kernel_task_t owner);

/* EXPECTs that no page that others map holds a mark of any family of `base`, with `what` in the note if one does. */
void marks_expect_nowhere(const char *what, uint64_t base, kernel_task_t owner);

/* EXPECTs that vector and x87 registers are as every native IPC leaves them: wiped, control words at their defaults. */
void marks_expect_clean_vectors(const char *what, const struct registers *registers);

/* EXPECTs that vector and x87 registers and control words are the same. */
void marks_expect_same_vectors(const char *what, const struct registers *before, const struct registers *after);

/* EXPECTs that no general register but rax, which may hold an error of Linux', looks like an address of the
 * kernel's. */
void marks_expect_no_kernel_address(const char *what, const struct registers *registers);

/* EXPECT with a note of which case it was. */
#define EXPECT_IN(what, condition)                                      \
    do {                                                                \
        if (!guest_expect((condition), __FILE__, __LINE__, #condition)) \
            guest_expect(false, what, __LINE__, "that was here");       \
    } while (0)
#define EXPECT_EQUAL_IN(what, value, expected)                    \
    do {                                                          \
        if (!EXPECT_EQUAL(value, expected))                       \
            guest_expect(false, what, __LINE__, "that was here"); \
    } while (0)

#endif
