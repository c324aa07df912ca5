/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes and strings: see emit_blobs.h. What both sides share, and the client's stubs.
 */
#include "emit_blobs.h"
#include "emit_pages.h"

#include "check.h"
#include "layout.h"
#include "names.h"

#include "abi/message.h"

#include <inttypes.h>

/* What holds for the item of a parameter that is not as it must be. */
static const char *item_refusal(const struct member *member)
{
    if (member->type->kind == TYPE_CAPABILITY)
        return text_of("!idl_is_handle(idl_utcb->items[%" PRIu64 "])", member->item);
    if (member->type->kind == TYPE_PAGES)
        return pages_refusal(member);
    return text_of("idl_string_length(idl_utcb->items[%" PRIu64 "]) > %" PRIu64, member->item, member->type->length);
}

void emit_item_checks(FILE *output, struct member **members, size_t count, const struct refusal *refusal)
{
    struct member *items[MESSAGE_MAX_ITEMS];
    const char *conditions[MESSAGE_MAX_ITEMS];
    size_t items_count = 0;

    for (size_t i = 0; i < count; i++)
        if (member_is_item(members[i])) {
            conditions[items_count] = item_refusal(members[i]);
            items[items_count++] = members[i];
        }
    emit_joint_check(output, items, conditions, items_count, refusal);
}

/* The words of the bytes as an array, for those who pack and unpack arrays. */
static struct member data_of(const struct member *member, struct type *type)
{
    *type = (struct type){.kind = TYPE_ARRAY, .size = member->data_words * sizeof(uint64_t)};
    return (struct member){
        .name = member->name, .type = type, .first_word = member->data_word, .words_count = member->data_words};
}

static const char *data_name(const struct member *member)
{
    return text_of("idl_data_%s", member->name.text);
}

static void emit_pack_data(FILE *output, const struct word_arrays *arrays, const struct member *member)
{
    struct type type;
    struct member data = data_of(member, &type);

    emit_pack_aggregate(output, arrays, &data, data_name(member));
}

static void emit_unpack_data(FILE *output, const struct word_arrays *arrays, const struct member *member)
{
    struct type type;
    struct member data = data_of(member, &type);

    emit_unpack_aggregate(output, arrays, &data, data_name(member));
}

static void emit_string_item(FILE *output, const struct member *member, const char *address, const char *length)
{
    fprintf(output,
            "    idl_utcb->items[%" PRIu64 "] = idl_string_item(%s);\n"
            "    idl_utcb->item_addresses[%" PRIu64 "] = (uint64_t)(uintptr_t)%s;\n",
            member->item, length, member->item, address);
}

/* ---- Client ------------------------------------------------------------------------------------------------------ */

/* Bytes of an element of a sequence; 1 for bytes and strings. */
static uint64_t unit_of(const struct member *member)
{
    return member->type->kind == TYPE_SEQUENCE ? member->type->of->size : 1;
}

/* The number of bytes that so many elements are. */
static const char *in_bytes(const struct member *member, const char *count)
{
    return unit_of(member) == 1 ? count : text_of("%s * %" PRIu64, count, unit_of(member));
}

/* What the caller gives as the length of an input, in bytes. */
static const char *input_length(const struct member *member)
{
    if (member->type->kind == TYPE_SEQUENCE)
        return in_bytes(member, text_of("%s_count", member->name.text));
    return text_of(member->type->kind == TYPE_STRING ? "%s.size" : "%s_size",
                   member->type->kind == TYPE_STRING ? c_variable(member) : member->name.text);
}

static const char *input_address(const struct member *member)
{
    return text_of(member->type->kind == TYPE_STRING ? "%s.text" : "%s", c_variable(member));
}

const char *blob_initial_word(const struct operation *operation, uint64_t word)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (operation->inputs[i]->data_words && operation->inputs[i]->first_word == word)
            return input_length(operation->inputs[i]);
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (type_is_blob(operation->outputs[i]->type) && operation->outputs[i]->capacity_word == word)
            return text_of("idl_room_%s", operation->outputs[i]->name.text);
    return NULL;
}

