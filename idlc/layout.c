/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layout pass: sizes of types, and the places of parameters.
 */
#include "layout.h"

#include "check.h"

#include "abi/message.h"

#define WORD 8
#define UNION_TAG_SIZE 4
#define MAX_SEQUENCE ((uint64_t)1 << 24) /* bytes: a server keeps a buffer of that size */

bool type_is_scalar(const struct type *type)
{
    return type->kind == TYPE_INTEGER || type->kind == TYPE_FLOAT || type->kind == TYPE_BOOL ||
           type->kind == TYPE_ENUM || type->kind == TYPE_FLAGS;
}

bool type_is_aggregate(const struct type *type)
{
    return type->kind == TYPE_STRUCT || type->kind == TYPE_ARRAY;
}

bool type_is_blob(const struct type *type)
{
    return type->kind == TYPE_BYTES || type->kind == TYPE_STRING || type->kind == TYPE_SEQUENCE;
}

bool member_is_item(const struct member *member)
{
    return member->words_count == 0;
}

bool shape_uses_utcb(const struct message_shape *shape)
{
    return shape->words > MESSAGE_REGISTER_WORDS || shape->items > 0;
}

const struct member *operation_parameter(const struct operation *operation, size_t i)
{
    return i < operation->inputs_count ? operation->inputs[i] : operation->outputs[i - operation->inputs_count];
}

bool operation_has(const struct operation *operation, bool (*holds)(const struct type *type))
{
    for (size_t i = 0; i < operation->inputs_count + operation->outputs_count; i++)
        if (holds(operation_parameter(operation, i)->type))
            return true;
    return false;
}

bool type_is_float(const struct type *type)
{
    return type->kind == TYPE_FLOAT;
}

bool type_has_checked(const struct type *type)
{
    if (type->kind == TYPE_ARRAY)
        return type_has_checked(type->of);
    if (type->kind == TYPE_STRUCT)
        return type->declaration->has_checked;
    return type->kind == TYPE_BOOL || type->kind == TYPE_FLAGS || (type->kind == TYPE_ENUM && !type->declaration->open);
}

bool type_is_open(const struct type *type)
{
    return type->kind == TYPE_INTEGER || type->kind == TYPE_FLOAT ||
           (type->kind == TYPE_ENUM && type->declaration->open);
}

bool type_has_padding(const struct type *type)
{
    if (type->kind == TYPE_ARRAY)
        return type_has_padding(type->of);
    return type->kind == TYPE_STRUCT && type->declaration->has_padding;
}

static uint64_t round_up(uint64_t number, uint64_t unit)
{
    return (number + unit - 1) / unit * unit;
}

static void lay_out_struct(struct declaration *declaration);

static void lay_out_type(struct type *type)
{
    switch (type->kind) {
    case TYPE_BOOL:
        type->bits = 8;
        break;
    case TYPE_ENUM:
    case TYPE_FLAGS:
        type->bits = type->declaration->bits;
        type->is_signed = type->declaration->is_signed;
        break;
    case TYPE_STRUCT:
        lay_out_struct(type->declaration);
        type->size = type->declaration->size;
        type->alignment = type->declaration->alignment;
        return;
    case TYPE_ARRAY:
        lay_out_type(type->of);
        type->size = type->of->size * type->length;
        type->alignment = type->of->alignment;
        return;
    case TYPE_SEQUENCE:
        lay_out_type(type->of);
        type->length = type->bound * type->of->size;
        return;
    default:
        break;
    }
    type->size = type->alignment = type->bits / 8;
}

/* Larger than any message, and small enough for no sum or product of a few to overflow. */
#define SIZE_LIMIT (1u << 20)

static uint64_t limited(uint64_t size)
{
    return size < SIZE_LIMIT ? size : SIZE_LIMIT;
}

