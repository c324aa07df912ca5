/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is a struct in C: structs, unions, tables, optionals and sequences. Each has its fields laid out as layout.c
 * says, with every byte of padding named; a function that checks what came in, unless any bytes would do; and one that
 * clears what is not used, unless all of it is.
 */
#include "emit.h"

#include "check.h"
#include "layout.h"
#include "names.h"

#include <inttypes.h>

static void emit_padding(FILE *output, unsigned *number, uint64_t bytes)
{
    if (bytes)
        fprintf(output, "    uint8_t idl_padding_%u[%" PRIu64 "];\n", (*number)++, bytes);
}

static void emit_field(FILE *output, const char *indent, const struct member *member)
{
    emit_doc(output, indent, member->doc);
    fprintf(output, "%s%s %s%s;\n", indent, c_type(member->type), c_variable(member), c_dimensions(member->type));
}

/* A retired row of a table keeps its place. */
static void emit_retired(FILE *output, const struct member *member)
{
    fprintf(output, "    uint8_t idl_retired_%" PRIu64 "[%" PRIu64 "] __attribute__((aligned(%" PRIu64 ")));\n",
            member->number, member->type->size, member->type->alignment);
}

static void emit_fields(FILE *output, const struct declaration *declaration)
{
    unsigned padding = 0;

    if (declaration->kind == DECLARATION_TABLE)
        fprintf(output, "    uint64_t present; /* the rows that are there */\n");
    FOR_EACH(member, member, declaration->members)
    {
        emit_padding(output, &padding, member->padding);
        if (member->retired)
            emit_retired(output, member);
        else
            emit_field(output, "    ", member);
    }
    emit_padding(output, &padding, declaration->tail);
}

static void emit_union(FILE *output, const struct declaration *declaration)
{
    unsigned padding = 0;

    fprintf(output, "    uint32_t tag; /* which of them it is */\n");
    emit_padding(output, &padding, declaration->members.first->padding);
    fprintf(output, "    union {\n");
    FOR_EACH(member, member, declaration->members)
    emit_field(output, "        ", member);
    fprintf(output, "    } as;\n");
    emit_padding(output, &padding, declaration->tail);
}

/* Tags of a union; bits of a table. */
static void emit_row_constants(FILE *output, const struct declaration *declaration)
{
    FOR_EACH(member, member, declaration->members)
    if (declaration->kind == DECLARATION_UNION)
        fprintf(output, "#define %s UINT32_C(%" PRIu64 ")\n", c_constant(declaration, member), member->number);
    else if (!member->retired)
        fprintf(output, "#define %s UINT64_C(0x%" PRIx64 ")\n", c_constant(declaration, member),
                (uint64_t)1 << (member->number - 1));
}

/* The address of a field's value, of an array of its first element, whatever its dimensions. */
static const char *field_address(const struct member *member, const char *prefix, const char *qualifier)
{
    const char *name = text_of("value->%s%s", prefix, c_variable(member));

    if (member->type->kind != TYPE_ARRAY)
        return text_of("&%s", name);
    if (!member->type->inner)
        return name;
    return text_of("((%s%s *)(%svoid *)%s)", qualifier, c_type(member->type), qualifier, name);
}

static void emit_field_check(FILE *output, const struct member *member, const char *prefix)
{
    static const struct refusal refusal = {"return false;", NULL};

    emit_aggregate_check(output, member, field_address(member, prefix, "const "), &refusal);
}

static void emit_union_check(FILE *output, const struct declaration *declaration)
{
    fprintf(output, "    switch (value->tag) {\n");
    FOR_EACH(member, member, declaration->members)
    {
        fprintf(output, "    case %s:\n", c_constant(declaration, member));
        emit_field_check(output, member, "as.");
        fprintf(output, "    return true;\n");
    }
    fprintf(output, "    default:\n        return false;\n    }\n");
}

/* The items of a sequence that are there. */
static void emit_items_check(FILE *output, const struct declaration *declaration)
{
    const struct member *items = declaration->members.last;

    fprintf(output, "    if (value->count > %" PRIu64 ")\n        return false;\n", items->type->length);
    emit_counted_check(output, items, "value->items", "value->count", "return false;");
    fprintf(output, "    return true;\n");
}

static void emit_fields_check(FILE *output, const struct declaration *declaration)
{
    FOR_EACH(member, member, declaration->members)
    {
        if (!type_has_checked(member->type) || member->retired)
            continue;
        if (declaration->kind == DECLARATION_TABLE)
            fprintf(output, "    if (value->present & %s) {\n", c_constant(declaration, member));
        emit_field_check(output, member, "");
        if (declaration->kind == DECLARATION_TABLE)
            fprintf(output, "    }\n");
        if (declaration->kind == DECLARATION_OPTIONAL && member == declaration->members.first)
            fprintf(output, "    if (!value->present)\n        return true;\n");
    }
    fprintf(output, "    return true;\n");
}

