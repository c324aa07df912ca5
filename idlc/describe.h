/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checked program in words, for people and for tools: what JSON, documentation, comparison and traces have in
 * common. Names are resolved: aliases are gone, declarations are called "library.Name". The strings live until
 * names_free().
 */
#ifndef IDLC_DESCRIBE_H
#define IDLC_DESCRIBE_H

#include "ast.h"

/* "integer", "struct"...: stable, tools read it. */
const char *type_kind_name(const struct type *type);
/* "u8[16]", "kernel.Rights", "cap<kernel.Task, read, write> move", "string<256>": as the language has it. */
const char *type_text(const struct type *type);
/* "kernel.Task". */
const char *declaration_text(const struct declaration *declaration);
/* "read, write": the names of RIGHT_* bits, "" for none. */
const char *rights_text(unsigned rights);
/* A number of the width and sign of `is_signed`, in decimal. */
const char *decimal_text(uint64_t number, bool is_signed);
/* What a member of an enum or errors stands for, or the bit mask of one of flags. */
uint64_t member_number(const struct declaration *declaration, const struct member *member);
/* "words 2 to 5", "word 0", "item 1 (string 0)", "the length in word 1, the bytes in words 2 to 4". */
const char *place_text(const struct member *member);
/* "call", "oneway", "event". */
const char *operation_kind_name(const struct operation *operation);

#endif