/* One behind the other. */
static void lay_out_fields(struct declaration *declaration)
{
    FOR_EACH(member, member, declaration->members)
    {
        struct type *type = member->type;

        lay_out_type(type);
        member->offset = round_up(declaration->size, type->alignment);
        member->padding = member->offset - declaration->size;
        declaration->size = limited(member->offset + type->size);
        if (declaration->alignment < type->alignment)
            declaration->alignment = type->alignment;
        declaration->has_padding |= member->padding || type_has_padding(type);
        declaration->has_checked |= type_has_checked(type);
    }
}

/* A tag of 32 bits, and all rows at one place behind it. */
static void lay_out_rows(struct declaration *declaration)
{
    uint64_t offset, alignment = 1, size = 0;

    FOR_EACH(member, member, declaration->members)
    {
        lay_out_type(member->type);
        if (alignment < member->type->alignment)
            alignment = member->type->alignment;
        if (size < member->type->size)
            size = member->type->size;
    }
    offset = round_up(UNION_TAG_SIZE, alignment);
    declaration->alignment = alignment > UNION_TAG_SIZE ? alignment : UNION_TAG_SIZE;
    declaration->room = round_up(limited(size), alignment);
    declaration->size = offset + declaration->room;
    FOR_EACH(member, member, declaration->members)
    {
        member->offset = offset;
        member->padding = offset - UNION_TAG_SIZE;
    }
}

static void lay_out_struct(struct declaration *declaration)
{
    if (declaration->laid_out)
        return;
    declaration->laid_out = true;
    declaration->alignment = 1;
    if (declaration->kind == DECLARATION_TABLE)
        declaration->size = declaration->alignment = WORD; /* what says which rows are there */
    if (declaration->kind == DECLARATION_UNION)
        lay_out_rows(declaration);
    else
        lay_out_fields(declaration);
    declaration->tail = round_up(declaration->size, declaration->alignment) - declaration->size;
    if (declaration->kind == DECLARATION_TABLE && declaration->size < declaration->room)
        declaration->tail = declaration->room - declaration->size;
    declaration->size += declaration->tail;
    declaration->has_padding |= declaration->tail != 0 || declaration->kind != DECLARATION_STRUCT;
    declaration->has_checked |= declaration->kind != DECLARATION_STRUCT && declaration->kind != DECLARATION_TABLE;
}

static size_t list_length(struct member_list list)
{
    size_t count = 0;

    FOR_EACH(member, member, list)
    count++;
    return count;
}

static struct member *as_input(struct member *member)
{
    struct member *input;

    if (!member->inout)
        return member;
    input = allocate(sizeof(*input));
    *input = *member;
    input->also_out = true;
    return member->in = input;
}

static void sort_parameters(struct operation *operation)
{
    size_t count = list_length(operation->parameters) + list_length(operation->results) + 1;

    operation->inputs = allocate(count * sizeof(struct member *));
    operation->outputs = allocate(count * sizeof(struct member *));
    FOR_EACH(member, member, operation->parameters)
    {
        if (!member->out || member->inout)
            operation->inputs[operation->inputs_count++] = as_input(member);
        if (member->out)
            operation->outputs[operation->outputs_count++] = member;
    }
    FOR_EACH(member, member, operation->results)
    operation->outputs[operation->outputs_count++] = member;
    for (size_t i = 0; i < operation->inputs_count; i++)
        operation->inputs[i]->position = (unsigned)i + 1;
    for (size_t i = 0; i < operation->outputs_count; i++)
        operation->outputs[i]->position = (unsigned)(operation->inputs_count + i) + 1;
}

/* Words that are needed before any bytes or string is placed. */
static uint64_t fixed_words(bool kernel, struct member **members, size_t count)
{
    uint64_t words = 0;

    for (size_t i = 0; i < count; i++) {
        const struct type *type = members[i]->type;

        lay_out_type(members[i]->type);
        if (type_is_aggregate(type))
            words += (type->size + WORD - 1) / WORD;
        else if (type_is_scalar(type) || (type->kind == TYPE_CAPABILITY && kernel))
            words++;
    }
    return words;
}

