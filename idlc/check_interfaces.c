/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of interfaces and operations: attributes, ids and numbers, and what the kinds of operations allow.
 */
#include "check.h"

#include "layout.h"
#include "names.h"

#include "abi/capability.h"
#include "abi/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_NUMBER 65535
#define MAX_BASES 16 /* of an interface, one of the other */
#define DEFAULT_ROOM 64
#define MAX_ROOM (MESSAGE_MAX_WORDS * 8) /* bytes of a message */

static const char *const interface_attributes[] = {"id", "kernel"};
static const char *const operation_attributes[] = {"right", "fits", "timeout", "deferred"};

static bool is_one_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return true;
    return false;
}

/* Knows the attribute, and is it there for the first time? */
static bool check_known(const struct attribute *attribute, struct attribute_list list, const char *const *names,
                        size_t count, const char *where)
{
    struct suggestion suggestion = {.wanted = attribute->name.text};

    for (struct attribute *other = list.first; other != attribute; other = other->next)
        if (strcmp(other->name.text, attribute->name.text) == 0) {
            report(CODE_ATTRIBUTE, attribute->name.span, "attribute '%s' is given twice", attribute->name.text);
            return false;
        }
    if (is_one_of(attribute->name.text, names, count))
        return true;
    for (size_t i = 0; i < count; i++)
        suggestion_offer(&suggestion, names[i]);
    report(CODE_ATTRIBUTE, attribute->name.span, "%s has no attribute '%s'%s", where, attribute->name.text,
           suggestion_text(&suggestion));
    return false;
}

static void set_interface_attribute(const struct program *program, struct declaration *interface,
                                    const struct attribute *attribute)
{
    struct value *argument = attribute->arguments.first;

    if (strcmp(attribute->name.text, "kernel") == 0) {
        interface->kernel = true;
        if (argument)
            report(CODE_ATTRIBUTE, argument->span, "@kernel takes no argument");
        return;
    }
    if (!argument || argument->next) {
        report(CODE_ATTRIBUTE, attribute->name.span, "write the interface's number, such as @id(0x5601)");
        return;
    }
    if (value_number(program, interface->unit, argument, 64, false, &interface->number) &&
        (interface->number == 0 || interface->number > MAX_NUMBER))
        report(CODE_INTERFACE_ID, argument->span, "the id of an interface must be 1 to 0xffff");
}

static unsigned one_right(const struct value *value)
{
    if (value->kind != VALUE_NAME || value->library)
        return 0;
    if (strcmp(value->text, "read") == 0)
        return RIGHT_READ;
    if (strcmp(value->text, "write") == 0)
        return RIGHT_WRITE;
    if (strcmp(value->text, "execute") == 0)
        return RIGHT_EXECUTE;
    return 0;
}

static void set_right(struct operation *operation, const struct attribute *attribute)
{
    if (!attribute->arguments.first)
        report(CODE_ATTRIBUTE, attribute->name.span, "write the right, such as @right(read)");
    FOR_EACH(value, value, attribute->arguments)
    {
        unsigned right = one_right(value);

        if (!right)
            report(CODE_ATTRIBUTE, value->span, "@right takes read, write or execute");
        operation->right |= right;
    }
}

/* The nanoseconds of a duration such as 20ms; 0 if they are none or more than fit in 63 bits. */
static uint64_t nanoseconds_of(const char *text)
{
    static const struct {
        const char *unit;
        uint64_t nanoseconds;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}};
    char *unit;
    uint64_t number, result;

    errno = 0;
    number = strtoull(text, &unit, 10);
    for (size_t i = 0; i < COUNT(units); i++)
        if (strcmp(unit, units[i].unit) == 0 && errno == 0 &&
            !__builtin_mul_overflow(number, units[i].nanoseconds, &result) && result <= INT64_MAX)
            return result;
    return 0;
}

static void set_timeout(struct operation *operation, const struct attribute *attribute)
{
    const struct value *argument = attribute->arguments.first;

    if (!argument || argument->next || argument->kind != VALUE_DURATION) {
        report(CODE_ATTRIBUTE, attribute->name.span,
               "write how long, such as @timeout(5s); units are ns, us, ms, s, m");
        return;
    }
    operation->timeout = nanoseconds_of(argument->text);
    if (operation->timeout == 0)
        report(CODE_RANGE, argument->span, "a timeout must be 1ns to 292 years");
}

