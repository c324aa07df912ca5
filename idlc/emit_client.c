/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client stubs: one inlined function an operation. A stub whose message fits in the registers touches no memory but the
 * caller's outputs; and no stub writes an output before all of the answer was checked.
 *
 * The order inside a stub matters: whatever reads the caller's memory does so before the UTCB is written.
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
#include <string.h>

static const struct word_arrays arrays = {"idl_words", "idl_utcb->words"};

static void emit_signature(FILE *output, const char *start, const struct operation *operation)
{
    fprintf(output, "IDL_MUST_USE static inline int %s", start);
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (!operation->inputs[i]->also_out)
            fprintf(output, ", %s",
                    input_parameter(operation->inputs[i], text_of("%s ", c_type(operation->inputs[i]->type))));
    for (size_t i = 0; i < operation->outputs_count; i++)
        fprintf(output, ", %s",
                output_parameter(operation->outputs[i], text_of("%s ", c_type(operation->outputs[i]->type))));
    fprintf(output, ")\n{\n");
}

/* What stands in a word before aggregates are copied over it. */
static const char *initial_word(const struct operation *operation, uint64_t word)
{
    const char *blob = blob_initial_word(operation, word);

    if (blob)
        return blob;
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct member *member = operation->inputs[i];

        if (member->words_count != 1 || member->first_word != word || type_is_aggregate(member->type))
            continue;
        if (member->type->kind == TYPE_CAPABILITY)
            return text_of("%s.handle", c_variable(member));
        return scalar_to_word(member->type, text_of(member->also_out ? "*%s" : "%s", c_variable(member)));
    }
    return "0";
}

static void emit_copy_local(FILE *output, const struct member *member)
{
    fprintf(output, "    %s idl_%s%s;\n", c_type(member->type), member->name.text, array_suffix(member->type));
}

/* Is it an output that is checked in a copy before the caller gets it? What the kernel answers is not. */
static bool is_checked_copy(const struct declaration *interface, const struct member *member)
{
    return !interface->kernel && type_is_aggregate(member->type) && type_has_checked(member->type);
}

static void emit_locals(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    emit_blob_rooms(output, operation);
    fprintf(output, "    uint64_t idl_words[%d] = {", MESSAGE_REGISTER_WORDS);
    for (uint64_t i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        fprintf(output, "%s%s", i ? ", " : "", initial_word(operation, i));
    fprintf(output, "};\n");
    if (shape_uses_utcb(&operation->request) || shape_uses_utcb(&operation->reply))
        fprintf(output, "    struct utcb *idl_utcb = ipc_utcb();\n");
    emit_blob_locals(output, operation);
    emit_pages_locals(output, operation);
    fprintf(output, "    uint64_t idl_tag;\n");
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (type_has_padding(operation->inputs[i]->type))
            emit_copy_local(output, operation->inputs[i]);
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (is_checked_copy(interface, operation->outputs[i]) &&
            !(operation->outputs[i]->in && type_has_padding(operation->outputs[i]->type)))
            emit_copy_local(output, operation->outputs[i]);
    fputc('\n', output);
}

static void emit_item(FILE *output, const struct member *member)
{
    unsigned rights = member->type->rights ? member->type->rights : RIGHTS_ALL;
    unsigned kind = member->type->move ? ITEM_MOVE : ITEM_COPY;

    fprintf(output, "    idl_utcb->items[%" PRIu64 "] = idl_item(%s.handle, %u, %u);\n", member->item,
            c_variable(member), rights, kind);
}

const char *not_an_item(const struct member *member)
{
    return text_of(member->type->move ? "%s.handle > IDL_MAX_HANDLE" : "!idl_is_item(&%s.handle)", c_variable(member));
}

static void emit_handle_checks(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (operation->inputs[i]->type->kind == TYPE_CAPABILITY && member_is_item(operation->inputs[i]))
            fprintf(output, "    if (%s)\n        return -ERROR_BAD_HANDLE;\n", not_an_item(operation->inputs[i]));
}

static void emit_pack(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct member *member = operation->inputs[i];

        if (type_is_aggregate(member->type))
            emit_pack_aggregate(output, &arrays, member,
                                type_has_padding(member->type) ? emit_clean_copy(output, member) : c_variable(member));
        else if (type_is_blob(member->type))
            emit_blob_pack(output, &arrays, member);
        else if (member->type->kind == TYPE_PAGES)
            emit_pages_pack(output, member);
        else if (member_is_item(member))
            emit_item(output, member);
    }
    for (uint64_t word = MESSAGE_REGISTER_WORDS; word < operation->request.words; word++)
        if (strcmp(initial_word(operation, word), "0") != 0)
            fprintf(output, "    %s = %s;\n", word_text(&arrays, word), initial_word(operation, word));
}

/* Checks before the outputs are written. What the kernel answers needs none. */
static void emit_reply_checks(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    static const struct refusal bad = {"return -ERROR_BAD_ARGUMENT;", NULL};

    if (interface->kernel)
        return;
    emit_scalar_checks(output, &arrays, operation->outputs, operation->outputs_count, false, &bad);
    for (size_t i = 0; i < operation->outputs_count; i++) {
        const struct member *member = operation->outputs[i];
        const char *copy = address_of_copy(member);

        if (type_is_blob(member->type))
            emit_blob_reply_check(output, &arrays, member);
        if (!is_checked_copy(interface, member))
            continue;
        emit_unpack_aggregate(output, &arrays, member, copy);
        emit_aggregate_check(output, member, copy, &bad);
    }
}

