/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole checked interface as JSON: the input file and all that it imports, with every name resolved, every constant
 * reckoned and every parameter placed. The form is described in docs/idl-tools.md, and is stable: keys keep their
 * meaning and their order, new ones may be added, and "format" grows when a reader must be changed.
 */
#include "emit.h"

#include "check.h"
#include "describe.h"
#include "layout.h"
#include "names.h"

#include <inttypes.h>
#include <string.h>

#define FORMAT 1

/* The state of the writer: in how many containers, and whether a comma is due. */
struct json {
    FILE *output;
    unsigned depth;
    bool comma;
};

static void json_string(FILE *output, const char *text)
{
    fputc('"', output);
    for (const char *c = text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(output, "\\%c", *c);
        else if (*c == '\n')
            fputs("\\n", output);
        else if ((unsigned char)*c < ' ')
            fprintf(output, "\\u%04x", (unsigned char)*c);
        else
            fputc(*c, output);
    fputc('"', output);
}

/* What stands before a value: a comma, and the key where there is one. Objects in lists, and the keys of the outermost
 * object, have a line each. */
static void json_key(struct json *json, const char *key, bool line)
{
    if (json->comma)
        fputc(',', json->output);
    if (line || (key && json->depth == 1))
        fprintf(json->output, "\n%*s", (int)json->depth, "");
    else if (json->comma)
        fputc(' ', json->output);
    json->comma = true;
    if (key) {
        json_string(json->output, key);
        fputs(": ", json->output);
    }
}

static void json_begin(struct json *json, const char *key, char bracket)
{
    json_key(json, key, !key && json->depth);
    fputc(bracket, json->output);
    json->depth++;
    json->comma = false;
}

static void json_end(struct json *json, char bracket)
{
    json->depth--;
    json->comma = true;
    fputc(bracket, json->output);
}

/* Nothing for a text that is not there. */
static void json_text(struct json *json, const char *key, const char *text)
{
    if (!text)
        return;
    json_key(json, key, false);
    json_string(json->output, text);
}

static void json_number(struct json *json, const char *key, uint64_t number)
{
    json_key(json, key, false);
    fprintf(json->output, "%" PRIu64, number);
}

static void json_flag(struct json *json, const char *key, bool flag)
{
    json_key(json, key, false);
    fputs(flag ? "true" : "false", json->output);
}

static void write_rights(struct json *json, const char *key, unsigned rights)
{
    json_begin(json, key, '[');
    for (unsigned bit = 1; bit; bit <<= 1)
        if (rights & bit)
            json_text(json, NULL, rights_text(bit));
    json_end(json, ']');
}

static void write_type(struct json *json, const char *key, const struct type *type)
{
    json_begin(json, key, '{');
    json_text(json, "kind", type_kind_name(type));
    json_text(json, "text", type_text(type));
    if (type->declaration)
        json_text(json, "name", declaration_text(type->declaration));
    if (type_is_scalar(type)) {
        json_number(json, "bits", type->bits);
        json_flag(json, "signed", type->is_signed);
    }
    if (type->size)
        json_number(json, "size", type->size);
    if (type->kind == TYPE_ARRAY || type_is_blob(type))
        json_number(json, "length", type->length);
    if (type->kind == TYPE_CAPABILITY || type->kind == TYPE_PAGES) {
        write_rights(json, "rights", type->rights);
        json_flag(json, "move", type->move);
    }
    if (type->lent)
        json_flag(json, "lent", true);
    if (type->kind == TYPE_ARRAY || type->kind == TYPE_SEQUENCE)
        write_type(json, "of", type->of);
    json_end(json, '}');
}

static void write_members(struct json *json, const struct declaration *declaration)
{
    json_begin(json, "members", '[');
    FOR_EACH(member, member, declaration->members)
    {
        json_begin(json, NULL, '{');
        json_text(json, "name", member->name.text);
        json_text(json, "doc", member->doc);
        if (member->type) {
            json_text(json, "c_name", c_variable(member));
            if (member->value)
                json_number(json, "number", member->number);
            if (member->retired)
                json_flag(json, "retired", true);
            json_number(json, "offset", member->offset);
            write_type(json, "type", member->type);
        } else {
            json_text(json, "c_name", c_constant(declaration, member));
            json_key(json, "value", false);
            fputs(decimal_text(member_number(declaration, member), declaration->is_signed), json->output);
        }
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void write_place(struct json *json, const struct member *member, bool is_result)
{
    if (member_is_item(member)) {
        json_number(json, "item", member->item);
        if (type_is_blob(member->type))
            json_number(json, "string", member->string);
    } else {
        json_number(json, "word", member->first_word);
        json_number(json, "words", member->words_count);
    }
    if (member->data_words) {
        json_number(json, "data_word", member->data_word);
        json_number(json, "data_words", member->data_words);
    }
    if (is_result && type_is_blob(member->type))
        json_number(json, "capacity_word", member->capacity_word);
}

static void write_message(struct json *json, const char *key, const struct message_shape *shape, uint64_t tag,
                          struct member **members, size_t count)
{
    json_begin(json, key, '{');
    json_text(json, "tag", text_of("0x%016" PRIx64, tag));
    json_number(json, "words", shape->words);
    json_number(json, "items", shape->items);
    json_number(json, "strings", shape->strings);
    json_begin(json, "parameters", '[');
    for (size_t i = 0; i < count; i++) {
        json_begin(json, NULL, '{');
        json_text(json, "name", members[i]->name.text);
        json_text(json, "c_name", c_variable(members[i]));
        if (members[i]->inout)
            json_flag(json, "inout", true);
        write_place(json, members[i], strcmp(key, "reply") == 0);
        write_type(json, "type", members[i]->type);
        json_end(json, '}');
    }
    json_end(json, ']');
    json_end(json, '}');
}

static void write_operation(struct json *json, const struct declaration *interface, const struct operation *operation)
{
    json_begin(json, NULL, '{');
    json_text(json, "name", operation->name.text);
    json_text(json, "kind", operation_kind_name(operation));
    json_number(json, "number", operation->number->magnitude);
    json_number(json, "label", operation_label(interface, operation));
    json_text(json, "c_name", c_operation(interface, operation));
    json_text(json, "c_handler", c_handler(operation));
    json_text(json, "doc", operation->prefix.doc);
    if (operation->errors)
        json_text(json, "raises", declaration_text(operation->errors));
    if (operation->right)
        write_rights(json, "right", operation->right);
    if (operation->timeout)
        json_number(json, "timeout_ns", operation->timeout);
    if (operation->deferred)
        json_flag(json, "deferred", true);
    write_message(json, "request", &operation->request, operation_request(interface, operation), operation->inputs,
                  operation->inputs_count);
    if (operation->kind == OPERATION_CALL)
        write_message(json, "reply", &operation->reply, operation_reply(operation), operation->outputs,
                      operation->outputs_count);
    json_end(json, '}');
}

static void write_interface(struct json *json, const struct declaration *declaration)
{
    json_number(json, "id", declaration->number);
    json_flag(json, "kernel", declaration->kernel);
    if (declaration->base)
        json_text(json, "base", declaration_text(declaration->base));
    json_begin(json, "operations", '[');
    FOR_EACH(operation, operation, declaration->operations)
    write_operation(json, declaration, operation);
    json_end(json, ']');
}

static void write_const(struct json *json, const struct declaration *declaration)
{
    unsigned bits = 0;
    bool is_signed = false;

    integer_type(declaration->type, &bits, &is_signed);
    json_number(json, "bits", bits);
    json_flag(json, "signed", is_signed);
    json_key(json, "value", false);
    fputs(decimal_text(declaration->number, is_signed), json->output);
}

static void write_body(struct json *json, const struct declaration *declaration)
{
    const enum declaration_kind kind = declaration->kind;

    if (kind == DECLARATION_CONST)
        write_const(json, declaration);
    else if (kind == DECLARATION_ALIAS)
        write_type(json, "type", declaration->type);
    else if (kind == DECLARATION_INTERFACE)
        write_interface(json, declaration);
    if (kind == DECLARATION_ENUM || kind == DECLARATION_FLAGS) {
        json_number(json, "bits", declaration->bits);
        json_flag(json, "signed", declaration->is_signed);
    }
    if (kind == DECLARATION_ENUM)
        json_flag(json, "open", declaration->open);
    if (declaration_is_struct(declaration)) {
        json_number(json, "size", declaration->size);
        json_number(json, "alignment", declaration->alignment);
    }
    if (declaration->members.first)
        write_members(json, declaration);
}

static void write_declaration(struct json *json, const struct declaration *declaration)
{
    json_begin(json, NULL, '{');
    json_text(json, "kind", declaration_kind_name(declaration->kind));
    json_text(json, "name", declaration_text(declaration));
    if (declaration->kind == DECLARATION_CONST)
        json_text(json, "c_name", upper_case(c_stem(declaration)));
    else if (declaration->kind != DECLARATION_ALIAS)
        json_text(json, "c_name", c_stem(declaration));
    json_number(json, "file", (uint64_t)declaration->unit->source->order);
    json_number(json, "line", (uint64_t)declaration->span.line);
    json_text(json, "doc", declaration->prefix.doc);
    write_body(json, declaration);
    json_end(json, '}');
}

static void write_file(struct json *json, const struct unit *unit)
{
    json_begin(json, NULL, '{');
    json_text(json, "path", unit->source->path);
    json_text(json, "library", unit->library.text);
    json_text(json, "doc", unit->doc);
    json_begin(json, "imports", '[');
    FOR_EACH(import, import, unit->imports)
    json_number(json, NULL, (uint64_t)import->unit->source->order);
    json_end(json, ']');
    json_end(json, '}');
}

void emit_json(FILE *output, struct program *program)
{
    struct json json = {.output = output};

    json_begin(&json, NULL, '{');
    json_number(&json, "format", FORMAT);
    json_begin(&json, "files", '[');
    FOR_EACH_UNIT(unit, program)
    write_file(&json, unit);
    json_end(&json, ']');
    json_begin(&json, "declarations", '[');
    FOR_EACH_UNIT(unit, program)
    {
        FOR_EACH_DECLARATION(declaration, unit)
        write_declaration(&json, declaration);
        FOR_EACH(declaration, derived, unit->derived)
        write_declaration(&json, derived);
    }
    json_end(&json, ']');
    json_end(&json, '}');
    fputc('\n', output);
}
