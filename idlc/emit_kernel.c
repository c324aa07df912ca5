/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side. For a @kernel interface: a prototype for each operation, which the kernel implements, and a
 * dispatcher that checks tag, rights, ranges and capabilities before it is called. For any other interface the kernel
 * is the client: functions that put together the request, and take apart the answer.
 *
 * The registers' words lie in the kernel's memory, but the UTCB can change at any moment: each of its words is read
 * once, into a local, before it is checked.
 */
#include "emit.h"

#include "check.h"
#include "layout.h"
#include "names.h"

#include "abi/message.h"

#include <inttypes.h>
#include <string.h>

static const struct word_arrays request_arrays = {"call->words", "idl_rest"};
static const struct word_arrays arrays = {"call->words", "idl_utcb"};
static const struct word_arrays message_arrays = {"message->words", "idl_utcb"};

/* Endpoints and notifications are passed as capabilities, since their badge matters; everything else as the object. */
static bool passed_as_capability(const struct type *type)
{
    const char *name = type->declaration->name.text;
    return strcmp(name, "Endpoint") == 0 || strcmp(name, "Notification") == 0;
}

static const char *object_type(const struct type *type)
{
    if (passed_as_capability(type))
        return "struct capability *";
    return text_of("struct %s *", snake_case(type->declaration->name.text));
}

static void emit_prototype(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    emit_doc(output, "", operation->prefix.doc);
    fprintf(output, "enum error %s(struct kernel_call *call, struct %s *self", c_operation(interface, operation),
            snake_case(interface->name.text));
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct member *member = operation->inputs[i];

        fprintf(output, ", %s",
                input_parameter(member, member->type->kind == TYPE_CAPABILITY ? object_type(member->type) : ""));
    }
    for (size_t i = 0; i < operation->outputs_count; i++)
        fprintf(output, ", %s", output_parameter(operation->outputs[i], "uint32_t "));
    fprintf(output, ");\n\n");
}

/* Structs are declared before the prototypes, so that their names mean the same everywhere. */
static void emit_object_types(FILE *output, const struct declaration *interface)
{
    fprintf(output, "struct capability;\nstruct %s;\n", snake_case(interface->name.text));
    FOR_EACH(operation, operation, interface->operations)
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct type *type = operation->inputs[i]->type;

        if (type->kind == TYPE_CAPABILITY && !passed_as_capability(type) && type->declaration != interface)
            fprintf(output, "struct %s;\n", snake_case(type->declaration->name.text));
    }
    fputc('\n', output);
}

static bool has_late_scalar(const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (!type_is_aggregate(operation->inputs[i]->type) &&
            operation->inputs[i]->first_word >= MESSAGE_REGISTER_WORDS)
            return true;
    return false;
}

static void emit_locals(FILE *output, const struct operation *operation)
{
    if (operation->request.words > MESSAGE_REGISTER_WORDS || operation->reply.words > MESSAGE_REGISTER_WORDS)
        fprintf(output, "    uint64_t *idl_utcb = kernel_call_utcb(call);\n");
    if (has_late_scalar(operation))
        fprintf(output, "    uint64_t idl_rest[%" PRIu64 "];\n", operation->request.words);
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct member *member = operation->inputs[i];

        if (member->type->kind == TYPE_CAPABILITY)
            fprintf(output, "    struct capability *%s;\n", c_variable(member));
        else if (type_is_aggregate(member->type))
            fprintf(output, "    %s %s%s;\n", c_type(member->type), c_variable(member), array_suffix(member->type));
    }
    for (size_t i = 0; i < operation->outputs_count; i++) {
        const struct member *member = operation->outputs[i];

        if (type_is_aggregate(member->type))
            fprintf(output, "    %s %s%s;\n", c_type(member->type), c_variable(member), array_suffix(member->type));
        else
            fprintf(output, "    %s %s = 0;\n",
                    member->type->kind == TYPE_CAPABILITY ? "uint32_t" : c_type(member->type), c_variable(member));
    }
    fprintf(output, "    enum error idl_error = ERROR_NONE;\n\n");
}

static void emit_right_check(FILE *output, const struct operation *operation)
{
    if (operation->right)
        fprintf(output, "    if ((idl_rights & %u) != %u)\n        return ERROR_NO_RIGHT;\n", operation->right,
                operation->right);
}

/* Reads the UTCB: once, before anything is checked. */
static void emit_fetch(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct member *member = operation->inputs[i];

        if (type_is_aggregate(member->type))
            emit_unpack_aggregate(output, &arrays, member, address_of(member));
        else if (member->first_word >= MESSAGE_REGISTER_WORDS)
            fprintf(output, "    idl_rest[%" PRIu64 "] = idl_utcb[%" PRIu64 "];\n", member->first_word,
                    member->first_word);
    }
    if (operation->request.words > MESSAGE_REGISTER_WORDS)
        fprintf(output, "    __atomic_signal_fence(__ATOMIC_SEQ_CST);\n");
}