/* Which bytes and strings travel in words? `used` words are taken already. */
static void choose_words(struct member **members, size_t count, uint64_t used)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t words = (members[i]->type->length + WORD - 1) / WORD;

        if (!type_is_blob(members[i]->type) || members[i]->type->length > BYTES_IN_WORDS ||
            used + 1 + words > MESSAGE_MAX_WORDS)
            continue;
        members[i]->data_words = words;
        used += 1 + words;
    }
}

static void place_item(struct member *member, struct message_shape *shape)
{
    member->item = shape->items++;
    if (type_is_blob(member->type))
        member->string = shape->strings++;
}

/* Integers and the like, and the lengths of bytes and strings; items. */
static void place_scalars(bool kernel, struct member **members, size_t count, struct message_shape *shape)
{
    for (size_t i = 0; i < count; i++) {
        struct member *member = members[i];

        if (type_is_aggregate(member->type))
            continue;
        if ((member->type->kind == TYPE_CAPABILITY && !kernel) || member->type->kind == TYPE_PAGES ||
            (type_is_blob(member->type) && member->data_words == 0)) {
            place_item(member, shape);
            continue;
        }
        member->first_word = shape->words++;
        member->words_count = 1;
    }
}

/* Results of bytes and string: the request says how much the caller takes. */
static void place_capacities(struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (type_is_blob(operation->outputs[i]->type))
            operation->outputs[i]->capacity_word = operation->request.words++;
}

static void place_aggregates(struct member **members, size_t count, struct message_shape *shape)
{
    for (size_t i = 0; i < count; i++) {
        struct member *member = members[i];

        if (type_is_aggregate(member->type)) {
            member->first_word = shape->words;
            member->words_count = (member->type->size + WORD - 1) / WORD;
            shape->words += member->words_count;
        } else if (member->data_words) {
            member->data_word = shape->words;
            shape->words += member->data_words;
        }
    }
}

static void place_parameters(bool kernel, struct operation *operation)
{
    struct member **inputs = operation->inputs, **outputs = operation->outputs;
    size_t inputs_count = operation->inputs_count, outputs_count = operation->outputs_count;
    uint64_t capacities = 0;

    for (size_t i = 0; i < outputs_count; i++)
        capacities += type_is_blob(outputs[i]->type);
    choose_words(inputs, inputs_count, fixed_words(kernel, inputs, inputs_count) + capacities);
    choose_words(outputs, outputs_count, fixed_words(kernel, outputs, outputs_count));
    place_scalars(kernel, inputs, inputs_count, &operation->request);
    place_capacities(operation);
    place_aggregates(inputs, inputs_count, &operation->request);
    place_scalars(kernel, outputs, outputs_count, &operation->reply);
    place_aggregates(outputs, outputs_count, &operation->reply);
}

void check_layout(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    {
        if (declaration_is_struct(declaration))
            lay_out_struct(declaration);
        if (declaration->kind == DECLARATION_ALIAS)
            lay_out_type(declaration->type);
        FOR_EACH(operation, operation, declaration->operations)
        {
            sort_parameters(operation);
            place_parameters(declaration->kernel, operation);
        }
    }
}

static void check_fits(const struct operation *operation, const struct message_shape *shape, struct member **members,
                       size_t count, const char *direction)
{
    struct span span = operation->name.span;
    const char *name = operation->name.text;

    if (shape->words > MESSAGE_REGISTER_WORDS && shape->words <= MESSAGE_MAX_WORDS)
        report(CODE_FITS, span, "@fits(registers): the %s of '%s' takes %lu words, registers hold %d", direction, name,
               (unsigned long)shape->words, MESSAGE_REGISTER_WORDS);
    for (size_t i = 0; i < count; i++)
        if (member_is_item(members[i])) {
            report(CODE_FITS, span, "@fits(registers): the %s of '%s' carries %s", direction, name,
                   members[i]->type->kind == TYPE_CAPABILITY ? "a capability"
                   : members[i]->type->kind == TYPE_PAGES    ? "pages"
                                                             : "a string item");
            return;
        }
}

