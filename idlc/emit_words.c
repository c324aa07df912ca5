/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C text that moves parameters into the words of a message and out of them, and that checks what came in.
 */
#include "emit.h"

#include "check.h"
#include "layout.h"
#include "names.h"

#include "abi/message.h"

#include <inttypes.h>

#define WORD 8

const char *word_text(const struct word_arrays *arrays, uint64_t word)
{
    return text_of("%s[%" PRIu64 "]", word < MESSAGE_REGISTER_WORDS ? arrays->registers : arrays->rest, word);
}

const char *scalar_to_word(const struct type *type, const char *value)
{
    if (type->kind == TYPE_FLOAT)
        return text_of("idl_f%u_word(%s)", type->bits, value);
    return text_of(type->is_signed ? "(uint64_t)(int64_t)%s" : "%s", value);
}

const char *word_to_scalar(const struct type *type, const char *word)
{
    if (type->kind == TYPE_FLOAT)
        return text_of("idl_f%u(%s)", type->bits, word);
    if (type->kind == TYPE_BOOL)
        return text_of("%s != 0", word);
    if (type->kind == TYPE_CAPABILITY)
        return text_of("(%s){(uint32_t)%s}", c_type(type), word);
    return text_of("(%s)%s", c_type(type), word);
}

/* Bytes of the member that travel in registers. They are copied word by word: as one block compilers build the words up
 * in memory. */
static uint64_t register_bytes(const struct member *member)
{
    uint64_t room;

    if (member->first_word >= MESSAGE_REGISTER_WORDS)
        return 0;
    room = (MESSAGE_REGISTER_WORDS - member->first_word) * WORD;
    return member->type->size < room ? member->type->size : room;
}

void emit_pack_aggregate(FILE *output, const struct word_arrays *arrays, const struct member *member,
                         const char *object)
{
    uint64_t first = register_bytes(member), size = member->type->size;
    uint64_t last = member->first_word + member->words_count - 1;
    uint64_t rest = member->first_word < MESSAGE_REGISTER_WORDS ? MESSAGE_REGISTER_WORDS : member->first_word;

    if (size % WORD)
        fprintf(output, "    %s = 0;\n", word_text(arrays, last));
    for (uint64_t byte = 0; byte < first; byte += WORD)
        fprintf(output, "    __builtin_memcpy(&%s, (const char *)%s + %" PRIu64 ", %" PRIu64 ");\n",
                word_text(arrays, member->first_word + byte / WORD), object, byte,
                first - byte < WORD ? first - byte : WORD);
    if (size > first)
        fprintf(output, "    __builtin_memcpy(&%s, (const char *)%s + %" PRIu64 ", %" PRIu64 ");\n",
                word_text(arrays, rest), object, first, size - first);
}

void emit_unpack_aggregate(FILE *output, const struct word_arrays *arrays, const struct member *member,
                           const char *object)
{
    uint64_t first = register_bytes(member), size = member->type->size;
    uint64_t rest = member->first_word < MESSAGE_REGISTER_WORDS ? MESSAGE_REGISTER_WORDS : member->first_word;

    for (uint64_t byte = 0; byte < first; byte += WORD)
        fprintf(output, "    __builtin_memcpy((char *)%s + %" PRIu64 ", &%s, %" PRIu64 ");\n", object, byte,
                word_text(arrays, member->first_word + byte / WORD), first - byte < WORD ? first - byte : WORD);
    if (size > first)
        fprintf(output, "    __builtin_memcpy((char *)%s + %" PRIu64 ", &%s, %" PRIu64 ");\n", object, first,
                word_text(arrays, rest), size - first);
}

static const char *refusal_text(const struct refusal *refusal, const char *number)
{
    return refusal->end ? text_of("%s%s%s", refusal->start, number, refusal->end) : refusal->start;
}

const char *refusal_of(const struct refusal *refusal, const struct member *member)
{
    return refusal_text(refusal, text_of("%u", member->position));
}

