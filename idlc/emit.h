/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitters. Each writes one output for the input file (the program's first unit) of a program that passed all
 * checks; they decide nothing that layout.c or names.c decides.
 */
#ifndef IDLC_EMIT_H
#define IDLC_EMIT_H

#include "source.h"

#include <stdio.h>

void emit_client(FILE *output, struct program *program);
void emit_server(FILE *output, struct program *program);
/* What answers a call of a deferred operation of that interface, for the server. */
void emit_deferred(FILE *output, const struct declaration *interface, const struct operation *operation);
void emit_kernel(FILE *output, struct program *program);
/* The whole checked interface as JSON: docs/idl-tools.md. */
void emit_json(FILE *output, struct program *program);
/* The documentation, with the layout of all messages; HTML is one whole page, and draws them. */
void emit_markdown(FILE *output, struct program *program);
void emit_html(FILE *output, struct program *program);
/* How each operation travels, for people. */
void emit_cost(FILE *output, struct program *program);
/* The source, in its one form. Needs a program that parsed; the checks need not have run. */
void emit_format(FILE *output, struct program *program);
/* An operation with its attributes, as the formatter writes it, in one line. */
void format_operation(FILE *output, const struct operation *operation);

/* ---- emit_types.c: what all headers have in common -------------------------------------------------------------- */

/* First lines up to the includes: licence, what the file is, and the guard's opening. */
void emit_header_start(FILE *output, const struct unit *unit, const char *kind, const char *text);
void emit_header_end(FILE *output, const struct unit *unit, const char *kind);
/* Types and constants of the file, and the types of other files that they need, each under a guard of its own. */
void emit_types(FILE *output, const struct program *program);
/* `doc` as a C comment, indented. Writes nothing for NULL. */
void emit_doc(FILE *output, const char *indent, const char *doc);

/* The struct of a declaration that is one in C, and the functions that check and clear it (emit_structs.c). */
void emit_struct(FILE *output, const struct declaration *declaration);

/* ---- emit_words.c: moving parameters in and out of words --------------------------------------------------------- */

/* How the words of a message are written in C: an array for words 0 to 5 and one whose [i] is word i, for the rest. */
struct word_arrays {
    const char *registers, *rest;
};

/* The C expression of word `word`. */
const char *word_text(const struct word_arrays *arrays, uint64_t word);
/* A scalar as a word: (uint64_t)(int64_t)value... */
const char *scalar_to_word(const struct type *type, const char *value);
const char *word_to_scalar(const struct type *type, const char *word);
/* Writes statements that copy the struct or array at address `object` into the message's words, clearing the unused
 * bytes of its last word; or out of them. */
void emit_pack_aggregate(FILE *output, const struct word_arrays *arrays, const struct member *member,
                         const char *object);
void emit_unpack_aggregate(FILE *output, const struct word_arrays *arrays, const struct member *member,
                           const char *object);
/* What a check does that fails: the statement `start`; where `end` is not NULL, `start`, the number of the parameter
 * that is wrong, `end`. */
struct refusal {
    const char *start, *end;
};

/* The statement, for `member`. */
const char *refusal_of(const struct refusal *refusal, const struct member *member);
/* One `if` for several parameters: fails if any of the `conditions` holds, and names the first that does. */
void emit_joint_check(FILE *output, struct member **members, const char **conditions, size_t count,
                      const struct refusal *refusal);
/* Writes `if (...) <refusal>` for all scalars among `members` whose word does not hold a value of their type.
 * `narrow` false leaves out the integers, whose upper bits are then dropped by the conversion. */
void emit_scalar_checks(FILE *output, const struct word_arrays *arrays, struct member **members, size_t count,
                        bool narrow, const struct refusal *refusal);
/* The same for a struct or array that was copied to `object` (a struct by address, an array by its name). */
void emit_aggregate_check(FILE *output, const struct member *member, const char *object, const struct refusal *refusal);
/* The same for the first `count` (a C expression) elements of an array or sequence: nothing if any bytes would do. */
void emit_counted_check(FILE *output, const struct member *member, const char *object, const char *count,
                        const char *statement);
/* Writes statements that clear the padding of the struct or array `object`. */
void emit_clear_padding(FILE *output, const struct type *type, const char *object);

/* The C parameter or local of a member: "[12]" of an array, behind its name; its address; that of a copy, idl_NAME. */
const char *array_suffix(const struct type *type);
const char *address_of(const struct member *member);
const char *address_of_copy(const struct member *member);
/* Makes that copy, without what happens to lie in the padding: its address. */
const char *emit_clean_copy(FILE *output, const struct member *member);
/* "const struct vfs_stat *stat", "uint8_t text[40]", "uint32_t *handle"...: a parameter of a C function. */
const char *input_parameter(const struct member *member, const char *capability_type);
const char *output_parameter(const struct member *member, const char *capability_type);
const char *not_an_item(const struct member *member); /* the condition under which its handle cannot be an item */

#endif