/* The terminator of a string does not travel, but needs room. */
void emit_blob_rooms(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++) {
        const struct member *member = operation->outputs[i];

        if (type_is_blob(member->type))
            fprintf(output, "    const uint64_t idl_room_%s = %s;\n", member->name.text,
                    in_bytes(member, text_of("idl_room(%s_capacity%s, %" PRIu64 ")", member->name.text,
                                             member->type->kind == TYPE_STRING ? " - 1" : "",
                                             member->type->length / unit_of(member))));
    }
}

/* Whole words for the bytes, `more` of them behind; as an array of the elements of a sequence. */
static void emit_data_local(FILE *output, const struct member *member, uint64_t more, const char *initial)
{
    const uint64_t words = member->data_words + more;

    if (member->type->kind == TYPE_SEQUENCE)
        fprintf(output, "    %s %s[%" PRIu64 "] __attribute__((aligned(8)))%s;\n", c_type(member->type),
                data_name(member), (words * sizeof(uint64_t) + unit_of(member) - 1) / unit_of(member), initial);
    else
        fprintf(output, "    uint64_t %s[%" PRIu64 "]%s;\n", data_name(member), words, initial);
}

void emit_blob_locals(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (operation->inputs[i]->data_words)
            emit_data_local(output, operation->inputs[i], 0,
                            operation->inputs[i]->type->kind == TYPE_SEQUENCE ? "" : " = {0}");
    for (size_t i = 0; i < operation->outputs_count; i++) {
        const struct member *member = operation->outputs[i];

        if (member->data_words)
            emit_data_local(output, member, 0, "");
        else if (type_is_blob(member->type))
            fprintf(output, "    const struct string_buffer idl_kept_%s = idl_utcb->string_buffers[%" PRIu64 "];\n",
                    member->name.text, member->string);
    }
}

void emit_blob_limits(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (type_is_blob(operation->inputs[i]->type))
            fprintf(output, "    if (%s > %" PRIu64 ")\n        return -ERROR_BAD_ARGUMENT;\n",
                    operation->inputs[i]->type->kind == TYPE_SEQUENCE
                        ? text_of("%s_count", operation->inputs[i]->name.text)
                        : input_length(operation->inputs[i]),
                    operation->inputs[i]->type->length / unit_of(operation->inputs[i]));
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (operation->outputs[i]->type->kind == TYPE_STRING)
            fprintf(output, "    if (%s_capacity == 0)\n        return -ERROR_NO_BUFFER;\n",
                    operation->outputs[i]->name.text);
}

void emit_blob_token_limits(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (type_is_blob(operation->inputs[i]->type))
            fprintf(output, "    if (%s > idl_token->rooms[%zu])\n        return -ERROR_BAD_ARGUMENT;\n",
                    input_length(operation->inputs[i]), i);
}

void emit_blob_pack(FILE *output, const struct word_arrays *arrays, const struct member *member)
{
    if (!member->data_words) {
        emit_string_item(output, member, input_address(member), input_length(member));
        return;
    }
    if (member->type->kind == TYPE_SEQUENCE)
        fprintf(output, "    __builtin_memset(%s, 0, sizeof(%s));\n", data_name(member), data_name(member));
    fprintf(output, "    idl_copy(%s, %s, %s);\n", data_name(member), input_address(member), input_length(member));
    emit_pack_data(output, arrays, member);
}

static bool is_string_item(const struct member *member)
{
    return type_is_blob(member->type) && member_is_item(member);
}

void emit_blob_open(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++) {
        const struct member *member = operation->outputs[i];

        if (is_string_item(member))
            fprintf(output,
                    "    idl_utcb->string_buffers[%" PRIu64 "] = (struct string_buffer){(uint64_t)(uintptr_t)%s, "
                    "idl_room_%s};\n",
                    member->string, c_variable(member), member->name.text);
    }
}

