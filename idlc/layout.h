/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where each parameter travels: the one place that decides it, read by every emitter.
 *
 * A message is a row of 64-bit words. Each integer, bool, enum, flags (and capability of a @kernel interface, as a
 * handle) takes a word of its own; they come first, in the order of the parameters, so that they stand in registers
 * where possible. Signed integers are sign-extended. Structs and arrays follow, each from a word's start, as C lays
 * them out. Capabilities of other interfaces are typed items, in the order of the parameters.
 *
 * Floats travel as their bits. Optionals, unions, tables, and sequences inside of other types are structs; a sequence
 * that is a parameter travels as the bytes of its elements.
 *
 * Bytes and strings of at most BYTES_IN_WORDS bytes travel in words, as long as the message has any left: the length as
 * an integer, the bytes as an array. Larger ones are string items. For one that is a result, the request has an integer
 * more, behind all others: how many bytes the caller takes.
 */
#ifndef IDLC_LAYOUT_H
#define IDLC_LAYOUT_H

#include "ast.h"

#define BYTES_IN_WORDS 256

bool type_is_scalar(const struct type *type);    /* integer, float, bool, enum, flags */
bool type_is_aggregate(const struct type *type); /* struct, array */
bool type_is_blob(const struct type *type);      /* bytes, string, sequence */
bool member_is_item(const struct member *member);
/* Does the message use the UTCB? */
bool shape_uses_utcb(const struct message_shape *shape);

/* Its parameters in the order of their positions, from 0; is there one of such a type? */
const struct member *operation_parameter(const struct operation *operation, size_t i);
bool operation_has(const struct operation *operation, bool (*holds)(const struct type *type));
bool type_is_float(const struct type *type);

/* A scalar of which every value of its width is one: an integer, a float, or an open enum. */
bool type_is_open(const struct type *type);

/* Does it hold a bool, a closed enum or flags, or padding, at any depth? */
bool type_has_checked(const struct type *type);
bool type_has_padding(const struct type *type);

/* Label, and whole tags, of an operation: request of the client, reply as it arrives, reply as it is sent. */
uint32_t operation_label(const struct declaration *interface, const struct operation *operation);
uint64_t operation_request(const struct declaration *interface, const struct operation *operation);
uint64_t operation_reply(const struct operation *operation);

#endif
