/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors and warnings. They are collected, and printed at the end in the order of the source: file:line:column, the
 * text with a stable code, the source line and a caret. Codes are part of the tool's interface: append, never rename.
 */
#ifndef IDLC_DIAGNOSTICS_H
#define IDLC_DIAGNOSTICS_H

#include "ast.h"

#include <stdio.h>

#define DIAGNOSTIC_CODES(CODE)                 \
    CODE(CHARACTER, "bad-character")           \
    CODE(NUMBER, "bad-number")                 \
    CODE(COMMENT, "open-comment")              \
    CODE(STRING, "bad-string")                 \
    CODE(SYNTAX, "syntax")                     \
    CODE(IMPORT, "import")                     \
    CODE(DUPLICATE, "duplicate")               \
    CODE(CLASH, "name-clash")                  \
    CODE(UNKNOWN_TYPE, "unknown-type")         \
    CODE(UNKNOWN_NAME, "unknown-name")         \
    CODE(WRONG_KIND, "wrong-kind")             \
    CODE(CYCLE, "cycle")                       \
    CODE(RANGE, "out-of-range")                \
    CODE(EXPRESSION, "bad-expression")         \
    CODE(EMPTY, "empty")                       \
    CODE(ARRAY, "bad-array")                   \
    CODE(CAPABILITY, "bad-capability")         \
    CODE(BYTES, "bad-bytes")                   \
    CODE(PAGES, "bad-pages")                   \
    CODE(ATTRIBUTE, "bad-attribute")           \
    CODE(INTERFACE_ID, "interface-id")         \
    CODE(OPERATION_NUMBER, "operation-number") \
    CODE(ONEWAY, "bad-oneway")                 \
    CODE(KERNEL, "bad-kernel-operation")       \
    CODE(TOO_LARGE, "too-large")               \
    CODE(FITS, "does-not-fit")                 \
    CODE(DOCUMENTATION, "no-documentation")    \
    CODE(GENERIC, "bad-generic")               \
    CODE(ROW, "bad-row")                       \
    CODE(INOUT, "bad-inout")

#define DIAGNOSTIC_ENUM(name, text) CODE_##name,
enum diagnostic_code { DIAGNOSTIC_CODES(DIAGNOSTIC_ENUM) CODES_COUNT };

/* Reports an error, or a warning. */
void report(enum diagnostic_code code, struct span span, const char *format, ...) __attribute__((format(printf, 3, 4)));
void warn(enum diagnostic_code code, struct span span, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* From now on warnings are errors. */
void diagnostics_be_strict(void);
/* From now on what is printed says which check found it. */
void diagnostics_name_checks(void);
/* What is reported from now on is found by the check of that name; NULL: by none. */
void diagnostics_set_check(const char *name);
size_t diagnostics_errors(void);
/* Prints all that was reported, once, and forgets it. */
void diagnostics_print(FILE *output);

/* The nearest of the names offered to `wanted`; filled in by suggestion_offer(). `best` is NULL if none is near. */
struct suggestion {
    const char *wanted;
    const char *best;
    size_t distance;
};

/* Takes `name`, which is kept, for the best if it is near to what was wanted, and nearer than those before. */
void suggestion_offer(struct suggestion *suggestion, const char *name);
/* "; did you mean 'x'?" or "", in a buffer that the next call overwrites. */
const char *suggestion_text(const struct suggestion *suggestion);

#endif
