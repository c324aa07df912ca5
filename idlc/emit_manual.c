/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The documentation of an interface file: every declaration with its doc comment, every operation with where its
 * parameters travel; as Markdown or HTML (page.h).
 */
#include "emit.h"
#include "page.h"

#include "check.h"
#include "describe.h"
#include "layout.h"
#include "names.h"

#include "abi/message.h"

#include <inttypes.h>
#include <stdlib.h>

#define WORD 8
#define ROW(page, ...)                                                       \
    do {                                                                     \
        const char *const row_cells[] = {__VA_ARGS__};                       \
        page_row(page, row_cells, sizeof(row_cells) / sizeof(row_cells[0])); \
    } while (0)
#define TABLE(page, ...)                                                          \
    do {                                                                          \
        const char *const head_cells[] = {__VA_ARGS__};                           \
        page_table(page, head_cells, sizeof(head_cells) / sizeof(head_cells[0])); \
    } while (0)

static const char *code(const char *text)
{
    return text_of("`%s`", text);
}

/* All consts, or all aliases. */
static void write_small(const struct page *page, const struct unit *unit, enum declaration_kind kind)
{
    bool any = false;

    FOR_EACH_DECLARATION(declaration, unit)
    {
        unsigned bits = 0;
        bool is_signed = false;

        if (declaration->kind != kind)
            continue;
        if (!any) {
            page_heading(page, 2, kind == DECLARATION_CONST ? "Constants" : "Aliases");
            TABLE(page, "name", kind == DECLARATION_CONST ? "value" : "stands for", "");
        }
        any = true;
        if (kind == DECLARATION_CONST)
            integer_type(declaration->type, &bits, &is_signed);
        ROW(page, code(declaration->name.text),
            kind == DECLARATION_CONST ? decimal_text(declaration->number, is_signed)
                                      : code(type_text(declaration->type)),
            declaration->prefix.doc);
    }
    if (any)
        page_table_end(page);
}

static const char *value_text(const struct declaration *declaration, const struct member *member)
{
    if (declaration->kind == DECLARATION_FLAGS)
        return text_of("0x%" PRIx64, member_number(declaration, member));
    return decimal_text(member->number, declaration->is_signed);
}

static void write_values(const struct page *page, const struct declaration *declaration)
{
    TABLE(page, "value", "name", "");
    FOR_EACH(member, member, declaration->members)
    ROW(page, value_text(declaration, member), code(member->name.text), member->doc);
    page_table_end(page);
}

static void draw_fields(const struct page *page, const char *prefix, const struct declaration *declaration,
                        uint64_t offset, page_label label);

/* The bytes of a parameter or field: a struct by its fields. */
static void draw_bytes(const struct page *page, const char *name, const struct type *type, uint64_t offset,
                       page_label label)
{
    if (type->kind == TYPE_STRUCT)
        draw_fields(page, text_of("%s.", name), type->declaration, offset, label);
    else
        page_drawing_cell(page, offset, type->size, label, text_of("%s: %s", name, type_text(type)));
}

/* What a union and a table begin with has no field of its own; the rows of a union are all at one place. */
static void draw_fields(const struct page *page, const char *prefix, const struct declaration *declaration,
                        uint64_t offset, page_label label)
{
    const struct member *first = declaration->members.first;

    if (declaration->kind == DECLARATION_TABLE)
        page_drawing_cell(page, offset, WORD, label, text_of("%spresent", prefix));
    if (declaration->kind == DECLARATION_UNION) {
        page_drawing_cell(page, offset, 4, label, text_of("%stag", prefix));
        page_drawing_cell(page, offset + first->offset, declaration->room, label, text_of("%sas", prefix));
        return;
    }
    FOR_EACH(member, member, declaration->members)
    draw_bytes(page, text_of("%s%s", prefix, member->name.text), member->type, offset + member->offset, label);
}

static const char *range_text(const char *what, uint64_t first, uint64_t last)
{
    return last > first ? text_of("%s %" PRIu64 " to %" PRIu64, what, first, last)
                        : text_of("%s %" PRIu64, what, first);
}