static void set_operation_attribute(struct operation *operation, const struct attribute *attribute)
{
    const struct value *argument = attribute->arguments.first;

    if (strcmp(attribute->name.text, "right") == 0) {
        set_right(operation, attribute);
        return;
    }
    if (strcmp(attribute->name.text, "timeout") == 0) {
        set_timeout(operation, attribute);
        return;
    }
    if (strcmp(attribute->name.text, "deferred") == 0) {
        operation->deferred = true;
        if (argument)
            report(CODE_ATTRIBUTE, argument->span, "@deferred takes no argument");
        return;
    }
    operation->fits = true;
    if (!argument || argument->next || argument->kind != VALUE_NAME || strcmp(argument->text, "registers") != 0)
        report(CODE_ATTRIBUTE, attribute->name.span, "write @fits(registers)");
}

static void check_interface_attributes(const struct program *program, struct declaration *interface)
{
    FOR_EACH(attribute, attribute, interface->prefix.attributes)
    if (check_known(attribute, interface->prefix.attributes, interface_attributes, COUNT(interface_attributes),
                    "an interface"))
        set_interface_attribute(program, interface, attribute);
    FOR_EACH(operation, operation, interface->operations)
    FOR_EACH(attribute, attribute, operation->prefix.attributes)
    if (check_known(attribute, operation->prefix.attributes, operation_attributes, COUNT(operation_attributes),
                    "an operation"))
        set_operation_attribute(operation, attribute);
}

/* @open: values that this version of the file does not know are let through. */
static void check_enum_attributes(struct declaration *declaration)
{
    static const char *const names[] = {"open"};

    FOR_EACH(attribute, attribute, declaration->prefix.attributes)
    {
        if (!check_known(attribute, declaration->prefix.attributes, names, COUNT(names), "an enum"))
            continue;
        declaration->open = true;
        if (attribute->arguments.first)
            report(CODE_ATTRIBUTE, attribute->arguments.first->span, "@open takes no argument");
    }
}

/* @room: how many bytes a table takes for good, whatever is added to it. */
static void check_table_attributes(const struct program *program, struct declaration *table)
{
    static const char *const names[] = {"room"};

    table->room = DEFAULT_ROOM;
    FOR_EACH(attribute, attribute, table->prefix.attributes)
    {
        struct value *argument = attribute->arguments.first;

        if (!check_known(attribute, table->prefix.attributes, names, COUNT(names), "a table"))
            continue;
        if (!argument || argument->next)
            report(CODE_ATTRIBUTE, attribute->name.span, "write how many bytes it takes, such as @room(128)");
        else if (value_number(program, table->unit, argument, 64, false, &table->room) &&
                 (table->room < 16 || table->room > MAX_ROOM || table->room % 8))
            report(CODE_ATTRIBUTE, argument->span, "the room of a table must be a multiple of 8 from 16 to %d",
                   MAX_ROOM);
    }
}

static void check_no_attributes(const struct prefix *prefix)
{
    if (prefix->attributes.first)
        report(CODE_ATTRIBUTE, prefix->attributes.first->name.span,
               "only interfaces, operations, enums and tables have attributes");
}

void check_attributes(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    {
        FOR_EACH(import, import, unit->imports)
        check_no_attributes(&import->prefix);
        FOR_EACH_DECLARATION(declaration, unit)
        {
            if (declaration->kind == DECLARATION_INTERFACE)
                check_interface_attributes(program, declaration);
            if (declaration->events)
                declaration->events->number = declaration->number;
            if (declaration->kind == DECLARATION_INTERFACE)
                continue;
            if (declaration->kind == DECLARATION_ENUM)
                check_enum_attributes(declaration);
            else if (declaration->kind == DECLARATION_TABLE)
                check_table_attributes(program, declaration);
            else
                check_no_attributes(&declaration->prefix);
        }
    }
}

