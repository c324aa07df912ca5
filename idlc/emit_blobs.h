/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes and strings in generated code, on both sides.
 *
 * One that travels in words has a local of whole words, idl_data_NAME, which is clear behind its bytes. One that
 * travels as a string item is where the kernel puts it: in the caller's own buffer, or in those that the server took
 * with it into its loop. Who is about to receive a string opens a buffer for it, and closes it as soon as it has come:
 * nobody who is called meanwhile can write there.
 */
#ifndef IDLC_EMIT_BLOBS_H
#define IDLC_EMIT_BLOBS_H

#include "emit.h"

/* Writes `if (...) <refusal>` unless the item of every parameter among `members` is of its kind, and no longer than
 * it may be. Nothing where there is no item. */
void emit_item_checks(FILE *output, struct member **members, size_t count, const struct refusal *refusal);

/* ---- Client ------------------------------------------------------------------------------------------------------ */

/* The integer of word `word` of the request, if it is a length or a capacity; else NULL. */
const char *blob_initial_word(const struct operation *operation, uint64_t word);
/* Locals that the words above need; those that need the UTCB. */
void emit_blob_rooms(FILE *output, const struct operation *operation);
void emit_blob_locals(FILE *output, const struct operation *operation);
/* What is too long, or has no room, is refused. */
void emit_blob_limits(FILE *output, const struct operation *operation);
/* More than the caller takes is refused, by what answers a deferred call with these results. */
void emit_blob_token_limits(FILE *output, const struct operation *operation);
void emit_blob_pack(FILE *output, const struct word_arrays *arrays, const struct member *member);
/* Opens the buffers for strings of the answer before the call, and puts back what was open before it. */
void emit_blob_open(FILE *output, const struct operation *operation);
void emit_blob_close(FILE *output, const struct operation *operation);
void emit_blob_reply_check(FILE *output, const struct word_arrays *arrays, const struct member *member);
void emit_blob_output(FILE *output, const struct word_arrays *arrays, const struct member *member);

/* ---- Server ------------------------------------------------------------------------------------------------------ */

/* Does any operation have string items? */
bool interface_has_strings(const struct declaration *interface);
/* The struct of its buffers. */
void emit_blob_buffers(FILE *output, const struct declaration *interface);
/* The functions that serve with them; behind the dispatcher. */
void emit_blob_serve(FILE *output, const struct declaration *interface);
void emit_blob_server_locals(FILE *output, const struct declaration *interface, const struct operation *operation);
void emit_blob_unpack(FILE *output, const struct word_arrays *arrays, const struct member *member);
/* Lengths, capacities, text; then the buffers of the strings that came are closed while the handler runs. */
void emit_blob_checks(FILE *output, const struct word_arrays *arrays, const struct operation *operation,
                      const struct refusal *refusal);
void emit_blob_shut(FILE *output, const struct operation *operation);
void emit_blob_reopen(FILE *output, const struct operation *operation);
/* What a handler gets. */
const char *blob_argument(const struct member *member);
/* How much the caller takes of each result goes into the token of a deferred call. */
void emit_blob_token(FILE *output, const struct operation *operation);
/* A handler must not give more than the caller takes. */
void emit_blob_result_checks(FILE *output, const struct operation *operation);
void emit_blob_reply(FILE *output, const struct word_arrays *arrays, const struct member *member);

#endif
