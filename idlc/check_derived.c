/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types that are made of others: optional<T> and sequence<T, N>; and the numbered rows of unions and tables.
 *
 * Each optional, and each sequence that stands inside of another type, becomes a declaration of its own in the list
 * `derived` of the unit that first needs it, one for each name and library. All that comes later treats it as a struct.
 */
#include "check.h"

#include "names.h"

#include <inttypes.h>
#include <string.h>

#define MAX_ELEMENTS ((uint64_t)1 << 24)
#define MAX_ROWS 64 /* of a table: bits of its word `present` */

/* The element type that stands first between < and >; NULL, after an error, if none does. */
static struct type *check_argument(const struct program *program, const struct unit *unit, struct type *type,
                                   const char *example, int depth)
{
    const struct value *value = type->arguments.first;
    bool is_sequence = strcmp(type->name, "sequence") == 0;
    struct type *argument;

    if (!value || value->kind != VALUE_NAME || (value->next != NULL) != is_sequence ||
        (value->next && value->next->next)) {
        report(CODE_GENERIC, type->span, "write %s", example);
        return NULL;
    }
    argument = ast_type(value->span, value->library ? copy_text(value->library, strlen(value->library)) : NULL,
                        copy_text(value->text, strlen(value->text)));
    ast_free_type(type->argument);
    type->argument = argument;
    resolve_type(program, unit, argument, PLACE_ELEMENT, depth);
    return argument->kind == TYPE_UNRESOLVED ? NULL : argument;
}

static struct declaration *find_derived(const struct program *program, const struct unit *from, const char *name)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH(declaration, declaration, unit->derived)
    if (strcmp(unit->library.text, from->library.text) == 0 && strcmp(declaration->name.text, name) == 0)
        return declaration;
    return NULL;
}

static struct member *new_member(const char *name, struct type *type)
{
    return ast_member(type->span, NULL, (struct name){copy_text(name, strlen(name)), type->span}, type, NULL);
}

static struct type *new_scalar(struct span span, const char *name, enum type_kind kind, unsigned bits)
{
    struct type *type = ast_type(span, NULL, copy_text(name, strlen(name)));

    type->kind = kind;
    type->bits = bits;
    return type;
}

/* The declaration of `kind` that has `head` and, behind it, `value` as members. */
static struct declaration *derive(const struct program *program, const struct unit *from, enum declaration_kind kind,
                                  const char *name, struct member *head, struct member *value)
{
    struct declaration *declaration =
        ast_declaration(value->span, kind, (struct name){copy_text(name, strlen(name)), value->span}, NULL, NULL);

    declaration->members = ast_append_member(ast_append_member((struct member_list){0}, head), value);
    FOR_EACH_UNIT(unit, program)
    if (unit == from) {
        declaration->unit = unit;
        unit->derived = ast_append_declaration(unit->derived, declaration);
    }
    return declaration;
}

/* "bases_node": T as a part of a name. */
static const char *name_of(const struct type *type)
{
    return type->library ? text_of("%s_%s", type->library, type->name) : type->name;
}

static void check_optional(const struct program *program, const struct unit *unit, struct type *type, int depth)
{
    struct type *argument = check_argument(program, unit, type, "what it may be, such as optional<u32>", depth);
    const char *name;

    if (!argument)
        return;
    name = text_of("optional_%s", name_of(argument));
    type->declaration = find_derived(program, unit, name);
    if (!type->declaration)
        type->declaration = derive(program, unit, DECLARATION_OPTIONAL, name,
                                   new_member("present", new_scalar(type->span, "bool", TYPE_BOOL, 8)),
                                   new_member("value", ast_copy_type(argument)));
    type->kind = TYPE_STRUCT;
}

/* The array of all elements that there can be. */
static struct type *new_items(const struct type *sequence)
{
    struct type *array = ast_array_type(sequence->span, ast_copy_type(sequence->of), NULL);