static void check_one_id(const struct program *program, const struct declaration *interface)
{
    if (interface->number == 0) {
        report(CODE_INTERFACE_ID, interface->name.span, "interface '%s' has no @id", interface->name.text);
        return;
    }
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(other, unit)
    {
        if (other == interface)
            return;
        if (other->kind == DECLARATION_INTERFACE && !other->events_of && other->number == interface->number) {
            report(CODE_INTERFACE_ID, interface->name.span, "interface '%s' has the id of '%s' (%s:%d)",
                   interface->name.text, other->name.text, unit->source->path, other->name.span.line);
            return;
        }
    }
}

void check_interface_ids(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->kind == DECLARATION_INTERFACE && !declaration->events_of)
        check_one_id(program, declaration);
}

static void find_base(const struct program *program, struct declaration *interface)
{
    const struct value *name = interface->value;
    struct declaration *found = find_declaration(program, interface->unit, name->library, name->text, name->span,
                                                 "interface", CODE_UNKNOWN_NAME);

    if (!found)
        return;
    if (found->kind != DECLARATION_INTERFACE)
        report(CODE_WRONG_KIND, name->span, "'%s' is of kind %s; only an interface can be a base", name->text,
               declaration_kind_name(found->kind));
    else if (interface->kernel || found->kernel)
        report(CODE_KERNEL, name->span, "a @kernel interface has no base, and is none");
    else
        interface->base = found;
}

/* Breaks cycles, so that everybody can walk along the bases. */
static void check_base_cycle(struct declaration *interface)
{
    int length = 0;

    for (struct declaration *base = interface; base->base; base = base->base) {
        if (base->base != interface && ++length <= MAX_BASES)
            continue;
        if (length > MAX_BASES)
            report(CODE_TOO_LARGE, interface->value->span, "more than %d bases of bases", MAX_BASES);
        else
            report(CODE_CYCLE, interface->value->span, "interface '%s' is its own base", interface->name.text);
        interface->base = NULL;
        return;
    }
}

static void check_inherited_names(const struct declaration *interface)
{
    FOR_EACH(operation, operation, interface->operations)
    FOR_EACH_OPERATION(owner, other, interface->base)
    if (strcmp(snake_case(operation->name.text), snake_case(other->name.text)) == 0)
        report(CODE_DUPLICATE, operation->name.span, "'%s' is inherited from '%s' already", other->name.text,
               owner->name.text);
}

void check_bases(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->kind == DECLARATION_INTERFACE && declaration->value)
        find_base(program, declaration);
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->base)
        check_base_cycle(declaration);
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->base)
        check_inherited_names(declaration);
}

static const struct operation *seen[MAX_NUMBER + 1]; /* by the numbers of the interface that is looked at */

static void check_numbers(struct operation_list operations)
{
    FOR_EACH(operation, operation, operations)
    {
        const struct value *number = operation->number;

        if (!number)
            report(CODE_OPERATION_NUMBER, operation->name.span, "operation '%s' has no number: write '%s @1 (...)'",
                   operation->name.text, operation->name.text);
        else if (number->magnitude > MAX_NUMBER)
            report(CODE_OPERATION_NUMBER, number->span, "the number of an operation must be 0 to %d", MAX_NUMBER);
        else if (seen[number->magnitude])
            report(CODE_OPERATION_NUMBER, number->span, "operation '%s' has the number of '%s'", operation->name.text,
                   seen[number->magnitude]->name.text);
        else
            seen[number->magnitude] = operation;
    }
}

void check_operation_numbers(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    {
        if (declaration->kind != DECLARATION_INTERFACE || declaration->events_of)
            continue;
        memset(seen, 0, sizeof(seen));
        check_numbers(declaration->operations);
        if (declaration->events)
            check_numbers(declaration->events->operations);
    }
}

static void check_oneway(const struct operation *operation)
{
    const char *what = operation->kind == OPERATION_EVENT ? "an event" : "a oneway operation";

    if (operation->results.first)
        report(CODE_ONEWAY, operation->results.first->name.span, "%s answers nothing", what);
    FOR_EACH(member, member, operation->parameters)
    if (member->out)
        report(CODE_ONEWAY, member->name.span, "%s answers nothing", what);
    if (operation->raises)
        report(CODE_ONEWAY, operation->raises->span, "%s raises nothing", what);
}

