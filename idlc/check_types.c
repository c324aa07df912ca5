/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of types: each name is resolved, and stands where such a type may stand. What the language is to have but this
 * version has not, is told from what nobody knows.
 */
#include "check.h"
#include "layout.h"

#include "abi/capability.h"

#include <inttypes.h>
#include <string.h>

#define MAX_DIMENSIONS 8              /* of an array */
#define MAX_BYTES ((uint64_t)1 << 24) /* a server keeps a buffer of that size */

#define MAX_ALIAS_DEPTH 64 /* aliases of aliases */

static const char *const integer_names[] = {"u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"};
static const char *const float_names[] = {"f32", "f64"};
static const char *const right_names[] = {"read", "write", "execute", "copy"};
static const char *const generic_names[] = {"cap", "bytes", "string", "pages", "lend", "sequence", "optional"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool integer_type(const struct type *type, unsigned *bits, bool *is_signed)
{
    if (!type->name || type->library || type->has_arguments)
        return false;
    for (unsigned i = 0; i < COUNT(integer_names); i++)
        if (strcmp(type->name, integer_names[i]) == 0) {
            *bits = 8u << i % 4;
            *is_signed = i >= 4;
            return true;
        }
    return false;
}

/* One named right, or letters such as "rw"; 0 if it is neither. */
static unsigned right_bits(const char *text)
{
    static const char letters[] = "rwxc";
    unsigned rights = 0;

    for (unsigned i = 0; i < COUNT(right_names); i++)
        if (strcmp(text, right_names[i]) == 0)
            return 1u << i;
    for (const char *c = text; *c; c++) {
        const char *letter = strchr(letters, *c);

        if (!letter)
            return 0;
        rights |= 1u << (letter - letters);
    }
    return rights;
}

/* The rights that stand between < and >, from `from` on. */
static void check_rights(struct type *type, const struct value *from)
{
    for (const struct value *value = from; value; value = value->next) {
        unsigned rights = value->kind == VALUE_NAME && !value->library ? right_bits(value->text) : 0;
        const char *text = value->text ? value->text : "an expression";
        struct suggestion suggestion = {.wanted = text};

        if (!rights) {
            for (size_t i = 0; i < COUNT(right_names); i++)
                suggestion_offer(&suggestion, right_names[i]);
            report(CODE_CAPABILITY, value->span,
                   "'%s' is no right; rights are read, write, execute, copy, or the "
                   "letters r, w, x, c together%s",
                   text, suggestion_text(&suggestion));
        }
        type->rights |= rights;
    }
}

/* Those that are not laid out in memory. */
static bool may_be_parameter_only(const struct type *type, enum type_place place)
{
    if (place == PLACE_PARAMETER || place == PLACE_ALIAS)
        return true;
    if (strcmp(type->name, "cap") == 0 || type->kind == TYPE_CAPABILITY)
        report(CODE_CAPABILITY, type->span, "a capability can only be a parameter");
    else if (strcmp(type->name, "pages") == 0 || strcmp(type->name, "lend") == 0 || type->kind == TYPE_PAGES)
        report(CODE_PAGES, type->span, "%s can only be a parameter", type->name);
    else
        report(CODE_BYTES, type->span, "%s can only be a parameter; inside of other types write u8[N]", type->name);
    return false;
}

static void check_capability(const struct program *program, const struct unit *unit, struct type *type,
                             enum type_place place)
{
    struct value *interface = type->arguments.first;
    struct declaration *found;

    if (!may_be_parameter_only(type, place))
        return;
    if (!interface || interface->kind != VALUE_NAME) {
        report(CODE_CAPABILITY, type->span, "write cap<Interface> or cap<Interface, rights>");
        return;
    }
    found = find_declaration(program, unit, interface->library, interface->text, interface->span, "interface",
                             CODE_UNKNOWN_TYPE);
    if (found && found->kind != DECLARATION_INTERFACE) {
        report(CODE_WRONG_KIND, interface->span, "'%s' is of kind %s; a capability needs an interface", interface->text,
               declaration_kind_name(found->kind));
        found = NULL;
    }
    check_rights(type, type->arguments.first->next);
    type->declaration = found;
    type->kind = found ? TYPE_CAPABILITY : TYPE_UNRESOLVED;
}

/* bytes<N> and string<N>. */
static void check_blob(const struct program *program, const struct unit *unit, struct type *type, enum type_place place)
{
    bool is_string = strcmp(type->name, "string") == 0;
    struct value *size = type->arguments.first;
    uint64_t length;

    if (!may_be_parameter_only(type, place))
        return;
    if (!size || size->next) {
        report(CODE_BYTES, type->span, "write the most bytes that it can have, such as %s<64>", type->name);
        return;
    }
    if (!value_number(program, unit, size, 64, false, &length))
        return;
    if (length == 0 || length > MAX_BYTES) {
        report(CODE_BYTES, size->span, "the size of %s must be 1 to %" PRIu64, type->name, MAX_BYTES);
        return;
    }
    type->length = length;
    type->kind = is_string ? TYPE_STRING : TYPE_BYTES;
}

/* pages<r>, pages<rw>... */
static void check_pages(struct type *type, enum type_place place)
{
    size_t before = diagnostics_errors();

    if (!may_be_parameter_only(type, place))
        return;
    if (!type->arguments.first) {
        report(CODE_PAGES, type->span, "write what the receiver may do with it, such as %s<rw>", type->name);
        return;
    }
    check_rights(type, type->arguments.first);
    if (diagnostics_errors() != before)
        return;
    type->lent = strcmp(type->name, "lend") == 0;
    if (type->lent && (type->rights & ~(unsigned)RIGHT_WRITE) != RIGHT_READ)
        report(CODE_PAGES, type->span, "memory is lent to read, perhaps to write: lend<r>, lend<rw>");
    else if (!(type->rights & RIGHT_READ) || type->rights & RIGHT_COPY)
        report(CODE_PAGES, type->span, "pages are given to read, perhaps to write or to execute: pages<r>, pages<rw>");
    else
        type->kind = TYPE_PAGES;
}

static void check_alias(const struct program *program, struct declaration *declaration, int depth);

/* `type` becomes what the alias stands for, but keeps its name. */
static void resolve_alias(const struct program *program, const struct unit *unit, struct declaration *alias,
                          struct type *type, enum type_place place, int depth)
{
    const struct type *target = alias->type;

    check_alias(program, alias, depth + 1);
    if (alias->broken)
        return;
    type->kind = target->kind;
    type->declaration = target->declaration;
    type->bits = target->bits;
    type->is_signed = target->is_signed;
    type->rights = target->rights;
    type->lent = target->lent;
    type->length = target->length;
    type->bound = target->bound;
    type->of = target->of;
    type->inner = target->inner;
    type->alias_moves = target->move;
    type->move |= target->move;
    if (type->kind == TYPE_SEQUENCE)
        place_sequence(program, unit, type, place);
    else if ((type->kind == TYPE_CAPABILITY || type->kind == TYPE_PAGES || type_is_blob(type)) &&
             !may_be_parameter_only(type, place))
        type->kind = TYPE_UNRESOLVED;
}

static void resolve_named(const struct program *program, const struct unit *unit, struct type *type,
                          enum type_place place, int depth)
{
    struct declaration *found =
        find_declaration(program, unit, type->library, type->name, type->span, "type", CODE_UNKNOWN_TYPE);

    if (!found)
        return;
    if (found->kind == DECLARATION_ALIAS) {
        resolve_alias(program, unit, found, type, place, depth);
        return;
    }
    type->declaration = found;
    if (found->kind == DECLARATION_ENUM)
        type->kind = TYPE_ENUM;
    else if (found->kind == DECLARATION_FLAGS)
        type->kind = TYPE_FLAGS;
    else if (declaration_is_struct(found))
        type->kind = TYPE_STRUCT;
    else if (found->kind == DECLARATION_INTERFACE)
        report(CODE_WRONG_KIND, type->span, "'%s' is an interface; to pass a capability write cap<%s>", type->name,
               type->name);
    else
        report(CODE_WRONG_KIND, type->span, "'%s' is of kind %s, not a type", type->name,
               declaration_kind_name(found->kind));
}

/* Does `type` name something that is built in? Says what is wrong with how it is written. */
static bool is_builtin(const struct program *program, const struct unit *unit, struct type *type, enum type_place place,
                       int depth)
{
    if (type->library)
        return false;
    if (strcmp(type->name, "sequence") == 0 || strcmp(type->name, "optional") == 0) {
        check_derived(program, unit, type, place, depth);
        return true;
    }
    for (unsigned i = 0; i < COUNT(float_names); i++)
        if (strcmp(type->name, float_names[i]) == 0 && !type->has_arguments) {
            type->kind = TYPE_FLOAT;
            type->bits = 32u << i;
            return true;
        }
    if (strcmp(type->name, "cap") == 0) {
        check_capability(program, unit, type, place);
        return true;
    }
    if (integer_type(type, &type->bits, &type->is_signed)) {
        type->kind = TYPE_INTEGER;
        return true;
    }
    if (strcmp(type->name, "bool") == 0 && !type->has_arguments) {
        type->kind = TYPE_BOOL;
        return true;
    }
    if (strcmp(type->name, "pages") == 0 || strcmp(type->name, "lend") == 0) {
        check_pages(type, place);
        return true;
    }
    if (strcmp(type->name, "bytes") == 0 || strcmp(type->name, "string") == 0) {
        check_blob(program, unit, type, place);
        return true;
    }
    return false;
}

static bool near_builtin(const struct type *type)
{
    struct suggestion suggestion = {.wanted = type->name};

    for (size_t i = 0; i < COUNT(integer_names); i++)
        suggestion_offer(&suggestion, integer_names[i]);
    for (size_t i = 0; i < COUNT(float_names); i++)
        suggestion_offer(&suggestion, float_names[i]);
    suggestion_offer(&suggestion, "bool");
    for (size_t i = 0; i < COUNT(generic_names); i++)
        suggestion_offer(&suggestion, generic_names[i]);
    if (!suggestion.best || type->library)
        return false;
    report(CODE_UNKNOWN_TYPE, type->span, "there is no type '%s'%s", type->name, suggestion_text(&suggestion));
    return true;
}

/* A name with arguments that is none of the built-in types. */
static void report_arguments(const struct type *type)
{
    struct suggestion suggestion = {.wanted = type->name};

    for (size_t i = 0; i < COUNT(generic_names); i++)
        suggestion_offer(&suggestion, generic_names[i]);
    report(CODE_UNKNOWN_TYPE, type->span, "'%s' takes nothing between < and >%s", type->name,
           suggestion_text(&suggestion));
}

static bool is_declared(const struct program *program, const struct type *type)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    if (strcmp(declaration->name.text, type->name) == 0)
        return true;
    return false;
}

