/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages in generated code, on both sides: memory that is mapped on, or granted where the file says `move`.
 *
 * Who is about to receive pages opens a window for them, and closes it as soon as they have come: nobody who is called
 * meanwhile can map anything there. What came with fewer rights than the operation names is refused, for touching it
 * would be a fault.
 */
#ifndef IDLC_EMIT_PAGES_H
#define IDLC_EMIT_PAGES_H

#include "emit.h"

/* The condition that refuses the item of `member` as it came in. */
const char *pages_refusal(const struct member *member);

/* ---- Client ------------------------------------------------------------------------------------------------------ */

void emit_pages_limits(FILE *output, const struct operation *operation);
void emit_pages_locals(FILE *output, const struct operation *operation);
void emit_pages_pack(FILE *output, const struct member *member);
void emit_pages_open(FILE *output, const struct operation *operation);
void emit_pages_close(FILE *output, const struct operation *operation);
void emit_pages_output(FILE *output, const struct member *member);

/* ---- Server ------------------------------------------------------------------------------------------------------ */

void emit_pages_server_locals(FILE *output, const struct operation *operation);
/* What came, behind the checks of items. */
void emit_pages_unpack(FILE *output, const struct operation *operation);
void emit_pages_shut(FILE *output, const struct operation *operation);
/* Releases what was not taken, and opens the window again, unless the handler opened another. */
void emit_pages_release(FILE *output, const struct operation *operation);
void emit_pages_reply(FILE *output, const struct member *member);

#endif
