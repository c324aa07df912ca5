/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How things are called in C. One place, so that all headers agree. The strings live until names_free().
 */
#ifndef IDLC_NAMES_H
#define IDLC_NAMES_H

#include "ast.h"

/* A formatted string that lives until names_free(). */
const char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
void names_free(void);

/* OpenFlags -> open_flags; and OPEN_FLAGS. */
const char *snake_case(const char *name);
const char *upper_case(const char *name);

/* vfs_file, vfs (interface Vfs of library vfs), vfs_stat: the stem of everything that belongs to a declaration. */
const char *c_stem(const struct declaration *declaration);
/* vfs_file_read: stub and handler of an operation; the constants are its upper case and _REQUEST etc. */
const char *c_operation(const struct declaration *interface, const struct operation *operation);
/* uint32_t, vfs_open_flags_t, struct vfs_stat, vfs_file_t; of an array, of its elements. */
const char *c_type(const struct type *type);
/* "[3][4]", behind the name of a field that is an array; else "". */
const char *c_dimensions(const struct type *type);
/* A parameter's or a field's name, with an underscore behind it where it means something else in C. */
const char *c_variable(const struct member *member);
/* The member of an interface's table of handlers. */
const char *c_handler(const struct operation *operation);
/* Does `name` mean something already in C, in usual headers, or in generated functions? */
bool c_is_taken(const char *name);
/* The constant of a member of an enum, flags or errors. */
const char *c_constant(const struct declaration *declaration, const struct member *member);

#endif