void resolve_type(const struct program *program, const struct unit *unit, struct type *type, enum type_place place,
                  int depth)
{
    if (!is_builtin(program, unit, type, place, depth)) {
        if (type->has_arguments)
            report_arguments(type);
        else if (is_declared(program, type) || !near_builtin(type))
            resolve_named(program, unit, type, place, depth);
    }
    if (type->move && strcmp(type->name, "cap") != 0 && strcmp(type->name, "pages") != 0 &&
        type->kind != TYPE_CAPABILITY && type->kind != TYPE_PAGES)
        report(CODE_CAPABILITY, type->span, "only capabilities and pages can be moved");
    else if (type->move && type->lent)
        report(CODE_PAGES, type->span, "what is lent is not moved: it comes back");
}

static void check_type(const struct program *program, const struct unit *unit, struct type *type, enum type_place place,
                       int depth);

static bool has_few_dimensions(const struct type *type)
{
    int dimensions = 0;

    for (const struct type *array = type; array->element; array = array->element)
        if (++dimensions > MAX_DIMENSIONS) {
            report(CODE_TOO_LARGE, type->span, "an array has at most %d dimensions", MAX_DIMENSIONS);
            return false;
        }
    return true;
}

static void check_array(const struct program *program, const struct unit *unit, struct type *type, int depth)
{
    struct type *element = type->element;
    bool nested;
    uint64_t length;

    check_type(program, unit, element, PLACE_ELEMENT, depth);
    if (!value_number(program, unit, type->count, 64, false, &length))
        return;
    nested = element->kind == TYPE_ARRAY;
    if (length == 0 || length > MAX_ARRAY_LENGTH) {
        report(CODE_ARRAY, type->count->span, "the length of an array must be 1 to %d", MAX_ARRAY_LENGTH);
        return;
    }
    type->bound = length;
    type->length = nested ? length * element->length : length;
    type->inner = nested ? element : NULL;
    type->of = nested ? element->of : element;
    if (type->length > MAX_ARRAY_LENGTH)
        report(CODE_ARRAY, type->span, "an array has at most %d elements in all", MAX_ARRAY_LENGTH);
    else if (element->kind != TYPE_UNRESOLVED)
        type->kind = TYPE_ARRAY;
}