    array->kind = TYPE_ARRAY;
    array->of = array->element;
    array->length = array->bound = sequence->bound;
    return array;
}

void place_sequence(const struct program *program, const struct unit *unit, struct type *type, enum type_place place)
{
    const char *name;

    if (place == PLACE_PARAMETER || place == PLACE_ALIAS)
        return;
    type->kind = TYPE_UNRESOLVED;
    if (type->bound > MAX_ARRAY_LENGTH) {
        report(CODE_ARRAY, type->span, "a sequence inside of another type has at most %d elements", MAX_ARRAY_LENGTH);
        return;
    }
    name = text_of("sequence_%s_%" PRIu64, name_of(type->of), type->bound);
    type->declaration = find_derived(program, unit, name);
    if (!type->declaration)
        type->declaration = derive(program, unit, DECLARATION_SEQUENCE, name,
                                   new_member("count", new_scalar(type->span, "u32", TYPE_INTEGER, 32)),
                                   new_member("items", new_items(type)));
    type->kind = TYPE_STRUCT;
}

static void check_sequence(const struct program *program, const struct unit *unit, struct type *type,
                           enum type_place place, int depth)
{
    struct type *argument =
        check_argument(program, unit, type, "of what and how many at most, such as sequence<u32, 16>", depth);

    if (!argument || !value_number(program, unit, type->arguments.first->next, 64, false, &type->bound))
        return;
    if (argument->kind == TYPE_ARRAY)
        report(CODE_GENERIC, argument->span, "the elements of a sequence cannot be arrays; put them into a struct");
    else if (type->bound == 0 || type->bound > MAX_ELEMENTS)
        report(CODE_GENERIC, type->arguments.first->next->span, "the most elements of a sequence must be 1 to %" PRIu64,
               MAX_ELEMENTS);
    else {
        type->of = argument;
        type->kind = TYPE_SEQUENCE;
        place_sequence(program, unit, type, place);
    }
}

void check_derived(const struct program *program, const struct unit *unit, struct type *type, enum type_place place,
                   int depth)
{
    if (strcmp(type->name, "optional") == 0)
        check_optional(program, unit, type, depth);
    else
        check_sequence(program, unit, type, place, depth);
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

/* Rows of a table are never taken away, or their bits and places would change: they are retired. */
static void check_table_rows(const struct declaration *table)
{
    uint64_t expected = 1;

    FOR_EACH(member, row, table->members)
    {
        if (row->number != expected)
            report(CODE_ROW, row->value->span,
                   "the rows of a table are numbered 1, 2, 3...: this is %" PRIu64 "; one that is no longer used is "
                   "marked 'retired'",
                   expected);
        else if (expected > MAX_ROWS)
            report(CODE_ROW, row->value->span, "a table has at most %d rows", MAX_ROWS);
        if (row->number != expected || expected > MAX_ROWS)
            return;
        if (strcmp(row->name.text, "present") == 0)
            report(CODE_CLASH, row->name.span, "'present' is what says which rows are there");
        if (row->type->declaration && row->type->declaration->kind == DECLARATION_OPTIONAL)
            report(CODE_ROW, row->type->span, "any row of a table may be absent: 'optional' says nothing more");
        expected++;
    }
}

static void check_union_row(const struct member *row)
{
    if (row->number == 0 || row->number > INT32_MAX)
        report(CODE_ROW, row->value->span, "the number of a union's row must be 1 to 2147483647");
    if (row->retired)
        report(CODE_ROW, row->name.span, "only the rows of a table are retired; a union's can be taken away");
}

void check_rows(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    {
        if (declaration->kind != DECLARATION_UNION && declaration->kind != DECLARATION_TABLE)
            continue;
        FOR_EACH(member, row, declaration->members)
        row->number = row->value->magnitude;
        if (declaration->kind == DECLARATION_TABLE) {
            check_table_rows(declaration);
            continue;
        }
        FOR_EACH(member, row, declaration->members)
        check_union_row(row);
        check_equal_values(declaration);
    }
}