/* "a ? 1 : b ? 2 : 3": the number of the first whose condition holds, where one does. */
static const char *first_wrong(struct member **members, const char **conditions, size_t count)
{
    const char *text = text_of("%u", members[count - 1]->position);

    for (size_t i = count - 1; i-- > 0;)
        text = text_of("%s ? %u : %s", conditions[i], members[i]->position, text);
    return text;
}

void emit_joint_check(FILE *output, struct member **members, const char **conditions, size_t count,
                      const struct refusal *refusal)
{
    for (size_t i = 0; i < count; i++)
        fprintf(output, "%s%s", i ? " ||\n        " : "    if (__builtin_expect(", conditions[i]);
    if (count)
        fprintf(output, ", 0))\n        %s\n", refusal_text(refusal, first_wrong(members, conditions, count)));
}

/* All unsigned values of `bits` bits are checked in one go: or their words together, and look at the upper bits. */
static void emit_width_check(FILE *output, const struct word_arrays *arrays, struct member **members, size_t count,
                             unsigned bits, const struct refusal *refusal)
{
    struct member *checked[MESSAGE_MAX_WORDS];
    const char *conditions[MESSAGE_MAX_WORDS];
    size_t checked_count = 0;

    for (size_t i = 0; i < count; i++) {
        const struct type *type = members[i]->type;
        bool is_bool = type->kind == TYPE_BOOL;

        if (!is_bool && (!type_is_open(type) || type->is_signed))
            continue;
        if ((is_bool ? 1 : type->bits) != bits)
            continue;
        conditions[checked_count] = text_of("%s >> %u", word_text(arrays, members[i]->first_word), bits);
        checked[checked_count++] = members[i];
    }
    for (size_t i = 0; i < checked_count; i++)
        fprintf(output, "%s%s", i ? " | " : "    if (__builtin_expect((", word_text(arrays, checked[i]->first_word));
    if (checked_count)
        fprintf(output, ") >> %u != 0, 0))\n        %s\n", bits,
                refusal_text(refusal, first_wrong(checked, conditions, checked_count)));
}

static void emit_other_check(FILE *output, const struct type *type, const char *word, const char *statement)
{
    if (!type_is_open(type) && type->kind != TYPE_BOOL)
        fprintf(output, "    if (__builtin_expect(!%s_is_valid(%s), 0))\n        %s\n", c_stem(type->declaration), word,
                statement);
    else if (type->is_signed && type->bits < 64)
        fprintf(output, "    if (__builtin_expect((int64_t)%s != (int%u_t)%s, 0))\n        %s\n", word, type->bits,
                word, statement);
}

void emit_scalar_checks(FILE *output, const struct word_arrays *arrays, struct member **members, size_t count,
                        bool narrow, const struct refusal *refusal)
{
    static const unsigned widths[] = {1, 8, 16, 32};

    for (size_t i = 0; i < (narrow ? 4 : 1); i++)
        emit_width_check(output, arrays, members, count, widths[i], refusal);
    for (size_t i = 0; i < count; i++)
        if (type_is_scalar(members[i]->type) && (narrow || !type_is_open(members[i]->type)))
            emit_other_check(output, members[i]->type, word_text(arrays, members[i]->first_word),
                             refusal_of(refusal, members[i]));
}

/* `object` is a pointer to one value of `type`. */
static void emit_value_check(FILE *output, const char *indent, const struct type *type, const char *object,
                             const char *statement)
{
    if (type->kind == TYPE_BOOL)
        fprintf(output, "%sif (*(const unsigned char *)(%s) > 1)\n", indent, object);
    else if (type->kind == TYPE_STRUCT)
        fprintf(output, "%sif (!%s_is_valid(%s))\n", indent, c_stem(type->declaration), object);
    else
        fprintf(output, "%sif (!%s_is_valid((uint64_t)*(%s)))\n", indent, c_stem(type->declaration), object);
    fprintf(output, "%s    %s\n", indent, statement);
}