static const char *byte_label(uint64_t first, uint64_t last)
{
    return range_text("bytes", first * WORD, last * WORD + WORD - 1);
}

static void write_fields(const struct page *page, const struct declaration *declaration)
{
    TABLE(page, "byte", "field", "type", "");
    FOR_EACH(member, member, declaration->members)
    ROW(page, decimal_text(member->offset, false), code(member->name.text), code(type_text(member->type)), member->doc);
    page_table_end(page);
    page_drawing(page, "In memory");
    draw_fields(page, "", declaration, 0, byte_label);
    page_drawing_end(page);
}

static const char *underlying_text(const struct declaration *declaration)
{
    return text_of("%s `%c%u`",
                   declaration->kind == DECLARATION_FLAGS ? "Flags in"
                   : declaration->open                    ? "An open enum in"
                                                          : "An enum in",
                   declaration->is_signed ? 'i' : 'u', declaration->bits);
}

/* Types and errors. */
static void write_type(const struct page *page, const struct declaration *declaration)
{
    page_heading(page, 2, text_of("%s %s", declaration_kind_name(declaration->kind), declaration->name.text));
    page_text(page, declaration->prefix.doc);
    switch (declaration->kind) {
    case DECLARATION_STRUCT:
    case DECLARATION_UNION:
    case DECLARATION_TABLE:
        page_text(page,
                  text_of("%" PRIu64 " bytes, aligned to %" PRIu64 ".", declaration->size, declaration->alignment));
        write_fields(page, declaration);
        break;
    case DECLARATION_ENUM:
    case DECLARATION_FLAGS:
        page_text(page, text_of("%s.", underlying_text(declaration)));
        write_values(page, declaration);
        break;
    default:
        write_values(page, declaration);
        break;
    }
}

/* ---- Operations -------------------------------------------------------------------------------------------------- */

static const char *const registers[MESSAGE_REGISTER_WORDS] = {"rsi", "rdx", "r8", "r9", "r10", "rbx"};

static const char *word_label(uint64_t first, uint64_t last)
{
    if (first >= MESSAGE_REGISTER_WORDS)
        return range_text("UTCB", first, last);
    if (first == last)
        return text_of("%s %" PRIu64, registers[first], first);
    return range_text(last < MESSAGE_REGISTER_WORDS ? "registers" : "registers, UTCB", first, last);
}

static void draw_word(const struct page *page, uint64_t word, const char *name, const char *what)
{
    page_drawing_cell(page, word * WORD, WORD, word_label, text_of("%s: %s", name, what));
}

/* Items stand under the `words` of the message. */
static void draw_parameter(const struct page *page, const struct member *member, uint64_t words)
{
    const struct type *type = member->type;
    const char *name = member->name.text, *text = text_of("%s: %s", name, type_text(type));

    if (member_is_item(member))
        page_drawing_cell(page, (words + member->item) * WORD, WORD, NULL,
                          text_of("item %" PRIu64 ": %s", member->item, text));
    else if (type_is_aggregate(type))
        draw_bytes(page, name, type, member->first_word * WORD, word_label);
    else
        draw_word(page, member->first_word, name, type_is_blob(type) ? "length" : type_text(type));
    if (member->data_words)
        page_drawing_cell(page, member->data_word * WORD, member->data_words * WORD, word_label, text);
}

static void draw_operation(const struct page *page, const struct operation *operation)
{
    page_drawing(page, "Request");
    for (size_t i = 0; i < operation->inputs_count; i++)
        draw_parameter(page, operation->inputs[i], operation->request.words);
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (type_is_blob(operation->outputs[i]->type))
            draw_word(page, operation->outputs[i]->capacity_word, operation->outputs[i]->name.text, "capacity");
    page_drawing_end(page);
    if (operation->kind != OPERATION_CALL)
        return;
    page_drawing(page, "Reply");
    for (size_t i = 0; i < operation->outputs_count; i++)
        draw_parameter(page, operation->outputs[i], operation->reply.words);
    page_drawing_end(page);
}

