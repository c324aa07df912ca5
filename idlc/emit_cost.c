/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each operation costs: how its request and its reply travel, as the layout has placed them.
 *
 *   format     registers: all words are registers, and the trampoline's fast path takes the message.
 *              words: the kernel copies words from UTCB to UTCB.   items: the kernel also handles typed items.
 *   registers, utcb   words of either kind.
 *   items      capabilities + strings + pages.
 *   copied     bytes that the kernel copies, at most: words in the UTCB, and strings.
 *   stub       bytes that the stubs of both sides keep on their stacks for it, for words, copies that are checked and
 *              bytes; what a compiler spills comes on top.
 */
#include "emit.h"

#include "check.h"
#include "layout.h"

#include "abi/message.h"

#include <inttypes.h>

#define WORD 8

struct cost {
    uint64_t registers, utcb, capabilities, strings, pages, copied, stub;
};

static void add_member(struct cost *cost, const struct member *member)
{
    const struct type *type = member->type;

    if (type_is_aggregate(type))
        cost->stub += type->size;
    cost->stub += member->data_words * WORD;
    if (!member_is_item(member))
        return;
    if (type->kind == TYPE_CAPABILITY)
        cost->capabilities++;
    else if (type->kind == TYPE_PAGES)
        cost->pages++;
    else
        cost->copied += type->length;
}

static struct cost cost_of(const struct message_shape *shape, struct member **members, size_t count)
{
    struct cost cost = {.registers = shape->words, .strings = shape->strings};

    if (shape->words > MESSAGE_REGISTER_WORDS) {
        cost.registers = MESSAGE_REGISTER_WORDS;
        cost.utcb = shape->words - MESSAGE_REGISTER_WORDS;
    }
    cost.copied = cost.utcb * WORD;
    cost.stub = MESSAGE_REGISTER_WORDS * WORD;
    for (size_t i = 0; i < count; i++)
        add_member(&cost, members[i]);
    return cost;
}

static void emit_message(FILE *output, const char *direction, const struct message_shape *shape,
                         struct member **members, size_t count)
{
    struct cost cost = cost_of(shape, members, count);
    const char *format = shape->items ? "items" : shape->words > MESSAGE_REGISTER_WORDS ? "words" : "registers";

    fprintf(output,
            "  %-8s %-9s registers %" PRIu64 "  utcb %-2" PRIu64 "  items %" PRIu64 "+%" PRIu64 "+%" PRIu64
            "  copied %-8" PRIu64 "  stub %" PRIu64 "\n",
            direction, format, cost.registers, cost.utcb, cost.capabilities, cost.strings, cost.pages, cost.copied,
            cost.stub);
}

static void emit_operation(FILE *output, const struct declaration *interface, const struct operation *operation)
{
    bool oneway = operation->kind != OPERATION_CALL;
    bool fast =
        !oneway && !interface->kernel && !shape_uses_utcb(&operation->request) && !shape_uses_utcb(&operation->reply);

    fprintf(output, "%s.%s @%" PRIu64 ": %s\n", interface->name.text, operation->name.text,
            operation->number->magnitude,
            fast                ? "fast path"
            : interface->kernel ? "an operation of the kernel"
            : oneway            ? "not answered"
                                : "by way of the kernel");
    emit_message(output, "request", &operation->request, operation->inputs, operation->inputs_count);
    if (!oneway)
        emit_message(output, "reply", &operation->reply, operation->outputs, operation->outputs_count);
}

void emit_cost(FILE *output, struct program *program)
{
    FOR_EACH_DECLARATION(declaration, program->units.first)
    FOR_EACH_OPERATION(owner, operation, declaration)
    emit_operation(output, owner, operation);
}
