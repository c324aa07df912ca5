/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks: everything that makes an IDL program wrong, each with a name, run in the order of their prerequisites.
 * They also resolve names and fold constants into the tree. A check whose prerequisite found errors does not run; so
 * that one run still finds as much as possible, checks take what others left unresolved, and prerequisites are few.
 */
#ifndef IDLC_CHECK_H
#define IDLC_CHECK_H

#include "diagnostics.h"
#include "source.h"

/* Runs all checks over all units. Returns true if no error was reported, then or before. */
bool check_program(struct program *program);
/* Prints the names of the checks and of what each needs. */
void check_print_names(FILE *output);

/* Progress of a search for cycles, in declaration.visit. */
enum { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

/* Look-up. Finds `name` as seen from `unit`: its own declarations and those of the files that it imports; NULL with an
 * error that says what to do. `what` says what was looked for, in words. */
struct declaration *find_declaration(const struct program *program, const struct unit *unit, const char *library,
                                     const char *name, struct span span, const char *what, enum diagnostic_code code);

#define FOR_EACH(type, node, list) for (struct type *node = (list).first; node; node = node->next)
/* All operations that an interface has: its own first, then those of its base, and so on. `owner` has `node`. */
#define FOR_EACH_OPERATION(owner, node, interface)                                    \
    for (const struct declaration *owner = (interface); owner; owner = (owner)->base) \
    FOR_EACH(operation, node, (owner)->operations)
#define FOR_EACH_UNIT(node, program) FOR_EACH(unit, node, (program)->units)
#define FOR_EACH_DECLARATION(node, file) FOR_EACH(declaration, node, (file)->declarations)

/* check_names.c */
void check_unique_declarations(struct program *program);
void check_unique_members(struct program *program);
void check_c_names(struct program *program);
void check_documentation(struct program *program);
/* check_values.c */
void check_constants(struct program *program);
void check_member_values(struct program *program);
/* Reports members with the same number. */
void check_equal_values(const struct declaration *declaration);
/* The number that `value` stands for: literal or constant. Reports an error and returns false where it is none, or
 * outside of an integer of `bits` bits. Two's complement where negative. */
bool value_number(const struct program *program, const struct unit *unit, struct value *value, unsigned bits,
                  bool is_signed, uint64_t *number);
/* check_types.c */
void check_types(struct program *program);
void check_struct_cycles(struct program *program);
#define MAX_ARRAY_LENGTH 4096 /* in all: far above what a message takes, keeps sizes from overflowing */
/* Where a type stands. */
enum type_place { PLACE_FIELD, PLACE_ELEMENT, PLACE_PARAMETER, PLACE_ALIAS };
/* Finds out what a type that is no array stands for, seen from `unit`; `depth` aliases are being resolved. */
void resolve_type(const struct program *program, const struct unit *unit, struct type *type, enum type_place place,
                  int depth);
/* check_derived.c: optional<T> and sequence<T, N>. */
void check_derived(const struct program *program, const struct unit *unit, struct type *type, enum type_place place,
                   int depth);
/* A sequence is a parameter of its own; inside of other types it is a struct. */
void place_sequence(const struct program *program, const struct unit *unit, struct type *type, enum type_place place);
void check_rows(struct program *program);
/* The integer type that `type` names: false if it is none. */
bool integer_type(const struct type *type, unsigned *bits, bool *is_signed);
/* check_interfaces.c */
void check_attributes(struct program *program);
void check_interface_ids(struct program *program);
void check_bases(struct program *program);
void check_operation_numbers(struct program *program);
void check_operation_kinds(struct program *program);
void check_raises(struct program *program);
void check_kernel_interfaces(struct program *program);
/* layout.c */
void check_layout(struct program *program);
void check_sizes(struct program *program);

#endif
