/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constructors and destructors of the syntax tree. No meaning is given to anything here: the checks do that.
 */
#include "ast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AST_APPEND(type)                                                             \
    struct type##_list ast_append_##type(struct type##_list list, struct type *node) \
    {                                                                                \
        if (!node)                                                                   \
            return list;                                                             \
        if (list.last)                                                               \
            list.last->next = node;                                                  \
        else                                                                         \
            list.first = node;                                                       \
        list.last = node;                                                            \
        return list;                                                                 \
    }

AST_APPEND(value)
AST_APPEND(member)
AST_APPEND(attribute)
AST_APPEND(operation)
AST_APPEND(declaration)
AST_APPEND(import)
AST_APPEND(comment)
AST_APPEND(unit)

void *allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory) {
        fputs("idlc: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

char *copy_text(const char *text, size_t length)
{
    char *copy = allocate(length + 1);

    memcpy(copy, text, length);
    return copy;
}

static struct value *new_value(enum value_kind kind, struct span span, char *text)
{
    struct value *value = allocate(sizeof(*value));

    value->kind = kind;
    value->span = span;
    value->text = text;
    return value;
}

struct value *ast_number(struct span span, char *text)
{
    struct value *value = new_value(VALUE_NUMBER, span, text);
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');

    value->magnitude = strtoull(text, NULL, hexadecimal ? 16 : 10);
    return value;
}

static unsigned depth_above(const struct value *left, const struct value *right)
{
    return (left && left->depth > right->depth ? left->depth : right->depth) + 1;
}

/* A number itself becomes negative, so that the least of them can be written. */
struct value *ast_negative(struct span span, struct value *value)
{
    struct value *negated;

    if (value->kind == VALUE_NUMBER && !value->negative && !value->parentheses) {
        value->negative = true;
        value->span = span;
        return value;
    }
    negated = new_value(VALUE_NEGATED, span, NULL);
    negated->right = value;
    negated->depth = depth_above(NULL, value);
    return negated;
}

struct value *ast_binary(struct span span, char operation, struct value *left, struct value *right)
{
    struct value *value = new_value(VALUE_BINARY, span, NULL);

    value->operation = operation;
    value->left = left;
    value->right = right;
    value->depth = depth_above(left, right);
    return value;
}

struct value *ast_parentheses(struct span span, struct value *value)
{
    value->parentheses = true;
    value->span = span;
    return value;
}

struct value *ast_duration(struct span span, char *text)
{
    return new_value(VALUE_DURATION, span, text);
}

struct value *ast_name_value(struct span span, char *library, char *text)
{
    struct value *value = new_value(VALUE_NAME, span, text);

    value->library = library;
    return value;
}

struct type *ast_type(struct span span, char *library, char *name)
{
    struct type *type = allocate(sizeof(*type));

    type->span = span;
    type->library = library;
    type->name = name;
    return type;
}

struct type *ast_generic_type(struct span span, char *library, char *name, struct value_list arguments)
{
    struct type *type = ast_type(span, library, name);

    type->has_arguments = true;
    type->arguments = arguments;
    return type;
}

/* As in C u8[3][2] is three arrays of two: what comes later goes inside. */
struct type *ast_array_type(struct span span, struct type *element, struct value *count)
{
    struct type *type = ast_type(span, NULL, NULL), *inner = element;

    type->count = count;
    type->element = element;
    if (!element->element)
        return type;
    while (inner->element->element)
        inner = inner->element;
    type->element = inner->element;
    inner->element = type;
    element->span = span;
    return element;
}

struct type *ast_moved(struct span span, struct type *type)
{
    type->move = true;
    type->span = span;
    return type;
}

struct member *ast_member(struct span span, char *doc, struct name name, struct type *type, struct value *value)
{
    struct member *member = allocate(sizeof(*member));

    member->span = span;
    member->doc = doc;
    member->name = name;
    member->type = type;
    member->value = value;
    return member;
}

struct attribute *ast_attribute(struct name name, struct value_list arguments)
{
    struct attribute *attribute = allocate(sizeof(*attribute));

    attribute->name = name;
    attribute->arguments = arguments;
    return attribute;
}

struct operation *ast_operation(struct span span, struct name name, struct value *number, struct member_list parameters,
                                struct member_list results, struct value *raises)
{
    struct operation *operation = allocate(sizeof(*operation));

    operation->span = span;
    operation->name = name;
    operation->number = number;
    operation->parameters = parameters;
    operation->results = results;
    operation->raises = raises;
    return operation;
}

struct operation *ast_prefixed_operation(struct prefix prefix, enum operation_kind kind, struct operation *operation)
{
    operation->prefix = prefix;
    operation->kind = kind;
    return operation;
}

struct declaration *ast_declaration(struct span span, enum declaration_kind kind, struct name name, struct type *type,
                                    struct value *value)
{
    struct declaration *declaration = allocate(sizeof(*declaration));

    declaration->span = span;
    declaration->kind = kind;
    declaration->name = name;
    declaration->type = type;
    declaration->value = value;
    return declaration;
}

struct declaration *ast_group(struct span span, enum declaration_kind kind, struct name name, struct type *underlying,
                              struct member_list members)
{
    struct declaration *declaration = ast_declaration(span, kind, name, underlying, NULL);

    declaration->members = members;
    return declaration;
}

struct declaration *ast_with_operations(struct declaration *declaration, struct operation_list operations)
{
    declaration->operations = operations;
    return declaration;
}

struct declaration *ast_prefixed(struct prefix prefix, struct declaration *declaration)
{
    declaration->prefix = prefix;
    return declaration;
}

struct type *ast_copy_type(const struct type *type)
{
    struct type *copy = allocate(sizeof(*copy));

    *copy = *type;
    copy->library = type->library ? copy_text(type->library, strlen(type->library)) : NULL;
    copy->name = copy_text(type->name, strlen(type->name));
    copy->arguments = (struct value_list){0};
    copy->element = copy->argument = NULL;
    copy->count = NULL;
    return copy;
}

struct import *ast_import(struct span span, char *path)
{
    struct import *import = allocate(sizeof(*import));

    import->span = span;
    import->path = path;
    return import;
}

struct import *ast_prefixed_import(struct prefix prefix, struct import *import)
{
    import->prefix = prefix;
    return import;
}

char *ast_join_doc(char *doc, char *line)
{
    size_t doc_length = doc ? strlen(doc) : 0;
    char *joined;

    if (!doc)
        return line;
    joined = allocate(doc_length + 1 + strlen(line) + 1);
    memcpy(joined, doc, doc_length);
    joined[doc_length] = '\n';
    strcpy(joined + doc_length + 1, line);
    free(doc);
    free(line);
    return joined;
}

/* Goes on from a node that its body freed. */
#define FOR_EACH_FREED(type, node, list) \
    for (struct type *node = (list).first, *next; node && (next = node->next, true); node = next)

/* To the left without recursion: sums can be long. To the right the parser's stack is the bound. */
void ast_free_value(struct value *value)
{
    for (struct value *left; value; value = left) {
        left = value->left;
        ast_free_value(value->right);
        free(value->text);
        free(value->library);
        free(value);
    }
}

void ast_free_values(struct value_list list)
{
    FOR_EACH_FREED(value, value, list)
    ast_free_value(value);
}

void ast_free_type(struct type *type)
{
    for (struct type *element; type; type = element) {
        element = type->element;
        free(type->library);
        free(type->name);
        ast_free_values(type->arguments);
        ast_free_type(type->argument);
        ast_free_value(type->count);
        free(type);
    }
}

void ast_free_members(struct member_list list)
{
    FOR_EACH_FREED(member, member, list)
    {
        free(member->name.text);
        free(member->doc);
        ast_free_type(member->type);
        ast_free_value(member->value);
        free(member->in);
        free(member);
    }
}

void ast_free_attributes(struct attribute_list list)
{
    FOR_EACH_FREED(attribute, attribute, list)
    {
        free(attribute->name.text);
        ast_free_values(attribute->arguments);
        free(attribute);
    }
}

void ast_free_prefix(struct prefix prefix)
{
    free(prefix.doc);
    ast_free_attributes(prefix.attributes);
}

void ast_free_operations(struct operation_list list)
{
    FOR_EACH_FREED(operation, operation, list)
    {
        free(operation->name.text);
        ast_free_prefix(operation->prefix);
        ast_free_value(operation->number);
        ast_free_members(operation->parameters);
        ast_free_members(operation->results);
        ast_free_value(operation->raises);
        free(operation->inputs);
        free(operation->outputs);
        free(operation);
    }
}

void ast_free_declaration(struct declaration *declaration)
{
    if (!declaration)
        return;
    free(declaration->name.text);
    ast_free_prefix(declaration->prefix);
    ast_free_type(declaration->type);
    ast_free_value(declaration->value);
    ast_free_members(declaration->members);
    ast_free_operations(declaration->operations);
    free(declaration);
}

void ast_free_import(struct import *import)
{
    if (!import)
        return;
    free(import->path);
    ast_free_prefix(import->prefix);
    free(import);
}

static void free_declarations(struct declaration_list list)
{
    FOR_EACH_FREED(declaration, declaration, list)
    ast_free_declaration(declaration);
}

void ast_free_unit(struct unit *unit)
{
    free(unit->doc);
    free(unit->library.text);
    FOR_EACH_FREED(import, import, unit->imports)
    ast_free_import(import);
    free_declarations(unit->declarations);
    free_declarations(unit->derived);
    FOR_EACH_FREED(comment, comment, unit->comments)
    {
        free(comment->text);
        free(comment);
    }
    free(unit);
}

bool declaration_is_struct(const struct declaration *declaration)
{
    return declaration->kind == DECLARATION_STRUCT || declaration->kind == DECLARATION_UNION ||
           declaration->kind == DECLARATION_TABLE || declaration->kind == DECLARATION_OPTIONAL ||
           declaration->kind == DECLARATION_SEQUENCE;
}

const char *declaration_kind_name(enum declaration_kind kind)
{
    static const char *const names[] = {
        [DECLARATION_ALIAS] = "alias",       [DECLARATION_CONST] = "const",         [DECLARATION_ENUM] = "enum",
        [DECLARATION_FLAGS] = "flags",       [DECLARATION_ERRORS] = "errors",       [DECLARATION_STRUCT] = "struct",
        [DECLARATION_TABLE] = "table",       [DECLARATION_INTERFACE] = "interface", [DECLARATION_UNION] = "union",
        [DECLARATION_OPTIONAL] = "optional", [DECLARATION_SEQUENCE] = "sequence",
    };

    return names[kind];
}