void emit_blob_close(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (is_string_item(operation->outputs[i]))
            fprintf(output, "    idl_utcb->string_buffers[%" PRIu64 "] = idl_kept_%s;\n", operation->outputs[i]->string,
                    operation->outputs[i]->name.text);
}

/* The length of an output, as it came. */
static const char *output_length(const struct word_arrays *arrays, const struct member *member)
{
    if (member->data_words)
        return word_text(arrays, member->first_word);
    return text_of("(idl_utcb->items[%" PRIu64 "] >> ITEM_LENGTH_SHIFT)", member->item);
}

/* A sequence has whole elements, each of them a value of its type. `length` is in bytes. */
static void emit_elements_check(FILE *output, const struct member *member, const char *elements, const char *length,
                                const char *statement)
{
    if (member->type->kind != TYPE_SEQUENCE)
        return;
    if (unit_of(member) != 1)
        fprintf(output, "    if (%s %% %" PRIu64 ")\n        %s\n", length, unit_of(member), statement);
    emit_counted_check(output, member, elements, text_of("%s / %" PRIu64, length, unit_of(member)), statement);
}

/* The kernel wrote no string item beyond the room that it was given. */
void emit_blob_reply_check(FILE *output, const struct word_arrays *arrays, const struct member *member)
{
    const char *length = output_length(arrays, member);

    if (member->data_words) {
        fprintf(output, "    if (%s > idl_room_%s)\n        return -ERROR_BAD_ARGUMENT;\n", length, member->name.text);
        emit_unpack_data(output, arrays, member);
    }
    emit_elements_check(output, member, member->data_words ? data_name(member) : c_variable(member), length,
                        "return -ERROR_BAD_ARGUMENT;");
    if (member->type->kind == TYPE_STRING)
        fprintf(output, "    if (!idl_is_text(%s, %s))\n        return -ERROR_BAD_ARGUMENT;\n",
                member->data_words ? text_of("(const char *)%s", data_name(member)) : c_variable(member), length);
}

void emit_blob_output(FILE *output, const struct word_arrays *arrays, const struct member *member)
{
    const char *length = output_length(arrays, member);

    if (member->data_words)
        fprintf(output, "    idl_copy(%s, %s, %s);\n", c_variable(member), data_name(member), length);
    if (member->type->kind == TYPE_STRING)
        fprintf(output, "    %s[%s] = '\\0';\n", c_variable(member), length);
    if (member->type->kind == TYPE_SEQUENCE)
        fprintf(output, "    *%s_count = %s / %" PRIu64 ";\n", member->name.text, length, unit_of(member));
    else
        fprintf(output, "    *%s_length = %s;\n", member->name.text, length);
}

/* ---- Server ------------------------------------------------------------------------------------------------------ */

/* The most bytes that any operation's string number `string` has, in requests or replies; 0 if there is none. */
static uint64_t longest(const struct declaration *interface, bool reply, uint64_t string)
{
    uint64_t length = 0;

    FOR_EACH_OPERATION(owner, operation, interface)
    for (size_t i = 0; i < (reply ? operation->outputs_count : operation->inputs_count); i++) {
        const struct member *member = (reply ? operation->outputs : operation->inputs)[i];

        if (is_string_item(member) && member->string == string && member->type->length > length)
            length = member->type->length;
    }
    return length;
}

bool interface_has_strings(const struct declaration *interface)
{
    return longest(interface, false, 0) || longest(interface, true, 0);
}

void emit_blob_buffers(FILE *output, const struct declaration *interface)
{
    const char *stem = c_stem(interface);
    uint64_t length;

    if (!interface_has_strings(interface))
        return;
    fprintf(output,
            "/* Where a thread that serves %s keeps long bytes and strings: of requests, with a byte more for the\n"
            " * terminator, and of replies. */\n"
            "struct %s_buffers {\n",
            interface->name.text, stem);
    for (uint64_t i = 0; (length = longest(interface, false, i)) != 0; i++)
        fprintf(output, "    uint8_t in_%" PRIu64 "[%" PRIu64 "] __attribute__((aligned(16)));\n", i, length + 1);
    for (uint64_t i = 0; (length = longest(interface, true, i)) != 0; i++)
        fprintf(output, "    uint8_t out_%" PRIu64 "[%" PRIu64 "] __attribute__((aligned(16)));\n", i, length);
    fprintf(output, "};\n\n");
}

