/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the lexer keeps between tokens. Everything is in here: two files can be read at the same time.
 */
#ifndef IDLC_LEXER_H
#define IDLC_LEXER_H

#include "ast.h"

struct lexer_state {
    struct unit *unit;
    int line, column;          /* of the next byte */
    size_t offset;             /* of the next byte, from the start of the source */
    int token_line;            /* where the last token ended: a comment on a line of its own starts after it */
    struct span comment_start; /* of the block comment that is open */
    size_t comment_offset;
};

#endif
