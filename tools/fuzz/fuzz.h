/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fuzz target of an interface (tools/idl_fuzz.py --target) stands on: bytes become a message, as it would arrive
 * from the kernel; the dispatcher gets it; and what must hold behind that is looked at. What does not hold ends the
 * program, as libFuzzer expects it.
 *
 * An input is changes to a message that is as the interface says; an empty one changes nothing. The first byte chooses
 * the operation, the second what of the shape is changed (enum fuzz_shape), with a byte for each; then bytes that are
 * mixed into the words by exclusive or; then for each string two bytes of length, and its bytes, mixed in the same way.
 * What the input has no bytes for stays as it is. What handlers answer comes of all bytes together.
 */
#ifndef SALTO_FUZZ_H
#define SALTO_FUZZ_H

#include "salto/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fuzz_item_kind { FUZZ_CAPABILITY, FUZZ_STRING, FUZZ_PAGES, FUZZ_ITEM_KINDS };

struct fuzz_item {
    enum fuzz_item_kind kind;
    uint32_t rights;  /* of pages */
    uint32_t size;    /* of a string: as it is, ... */
    const char *text; /* ... and its bytes */
};

/* A request with valid values. */
struct fuzz_request {
    const char *name;
    uint64_t tag;
    uint32_t words, items, parameters; /* parameters: results too, as refusals number them */
    const uint64_t *word;
    const struct fuzz_item *item;
};

struct fuzz_target {
    const struct fuzz_request *requests;
    uint32_t count;
    bool handlers_are_ours; /* those of the target, which take nothing, and count their calls */
    void (*open_buffers)(void);
    struct idl_answer (*dispatch)(uint64_t tag, const uint64_t words[MESSAGE_REGISTER_WORDS], struct idl_frame *frame);
};

enum fuzz_shape {
    FUZZ_NUMBER = 1, /* the operation's number is another */
    FUZZ_KIND = 2,   /* call, send... */
    FUZZ_WORDS = 4,
    FUZZ_ITEMS = 8,
    FUZZ_ITEM_KIND = 16, /* of one item */
    FUZZ_LOST = 32,      /* an item found no slot */
};

/* An input, from LLVMFuzzerTestOneInput(). */
void fuzz_message(const struct fuzz_target *target, const uint8_t *data, size_t size);

/* ---- For handlers of the target ---------------------------------------------------------------------------------- */

/* Is what a handler was given as the interface says? `what` names it. */
void fuzz_check(bool good, const char *what);
/* Reads all of it, for ASan to see. */
void fuzz_read(const void *data, size_t size);
/* Text of at most `most` bytes with a zero byte behind it. */
void fuzz_check_text(idl_string text, size_t most, const char *what);
/* A handler was called. */
void fuzz_called(void);
/* A number that the input decides. */
uint64_t fuzz_next(void);
/* A result of any length, now and then too long. */
void fuzz_answer(struct idl_outbuf *buffer, size_t element);
/* What a handler returns: mostly 0; else one of these errors, one that the operation does not raise, or -ERROR_*. */
int fuzz_result(const int *errors, size_t count);

#endif