void emit_counted_check(FILE *output, const struct member *member, const char *object, const char *count,
                        const char *statement)
{
    if (!type_has_checked(member->type->of))
        return;
    fprintf(output, "    for (uint64_t idl_i = 0; idl_i < %s; idl_i++)\n", count);
    emit_value_check(output, "        ", member->type->of, text_of("&%s[idl_i]", object), statement);
}

void emit_aggregate_check(FILE *output, const struct member *member, const char *object, const struct refusal *refusal)
{
    const struct type *type = member->type;

    if (!type_has_checked(type))
        return;
    if (type->kind != TYPE_ARRAY) {
        emit_value_check(output, "    ", type, object, refusal_of(refusal, member));
        return;
    }
    emit_counted_check(output, member, object, text_of("%" PRIu64, type->length), refusal_of(refusal, member));
}

void emit_clear_padding(FILE *output, const struct type *type, const char *object)
{
    if (!type_has_padding(type))
        return;
    if (type->kind != TYPE_ARRAY) {
        fprintf(output, "    %s_clear_padding(%s);\n", c_stem(type->declaration), object);
        return;
    }
    fprintf(output, "    for (unsigned idl_i = 0; idl_i < %" PRIu64 "; idl_i++) {\n", type->length);
    fprintf(output, "        %s_clear_padding(&%s[idl_i]);\n    }\n", c_stem(type->of->declaration), object);
}

const char *array_suffix(const struct type *type)
{
    return type->kind == TYPE_ARRAY ? text_of("[%" PRIu64 "]", type->length) : "";
}

const char *address_of(const struct member *member)
{
    return text_of("%s%s", member->type->kind == TYPE_ARRAY ? "" : "&", c_variable(member));
}

const char *address_of_copy(const struct member *member)
{
    return text_of("%sidl_%s", member->type->kind == TYPE_ARRAY ? "" : "&", member->name.text);
}

const char *emit_clean_copy(FILE *output, const struct member *member)
{
    const char *copy = address_of_copy(member);

    fprintf(output, "    __builtin_memcpy(%s, %s, %" PRIu64 ");\n", copy, c_variable(member), member->type->size);
    emit_clear_padding(output, member->type, copy);
    return copy;
}

const char *input_parameter(const struct member *member, const char *capability_type)
{
    const struct type *type = member->type;
    const char *name = c_variable(member);

    if (type->kind == TYPE_CAPABILITY)
        return text_of("%s%s", capability_type, name);
    if (type->kind == TYPE_PAGES)
        return text_of("struct idl_pages %s", name);
    if (type->kind == TYPE_BYTES)
        return text_of("const void *%s, size_t %s_size", name, member->name.text);
    if (type->kind == TYPE_STRING)
        return text_of("idl_string %s", name);
    if (type->kind == TYPE_SEQUENCE)
        return text_of("const %s *%s, size_t %s_count", c_type(type), name, member->name.text);
    if (type->kind == TYPE_STRUCT)
        return text_of("const %s *%s", c_type(type), name);
    if (type->kind == TYPE_ARRAY)
        return text_of("const %s %s[%" PRIu64 "]", c_type(type), name, type->length);
    return text_of("%s %s", c_type(type), name);
}

const char *output_parameter(const struct member *member, const char *capability_type)
{
    const struct type *type = member->type;
    const char *name = c_variable(member);

    if (type->kind == TYPE_CAPABILITY)
        return text_of("%s*%s", capability_type, name);
    if (type->kind == TYPE_PAGES)
        return text_of("struct idl_pages %s_window, struct idl_pages *%s", member->name.text, name);
    if (type->kind == TYPE_SEQUENCE)
        return text_of("%s *%s, size_t %s_capacity, size_t *%s_count", c_type(type), name, member->name.text,
                       member->name.text);
    if (type_is_blob(type))
        return text_of("%s *%s, size_t %s_capacity, size_t *%s_length", type->kind == TYPE_STRING ? "char" : "void",
                       name, member->name.text, member->name.text);
    if (type->kind == TYPE_ARRAY)
        return text_of("%s %s[%" PRIu64 "]", c_type(type), name, type->length);
    return text_of("%s *%s", c_type(type), name);
}