static void emit_checks(FILE *output, const struct operation *operation)
{
    static const struct refusal bad = {"return ERROR_BAD_ARGUMENT;", NULL};

    emit_scalar_checks(output, &request_arrays, operation->inputs, operation->inputs_count, true, &bad);
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (type_is_aggregate(operation->inputs[i]->type))
            emit_aggregate_check(output, operation->inputs[i], address_of(operation->inputs[i]), &bad);
}

static void emit_look_up(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct member *member = operation->inputs[i];

        if (member->type->kind != TYPE_CAPABILITY)
            continue;
        fprintf(output, "    %s = kernel_call_capability(call, %s, 0x%04" PRIx64 ", %u, &idl_error);\n",
                c_variable(member), word_text(&request_arrays, member->first_word), member->type->declaration->number,
                member->type->rights);
        fprintf(output, "    if (!%s)\n        return idl_error;\n", c_variable(member));
    }
}

static const char *argument_text(const struct member *member)
{
    if (member->type->kind == TYPE_CAPABILITY)
        return text_of(passed_as_capability(member->type) ? "%s" : "kernel_capability_object(%s)", c_variable(member));
    if (type_is_aggregate(member->type))
        return address_of(member);
    return word_to_scalar(member->type, word_text(&request_arrays, member->first_word));
}

static void emit_implementation_call(FILE *output, const struct declaration *interface,
                                     const struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (type_is_aggregate(operation->outputs[i]->type))
            fprintf(output, "    __builtin_memset(%s, 0, %" PRIu64 ");\n", address_of(operation->outputs[i]),
                    operation->outputs[i]->type->size);
    fprintf(output, "    idl_error = %s(call, self", c_operation(interface, operation));
    for (size_t i = 0; i < operation->inputs_count; i++)
        fprintf(output, ", %s", argument_text(operation->inputs[i]));
    for (size_t i = 0; i < operation->outputs_count; i++)
        fprintf(output, ", %s", address_of(operation->outputs[i]));
    fprintf(output, ");\n    if (idl_error != ERROR_NONE)\n        return idl_error;\n");
}

static void emit_answer(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    fprintf(output, "    call->tag = %s_REPLY;\n", upper_case(c_operation(interface, operation)));
    fprintf(output, "    call->handle = 0;\n");
    for (size_t i = 0; i < operation->outputs_count; i++) {
        const struct member *member = operation->outputs[i];

        emit_clear_padding(output, member->type, address_of(member));
        if (type_is_aggregate(member->type))
            emit_pack_aggregate(output, &arrays, member, address_of(member));
        else
            fprintf(output, "    %s = %s;\n", word_text(&arrays, member->first_word),
                    scalar_to_word(member->type, c_variable(member)));
    }
    for (uint64_t i = operation->reply.words; i < MESSAGE_REGISTER_WORDS; i++)
        fprintf(output, "    call->words[%" PRIu64 "] = 0;\n", i);
    fprintf(output, "    return ERROR_NONE;\n");
}

static void emit_operation(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    fprintf(output,
            "static inline enum error idl_%s(struct kernel_call *call, struct %s *self, uint32_t idl_rights)\n{\n",
            c_operation(interface, operation), snake_case(interface->name.text));
    emit_locals(output, operation);
    if (!operation->right)
        fprintf(output, "    (void)idl_rights;\n");
    emit_right_check(output, operation);
    emit_fetch(output, operation);
    emit_checks(output, operation);
    emit_look_up(output, operation);
    emit_implementation_call(output, interface, operation);
    emit_answer(output, interface, operation);
    fprintf(output, "}\n\n");
}

static void emit_dispatcher(FILE *output, const struct declaration *interface)
{
    fprintf(output,
            "/* Answers the request in `call`, in place. `rights` are those of the capability that was invoked. */\n");
    fprintf(output, "static inline void %s_dispatch(struct kernel_call *call, struct %s *self, uint32_t rights)\n{\n",
            c_stem(interface), snake_case(interface->name.text));
    fprintf(output, "    enum error idl_error = ERROR_BAD_TAG;\n\n    (void)self;\n    (void)rights;\n");
    fprintf(output, "    switch (message_label(call->tag)) {\n");
    FOR_EACH(operation, operation, interface->operations)
    {
        const char *name = c_operation(interface, operation);

        fprintf(output, "    case 0x%08x:\n", operation_label(interface, operation));
        fprintf(output, "        if (call->tag == %s_REQUEST)\n", upper_case(name));
        fprintf(output, "            idl_error = idl_%s(call, self, rights);\n        break;\n", name);
    }
    fprintf(output, "    default:\n        idl_error = ERROR_BAD_OPERATION;\n    }\n");
    fprintf(output, "    if (idl_error == ERROR_NONE)\n        return;\n");
    fprintf(output, "    call->tag = idl_error;\n    call->handle = 0;\n}\n\n");
}

