/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formatter: the source in its one form. Doc comments stay with what they describe; other comments stand before
 * the declaration, member or operation that followed them, or behind the one whose line they ended. Formatting what
 * was formatted changes nothing.
 */
#include "emit.h"

#include "check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 120

struct formatter {
    FILE *output;
    const struct comment *comment; /* the next that was not written */
};

static bool is_before(const struct span *a, const struct span *b)
{
    return a->line < b->line || (a->line == b->line && a->column < b->column);
}

static void write_comment(struct formatter *formatter, const char *indent)
{
    const char *text = formatter->comment->text;
    size_t length = strlen(text);

    while (length && strchr(" \t\r", text[length - 1]))
        length--;
    fprintf(formatter->output, "%s%.*s", indent, (int)length, text);
    formatter->comment = formatter->comment->next;
}

/* Comments that stood before `span`, on lines of their own. */
static void write_comments(struct formatter *formatter, const char *indent, const struct span *span)
{
    while (formatter->comment && is_before(&formatter->comment->span, span)) {
        write_comment(formatter, indent);
        fputc('\n', formatter->output);
    }
}

/* Ends a line, with the comments that stood behind what ended in line `line`. */
static void end_line(struct formatter *formatter, int line)
{
    while (formatter->comment && formatter->comment->span.line == line && !formatter->comment->own_line)
        write_comment(formatter, " ");
    fputc('\n', formatter->output);
}

static void write_doc(struct formatter *formatter, const char *indent, const char *doc)
{
    for (const char *line = doc, *end; line; line = *end ? end + 1 : NULL) {
        end = line + strcspn(line, "\n");
        fprintf(formatter->output, end == line ? "%s///" : "%s/// ", indent);
        fprintf(formatter->output, "%.*s\n", (int)(end - line), line);
    }
}

static void write_value(FILE *output, const struct value *value)
{
    if (value->parentheses)
        fputc('(', output);
    if (value->kind == VALUE_BINARY) {
        write_value(output, value->left);
        fprintf(output, value->operation == '<' ? " << " : " %c ", value->operation);
    }
    if (value->negative || value->kind == VALUE_NEGATED)
        fputc('-', output);
    if (value->right)
        write_value(output, value->right);
    if (value->library)
        fprintf(output, "%s.", value->library);
    if (value->text)
        fprintf(output, "%s", value->text);
    if (value->parentheses)
        fputc(')', output);
}

static void write_values(FILE *output, struct value_list values)
{
    FOR_EACH(value, value, values)
    {
        write_value(output, value);
        if (value->next)
            fprintf(output, ", ");
    }
}

static void write_type(FILE *output, const struct type *type);

/* u8[3][2]: three arrays of two. */
static void write_array(FILE *output, const struct type *type)
{
    const struct type *base = type;

    while (base->element)
        base = base->element;
    write_type(output, base);
    for (; type->element; type = type->element) {
        fputc('[', output);
        write_value(output, type->count);
        fputc(']', output);
    }
}

static void write_type(FILE *output, const struct type *type)
{
    if (type->element) {
        write_array(output, type);
        return;
    }
    if (type->library)
        fprintf(output, "%s.", type->library);
    fprintf(output, "%s", type->name);
    if (type->has_arguments) {
        fputc('<', output);
        write_values(output, type->arguments);
        fputc('>', output);
    }
    if (type->move && !type->alias_moves)
        fprintf(output, " move");
}

static void write_attributes(FILE *output, struct attribute_list attributes)
{
    FOR_EACH(attribute, attribute, attributes)
    {
        fprintf(output, "@%s", attribute->name.text);
        if (attribute->arguments.first) {
            fputc('(', output);
            write_values(output, attribute->arguments);
            fputc(')', output);
        }
        fputc(' ', output);
    }
}

