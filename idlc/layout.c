/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layout pass: sizes of types, and the places of parameters.
 */
#include "layout.h"

#include "check.h"

#include "abi/message.h"

#define WORD 8

bool type_is_scalar(const struct type *type)
{
    return type->kind == TYPE_INTEGER || type->kind == TYPE_BOOL || type->kind == TYPE_ENUM || type->kind == TYPE_FLAGS;
}

bool type_is_aggregate(const struct type *type)
{
    return type->kind == TYPE_STRUCT || type->kind == TYPE_ARRAY;
}

bool type_has_checked(const struct type *type)
{
    if (type->kind == TYPE_ARRAY)
        return type_has_checked(type->element);
    if (type->kind == TYPE_STRUCT)
        return type->declaration->has_checked;
    return type->kind == TYPE_BOOL || type->kind == TYPE_ENUM || type->kind == TYPE_FLAGS;
}

bool type_has_padding(const struct type *type)
{
    if (type->kind == TYPE_ARRAY)
        return type_has_padding(type->element);
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
        lay_out_type(type->element);
        type->size = type->element->size * type->length;
        type->alignment = type->element->alignment;
        return;
    default:
        break;
    }
    type->size = type->alignment = type->bits / 8;
}

/* Larger than any message, and small enough for no sum or product of a few to overflow. */
#define SIZE_LIMIT (1u << 20)

static void lay_out_struct(struct declaration *declaration)
{
    if (declaration->laid_out)
        return;
    declaration->laid_out = true;
    declaration->alignment = 1;
    FOR_EACH(member, member, declaration->members)
    {
        struct type *type = member->type;

        lay_out_type(type);
        member->offset = round_up(declaration->size, type->alignment);
        member->padding = member->offset - declaration->size;
        declaration->size = member->offset + type->size;
        if (declaration->size > SIZE_LIMIT)
            declaration->size = SIZE_LIMIT;
        if (declaration->alignment < type->alignment)
            declaration->alignment = type->alignment;
        declaration->has_padding |= member->padding || type_has_padding(type);
        declaration->has_checked |= type_has_checked(type);
    }
    declaration->tail = round_up(declaration->size, declaration->alignment) - declaration->size;
    declaration->size += declaration->tail;
    declaration->has_padding |= declaration->tail != 0;
}

static size_t list_length(struct member_list list)
{
    size_t count = 0;

    FOR_EACH(member, member, list)
    count++;
    return count;
}

static void sort_parameters(struct operation *operation)
{
    size_t count = list_length(operation->parameters) + list_length(operation->results) + 1;

    operation->inputs = allocate(count * sizeof(struct member *));
    operation->outputs = allocate(count * sizeof(struct member *));
    FOR_EACH(member, member, operation->parameters)
    {
        if (member->out)
            operation->outputs[operation->outputs_count++] = member;
        else
            operation->inputs[operation->inputs_count++] = member;
    }
    FOR_EACH(member, member, operation->results)
    operation->outputs[operation->outputs_count++] = member;
}

static void place_parameters(bool kernel, struct member **members, size_t count, struct message_shape *shape)
{
    for (size_t i = 0; i < count; i++) {
        lay_out_type(members[i]->type);
        if (type_is_aggregate(members[i]->type))
            continue;
        if (members[i]->type->kind == TYPE_CAPABILITY && !kernel) {
            members[i]->item = shape->items++;
            continue;
        }
        members[i]->first_word = shape->words++;
        members[i]->words_count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        if (!type_is_aggregate(members[i]->type))
            continue;
        members[i]->first_word = shape->words;
        members[i]->words_count = (members[i]->type->size + WORD - 1) / WORD;
        shape->words += members[i]->words_count;
    }
}

void check_layout(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    {
        if (declaration->kind == DECLARATION_STRUCT)
            lay_out_struct(declaration);
        FOR_EACH(operation, operation, declaration->operations)
        {
            sort_parameters(operation);
            place_parameters(declaration->kernel, operation->inputs, operation->inputs_count, &operation->request);
            place_parameters(declaration->kernel, operation->outputs, operation->outputs_count, &operation->reply);
        }
    }
}

static void check_shape(const struct operation *operation, const struct message_shape *shape, const char *direction)
{
    unsigned long words = shape->words, items = shape->items;

    if (words > MESSAGE_MAX_WORDS)
        report(CODE_TOO_LARGE, operation->name.span, "the %s of '%s' takes %lu words; a message has at most %d",
               direction, operation->name.text, words, MESSAGE_MAX_WORDS);
    if (items > MESSAGE_MAX_ITEMS)
        report(CODE_TOO_LARGE, operation->name.span, "the %s of '%s' takes %lu capabilities; a message has at most %d",
               direction, operation->name.text, items, MESSAGE_MAX_ITEMS);
    if (!operation->fits)
        return;
    if (words > MESSAGE_REGISTER_WORDS && words <= MESSAGE_MAX_WORDS)
        report(CODE_FITS, operation->name.span, "@fits(registers): the %s of '%s' takes %lu words, registers hold %d",
               direction, operation->name.text, words, MESSAGE_REGISTER_WORDS);
    if (items > 0)
        report(CODE_FITS, operation->name.span, "@fits(registers): the %s of '%s' carries a capability", direction,
               operation->name.text);
}

void check_sizes(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    FOR_EACH(operation, operation, declaration->operations)
    {
        check_shape(operation, &operation->request, "request");
        check_shape(operation, &operation->reply, "reply");
    }
}

uint32_t operation_label(const struct declaration *interface, const struct operation *operation)
{
    return (uint32_t)(interface->number << 16 | operation->number->magnitude);
}

uint64_t operation_request(const struct declaration *interface, const struct operation *operation)
{
    uint32_t kind = operation->kind == OPERATION_ONEWAY ? MESSAGE_SEND : MESSAGE_CALL;

    return message_labelled_tag(
        operation_label(interface, operation),
        message_tag(kind, (uint32_t)operation->request.words, (uint32_t)operation->request.items));
}

uint64_t operation_reply(const struct operation *operation)
{
    return message_tag(MESSAGE_REPLY_AND_WAIT, (uint32_t)operation->reply.words, (uint32_t)operation->reply.items);
}
