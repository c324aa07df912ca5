/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types and constants. Every type has a guard of its own, and a header holds all types that it needs, of other files
 * too: so headers need not include each other, and files that import each other give no trouble.
 */
#include "emit.h"

#include "check.h"
#include "layout.h"
#include "names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int current_output; /* number of the header that is being written: marks what it holds already */

/* The file's name without directory. */
static const char *base_name(const struct unit *unit)
{
    const char *slash = strrchr(unit->source->path, '/');

    return slash ? slash + 1 : unit->source->path;
}

static const char *guard_name(const struct unit *unit, const char *kind)
{
    const char *base = base_name(unit), *dot = strrchr(base, '.');
    char *stem = copy_text(base, dot ? (size_t)(dot - base) : strlen(base));
    const char *guard;

    for (char *c = stem; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
            *c = '_';
    guard = text_of("IDL_%s_%s_%s_H", upper_case(unit->library.text), upper_case(stem), kind);
    free(stem);
    return guard;
}

void emit_header_start(FILE *output, const struct unit *unit, const char *kind, const char *text)
{
    const char *guard = guard_name(unit, kind);

    fprintf(output, "/* SPDX-License-Identifier: BSD-2-Clause */\n");
    fprintf(output, "/* %s of %s. Made by idlc from it: do not edit. */\n", text, base_name(unit));
    fprintf(output, "#ifndef %s\n#define %s\n\n", guard, guard);
}

void emit_header_end(FILE *output, const struct unit *unit, const char *kind)
{
    fprintf(output, "#endif /* %s */\n", guard_name(unit, kind));
}

/* Comment ends inside a doc comment are broken up. */
static void print_comment_text(FILE *output, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        fputc(text[i], output);
        if (i + 1 < length && ((text[i] == '*' && text[i + 1] == '/') || (text[i] == '/' && text[i + 1] == '*')))
            fputc(' ', output);
    }
}

void emit_doc(FILE *output, const char *indent, const char *doc)
{
    const char *newline;

    if (!doc)
        return;
    newline = strchr(doc, '\n');
    if (!newline) {
        fprintf(output, "%s/* ", indent);
        print_comment_text(output, doc, strlen(doc));
        fprintf(output, " */\n");
        return;
    }
    fprintf(output, "%s/*\n", indent);
    for (const char *line = doc; line; line = *newline ? newline + 1 : NULL) {
        newline = line + strcspn(line, "\n");
        fprintf(output, newline == line ? "%s *" : "%s * ", indent);
        print_comment_text(output, line, (size_t)(newline - line));
        fputc('\n', output);
    }
    fprintf(output, "%s */\n", indent);
}

static const char *number_text(uint64_t number, bool is_signed)
{
    if (is_signed && number == (uint64_t)1 << 63)
        return "(-INT64_C(0x7fffffffffffffff) - 1)";
    if (is_signed && (int64_t)number < 0)
        return text_of("-INT64_C(%" PRIu64 ")", -number);
    return text_of("%s(%" PRIu64 ")", is_signed ? "INT64_C" : "UINT64_C", number);
}

static void emit_const(FILE *output, const struct declaration *declaration)
{
    unsigned bits = 0;
    bool is_signed = false;

    integer_type(declaration->type, &bits, &is_signed);
    fprintf(output, "#define %s ((%sint%u_t)%s)\n", upper_case(c_stem(declaration)), is_signed ? "" : "u", bits,
            number_text(declaration->number, is_signed));
}

static void emit_valid_enum(FILE *output, const struct declaration *declaration)
{
    fprintf(output, "\nstatic inline bool %s_is_valid(uint64_t value)\n{\n    switch (value) {\n", c_stem(declaration));
    FOR_EACH(member, member, declaration->members)
    fprintf(output, "    case (uint64_t)%s:\n", c_constant(declaration, member));
    fprintf(output, "        return true;\n    default:\n        return false;\n    }\n}\n");
}