static void emit_output(FILE *output, const struct declaration *interface, const struct member *member)
{
    const char *name = c_variable(member);

    if (is_checked_copy(interface, member))
        fprintf(output, "    __builtin_memcpy(%s, %s, %" PRIu64 ");\n", name, address_of_copy(member),
                member->type->size);
    else if (type_is_aggregate(member->type))
        emit_unpack_aggregate(output, &arrays, member, name);
    else if (type_is_blob(member->type))
        emit_blob_output(output, &arrays, member);
    else if (member->type->kind == TYPE_PAGES)
        emit_pages_output(output, member);
    else if (member_is_item(member))
        fprintf(output, "    *%s = (%s){(uint32_t)idl_utcb->items[%" PRIu64 "]};\n", name, c_type(member->type),
                member->item);
    else
        fprintf(output, "    *%s = %s;\n", name, word_to_scalar(member->type, word_text(&arrays, member->first_word)));
}

static void emit_call(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    const char *name = upper_case(c_operation(interface, operation));
    const char *tag = text_of("%s_REQUEST", name);
    const struct refusal bad_items = {text_of("return idl_bad_items(idl_utcb, %" PRIu64 ");", operation->reply.items),
                                      NULL};

    if (operation->timeout)
        tag = text_of("idl_within(%s, UINT64_C(%" PRIu64 "))", tag, operation->timeout);
    if (operation->kind != OPERATION_CALL) {
        fprintf(output, "    idl_tag = ipc_send(%s%s, self.handle, idl_words);\n", tag,
                operation->kind == OPERATION_EVENT ? " | TAG_POLL" : "");
        fprintf(output, "    return idl_sent(idl_tag, idl_words[0]);\n");
        return;
    }
    emit_blob_open(output, operation);
    emit_pages_open(output, operation);
    fprintf(output, "    idl_tag = ipc_call(%s, self.handle, idl_words);\n", tag);
    emit_blob_close(output, operation);
    emit_pages_close(output, operation);
    fprintf(output, "    if (idl_tag != %s_REPLY)\n        return idl_failure(idl_tag, idl_words[0]);\n", name);
    emit_item_checks(output, operation->outputs, operation->outputs_count, &bad_items);
    emit_reply_checks(output, interface, operation);
    for (size_t i = 0; i < operation->outputs_count; i++)
        emit_output(output, interface, operation->outputs[i]);
    fprintf(output, "    return 0;\n");
}

static void emit_stub(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    if (operation_has(operation, type_is_float))
        fprintf(output, "#ifdef __SSE2__\n");
    emit_doc(output, "", operation->prefix.doc);
    emit_signature(output, text_of("%s(%s_t self", c_operation(interface, operation), c_stem(interface)), operation);
    emit_locals(output, interface, operation);
    emit_handle_checks(output, operation);
    emit_blob_limits(output, operation);
    emit_pages_limits(output, operation);
    emit_pack(output, operation);
    emit_call(output, interface, operation);
    fprintf(output, operation_has(operation, type_is_float) ? "}\n#endif\n\n" : "}\n\n");
}

/* The results are packed as the parameters of a request are. */
void emit_deferred(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    const char *name = c_operation(interface, operation);
    struct operation answer = *operation;

    answer.inputs = operation->outputs;
    answer.inputs_count = operation->outputs_count;
    answer.outputs_count = 0;
    answer.request = operation->reply;
    answer.reply = (struct message_shape){0};
    fprintf(output,
            "/* A call of %s that is still to be answered; rooms: how many bytes the caller takes of long results. */\n"
            "struct %s_token {\n    struct idl_token kept;\n    uint64_t rooms[%zu];\n};\n\n",
            name, name, operation->outputs_count + 1);
    fprintf(
        output,
        "/* Answers. 0, or -ERROR_NO_CALLER: nobody waits any more; else the token is good for another answer. */\n");
    emit_signature(output, text_of("%s_reply(struct %s_token *idl_token", name, name), &answer);
    emit_locals(output, interface, &answer);
    fprintf(output, "    if (idl_token->kept.reply == 0)\n        return -ERROR_NO_CALLER;\n");
    emit_handle_checks(output, &answer);
    emit_blob_token_limits(output, &answer);
    emit_pages_limits(output, &answer);
    emit_pack(output, &answer);
    fprintf(output, "    idl_tag = ipc_send(UINT64_C(0x%" PRIx32 "), idl_token->kept.reply, idl_words);\n",
            message_tag(MESSAGE_SEND, (uint32_t)answer.request.words, (uint32_t)answer.request.items));
    fprintf(output, "    return idl_answered(&idl_token->kept, idl_tag);\n}\n\n");
}

static bool has_timeouts(const struct unit *unit)
{
    FOR_EACH_DECLARATION(declaration, unit)
    FOR_EACH(operation, operation, declaration->operations)
    if (operation->timeout)
        return true;
    return false;
}

void emit_client(FILE *output, struct program *program)
{
    emit_header_start(output, program->units.first, "CLIENT", "Types and client stubs");
    fprintf(output, "#include \"salto/ipc.h\"\n#include \"salto/idl.h\"\n\n");
    if (has_timeouts(program->units.first))
        fprintf(output, "#include \"salto/deadline.h\"\n\n");
    fprintf(output, "#include <stdbool.h>\n#include <stdint.h>\n\n");
    emit_types(output, program);
    FOR_EACH_DECLARATION(declaration, program->units.first)
    FOR_EACH(operation, operation, declaration->operations)
    emit_stub(output, declaration, operation);
    emit_header_end(output, program->units.first, "CLIENT");
}