static void check_type(const struct program *program, const struct unit *unit, struct type *type, enum type_place place,
                       int depth)
{
    if (!type->element)
        resolve_type(program, unit, type, place, depth);
    else if (has_few_dimensions(type))
        check_array(program, unit, type, depth);
}

/* `depth` aliases are being resolved. */
static void check_alias(const struct program *program, struct declaration *declaration, int depth)
{
    if (declaration->visit == VISIT_DONE)
        return;
    if (declaration->visit == VISIT_OPEN)
        report(CODE_CYCLE, declaration->name.span, "alias '%s' stands for itself", declaration->name.text);
    else if (depth > MAX_ALIAS_DEPTH)
        report(CODE_TOO_LARGE, declaration->name.span, "more than %d aliases of aliases", MAX_ALIAS_DEPTH);
    declaration->broken = declaration->visit == VISIT_OPEN || depth > MAX_ALIAS_DEPTH;
    if (!declaration->broken) {
        declaration->visit = VISIT_OPEN;
        check_type(program, declaration->unit, declaration->type, PLACE_ALIAS, depth);
        declaration->broken |= declaration->type->kind == TYPE_UNRESOLVED;
    }
    declaration->visit = VISIT_DONE;
}

static void check_members(const struct program *program, const struct unit *unit, struct member_list members,
                          enum type_place place)
{
    FOR_EACH(member, member, members)
    check_type(program, unit, member->type, place, 0);
}