static void emit_enum(FILE *output, const struct declaration *declaration)
{
    const char *stem = c_stem(declaration);
    bool is_flags = declaration->kind == DECLARATION_FLAGS;

    fprintf(output, "typedef %sint%u_t %s_t;\n", declaration->is_signed ? "" : "u", declaration->bits, stem);
    FOR_EACH(member, member, declaration->members)
    {
        uint64_t number = is_flags ? (uint64_t)1 << member->number : member->number;

        emit_doc(output, "", member->doc);
        fprintf(output, "#define %s ((%s_t)%s)\n", c_constant(declaration, member), stem,
                number_text(number, declaration->is_signed));
    }
    if (is_flags)
        fprintf(output,
                "\nstatic inline bool %s_is_valid(uint64_t value)\n{\n    return (value & ~UINT64_C(0x%" PRIx64
                ")) == 0;\n}\n",
                stem, declaration->all);
    else
        emit_valid_enum(output, declaration);
}

/* As a C string: the first line of a doc comment. */
static void print_string(FILE *output, const char *text)
{
    for (; *text && *text != '\n'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', output);
        fputc(*text == '?' || *text == '\t' || *text == '\r' ? ' ' : *text, output);
    }
}

/* Its name, and the first line of its doc comment. */
static void emit_error_texts(FILE *output, const struct declaration *declaration)
{
    static const char *const kinds[] = {"name", "text"};

    for (size_t i = 0; i < 2; i++) {
        fprintf(output, "\nstatic inline const char *%s_%s(int error)\n{\n    switch (error) {\n", c_stem(declaration),
                kinds[i]);
        FOR_EACH(member, member, declaration->members)
        {
            fprintf(output, "    case %s:\n        return \"", c_constant(declaration, member));
            print_string(output, i && member->doc ? member->doc : member->name.text);
            fprintf(output, "\";\n");
        }
        fprintf(output, "    default:\n        return \"no such error\";\n    }\n}\n");
    }
}

static void emit_errors(FILE *output, const struct declaration *declaration)
{
    const char *stem = c_stem(declaration);

    fprintf(output, "enum %s {\n", stem);
    FOR_EACH(member, member, declaration->members)
    {
        emit_doc(output, "    ", member->doc);
        fprintf(output, "    %s = %" PRIu64 ",\n", c_constant(declaration, member), member->number);
    }
    fprintf(output, "};\n\nstatic inline bool %s_is_valid(int error)\n{\n    switch (error) {\n", stem);
    FOR_EACH(member, member, declaration->members)
    fprintf(output, "    case %s:\n", c_constant(declaration, member));
    fprintf(output, "        return true;\n    default:\n        return false;\n    }\n}\n");
    emit_error_texts(output, declaration);
}

static void emit_operation_constants(FILE *output, const struct declaration *interface,
                                     const struct operation *operation)
{
    const char *name = upper_case(c_operation(interface, operation));

    fprintf(output, "#define %s_OPERATION %" PRIu64 "\n", name, operation->number->magnitude);
    fprintf(output, "#define %s_REQUEST UINT64_C(0x%016" PRIx64 ")\n", name, operation_request(interface, operation));
    if (operation->kind == OPERATION_CALL)
        fprintf(output, "#define %s_REPLY UINT64_C(0x%016" PRIx64 ")\n", name, operation_reply(operation));
}

static void emit_parameter_names(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count + operation->outputs_count; i++) {
        const struct member *member =
            i < operation->inputs_count ? operation->inputs[i] : operation->outputs[i - operation->inputs_count];

        fprintf(output, "%snumber == %u ? \"%s.%s\" : ", i ? "\n               " : "", member->position,
                operation->name.text, member->name.text);
    }
    fprintf(output, "\"%s\";\n", operation->name.text);
}