/* Checks every bool, enum and flags in it. A bool is read as a byte: any other value in it is undefined. */
static void emit_check(FILE *output, const struct declaration *declaration)
{
    fprintf(output, "\nstatic inline bool %s_is_valid(const struct %s *value)\n{\n", c_stem(declaration),
            c_stem(declaration));
    if (declaration->kind == DECLARATION_UNION)
        emit_union_check(output, declaration);
    else if (declaration->kind == DECLARATION_SEQUENCE)
        emit_items_check(output, declaration);
    else
        emit_fields_check(output, declaration);
    fprintf(output, "}\n");
}

/* The row that the tag names; all behind it, or all where there is no such row. */
static void emit_clear_union(FILE *output, const struct declaration *declaration)
{
    fprintf(output, "    switch (value->tag) {\n");
    FOR_EACH(member, member, declaration->members)
    {
        fprintf(output, "    case %s:\n", c_constant(declaration, member));
        emit_clear_padding(output, member->type, field_address(member, "as.", ""));
        if (member->type->size < declaration->room)
            fprintf(output, "        __builtin_memset((char *)&value->as + %" PRIu64 ", 0, %" PRIu64 ");\n",
                    member->type->size, declaration->room - member->type->size);
        fprintf(output, "        break;\n");
    }
    fprintf(output, "    default:\n        __builtin_memset(&value->as, 0, sizeof(value->as));\n    }\n");
}

static void emit_clear_items(FILE *output, const struct member *items)
{
    emit_clear_padding(output, items->type, "value->items");
    fprintf(output,
            "    if (value->count < %" PRIu64 ")\n"
            "        __builtin_memset(&value->items[value->count], 0, (%" PRIu64 " - value->count) * %" PRIu64 ");\n",
            items->type->length, items->type->length, items->type->of->size);
}

/* What is not there is cleared as a whole. */
static void emit_clear_absent(FILE *output, const struct declaration *declaration, const struct member *member)
{
    const char *address = member->retired ? text_of("value->idl_retired_%" PRIu64, member->number)
                                          : text_of("&value->%s", c_variable(member));

    if (declaration->kind == DECLARATION_OPTIONAL && member == declaration->members.last)
        fprintf(output, "    if (!value->present)\n    ");
    else if (declaration->kind == DECLARATION_TABLE && !member->retired)
        fprintf(output, "    if (!(value->present & %s))\n    ", c_constant(declaration, member));
    else if (!member->retired)
        return;
    fprintf(output, "    __builtin_memset(%s, 0, %" PRIu64 ");\n", address, member->type->size);
}

static void emit_clear_fields(FILE *output, const struct declaration *declaration)
{
    unsigned padding = declaration->kind == DECLARATION_UNION && declaration->members.first->padding;

    if (padding)
        fprintf(output, "    __builtin_memset(value->idl_padding_0, 0, sizeof(value->idl_padding_0));\n");
    FOR_EACH(member, member, declaration->members)
    {
        if (declaration->kind == DECLARATION_UNION)
            break;
        if (member->padding)
            fprintf(output, "    __builtin_memset(value->idl_padding_%u, 0, %" PRIu64 ");\n", padding++,
                    member->padding);
        if (!member->retired && !(declaration->kind == DECLARATION_SEQUENCE && member->next == NULL))
            emit_clear_padding(output, member->type, field_address(member, "", ""));
        emit_clear_absent(output, declaration, member);
    }
    if (declaration->tail)
        fprintf(output, "    __builtin_memset(value->idl_padding_%u, 0, %" PRIu64 ");\n", padding, declaration->tail);
}

static void emit_clear(FILE *output, const struct declaration *declaration)
{
    fprintf(output, "\nstatic inline void %s_clear_padding(struct %s *value)\n{\n", c_stem(declaration),
            c_stem(declaration));
    emit_clear_fields(output, declaration);
    if (declaration->kind == DECLARATION_UNION)
        emit_clear_union(output, declaration);
    else if (declaration->kind == DECLARATION_SEQUENCE)
        emit_clear_items(output, declaration->members.last);
    fprintf(output, "}\n");
}

void emit_struct(FILE *output, const struct declaration *declaration)
{
    if (declaration->kind == DECLARATION_UNION || declaration->kind == DECLARATION_TABLE)
        emit_row_constants(output, declaration);
    fprintf(output, "struct %s {\n", c_stem(declaration));
    if (declaration->kind == DECLARATION_UNION)
        emit_union(output, declaration);
    else
        emit_fields(output, declaration);
    fprintf(output, "};\n\n_Static_assert(sizeof(struct %s) == %" PRIu64 ", \"as laid out by idlc\");\n",
            c_stem(declaration), declaration->size);
    if (declaration->has_checked)
        emit_check(output, declaration);
    if (declaration->has_padding)
        emit_clear(output, declaration);
}