void emit_blob_serve(FILE *output, const struct declaration *interface)
{
    const char *stem = c_stem(interface);

    if (!interface_has_strings(interface))
        return;
    fprintf(output,
            "/* Opens the buffers for strings of requests: %s_serve() does. */\n"
            "static inline void %s_open_buffers(struct %s_buffers *buffers)\n{\n"
            "    struct utcb *utcb = ipc_utcb();\n\n    (void)buffers;\n",
            stem, stem, stem);
    for (uint64_t i = 0; i < MESSAGE_MAX_STRINGS; i++) {
        uint64_t length = longest(interface, false, i);

        if (length)
            fprintf(output,
                    "    utcb->string_buffers[%" PRIu64
                    "] = (struct string_buffer){(uint64_t)(uintptr_t)buffers->in_%" PRIu64 ", %" PRIu64 "};\n",
                    i, i, length);
        else
            fprintf(output, "    utcb->string_buffers[%" PRIu64 "].size = 0;\n", i);
    }
    fprintf(output,
            "}\n\n/* salto_serve() for %s: each thread that serves has `buffers` of its own. */\n"
            "static inline int %s_serve(uint32_t endpoint, idl_string_dispatcher *dispatcher, void *object, "
            "struct %s_buffers *buffers)\n{\n"
            "    %s_open_buffers(buffers);\n"
            "    return salto_serve_strings(endpoint, dispatcher, object, buffers);\n}\n\n",
            interface->name.text, stem, stem, stem);
}

static void emit_output_locals(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++) {
        const struct member *member = operation->outputs[i];

        if (!type_is_blob(member->type))
            continue;
        if (member->data_words)
            emit_data_local(output, member, 0, " = {0}");
        fprintf(output, "    uint64_t idl_room_%s;\n    struct idl_outbuf %s;\n", member->name.text,
                c_variable(member));
    }
}

void emit_blob_server_locals(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    if (operation->reply.strings)
        fprintf(output, "    struct %s_buffers *idl_buffers = (struct %s_buffers *)idl_frame->buffers;\n",
                c_stem(interface), c_stem(interface));
    for (size_t i = 0; i < operation->inputs_count; i++) {
        const struct member *member = operation->inputs[i];

        if (!type_is_blob(member->type))
            continue;
        if (member->data_words)
            emit_data_local(output, member, member->type->kind == TYPE_STRING, "");
        else
            fprintf(output, "    %s *%s;\n    uint64_t idl_opened_%s;\n",
                    member->type->kind == TYPE_SEQUENCE ? c_type(member->type) : "char", data_name(member),
                    member->name.text);
        fprintf(output, "    size_t idl_size_%s;\n", member->name.text);
    }
    emit_output_locals(output, operation);
}

void emit_blob_unpack(FILE *output, const struct word_arrays *arrays, const struct member *member)
{
    if (member->data_words)
        emit_unpack_data(output, arrays, member);
}

static void emit_input_check(FILE *output, const struct word_arrays *arrays, const struct member *member,
                             const char *statement)
{
    const char *name = member->name.text, *data = data_name(member);

    if (member->data_words)
        fprintf(output, "    idl_size_%s = %s;\n    if (idl_size_%s > %" PRIu64 ")\n        %s\n", name,
                word_text(arrays, member->first_word), name, member->type->length, statement);
    else
        fprintf(output,
                "    %s = (%s *)(uintptr_t)idl_utcb->item_addresses[%" PRIu64
                "];\n    idl_size_%s = idl_utcb->items[%" PRIu64 "] >> ITEM_LENGTH_SHIFT;\n",
                data, member->type->kind == TYPE_SEQUENCE ? c_type(member->type) : "char", member->item, name,
                member->item);
    emit_elements_check(output, member, data, text_of("idl_size_%s", name), statement);
    if (member->type->kind == TYPE_STRING)
        fprintf(output,
                "    if (!idl_is_text((char *)%s, idl_size_%s))\n        %s\n    ((char *)%s)[idl_size_%s] = '\\0';\n",
                data, name, statement, data, name);
}