/* For logs: what an idl_refusal is about. */
static void emit_names(FILE *output, const struct declaration *interface)
{
    fprintf(output,
            "\n/* \"operation.parameter\" of a message with `label`; \"operation\" for parameter 0. */\n"
            "static inline const char *%s_parameter_name(uint32_t label, uint32_t number)\n{\n"
            "    (void)number;\n    switch (label) {\n",
            c_stem(interface));
    FOR_EACH_OPERATION(owner, operation, interface)
    {
        fprintf(output, "    case 0x%08x:\n        return ", operation_label(owner, operation));
        emit_parameter_names(output, operation);
    }
    fprintf(output, "    default:\n        return \"no operation\";\n    }\n}\n");
}

static void emit_interface(FILE *output, const struct declaration *declaration)
{
    fprintf(output, "typedef struct {\n    uint32_t handle;\n} %s_t;\n", c_stem(declaration));
    fprintf(output, "#define %s_ID 0x%04" PRIx64 "\n", upper_case(c_stem(declaration)), declaration->number);
    FOR_EACH(operation, operation, declaration->operations)
    emit_operation_constants(output, declaration, operation);
    for (const struct declaration *base = declaration->base; base; base = base->base)
        fprintf(output,
                "\n/* The same capability, for what it has from %s. */\n"
                "static inline %s_t %s_as_%s(%s_t self)\n{\n    %s_t base = {self.handle};\n\n    return base;\n}\n",
                base->name.text, c_stem(base), c_stem(declaration), c_stem(base), c_stem(declaration), c_stem(base));
    if (declaration->operations.first || declaration->base)
        emit_names(output, declaration);
}

static void emit_declaration(FILE *output, struct declaration *declaration);

static void emit_needed(FILE *output, const struct type *type)
{
    if (type->kind == TYPE_ARRAY || type->kind == TYPE_SEQUENCE)
        type = type->of;
    if (type->declaration)
        emit_declaration(output, type->declaration);
}

/* All that the declaration's own text names. */
static void emit_needed_by(FILE *output, const struct declaration *declaration)
{
    if (declaration_is_struct(declaration))
        FOR_EACH(member, member, declaration->members)
    emit_needed(output, member->type);
    if (declaration->base)
        emit_declaration(output, declaration->base);
}

static void emit_body(FILE *output, const struct declaration *declaration)
{
    static void (*const emitters[])(FILE * output, const struct declaration *declaration) = {
        [DECLARATION_CONST] = emit_const,   [DECLARATION_ENUM] = emit_enum,
        [DECLARATION_FLAGS] = emit_enum,    [DECLARATION_ERRORS] = emit_errors,
        [DECLARATION_STRUCT] = emit_struct, [DECLARATION_INTERFACE] = emit_interface,
    };

    emitters[declaration_is_struct(declaration) ? DECLARATION_STRUCT : declaration->kind](output, declaration);
}

static void emit_declaration(FILE *output, struct declaration *declaration)
{
    const char *guard;

    if (declaration->emitted == current_output || declaration->kind == DECLARATION_ALIAS)
        return;
    declaration->emitted = current_output;
    emit_needed_by(output, declaration);
    guard = text_of("IDL_%s_%s_%s", upper_case(declaration_kind_name(declaration->kind)),
                    upper_case(snake_case(declaration->unit->library.text)),
                    upper_case(snake_case(declaration->name.text)));
    fprintf(output, "#ifndef %s\n#define %s\n", guard, guard);
    emit_doc(output, "", declaration->prefix.doc);
    emit_body(output, declaration);
    fprintf(output, "#endif\n\n");
}

void emit_types(FILE *output, const struct program *program)
{
    current_output++;
    FOR_EACH_DECLARATION(declaration, program->units.first)
    {
        emit_declaration(output, declaration);
        FOR_EACH_OPERATION(owner, operation, declaration)
        {
            for (size_t i = 0; i < operation->inputs_count + operation->outputs_count; i++)
                emit_needed(output, operation_parameter(operation, i)->type);
            if (operation->errors)
                emit_declaration(output, operation->errors);
        }
    }
}
