/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of the input file as JSON, an array with one object an operation, so that tests which try every
 * operation take the table from the IDL file itself.
 */
#include "emit.h"

#include "check.h"
#include "layout.h"
#include "names.h"

#include <inttypes.h>

static void emit_one(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    fprintf(output, "  {\"c_name\": \"%s\", \"c_handler\": \"%s\", ", c_stem(interface), c_handler(operation));
    fprintf(output, "\"library\": \"%s\", \"interface\": \"%s\", \"id\": %" PRIu64 ", \"operation\": \"%s\", ",
            interface->unit->library.text, interface->name.text, interface->number, operation->name.text);
    fprintf(output, "\"number\": %" PRIu64 ", \"kernel\": %s, \"oneway\": %s, ", operation->number->magnitude,
            interface->kernel ? "true" : "false", operation->kind == OPERATION_ONEWAY ? "true" : "false");
    fprintf(output,
            "\"words\": %" PRIu64 ", \"items\": %" PRIu64 ", \"reply_words\": %" PRIu64 ", \"reply_items\": %" PRIu64
            ", \"request\": \"0x%016" PRIx64 "\"}",
            operation->request.words, operation->request.items, operation->reply.words, operation->reply.items,
            operation_request(interface, operation));
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