static const char *capacity_text(const struct member *member, bool is_result)
{
    if (!is_result || !type_is_blob(member->type))
        return place_text(member);
    return text_of("%s; its capacity in word %" PRIu64 " of the request", place_text(member), member->capacity_word);
}

static void write_parameters(const struct page *page, const struct operation *operation)
{
    if (operation->inputs_count + operation->outputs_count == 0)
        return;
    TABLE(page, "", "parameter", "type", "travels in");
    for (size_t i = 0; i < operation->inputs_count; i++)
        ROW(page, "in", code(operation->inputs[i]->name.text), code(type_text(operation->inputs[i]->type)),
            capacity_text(operation->inputs[i], false));
    for (size_t i = 0; i < operation->outputs_count; i++)
        ROW(page, "out", code(operation->outputs[i]->name.text), code(type_text(operation->outputs[i]->type)),
            capacity_text(operation->outputs[i], true));
    page_table_end(page);
    draw_operation(page, operation);
}

static const char *shape_text(const struct message_shape *shape)
{
    return text_of("%" PRIu64 " word%s, %" PRIu64 " item%s", shape->words, shape->words == 1 ? "" : "s", shape->items,
                   shape->items == 1 ? "" : "s");
}

/* What the signature does not say: rights, errors, sizes, tag. */
static void write_facts(const struct page *page, const struct declaration *interface, const struct operation *operation)
{
    const char *text = text_of("Request: %s, tag `0x%016" PRIx64 "`.", shape_text(&operation->request),
                               operation_request(interface, operation));

    if (operation->kind == OPERATION_CALL)
        text = text_of("%s Reply: %s.", text, shape_text(&operation->reply));
    if (operation->right)
        text = text_of("%s Needs the right %s.", text, rights_text(operation->right));
    if (operation->errors)
        FOR_EACH(member, member, operation->errors->members)
    text = text_of("%s%s `%s` (%" PRIu64 ")%s", text, member == operation->errors->members.first ? " Raises" : ",",
                   member->name.text, member->number, member->next ? "" : ".");
    page_text(page, text);
}

static void write_operation(const struct page *page, const struct declaration *interface,
                            const struct operation *operation)
{
    char *text = NULL;
    size_t length = 0;
    FILE *signature = open_memstream(&text, &length);

    if (!signature)
        return;
    format_operation(signature, operation);
    fclose(signature);
    page_heading(page, 3, text_of("%s.%s", interface->name.text, operation->name.text));
    page_code(page, text);
    free(text);
    page_text(page, operation->prefix.doc);
    write_facts(page, interface, operation);
    write_parameters(page, operation);
}

static void write_interface(const struct page *page, const struct declaration *interface)
{
    page_heading(page, 2, text_of("interface %s", interface->name.text));
    page_text(page, interface->prefix.doc);
    page_text(page, text_of("%snumber 0x%04" PRIx64 "%s%s%s.", interface->kernel ? "A kernel object, " : "Interface ",
                            interface->number, interface->base ? ". It has all operations of `" : "",
                            interface->base ? declaration_text(interface->base) : "", interface->base ? "`" : ""));
    if (interface->operations.first) {
        TABLE(page, "number", "operation", "");
        FOR_EACH(operation, operation, interface->operations)
        ROW(page, decimal_text(operation->number->magnitude, false), code(operation->name.text), operation->prefix.doc);
        page_table_end(page);
    }
    FOR_EACH(operation, operation, interface->operations)
    write_operation(page, interface, operation);
}

static void write_manual(const struct page *page, const struct unit *unit)
{
    page_begin(page, text_of("Library %s", unit->library.text));
    page_text(page, unit->doc);
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->kind == DECLARATION_INTERFACE)
        write_interface(page, declaration);
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->members.first)
        write_type(page, declaration);
    write_small(page, unit, DECLARATION_CONST);
    write_small(page, unit, DECLARATION_ALIAS);
    page_end(page);
}

void emit_markdown(FILE *output, struct program *program)
{
    const struct page page = {.output = output};

    write_manual(&page, program->units.first);
}

void emit_html(FILE *output, struct program *program)
{
    const struct page page = {.output = output, .html = true};

    write_manual(&page, program->units.first);
}
