/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side: a table of handlers, and a dispatcher that is inlined with them where the server instantiates it.
 *
 * Operations for which the same is done, but for handler and label, share a function. All that fails returns to one
 * place that makes an answer of it: idl_concluded() of salto/server.h.
 *
 * The dispatcher compares the whole tag, checks ranges and capabilities, calls the handler, releases what came in and
 * was not taken, and puts the answer together: in this order, since releasing makes an IPC of its own. What a handler
 * is given was copied out of the UTCB, so handlers are free to make IPCs.
 */
#include "emit.h"

#include "check.h"
#include "emit_blobs.h"
#include "emit_pages.h"
#include "layout.h"
#include "names.h"

#include "abi/capability.h"
#include "abi/message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARAMETERS (MESSAGE_MAX_WORDS + MESSAGE_MAX_ITEMS) /* of one direction */

static const struct word_arrays request_arrays = {"idl_words", "idl_utcb->words"};
static const struct word_arrays plain_arrays = {"idl_reply", "idl_utcb->words"};
static const struct word_arrays frame_arrays = {"idl_frame->words", "idl_utcb->words"};

#define DISPATCHER_WORDS                                                                                 \
    "uint64_t idl_badge, uint64_t idl_word0, uint64_t idl_word1, uint64_t idl_tag, uint64_t idl_word2, " \
    "uint64_t idl_word3, "
#define DISPATCHER_PARAMETERS DISPATCHER_WORDS "struct idl_frame *idl_frame"
#define DISPATCHER_ARGUMENTS "idl_badge, idl_word0, idl_word1, idl_tag, idl_word2, idl_word3, idl_frame"

static bool is_capability_item(const struct member *member)
{
    return member->type->kind == TYPE_CAPABILITY && member_is_item(member);
}

/* One word or none, and no item: the loop then needs nothing but the dispatcher's two result registers. */
static bool is_plain(const struct operation *operation)
{
    return operation->reply.words <= 1 && operation->reply.items == 0;
}

static bool is_oneway(const struct operation *operation)
{
    return operation->kind != OPERATION_CALL;
}

static const char *handle_type(const struct member *member)
{
    return is_capability_item(member) ? "struct idl_cap *" : text_of("%s ", c_type(member->type));
}

static const char *handler_parameter(const struct member *member)
{
    if (member->type->kind == TYPE_PAGES)
        return text_of("%sstruct idl_pages *%s", member->type->lent ? "const " : "", c_variable(member));
    return input_parameter(member, handle_type(member));
}

static const char *result_parameter(const struct member *member)
{
    if (type_is_blob(member->type))
        return text_of("struct idl_outbuf *%s", c_variable(member));
    if (member->type->kind == TYPE_PAGES)
        return text_of("struct idl_pages *%s", c_variable(member));
    return output_parameter(member, text_of("%s ", c_type(member->type)));
}

/* Is it an input that the handler finds in a result? What is answered later has none. */
static bool is_in_result(const struct operation *operation, const struct member *input)
{
    return input->also_out && !operation->deferred;
}

/* `token`: the type of the token of a deferred call. */
static void emit_handler(FILE *output, const struct operation *operation, const char *name, const char *token)
{
    fprintf(output, "    %s (*%s)(void *object, const struct idl_call *call", is_oneway(operation) ? "void" : "int",
            name);
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (!is_in_result(operation, operation->inputs[i]))
            fprintf(output, ", %s", handler_parameter(operation->inputs[i]));
    for (size_t i = 0; i < operation->outputs_count && !operation->deferred; i++)
        fprintf(output, ", %s", result_parameter(operation->outputs[i]));
    fprintf(output, operation->deferred ? ", struct %s_token *token)" : ")", token);
}

static void emit_ops(FILE *output, const struct declaration *interface)
{
    FOR_EACH_OPERATION(owner, operation, interface)
    if (operation->deferred)
        emit_deferred(output, interface, operation);
    fprintf(output, "/* Handlers of %s. Each returns 0, an error that the operation raises, or -ERROR_*. */\n",
            interface->name.text);
    fprintf(output, "struct %s_ops {\n", c_stem(interface));
    FOR_EACH_OPERATION(owner, operation, interface)
    {
        emit_doc(output, "    ", operation->prefix.doc);
        emit_handler(output, operation, c_handler(operation), c_operation(interface, operation));
        fprintf(output, ";\n");
    }
    fprintf(output, "};\n\n");
}

