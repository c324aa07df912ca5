/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of names: each is declared once, and no two give the same name in C.
 */
#include "check.h"

#include "layout.h"
#include "names.h"

#include <stdlib.h>
#include <string.h>

static bool in_one_library(const struct declaration *a, const struct declaration *b)
{
    return strcmp(a->unit->library.text, b->unit->library.text) == 0;
}

/* Everything that has a name in C or in a library, sorted by it, so that equal ones stand side by side. */
struct named {
    const char *name;
    struct span span;
    const struct declaration *declaration;
    const char *what;
};

struct name_table {
    struct named *entries;
    size_t count, capacity;
};

static void table_add(struct name_table *table, const char *name, struct span span,
                      const struct declaration *declaration, const char *what)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 64;
        struct named *larger = allocate(capacity * sizeof(*larger));

        if (table->count)
            memcpy(larger, table->entries, table->count * sizeof(*larger));
        free(table->entries);
        table->entries = larger;
        table->capacity = capacity;
    }
    table->entries[table->count++] = (struct named){name, span, declaration, what};
}

static int compare_named(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    int order = strcmp(a->name, b->name);

    if (order)
        return order;
    if (a->span.source != b->span.source)
        return a->span.source->order - b->span.source->order;
    if (a->span.line != b->span.line)
        return a->span.line - b->span.line;
    return a->span.column - b->span.column;
}

static void table_sort(struct name_table *table)
{
    if (table->count)
        qsort(table->entries, table->count, sizeof(table->entries[0]), compare_named);
}

void check_unique_declarations(struct program *program)
{
    struct name_table table = {0};

    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    table_add(&table, declaration->name.text, declaration->name.span, declaration, "");
    table_sort(&table);
    for (size_t i = 1; i < table.count; i++) {
        struct named *a = &table.entries[i - 1], *b = &table.entries[i];

        if (strcmp(a->name, b->name) == 0 && in_one_library(a->declaration, b->declaration))
            report(CODE_DUPLICATE, b->span, "'%s' is declared already, at %s:%d", b->name, a->span.source->path,
                   a->span.line);
    }
    free(table.entries);
}

static void report_equal(struct name_table *table, const char *what)
{
    table_sort(table);
    for (size_t i = 1; i < table->count; i++)
        if (strcmp(table->entries[i - 1].name, table->entries[i].name) == 0)
            report(CODE_DUPLICATE, table->entries[i].span, "%s '%s' is declared already, in line %d", what,
                   table->entries[i].name, table->entries[i - 1].span.line);
    free(table->entries);
}

static void add_members(struct name_table *table, struct member_list members)
{
    FOR_EACH(member, member, members)
    table_add(table, member->name.text, member->name.span, NULL, "");
}

static void check_operations(const struct declaration *declaration)
{
    struct name_table operations = {0};

    FOR_EACH(operation, operation, declaration->operations)
    {
        struct name_table parameters = {0};

        table_add(&operations, operation->name.text, operation->name.span, declaration, "");
        add_members(&parameters, operation->parameters);
        add_members(&parameters, operation->results);
        report_equal(&parameters, "parameter");
    }
    report_equal(&operations, "operation");
}

void check_unique_members(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    {
        struct name_table members = {0};

        add_members(&members, declaration->members);
        report_equal(&members, declaration_is_struct(declaration) ? "field" : "member");
        check_operations(declaration);
    }
}

/* Suffixes of what an interface and an operation define beside their plain names. */
static const char *const interface_suffixes[] = {"_t",     "_ops",     "_dispatch",     "_take",
                                                 "_serve", "_buffers", "_open_buffers", "_parameter_name"};
static const char *const operation_constants[] = {"_OPERATION", "_REQUEST", "_REPLY"};

static void add_interface(struct name_table *table, const struct declaration *interface)
{
    const char *stem = c_stem(interface);

    if (c_is_taken(text_of("%s_t", stem)))
        report(CODE_CLASH, interface->name.span, "in C this interface would be '%s_t', which means something else",
               stem);
    if (interface->kernel && c_is_taken(snake_case(interface->name.text)))
        report(CODE_CLASH, interface->name.span, "in C this object would be 'struct %s', which means something else",
               snake_case(interface->name.text));
    for (size_t i = 0; i < sizeof(interface_suffixes) / sizeof(interface_suffixes[0]); i++)
        table_add(table, text_of("%s%s", stem, interface_suffixes[i]), interface->name.span, interface, "interface");
    table_add(table, text_of("%s_ID", upper_case(stem)), interface->name.span, interface, "interface");
    table_add(table, text_of("%s_SERVER", upper_case(stem)), interface->name.span, interface, "interface");
    for (const struct declaration *base = interface->base; base; base = base->base)
        table_add(table, text_of("%s_as_%s", stem, c_stem(base)), interface->name.span, interface, "interface");
    FOR_EACH(operation, operation, interface->operations)
    {
        const char *name = c_operation(interface, operation);

        table_add(table, name, operation->name.span, interface, "operation");
        table_add(table, text_of("%s_message", name), operation->name.span, interface, "operation");
        for (size_t i = 0; i < sizeof(operation_constants) / sizeof(operation_constants[0]); i++)
            table_add(table, text_of("%s%s", upper_case(name), operation_constants[i]), operation->name.span, interface,
                      "operation");
    }
    FOR_EACH_OPERATION(owner, operation, interface)
    for (size_t i = 0; operation->deferred && i < 2; i++)
        table_add(table, text_of(i ? "struct %s_token" : "%s_reply", c_operation(interface, operation)),
                  operation->name.span, interface, "deferred operation");
}