static void write_parameters(FILE *output, struct member_list parameters)
{
    fputc('(', output);
    FOR_EACH(member, member, parameters)
    {
        fprintf(output, "%s%s: ", member->inout ? "inout " : member->out ? "out " : "", member->name.text);
        write_type(output, member->type);
        if (member->next)
            fprintf(output, ", ");
    }
    fputc(')', output);
}

void format_operation(FILE *output, const struct operation *operation)
{
    static const char *const kinds[] = {"", "oneway ", "event "};

    write_attributes(output, operation->prefix.attributes);
    fprintf(output, "%s%s ", kinds[operation->kind], operation->name.text);
    if (operation->number) {
        fputc('@', output);
        write_value(output, operation->number);
        fputc(' ', output);
    }
    write_parameters(output, operation->parameters);
    if (operation->results.first) {
        fprintf(output, " -> ");
        write_parameters(output, operation->results);
    }
    if (operation->raises) {
        fprintf(output, " raises ");
        write_value(output, operation->raises);
    }
    fputc(';', output);
}

/* As much as stays together: up to a comma that is not between < and >. */
static size_t wrapped_part(const char *text)
{
    size_t length = 0;
    unsigned depth = 0;

    for (; text[length]; length++) {
        char before = length ? text[length - 1] : ' ';

        if (before == ',' && text[length] == ' ' && depth == 0)
            break;
        if (text[length] == '<' && (isalnum((unsigned char)before) || before == '_'))
            depth++;
        else if (text[length] == '>' && before != '-' && depth)
            depth--;
    }
    return length;
}

/* Writes a line, broken behind commas where it would be too long. */
static void write_wrapped(FILE *output, const char *indent, const char *text)
{
    size_t column = (size_t)fprintf(output, "%s", indent), start = column;

    while (*text) {
        size_t length = wrapped_part(text);

        if (column + length > MAX_LINE && column > start) {
            start = column = (size_t)fprintf(output, "\n%s    ", indent) - 1;
            text += strspn(text, " ");
            continue;
        }
        column += (size_t)fprintf(output, "%.*s", (int)length, text);
        text += length;
    }
}

static void write_operation(struct formatter *formatter, const struct operation *operation)
{
    char *text = NULL;
    size_t length = 0;
    FILE *line = open_memstream(&text, &length);

    if (!line)
        return;
    format_operation(line, operation);
    fclose(line);
    write_comments(formatter, "  ", &operation->span);
    write_doc(formatter, "  ", operation->prefix.doc);
    write_wrapped(formatter->output, "  ", text);
    free(text);
    end_line(formatter, operation->span.end_line);
}

/* With the events between the others, as they stood. */
static void write_operations(struct formatter *formatter, const struct declaration *interface)
{
    const struct operation *event = interface->events ? interface->events->operations.first : NULL;
    const struct operation *operation = interface->operations.first;

    while (event || operation) {
        const struct operation **next =
            event && (!operation || is_before(&event->span, &operation->span)) ? &event : &operation;

        write_operation(formatter, *next);
        *next = (*next)->next;
    }
}

static void write_member(FILE *output, const struct member *member)
{
    if (member->type && member->value) {
        if (member->retired)
            fprintf(output, "retired ");
        write_value(output, member->value);
        fprintf(output, ": ");
    }
    fprintf(output, "%s", member->name.text);
    if (member->type) {
        fprintf(output, ": ");
        write_type(output, member->type);
    } else {
        fprintf(output, " = ");
        write_value(output, member->value);
    }
    fputc(';', output);
}

static bool has_inner_comments(const struct formatter *formatter, const struct declaration *declaration)
{
    const struct comment *comment = formatter->comment;
    struct span end = {.line = declaration->span.end_line, .column = declaration->span.end_column - 1};

    FOR_EACH(member, member, declaration->members)
    if (member->doc)
        return true;
    return comment && is_before(&comment->span, &end);
}