static void check_declared_types(const struct program *program, struct declaration *declaration)
{
    if (declaration->kind == DECLARATION_ALIAS)
        check_alias(program, declaration, 0);
    else if (declaration->type && declaration->type->move)
        report(CODE_CAPABILITY, declaration->type->span, "only capabilities and pages can be moved");
    if (declaration_is_struct(declaration)) {
        if (!declaration->members.first && !declaration->unit->incomplete)
            report(CODE_EMPTY, declaration->name.span, "%s '%s' has no fields",
                   declaration_kind_name(declaration->kind), declaration->name.text);
        check_members(program, declaration->unit, declaration->members, PLACE_FIELD);
    }
    FOR_EACH(operation, operation, declaration->operations)
    {
        check_members(program, declaration->unit, operation->parameters, PLACE_PARAMETER);
        check_members(program, declaration->unit, operation->results, PLACE_PARAMETER);
    }
}

void check_types(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    check_declared_types(program, declaration);
}

#define MAX_STRUCT_DEPTH 32

/* Finds cycles, and sets the struct's height: 1 above its highest field. */
static void visit_struct(struct declaration *declaration, int depth)
{
    declaration->visit = VISIT_OPEN;
    FOR_EACH(member, member, declaration->members)
    {
        const struct type *type = member->type->of ? member->type->of : member->type;

        if (type->kind != TYPE_STRUCT)
            continue;
        if (type->declaration->visit == VISIT_OPEN) {
            report(CODE_CYCLE, member->type->span, "%s '%s' contains itself",
                   declaration_kind_name(type->declaration->kind), type->declaration->name.text);
            continue;
        }
        if (type->declaration->visit == VISIT_NEW && depth < MAX_STRUCT_DEPTH)
            visit_struct(type->declaration, depth + 1);
        if (type->declaration->number >= declaration->number)
            declaration->number = type->declaration->number + 1;
        if (depth >= MAX_STRUCT_DEPTH || declaration->number >= MAX_STRUCT_DEPTH)
            report(CODE_TOO_LARGE, member->type->span, "structs are nested more than %d deep", MAX_STRUCT_DEPTH);
    }
    declaration->visit = VISIT_DONE;
}

void check_struct_cycles(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration_is_struct(declaration) && declaration->visit == VISIT_NEW)
        visit_struct(declaration, 0);
}
