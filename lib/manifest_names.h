/* SPDX-License-Identifier: BSD-2-Clause */
/* Names in a manifest: objects, rights, and who serves what. Internal to its parser. */
#ifndef SALTO_LIB_MANIFEST_NAMES_H
#define SALTO_LIB_MANIFEST_NAMES_H

#include "manifest_lexer.h"

/* Sets grant->object from grant->server, which names one of the kernel's objects; false after an error. */
bool manifest_resolve_object(struct manifest_lexer *lexer, struct manifest_grant *grant);

/* The right called by `name`, if `object` has it; false after an error. */
bool manifest_resolve_right(struct manifest_lexer *lexer, const struct manifest_token *name,
                            enum manifest_object object, uint32_t *right);

/* The transport called by `name`; false after an error. */
bool manifest_resolve_transport(struct manifest_lexer *lexer, const struct manifest_token *name,
                                enum manifest_transport *transport);

/* Rights of a grant that names none. */
uint32_t manifest_default_rights(enum manifest_object object);

/* Checks what concerns whole programs and the names between them, and fills in the indexes of grants. */
void manifest_resolve(struct manifest_lexer *lexer, struct manifest *manifest);

/* Finds out which programs are linked into which, and checks that they can be; of a manifest without errors
 * (manifest_local.c). */
void manifest_resolve_local(struct manifest_lexer *lexer, struct manifest *manifest);

#endif