/* "{ a = 1; b = 2; }", or NULL if it is too long for the `column` where it starts. To be freed. */
static char *members_on_a_line(const struct declaration *declaration, size_t column)
{
    char *text = NULL;
    size_t length = 0;
    FILE *line = open_memstream(&text, &length);

    if (!line)
        return NULL;
    fprintf(line, "{ ");
    FOR_EACH(member, member, declaration->members)
    {
        write_member(line, member);
        fputc(' ', line);
    }
    fputc('}', line);
    fclose(line);
    if (column + length <= MAX_LINE)
        return text;
    free(text);
    return NULL;
}

static void write_body_lines(struct formatter *formatter, const struct declaration *declaration)
{
    struct span end = {.line = declaration->span.end_line, .column = declaration->span.end_column - 1};

    fprintf(formatter->output, "{\n");
    FOR_EACH(member, member, declaration->members)
    {
        write_comments(formatter, "  ", &member->span);
        write_doc(formatter, "  ", member->doc);
        fprintf(formatter->output, "  ");
        write_member(formatter->output, member);
        end_line(formatter, member->span.end_line);
    }
    write_operations(formatter, declaration);
    write_comments(formatter, "  ", &end);
    fputc('}', formatter->output);
}

static void write_body(struct formatter *formatter, const struct declaration *declaration, size_t column)
{
    char *line = NULL;

    if (declaration->kind != DECLARATION_INTERFACE && !has_inner_comments(formatter, declaration))
        line = members_on_a_line(declaration, column);
    if (line)
        fputs(line, formatter->output);
    else
        write_body_lines(formatter, declaration);
    free(line);
}

static bool has_body(const struct declaration *declaration)
{
    return declaration->kind != DECLARATION_CONST && declaration->kind != DECLARATION_ALIAS;
}

static void write_declaration(struct formatter *formatter, const struct declaration *declaration)
{
    char *text = NULL;
    size_t length = 0;
    FILE *line = open_memstream(&text, &length);

    if (!line)
        return;
    write_attributes(line, declaration->prefix.attributes);
    fprintf(line, "%s %s", declaration_kind_name(declaration->kind), declaration->name.text);
    if (declaration->type) {
        fprintf(line, declaration->kind == DECLARATION_ALIAS ? " = " : ": ");
        write_type(line, declaration->type);
    }
    if (declaration->value) {
        fprintf(line, declaration->kind == DECLARATION_CONST ? " = " : ": ");
        write_value(line, declaration->value);
    }
    fputc(has_body(declaration) ? ' ' : ';', line);
    fclose(line);
    write_comments(formatter, "", &declaration->span);
    write_doc(formatter, "", declaration->prefix.doc);
    fputs(text, formatter->output);
    free(text);
    if (has_body(declaration))
        write_body(formatter, declaration, length);
    end_line(formatter, declaration->span.end_line);
}

/* Consts may stand together, and aliases; everything else has an empty line before it. */
static bool stand_together(const struct declaration *before, const struct declaration *declaration)
{
    return before && before->kind == declaration->kind && !has_body(declaration) && !declaration->prefix.doc;
}

void emit_format(FILE *output, struct program *program)
{
    const struct unit *unit = program->units.first;
    struct formatter formatter = {.output = output, .comment = unit->comments.first};
    const struct declaration *before = NULL;

    write_comments(&formatter, "", &unit->library.span);
    write_doc(&formatter, "", unit->doc);
    fprintf(output, "library %s;", unit->library.text);
    end_line(&formatter, unit->library.span.line);
    FOR_EACH(import, import, unit->imports)
    {
        write_comments(&formatter, "", &import->span);
        write_doc(&formatter, "", import->prefix.doc);
        fprintf(output, "import \"%s\";", import->path);
        end_line(&formatter, import->span.line);
    }
    FOR_EACH_DECLARATION(declaration, unit)
    {
        if (declaration->events_of)
            continue;
        if (!stand_together(before, declaration))
            fputc('\n', output);
        write_declaration(&formatter, declaration);
        before = declaration;
    }
    while (formatter.comment) {
        write_comment(&formatter, "");
        fputc('\n', output);
    }
}