static void emit_local(FILE *output, const struct member *member)
{
    if (type_is_aggregate(member->type))
        fprintf(output, "    %s %s%s;\n", c_type(member->type), c_variable(member), array_suffix(member->type));
    else if (is_capability_item(member))
        fprintf(output, "    struct idl_cap %s;\n", c_variable(member));
}

static void emit_output_local(FILE *output, const struct member *member)
{
    const char *initial = member->type->kind == TYPE_CAPABILITY ? "{0}" : "0";

    if (type_is_aggregate(member->type))
        emit_local(output, member);
    else if (!type_is_blob(member->type) && member->type->kind != TYPE_PAGES)
        fprintf(output, "    %s %s = %s;\n", c_type(member->type), c_variable(member), initial);
}

/* `answered` is the operation without results if these are deferred. */
static void emit_locals(FILE *output, const struct declaration *interface, const struct operation *operation,
                        const struct operation *answered)
{
    fprintf(output, "    const struct idl_call idl_call = {idl_badge};\n");
    fprintf(output,
            "    uint64_t idl_words[%d] = {idl_word0, idl_word1, idl_word2, idl_word3, idl_frame->word4, "
            "idl_frame->word5};\n",
            MESSAGE_REGISTER_WORDS);
    if (shape_uses_utcb(&answered->request) || shape_uses_utcb(&answered->reply))
        fprintf(output, "    struct utcb *idl_utcb = ipc_utcb();\n");
    for (size_t i = 0; i < answered->inputs_count; i++)
        if (!is_in_result(operation, answered->inputs[i]))
            emit_local(output, answered->inputs[i]);
    for (size_t i = 0; i < answered->outputs_count; i++)
        emit_output_local(output, answered->outputs[i]);
    emit_blob_server_locals(output, interface, operation);
    emit_pages_server_locals(output, answered);
    if (operation->deferred)
        fprintf(output, "    struct %s_token idl_token = {{0, NULL}, {0}};\n", c_operation(interface, operation));
    if (!is_oneway(operation)) {
        if (is_plain(operation) && !operation->deferred)
            fprintf(output, "    uint64_t idl_reply[1] = {0};\n");
        fprintf(output, "    int idl_result;\n");
    }
    fprintf(output, "\n    (void)idl_tag;\n    (void)idl_words;\n");
}

static void emit_unpack(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct member *member = operation->inputs[i];

        if (type_is_aggregate(member->type))
            emit_unpack_aggregate(output, &request_arrays, member, address_of(member));
        else if (type_is_blob(member->type))
            emit_blob_unpack(output, &request_arrays, member);
        else if (is_capability_item(member))
            fprintf(output, "    %s.handle = (uint32_t)idl_utcb->items[%" PRIu64 "];\n", c_variable(member),
                    member->item);
    }
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (type_is_aggregate(operation->outputs[i]->type) && !operation->outputs[i]->in)
            fprintf(output, "    __builtin_memset(%s, 0, %" PRIu64 ");\n", address_of(operation->outputs[i]),
                    operation->outputs[i]->type->size);
}

static void emit_checks(FILE *output, const struct operation *operation)
{
    static const struct refusal bad = {"return idl_refused(ERROR_BAD_ARGUMENT, ", ");"};
    static const struct refusal bad_items = {"return idl_refused(0, ", ");"};

    emit_scalar_checks(output, &request_arrays, operation->inputs, operation->inputs_count, true, &bad);
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (type_is_aggregate(operation->inputs[i]->type))
            emit_aggregate_check(output, operation->inputs[i], address_of(operation->inputs[i]), &bad);
    emit_item_checks(output, operation->inputs, operation->inputs_count, &bad_items);
    emit_blob_checks(output, &request_arrays, operation, &bad);
    emit_pages_unpack(output, operation);
}

static const char *argument_text(const struct member *member)
{
    if (type_is_blob(member->type))
        return blob_argument(member);
    if (is_capability_item(member) || type_is_aggregate(member->type) || member->type->kind == TYPE_PAGES)
        return address_of(member);
    return word_to_scalar(member->type, word_text(&request_arrays, member->first_word));
}

static void emit_handler_call(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (operation->outputs[i]->in && type_is_scalar(operation->outputs[i]->type))
            fprintf(output, "    %s = %s;\n", c_variable(operation->outputs[i]),
                    argument_text(operation->outputs[i]->in));
    emit_blob_shut(output, operation);
    emit_pages_shut(output, operation);
    fprintf(output, "    %sidl_handler(idl_frame->object, &idl_call", is_oneway(operation) ? "" : "idl_result = ");
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (!is_in_result(operation, operation->inputs[i]))
            fprintf(output, ", %s", argument_text(operation->inputs[i]));
    for (size_t i = 0; i < operation->outputs_count; i++)
        fprintf(output, ", %s", address_of(operation->outputs[i]));
    fprintf(output, operation->deferred ? ", &idl_token);\n" : ");\n");
    emit_blob_reopen(output, operation);
    emit_pages_release(output, operation);
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (is_capability_item(operation->inputs[i]))
            fprintf(output, "    idl_release(%s.handle);\n", c_variable(operation->inputs[i]));
}

