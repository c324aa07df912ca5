/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens and error messages of the manifest language; internal to its parser. */
#ifndef SALTO_LIB_MANIFEST_LEXER_H
#define SALTO_LIB_MANIFEST_LEXER_H

#include "manifest.h"

enum manifest_token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_SYMBOL,
    TOKEN_BAD /* reported already */
};

struct manifest_token {
    enum manifest_token_kind kind;
    struct manifest_place place;
    char name[MANIFEST_NAME_SIZE]; /* TOKEN_NAME */
    const char *string;            /* TOKEN_STRING: decoded, in the pool */
    uint64_t number;               /* TOKEN_NUMBER: suffix multiplied in */
    char symbol;                   /* TOKEN_SYMBOL: one of { } = ; , . */
};

/* The text, where it is read, and how errors go out. */
struct manifest_lexer {
    const char *file;
    const char *text;
    size_t length;
    size_t position;
    uint32_t line;
    size_t line_start;
    char *pool; /* takes decoded strings: at least length + 1 bytes */
    size_t pool_used;
    const struct manifest_sink *sink;
    uint32_t errors;
};

/* Reports an error at `place`. */
void manifest_error(struct manifest_lexer *lexer, const struct manifest_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads the next token. After the end it answers TOKEN_END for ever. */
void manifest_next_token(struct manifest_lexer *lexer, struct manifest_token *token);

/* The one of `count` candidates most like `name`, if it is near enough to be meant; else NULL. Candidates are
 * `stride` bytes apart, from `first` on: the first member of each is a zero-terminated name. */
const char *manifest_suggest(const char *name, const void *first, size_t count, size_t stride);

#endif