static void check_event(const struct declaration *interface, const struct operation *event)
{
    if (interface->kernel)
        report(CODE_KERNEL, event->name.span, "a @kernel interface has no events; bind a notification");
    if (event->timeout)
        report(CODE_ONEWAY, event->name.span, "an event does not wait: it has no timeout");
}

static void check_parameter(const struct operation *operation, const struct member *member)
{
    const struct type *type = member->type;

    if (type->lent && (member->out || operation->kind != OPERATION_CALL))
        report(CODE_PAGES, type->span,
               member->out ? "memory is lent to the server only; write pages"
                           : "a oneway operation has no end until which it could be lent");
    if (member->inout && type->kind != TYPE_UNRESOLVED && !type_is_scalar(type) && !type_is_aggregate(type))
        report(CODE_INOUT, member->name.span, "'%s' cannot be inout: write an input, and a result of another name",
               member->name.text);
}

static void check_result(const struct member *member)
{
    if (member->type->lent)
        report(CODE_PAGES, member->type->span, "memory is lent to the server only; write pages");
    if (member->out)
        report(CODE_SYNTAX, member->name.span, "behind the arrow everything is out: leave '%s' away",
               member->inout ? "inout" : "out");
}

void check_operation_kinds(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    FOR_EACH(operation, operation, declaration->operations)
    {
        if (operation->kind == OPERATION_EVENT)
            check_event(declaration->events_of, operation);
        if (operation->kind != OPERATION_CALL)
            check_oneway(operation);
        if (operation->deferred && operation->kind != OPERATION_CALL)
            report(CODE_ONEWAY, operation->name.span, "what is not answered cannot be answered later");
        FOR_EACH(member, member, operation->parameters)
        check_parameter(operation, member);
        FOR_EACH(member, member, operation->results)
        check_result(member);
    }
}

void check_raises(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    FOR_EACH(operation, operation, declaration->operations)
    {
        const struct value *raises = operation->raises;
        struct declaration *found;

        if (!raises)
            continue;
        found =
            find_declaration(program, unit, raises->library, raises->text, raises->span, "errors", CODE_UNKNOWN_NAME);
        if (found && found->kind != DECLARATION_ERRORS)
            report(CODE_WRONG_KIND, raises->span, "'%s' is of kind %s; only errors can be raised", raises->text,
                   declaration_kind_name(found->kind));
        operation->errors = found;
    }
}

static void check_kernel_parameters(struct member_list members)
{
    FOR_EACH(member, member, members)
    if (member->type->move)
        report(CODE_KERNEL, member->type->span, "a @kernel operation gets handles, and moves nothing");
    else if (member->type->kind == TYPE_PAGES)
        report(CODE_KERNEL, member->type->span, "a @kernel operation takes no pages");
    else if (type_is_blob(member->type))
        report(CODE_KERNEL, member->type->span,
               "a @kernel operation takes no bytes, strings or sequences; write u8[N]");
    else if (member->type->kind == TYPE_FLOAT)
        report(CODE_KERNEL, member->type->span,
               "a @kernel operation takes no f32 or f64: the kernel does not reckon so");
}

static void check_kernel_operation(const struct operation *operation)
{
    if (operation->kind != OPERATION_CALL)
        report(CODE_KERNEL, operation->name.span, "a @kernel operation always answers: it cannot be oneway");
    if (operation->timeout || operation->deferred)
        report(CODE_KERNEL, operation->name.span, "a @kernel operation is answered at once: it %s",
               operation->timeout ? "has no timeout" : "is not deferred");
    FOR_EACH(member, member, operation->parameters)
    if (member->inout)
        report(CODE_KERNEL, member->name.span, "a @kernel operation has inputs and results, and nothing that is both");
    if (operation->raises)
        report(CODE_KERNEL, operation->raises->span,
               "a @kernel operation fails with the kernel's errors, and raises none");
    check_kernel_parameters(operation->parameters);
    check_kernel_parameters(operation->results);
}

void check_kernel_interfaces(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    FOR_EACH(operation, operation, declaration->operations)
    {
        if (declaration->kernel)
            check_kernel_operation(operation);
        else if (operation->right)
            report(CODE_KERNEL, operation->name.span, "@right is for operations of @kernel interfaces");
    }
}
