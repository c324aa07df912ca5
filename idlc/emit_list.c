/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of the input file as JSON, an array with one object an operation and its parameters, so that tests
 * which try every operation take the table from the IDL file itself. A capability that travels as a typed item has no
 * words; its "first_word" is then the number of the item.
 */
#include "emit.h"

#include "check.h"
#include "describe.h"
#include "layout.h"
#include "names.h"

#include <inttypes.h>
#include <string.h>

/* What only types of one kind have: width, known values, the object behind a capability. */
static void emit_type_details(FILE *output, const struct type *type)
{
    if (type_is_scalar(type))
        fprintf(output, ", \"bits\": %u, \"signed\": %s", type->bits, type->is_signed ? "true" : "false");
    if (type->kind == TYPE_PAGES)
        fprintf(output, ", \"rights\": %u, \"move\": %s", type->rights, type->move ? "true" : "false");
    if (type->kind == TYPE_FLAGS)
        fprintf(output, ", \"all\": %" PRIu64, type->declaration->all);
    if (type->kind == TYPE_CAPABILITY)
        fprintf(output, ", \"interface\": \"%s\", \"id\": %" PRIu64 ", \"rights\": %u, \"move\": %s",
                type->declaration->name.text, type->declaration->number, type->rights, type->move ? "true" : "false");
    if (type->kind == TYPE_ENUM || type->kind == TYPE_FLAGS || type->kind == TYPE_STRUCT)
        fprintf(output, ", \"type\": \"%s\"", type->declaration->name.text);
}

static void emit_enum_values(FILE *output, const struct type *type)
{
    const char *separator = "";

    if (type->kind != TYPE_ENUM)
        return;
    fprintf(output, ", \"values\": [");
    FOR_EACH(member, member, type->declaration->members)
    {
        fprintf(output, "%s%" PRIu64, separator, member->number);
        separator = ", ";
    }
    fprintf(output, "]");
}

/* The most bytes; the words that hold them; of a result, the word of the request that says how many the caller
 * takes. */
static void emit_blob_places(FILE *output, const char *direction, const struct member *member)
{
    fprintf(output, ", \"size\": %" PRIu64, member->type->length);
    if (member->data_words)
        fprintf(output, ", \"data_word\": %" PRIu64 ", \"data_words\": %" PRIu64, member->data_word,
                member->data_words);
    if (strcmp(direction, "outputs") == 0)
        fprintf(output, ", \"capacity_word\": %" PRIu64, member->capacity_word);
}

static void emit_parameters(FILE *output, const char *direction, struct member **members, size_t count)
{
    fprintf(output, ",\n   \"%s\": [", direction);
    for (size_t i = 0; i < count; i++) {
        const struct member *member = members[i];
        fprintf(output, "%s{\"name\": \"%s\", \"kind\": \"%s\", \"first_word\": %" PRIu64 ", \"words\": %" PRIu64,
                i ? ",\n     " : "", member->name.text, type_kind_name(member->type),
                member->words_count ? member->first_word : member->item, member->words_count);
        emit_type_details(output, member->type);
        if (type_is_blob(member->type))
            emit_blob_places(output, direction, member);
        emit_enum_values(output, member->type);
        fprintf(output, "}");
    }
    fprintf(output, "]");
}

static void emit_one(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    fprintf(output, "  {\"c_name\": \"%s\", \"c_handler\": \"%s\", ", c_stem(interface), c_handler(operation));
    fprintf(output, "\"library\": \"%s\", \"interface\": \"%s\", \"id\": %" PRIu64 ", \"operation\": \"%s\", ",
            interface->unit->library.text, interface->name.text, interface->number, operation->name.text);
    fprintf(output, "\"number\": %" PRIu64 ", \"kernel\": %s, \"oneway\": %s, ", operation->number->magnitude,
            interface->kernel ? "true" : "false", operation->kind != OPERATION_CALL ? "true" : "false");
    fprintf(output,
            "\"words\": %" PRIu64 ", \"items\": %" PRIu64 ", \"reply_words\": %" PRIu64 ", \"reply_items\": %" PRIu64
            ", \"request\": \"0x%016" PRIx64 "\", \"right\": %u",
            operation->request.words, operation->request.items, operation->reply.words, operation->reply.items,
            operation_request(interface, operation), operation->right);
    if (operation->timeout)
        fprintf(output, ", \"timeout\": %" PRIu64, operation->timeout);
    emit_parameters(output, "inputs", operation->inputs, operation->inputs_count);
    emit_parameters(output, "outputs", operation->outputs, operation->outputs_count);
    fprintf(output, "}");
}

void emit_list(FILE *output, struct program *program)
{
    const char *separator = "\n";

    fprintf(output, "[");
    FOR_EACH_DECLARATION(declaration, program->units.first)
    FOR_EACH(operation, operation, declaration->operations)
    {
        fprintf(output, "%s", separator);
        emit_one(output, declaration, operation);
        separator = ",\n";
    }
    fprintf(output, "\n]\n");
}