static void emit_capacity_check(FILE *output, const struct word_arrays *arrays, const struct member *member,
                                const char *statement)
{
    const char *name = member->name.text;

    fprintf(output, "    idl_room_%s = %s;\n    if (idl_room_%s > %" PRIu64 ")\n        %s\n", name,
            word_text(arrays, member->capacity_word), name, member->type->length, statement);
    fprintf(output, "    %s = (struct idl_outbuf){%s, (size_t)idl_room_%s, 0};\n", c_variable(member),
            member->data_words ? data_name(member) : text_of("idl_buffers->out_%" PRIu64, member->string), name);
}

void emit_blob_checks(FILE *output, const struct word_arrays *arrays, const struct operation *operation,
                      const struct refusal *refusal)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (type_is_blob(operation->inputs[i]->type))
            emit_input_check(output, arrays, operation->inputs[i], refusal_of(refusal, operation->inputs[i]));
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (type_is_blob(operation->outputs[i]->type))
            emit_capacity_check(output, arrays, operation->outputs[i], refusal_of(refusal, operation->outputs[i]));
}

void emit_blob_shut(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (is_string_item(operation->inputs[i]))
            fprintf(output,
                    "    idl_opened_%s = idl_utcb->string_buffers[%" PRIu64
                    "].size;\n    idl_utcb->string_buffers[%" PRIu64 "].size = 0;\n",
                    operation->inputs[i]->name.text, operation->inputs[i]->string, operation->inputs[i]->string);
}

void emit_blob_reopen(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (is_string_item(operation->inputs[i]))
            fprintf(output, "    idl_utcb->string_buffers[%" PRIu64 "].size = idl_opened_%s;\n",
                    operation->inputs[i]->string, operation->inputs[i]->name.text);
}

const char *blob_argument(const struct member *member)
{
    const char *name = member->name.text;

    if (member->type->kind == TYPE_SEQUENCE)
        return text_of("%s, idl_size_%s / %" PRIu64, data_name(member), name, unit_of(member));
    return text_of(member->type->kind == TYPE_STRING ? "(idl_string){(char *)%s, idl_size_%s}" : "%s, idl_size_%s",
                   data_name(member), name);
}

void emit_blob_token(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (type_is_blob(operation->outputs[i]->type))
            fprintf(output, "    idl_token.rooms[%zu] = %s.capacity;\n", i, c_variable(operation->outputs[i]));
}

void emit_blob_result_checks(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (type_is_blob(operation->outputs[i]->type))
            fprintf(output, "    if (%s.length > idl_room_%s%s)\n        return idl_failed(-ERROR_ABANDONED, NULL);\n",
                    c_variable(operation->outputs[i]), operation->outputs[i]->name.text,
                    unit_of(operation->outputs[i]) == 1
                        ? ""
                        : text_of(" || %s.length %% %" PRIu64, c_variable(operation->outputs[i]),
                                  unit_of(operation->outputs[i])));
}

void emit_blob_reply(FILE *output, const struct word_arrays *arrays, const struct member *member)
{
    const char *name = c_variable(member);

    if (!member->data_words) {
        emit_string_item(output, member, text_of("%s.data", name), text_of("%s.length", name));
        return;
    }
    fprintf(output, "    idl_settle(%s, %" PRIu64 ", &%s);\n", data_name(member), member->data_words * sizeof(uint64_t),
            name);
    fprintf(output, "    %s = %s.length;\n", word_text(arrays, member->first_word), name);
    emit_pack_data(output, arrays, member);
}