/* What says whether the operation raises an error. */
static const char *raised_text(const struct operation *operation)
{
    return operation->errors ? text_of("%s_is_valid", c_stem(operation->errors)) : "NULL";
}

/* A positive result that the operation does not raise must not reach the client as if it were declared. */
static void emit_failure(FILE *output, const struct operation *operation)
{
    fprintf(output, "    if (__builtin_expect(idl_result != 0, 0))\n        return idl_failed(idl_result, %s);\n",
            raised_text(operation));
}

/* From here on the token answers. */
static void emit_keep(FILE *output, const struct operation *operation)
{
    emit_blob_token(output, operation);
    fprintf(output,
            "    idl_result = idl_keep(&idl_token.kept, %s);\n    if (idl_result != 0)\n"
            "        return idl_refused(-idl_result, 0);\n",
            raised_text(operation));
}

static void emit_reply_item(FILE *output, const struct member *member)
{
    unsigned rights = member->type->rights ? member->type->rights : RIGHTS_ALL;
    unsigned kind = member->type->move ? ITEM_MOVE : ITEM_COPY;

    fprintf(output, "    if (%s)\n        return idl_failed(-ERROR_BAD_HANDLE, NULL);\n", not_an_item(member));
    fprintf(output, "    idl_utcb->items[%" PRIu64 "] = idl_item(%s.handle, %u, %u);\n", member->item,
            c_variable(member), rights, kind);
}

static void emit_reply(FILE *output, const struct operation *operation)
{
    const struct word_arrays *arrays = is_plain(operation) ? &plain_arrays : &frame_arrays;

    for (uint64_t i = operation->reply.words; !is_plain(operation) && i < MESSAGE_REGISTER_WORDS; i++)
        fprintf(output, "    %s = 0;\n", word_text(arrays, i));
    for (size_t i = 0; i < operation->outputs_count; i++) {
        const struct member *member = operation->outputs[i];

        emit_clear_padding(output, member->type, address_of(member));
        if (type_is_aggregate(member->type))
            emit_pack_aggregate(output, arrays, member, address_of(member));
        else if (type_is_blob(member->type))
            emit_blob_reply(output, arrays, member);
        else if (member->type->kind == TYPE_PAGES)
            emit_pages_reply(output, member);
        else if (is_capability_item(member))
            emit_reply_item(output, member);
        else
            fprintf(output, "    %s = %s;\n", word_text(arrays, member->first_word),
                    scalar_to_word(member->type, text_of(member->type->kind == TYPE_CAPABILITY ? "%s.handle" : "%s",
                                                         c_variable(member))));
    }
    fprintf(output, "    return (struct idl_answer){UINT64_C(0x%016" PRIx64 "), %s};\n", operation_reply(operation),
            word_text(arrays, 0));
}

/* The function that serves operations of this shape, behind its name. */
static void emit_operation(FILE *output, const struct declaration *interface, const struct declaration *owner,
                           const struct operation *operation)
{
    struct operation answered = *operation;

    if (operation->deferred) {
        answered.outputs_count = 0;
        answered.reply = (struct message_shape){0};
    }
    fprintf(output, "(\n");
    emit_handler(output, operation, "idl_handler", c_operation(interface, operation));
    fprintf(output, ",\n    %s)\n{\n", DISPATCHER_PARAMETERS);
    emit_locals(output, interface, operation, &answered);
    fprintf(output,
            "    if (__builtin_expect((uint32_t)idl_tag != 0x%08" PRIx32
            ", 0))\n        return idl_refused(ERROR_BAD_TAG, 0);\n",
            (uint32_t)operation_request(owner, operation));
    emit_unpack(output, &answered);
    emit_checks(output, operation);
    if (operation->deferred)
        emit_keep(output, operation);
    emit_handler_call(output, &answered);
    if (is_oneway(operation)) {
        fprintf(output, "    return idl_no_answer();\n");
    } else if (operation->deferred) {
        fprintf(output, "    return idl_deferred(&idl_token.kept, idl_result);\n");
    } else {
        emit_failure(output, operation);
        emit_blob_result_checks(output, operation);
        emit_reply(output, operation);
    }
    fprintf(output, "}\n\n");
}