static void emit_interface(FILE *output, const struct declaration *interface)
{
    emit_object_types(output, interface);
    FOR_EACH(operation, operation, interface->operations)
    emit_prototype(output, interface, operation);
    FOR_EACH(operation, operation, interface->operations)
    emit_operation(output, interface, operation);
    emit_dispatcher(output, interface);
}

/* Packs a struct or array of a request that the kernel sends; what has padding by way of a copy without it. */
static void emit_message_aggregate(FILE *output, const struct member *member)
{
    const char *object = c_variable(member);

    if (type_has_padding(member->type)) {
        fprintf(output, "    %s idl_%s%s;\n", c_type(member->type), member->name.text, array_suffix(member->type));
        object = emit_clean_copy(output, member);
    }
    emit_pack_aggregate(output, &message_arrays, member, object);
}

static void emit_message_words(FILE *output, const struct operation *operation)
{
    for (uint64_t i = operation->request.words; i < MESSAGE_REGISTER_WORDS; i++)
        fprintf(output, "    message->words[%" PRIu64 "] = 0;\n", i);
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct member *member = operation->inputs[i];

        if (type_is_aggregate(member->type))
            emit_message_aggregate(output, member);
        else
            fprintf(output, "    %s = %s;\n", word_text(&message_arrays, member->first_word),
                    scalar_to_word(member->type, c_variable(member)));
    }
}

/* Puts a request together that the kernel sends. */
static void emit_message(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    const char *name = c_operation(interface, operation);

    emit_doc(output, "", operation->prefix.doc);
    fprintf(output, "static inline void %s_message(struct kernel_call *message", name);
    for (size_t i = 0; i < operation->inputs_count; i++)
        fprintf(output, ", %s", input_parameter(operation->inputs[i], ""));
    fprintf(output, ")\n{\n");
    if (operation->request.words > MESSAGE_REGISTER_WORDS)
        fprintf(output, "    uint64_t *idl_utcb = kernel_call_utcb(message);\n\n");
    fprintf(output, "    message->tag = %s_REQUEST;\n", upper_case(name));
    emit_message_words(output, operation);
    fprintf(output, "}\n\n");
}

/* Takes an answer apart that the kernel received. */
static void emit_received_answer(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    static const struct refusal bad = {"return false;", NULL};
    const char *name = c_operation(interface, operation);

    fprintf(
        output,
        "/* Takes the outputs out of an answer with `tag`; false if it is not that of success, or out of range. */\n");
    fprintf(output, "static inline bool %s_answer(uint64_t tag, struct kernel_call *message", name);
    for (size_t i = 0; i < operation->outputs_count; i++)
        fprintf(output, ", %s", output_parameter(operation->outputs[i], ""));
    fprintf(output, ")\n{\n");
    if (operation->reply.words > MESSAGE_REGISTER_WORDS)
        fprintf(output, "    const uint64_t *idl_utcb = kernel_call_utcb(message);\n\n");
    fprintf(output, "    (void)message;\n    if (tag != %s_REPLY)\n        return false;\n", upper_case(name));
    for (size_t i = 0; i < operation->outputs_count; i++) {
        const struct member *member = operation->outputs[i];

        if (type_is_aggregate(member->type))
            emit_unpack_aggregate(output, &message_arrays, member, c_variable(member));
        else
            fprintf(output, "    *%s = %s;\n", c_variable(member),
                    word_to_scalar(member->type, word_text(&message_arrays, member->first_word)));
    }
    emit_scalar_checks(output, &message_arrays, operation->outputs, operation->outputs_count, true, &bad);
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (type_is_aggregate(operation->outputs[i]->type))
            emit_aggregate_check(output, operation->outputs[i], c_variable(operation->outputs[i]), &bad);
    fprintf(output, "    return true;\n}\n\n");
}

static void emit_client_operation(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    if (operation->request.items != 0 || operation_has(operation, type_is_blob) ||
        operation_has(operation, type_is_float))
        return;
    emit_message(output, interface, operation);
    if (operation->kind == OPERATION_CALL && operation->reply.items == 0)
        emit_received_answer(output, interface, operation);
}

void emit_kernel(FILE *output, struct program *program)
{
    emit_header_start(output, program->units.first, "KERNEL", "Kernel side");
    fprintf(output, "#include \"abi/errors.h\"\n#include \"abi/message.h\"\n#include \"ipc/kernel_call.h\"\n\n");
    fprintf(output, "#include <stdbool.h>\n#include <stdint.h>\n\n");
    emit_types(output, program);
    FOR_EACH_DECLARATION(declaration, program->units.first)
    {
        if (declaration->kind != DECLARATION_INTERFACE)
            continue;
        if (declaration->kernel)
            emit_interface(output, declaration);
        else
            FOR_EACH(operation, operation, declaration->operations)
        emit_client_operation(output, declaration, operation);
    }
    emit_header_end(output, program->units.first, "KERNEL");
}