static bool only_capabilities(struct member **members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (member_is_item(members[i]) && members[i]->type->kind != TYPE_CAPABILITY)
            return false;
    return true;
}

/* A caller opens one window. */
static void check_windows(const struct operation *operation)
{
    unsigned count = 0;

    for (size_t i = 0; i < operation->outputs_count; i++)
        if (operation->outputs[i]->type->kind == TYPE_PAGES && ++count == 2)
            report(CODE_TOO_LARGE, operation->outputs[i]->name.span,
                   "an answer has at most one parameter of pages: its caller opens one window");
}

static void check_shape(const struct operation *operation, const struct message_shape *shape, struct member **members,
                        size_t count, const char *direction)
{
    unsigned long words = shape->words, items = shape->items, strings = shape->strings;
    struct span span = operation->name.span;
    const char *name = operation->name.text;

    if (words > MESSAGE_MAX_WORDS)
        report(CODE_TOO_LARGE, span, "the %s of '%s' takes %lu words; a message has at most %d", direction, name, words,
               MESSAGE_MAX_WORDS);
    if (strings > MESSAGE_MAX_STRINGS)
        report(CODE_TOO_LARGE, span, "the %s of '%s' takes %lu string items; a message has at most %d", direction, name,
               strings, MESSAGE_MAX_STRINGS);
    else if (items > MESSAGE_MAX_ITEMS)
        report(CODE_TOO_LARGE, span, "the %s of '%s' takes %lu %s; a message has at most %d", direction, name, items,
               only_capabilities(members, count) ? "capabilities" : "items, strings and capabilities",
               MESSAGE_MAX_ITEMS);
    if (operation->fits)
        check_fits(operation, shape, members, count, direction);
}

/* A sequence goes as it lies in the caller's memory. */
static void check_sequences(struct member **members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct type *type = members[i]->type;

        if (type->kind != TYPE_SEQUENCE)
            continue;
        if (type->length > MAX_SEQUENCE)
            report(CODE_TOO_LARGE, type->span, "a sequence has at most %lu bytes, this one %lu",
                   (unsigned long)MAX_SEQUENCE, (unsigned long)type->length);
        if (type_has_padding(type->of))
            report(CODE_GENERIC, type->span,
                   "'%s' has bytes that are not always used: as a parameter a sequence of it would carry whatever lies "
                   "there; put the sequence into a struct",
                   type->of->name);
    }
}

static void check_table_size(const struct declaration *table)
{
    if (table->kind == DECLARATION_TABLE && table->size > table->room)
        report(CODE_TOO_LARGE, table->name.span, "table '%s' takes %lu bytes, and its @room is %lu", table->name.text,
               (unsigned long)table->size, (unsigned long)table->room);
}

void check_sizes(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    check_table_size(declaration);
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    FOR_EACH(operation, operation, declaration->operations)
    {
        check_sequences(operation->inputs, operation->inputs_count);
        check_sequences(operation->outputs, operation->outputs_count);
        check_shape(operation, &operation->request, operation->inputs, operation->inputs_count, "request");
        check_shape(operation, &operation->reply, operation->outputs, operation->outputs_count, "reply");
        check_windows(operation);
    }
}

uint32_t operation_label(const struct declaration *interface, const struct operation *operation)
{
    return (uint32_t)(interface->number << 16 | operation->number->magnitude);
}

uint64_t operation_request(const struct declaration *interface, const struct operation *operation)
{
    uint32_t kind = operation->kind != OPERATION_CALL ? MESSAGE_SEND : MESSAGE_CALL;

    return message_labelled_tag(
        operation_label(interface, operation),
        message_tag(kind, (uint32_t)operation->request.words, (uint32_t)operation->request.items));
}

uint64_t operation_reply(const struct operation *operation)
{
    return message_tag(MESSAGE_REPLY_AND_WAIT, (uint32_t)operation->reply.words, (uint32_t)operation->reply.items);
}