/* ---- Shapes: operations for which the same is done, but for handler and label, share a function ------------------ */

#define SMALL 4  /* operations of an interface that are told apart by their whole tags: fewest instructions */
#define SHARED 3 /* operations of a shape for which the code stands once */

struct served {
    const struct declaration *owner;
    const struct operation *operation;
    char *text; /* of the function, with parameters called by their positions */
    size_t order;
};

static void name_by_position(struct member **named, struct member *copies, struct member **members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        copies[i] = *members[i];
        copies[i].name.text =
            (char *)(uintptr_t)text_of("p%u", (members[i]->in ? members[i]->in : members[i])->position);
        named[i] = &copies[i];
    }
}

static char *shape_text(const struct declaration *interface, const struct declaration *owner,
                        const struct operation *operation)
{
    struct member *named[2][MAX_PARAMETERS], copies[2][MAX_PARAMETERS];
    struct operation nameless = *operation;
    char *text = NULL;
    size_t length;
    FILE *output = open_memstream(&text, &length);

    name_by_position(nameless.inputs = named[0], copies[0], operation->inputs, operation->inputs_count);
    name_by_position(nameless.outputs = named[1], copies[1], operation->outputs, operation->outputs_count);
    if (output) {
        emit_operation(output, interface, owner, &nameless);
        fclose(output);
    }
    return text ? text : copy_text("", 0);
}

static int compare_served(const void *left, const void *right)
{
    const struct served *a = left, *b = right;
    const int order = strcmp(a->text, b->text);

    return order != 0 ? order : a->order < b->order ? -1 : 1;
}

/* The operations of the interface, those of a shape side by side. The caller frees the array, and the texts. */
static struct served *served_by(const struct declaration *interface, size_t *count)
{
    struct served *served;

    *count = 0;
    FOR_EACH_OPERATION(owner, operation, interface)
    ++*count;
    served = allocate(*count * sizeof(*served));
    *count = 0;
    FOR_EACH_OPERATION(owner, operation, interface)
    {
        served[*count] = (struct served){owner, operation, shape_text(interface, owner, operation), *count};
        ++*count;
    }
    qsort(served, *count, sizeof(*served), compare_served);
    return served;
}

/* How many from the first on are of its shape. */
static size_t shape_size(const struct served *served, size_t count)
{
    size_t size = 1;

    while (size < count && strcmp(served[size].text, served->text) == 0)
        size++;
    return size;
}

/* The function of a shape; and that which finds a handler, where they are many. */
static void emit_shape(FILE *output, const struct declaration *interface, const struct served *served, size_t size,
                       bool small)
{
    const char *stem = c_stem(interface), *first = c_handler(served->operation);

    fprintf(output, "static inline __attribute__((always_inline)) struct idl_answer idl_%s_%s%s", stem, first,
            served->text);
    if (small || size < SHARED)
        return;
    fprintf(output,
            "static inline __attribute__((always_inline)) __typeof__(((struct %s_ops *)0)->%s) idl_LIKE_%s_%s(\n"
            "    const struct %s_ops *idl_ops, uint32_t idl_label)\n{\n    switch (idl_label) {\n",
            stem, first, stem, first, stem);
    for (size_t i = 1; i < size; i++)
        fprintf(output, "    case 0x%08" PRIx32 ":\n        return idl_ops->%s;\n",
                operation_label(served[i].owner, served[i].operation), c_handler(served[i].operation));
    fprintf(output, "    default:\n        return idl_ops->%s;\n    }\n}\n\n", first);
}

/* The cases of a shape's operations. */
static void emit_cases(FILE *output, const struct declaration *interface, const struct served *served, size_t size,
                       bool small)
{
    const char *stem = c_stem(interface), *first = c_handler(served->operation);
    const bool shared = !small && size >= SHARED;

    for (size_t i = 0; i < size; i++) {
        const uint64_t tag = operation_request(served[i].owner, served[i].operation);

        fprintf(output, small ? "    case UINT64_C(0x%016" PRIx64 "):\n" : "    case 0x%08" PRIx64 ":\n",
                small ? tag : tag >> 32);
        if (shared && i + 1 < size)
            continue;
        fprintf(output, "        return idl_%s_%s(%s, %s);\n", stem, first,
                shared ? text_of("idl_LIKE_%s_%s(idl_ops, message_label(idl_tag))", stem, first)
                       : text_of("idl_ops->%s", c_handler(served[i].operation)),
                DISPATCHER_ARGUMENTS);
    }
}