static void add_declaration(struct name_table *table, const struct declaration *declaration)
{
    const char *stem = c_stem(declaration), *kind = declaration_kind_name(declaration->kind);
    struct span span = declaration->name.span;

    if (declaration->kind == DECLARATION_CONST)
        table_add(table, upper_case(stem), span, declaration, "const");
    if (declaration->kind == DECLARATION_INTERFACE)
        add_interface(table, declaration);
    if (declaration_is_struct(declaration)) {
        table_add(table, text_of("struct %s", stem), span, declaration, kind);
        table_add(table, text_of("%s_clear_padding", stem), span, declaration, kind);
    } else if (declaration->members.first) {
        table_add(table, text_of(declaration->kind == DECLARATION_ERRORS ? "enum %s" : "%s_t", stem), span, declaration,
                  kind);
    }
    if (declaration->members.first)
        table_add(table, text_of("%s_is_valid", stem), span, declaration, kind);
    for (size_t i = 0; declaration->kind == DECLARATION_ERRORS && i < 2; i++)
        table_add(table, text_of(i ? "%s_text" : "%s_name", stem), span, declaration, kind);
    FOR_EACH(member, member, declaration->members)
    if (!declaration_is_struct(declaration) || declaration->kind == DECLARATION_UNION ||
        declaration->kind == DECLARATION_TABLE)
        table_add(table, c_constant(declaration, member), member->name.span, declaration,
                  declaration_is_struct(declaration) ? "row" : "member");
}

static bool clashes(const struct name_table *table, size_t i)
{
    return strcmp(table->entries[i - 1].name, table->entries[i].name) == 0;
}

static bool same_place(const struct span *a, const struct span *b)
{
    return a->source == b->source && a->line == b->line && a->column == b->column;
}

/* Did the same two clash by another of their names already? */
static bool clashed_before(const struct name_table *table, size_t i)
{
    for (size_t j = 1; j < i; j++)
        if (same_place(&table->entries[j].span, &table->entries[i].span) && clashes(table, j) &&
            same_place(&table->entries[j - 1].span, &table->entries[i - 1].span))
            return true;
    return false;
}

static void report_clash(const struct named *first, const struct named *second)
{
    report(CODE_CLASH, second->span, "in C this %s would be '%s', and so would the %s at %s:%d", second->what,
           second->name, first->what, first->span.source->path, first->span.line);
}

/* Bytes and strings are several parameters in C. */
static void add_parameter(struct name_table *table, const struct member *member, bool out)
{
    table_add(table, c_variable(member), member->name.span, NULL, "");
    if (out && member->type->kind == TYPE_PAGES)
        table_add(table, text_of("%s_window", member->name.text), member->name.span, NULL, "");
    if (!type_is_blob(member->type))
        return;
    if (member->type->kind == TYPE_SEQUENCE)
        table_add(table, text_of("%s_count", member->name.text), member->name.span, NULL, "");
    if (out) {
        table_add(table, text_of("%s_capacity", member->name.text), member->name.span, NULL, "");
        table_add(table, text_of("%s_length", member->name.text), member->name.span, NULL, "");
    } else if (member->type->kind == TYPE_BYTES) {
        table_add(table, text_of("%s_size", member->name.text), member->name.span, NULL, "");
    }
}

static void check_parameters(const struct operation *operation)
{
    struct name_table table = {0};

    FOR_EACH(member, member, operation->parameters)
    add_parameter(&table, member, member->out);
    FOR_EACH(member, member, operation->results)
    add_parameter(&table, member, true);
    table_sort(&table);
    for (size_t i = 1; i < table.count; i++)
        if (strcmp(table.entries[i - 1].name, table.entries[i].name) == 0)
            report(CODE_CLASH, table.entries[i].span,
                   "in C this parameter would be '%s', and so would the one in line %d", table.entries[i].name,
                   table.entries[i - 1].span.line);
    free(table.entries);
}

void check_c_names(struct program *program)
{
    struct name_table table = {0};

    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    FOR_EACH(operation, operation, declaration->operations)
    check_parameters(operation);
    FOR_EACH_UNIT(unit, program)
    {
        FOR_EACH_DECLARATION(declaration, unit)
        add_declaration(&table, declaration);
        FOR_EACH(declaration, derived, unit->derived)
        add_declaration(&table, derived);
    }
    table_sort(&table);
    for (size_t i = 1; i < table.count; i++)
        if (clashes(&table, i) && !clashed_before(&table, i))
            report_clash(&table.entries[i - 1], &table.entries[i]);
    free(table.entries);
}

void check_documentation(struct program *program)
{
    FOR_EACH_DECLARATION(declaration, program->units.first)
    FOR_EACH(operation, operation, declaration->operations)
    if (!operation->prefix.doc)
        warn(CODE_DOCUMENTATION, operation->name.span, "operation '%s' has no doc comment ('///')",
             operation->name.text);
}
