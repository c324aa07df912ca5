/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side: a table of handlers, and a dispatcher that is inlined with them where the server instantiates it.
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

static void emit_handler(FILE *output, const struct operation *operation)
{
    emit_doc(output, "    ", operation->prefix.doc);
    fprintf(output, "    %s (*%s)(void *object, const struct idl_call *call", is_oneway(operation) ? "void" : "int",
            c_handler(operation));
    for (size_t i = 0; i < operation->inputs_count; i++)
        fprintf(output, ", %s", handler_parameter(operation->inputs[i]));
    for (size_t i = 0; i < operation->outputs_count; i++)
        fprintf(output, ", %s", result_parameter(operation->outputs[i]));
    fprintf(output, ");\n");
}

static void emit_ops(FILE *output, const struct declaration *interface)
{
    fprintf(output, "/* Handlers of %s. Each returns 0, an error that the operation raises, or -ERROR_*. */\n",
            interface->name.text);
    fprintf(output, "struct %s_ops {\n", c_stem(interface));
    FOR_EACH_OPERATION(owner, operation, interface)
    emit_handler(output, operation);
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

static void emit_locals(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    fprintf(output, "    const struct idl_call idl_call = {idl_badge};\n");
    fprintf(output,
            "    uint64_t idl_words[%d] = {idl_word0, idl_word1, idl_word2, idl_word3, idl_frame->word4, "
            "idl_frame->word5};\n",
            MESSAGE_REGISTER_WORDS);
    if (shape_uses_utcb(&operation->request) || shape_uses_utcb(&operation->reply))
        fprintf(output, "    struct utcb *idl_utcb = ipc_utcb();\n");
    for (size_t i = 0; i < operation->inputs_count; i++)
        emit_local(output, operation->inputs[i]);
    for (size_t i = 0; i < operation->outputs_count; i++)
        emit_output_local(output, operation->outputs[i]);
    emit_blob_server_locals(output, interface, operation);
    emit_pages_server_locals(output, operation);
    if (!is_oneway(operation)) {
        if (is_plain(operation))
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
        if (type_is_aggregate(operation->outputs[i]->type))
            fprintf(output, "    __builtin_memset(%s, 0, %" PRIu64 ");\n", address_of(operation->outputs[i]),
                    operation->outputs[i]->type->size);
}

static void emit_checks(FILE *output, const struct operation *operation)
{
    static const struct refusal bad = {"return idl_refuse(idl_tag, ERROR_BAD_ARGUMENT, ", ");"};
    static const struct refusal bad_items = {"return idl_refuse_items(idl_tag, ", ");"};

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
    emit_blob_shut(output, operation);
    emit_pages_shut(output, operation);
    fprintf(output, "    %sidl_ops->%s(idl_frame->object, &idl_call",
            is_oneway(operation) ? "" : "idl_result = ", c_handler(operation));
    for (size_t i = 0; i < operation->inputs_count; i++)
        fprintf(output, ", %s", argument_text(operation->inputs[i]));
    for (size_t i = 0; i < operation->outputs_count; i++)
        fprintf(output, ", %s", address_of(operation->outputs[i]));
    fprintf(output, ");\n");
    emit_blob_reopen(output, operation);
    emit_pages_release(output, operation);
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (is_capability_item(operation->inputs[i]))
            fprintf(output, "    idl_release(%s.handle);\n", c_variable(operation->inputs[i]));
}

/* A positive result that the operation does not raise must not reach the client as if it were declared. */
static void emit_failure(FILE *output, const struct operation *operation)
{
    fprintf(output, "    if (idl_result != 0)\n        return idl_error_answer(idl_result < 0");
    if (operation->errors)
        fprintf(output, " || %s_is_valid(idl_result)", c_stem(operation->errors));
    fprintf(output, " ? idl_result : -ERROR_ABANDONED);\n");
}

static void emit_reply_item(FILE *output, const struct member *member)
{
    unsigned rights = member->type->rights ? member->type->rights : RIGHTS_ALL;
    unsigned kind = member->type->move ? ITEM_MOVE : ITEM_COPY;

    fprintf(output, "    if (%s.handle > IDL_MAX_HANDLE)\n        return idl_error_answer(-ERROR_BAD_HANDLE);\n",
            c_variable(member));
    fprintf(output, "    idl_utcb->items[%" PRIu64 "] = idl_item(%s.handle, %u, %u);\n", member->item,
            c_variable(member), rights, kind);
}

static void emit_reply(FILE *output, const struct declaration *owner, const struct operation *operation)
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
    fprintf(output, "    return (struct idl_answer){%s_REPLY, %s};\n", upper_case(c_operation(owner, operation)),
            word_text(arrays, 0));
}

static void emit_operation(FILE *output, const struct declaration *interface, const struct declaration *owner,
                           const struct operation *operation)
{
    fprintf(output,
            "static inline __attribute__((always_inline)) struct idl_answer idl_%s(\n"
            "    const struct %s_ops *idl_ops, %s)\n{\n",
            c_operation(interface, operation), c_stem(interface), DISPATCHER_PARAMETERS);
    emit_locals(output, interface, operation);
    emit_unpack(output, operation);
    emit_checks(output, operation);
    emit_handler_call(output, operation);
    if (is_oneway(operation)) {
        fprintf(output, "    return idl_no_answer();\n");
    } else {
        emit_failure(output, operation);
        emit_blob_result_checks(output, operation);
        emit_reply(output, owner, operation);
    }
    fprintf(output, "}\n\n");
}

/* Off the way of good requests: which error is it? */
static void emit_refusal(FILE *output, const struct declaration *interface)
{
    fprintf(output,
            "static __attribute__((noinline, cold, unused)) struct idl_answer idl_%s_refuse(uint64_t idl_tag)\n{\n"
            "    switch (message_label(idl_tag)) {\n",
            c_stem(interface));
    FOR_EACH_OPERATION(owner, operation, interface)
    fprintf(output, "    case 0x%08x:\n", operation_label(owner, operation));
    fprintf(output, "        return idl_refuse(idl_tag, ERROR_BAD_TAG, 0);\n    default:\n"
                    "        return idl_refuse(idl_tag, ERROR_BAD_OPERATION, 0);\n    }\n}\n\n");
}

static void emit_dispatcher(FILE *output, const struct declaration *interface)
{
    const char *stem = c_stem(interface);

    emit_refusal(output, interface);
    fprintf(output,
            "static inline __attribute__((always_inline)) struct idl_answer %s_dispatch(\n"
            "    const struct %s_ops *idl_ops, %s)\n{\n    switch (idl_tag) {\n",
            stem, stem, DISPATCHER_PARAMETERS);
    FOR_EACH_OPERATION(owner, operation, interface)
    fprintf(output, "    case %s_REQUEST:\n        return idl_%s(idl_ops, %s);\n",
            upper_case(c_operation(owner, operation)), c_operation(interface, operation), DISPATCHER_ARGUMENTS);
    fprintf(output, "    default:\n        return idl_%s_refuse(idl_tag);\n    }\n}\n\n", stem);
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
            "        return %s_dispatch(&NAME##_ops, %s%s); \\\n    }\n\n",
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
    FOR_EACH_OPERATION(owner, operation, interface)
    emit_operation(output, interface, owner, operation);
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