/* Where whole tags were compared: is the operation there at all? */
static void emit_small_refusal(FILE *output, const struct declaration *interface)
{
    fprintf(output, "        switch (message_label(idl_tag)) {\n");
    FOR_EACH_OPERATION(owner, operation, interface)
    fprintf(output, "        case 0x%08x:\n", operation_label(owner, operation));
    fprintf(output,
            "            return idl_refused(ERROR_BAD_TAG, 0);\n        default:\n            break;\n        }\n");
}

static void emit_dispatcher(FILE *output, const struct declaration *interface)
{
    const char *stem = c_stem(interface);
    size_t count;
    struct served *served = served_by(interface, &count);
    const bool small = count <= SMALL;

    for (size_t i = 0, size; i < count; i += size)
        emit_shape(output, interface, &served[i], size = shape_size(&served[i], count - i), small);
    fprintf(output,
            "static inline __attribute__((always_inline)) struct idl_answer %s_dispatch(\n"
            "    const struct %s_ops *idl_ops, %s)\n{\n    switch (%s) {\n",
            stem, stem, DISPATCHER_PARAMETERS, small ? "idl_tag" : "message_label(idl_tag)");
    for (size_t i = 0, size; i < count; i += size)
        emit_cases(output, interface, &served[i], size = shape_size(&served[i], count - i), small);
    fprintf(output, "    default:\n");
    if (small)
        emit_small_refusal(output, interface);
    fprintf(output, "        return idl_refused(ERROR_BAD_OPERATION, 0);\n    }\n}\n\n");
    for (size_t i = 0; i < count; i++)
        free(served[i].text);
    free(served);
}

/* The parameters of the macro are in capitals, since it names operations, which never are. */
static void emit_macro(FILE *output, const struct declaration *interface)
{
    const char *stem = c_stem(interface);
    bool strings = interface_has_strings(interface);
    const char *separator = "";

    fprintf(output, "/*\n * Defines the dispatcher NAME, for %s_serve(). Its handlers are the functions",
            strings ? stem : "salto");
    FOR_EACH_OPERATION(owner, operation, interface)
    {
        fprintf(output, "%s\n *   HANDLERS_%s", separator, snake_case(operation->name.text));
        separator = ",";
    }
    fprintf(output, "\n * where HANDLERS is the second argument. One that is missing is a compile error.\n */\n");
    fprintf(output, "#define %s_SERVER(NAME, HANDLERS) \\\n    static const struct %s_ops NAME##_ops = { \\\n",
            upper_case(stem), stem);
    FOR_EACH_OPERATION(owner, operation, interface)
    fprintf(output, "        .%s = HANDLERS##_%s, \\\n", c_handler(operation), snake_case(operation->name.text));
    fprintf(output,
            "    }; \\\n    static struct idl_answer NAME(%s) \\\n    { \\\n"
            "        return idl_concluded(idl_tag, %s_dispatch(&NAME##_ops, %s%s)); \\\n    }\n\n",
            strings ? DISPATCHER_WORDS "struct idl_string_frame *idl_frame" : DISPATCHER_PARAMETERS, stem,
            DISPATCHER_ARGUMENTS, strings ? "->plain" : "");
}

static bool has_floats(const struct declaration *interface)
{
    FOR_EACH_OPERATION(owner, operation, interface)
    if (operation_has(operation, type_is_float))
        return true;
    return false;
}

static void emit_interface(FILE *output, const struct declaration *interface)
{
    if (has_floats(interface))
        fprintf(output, "#ifdef __SSE2__\n");
    emit_ops(output, interface);
    emit_blob_buffers(output, interface);
    emit_dispatcher(output, interface);
    emit_macro(output, interface);
    emit_blob_serve(output, interface);
    if (has_floats(interface))
        fprintf(output, "#endif\n\n");
}

void emit_server(FILE *output, struct program *program)
{
    emit_header_start(output, program->units.first, "SERVER", "Types, handlers and dispatcher");
    fprintf(output, "#include \"salto/idl.h\"\n#include \"salto/ipc.h\"\n#include \"salto/server.h\"\n\n");
    fprintf(output, "#include <stdbool.h>\n#include <stdint.h>\n\n");
    emit_types(output, program);
    FOR_EACH_DECLARATION(declaration, program->units.first)
    if (declaration->operations.first || declaration->base)
        emit_interface(output, declaration);
    emit_header_end(output, program->units.first, "SERVER");
}
