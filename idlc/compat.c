/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idlc compat: an interface is what travels, so interfaces are the same by their id, operations by their number,
 * members of enums, flags and errors by their value. A change breaks old clients if a new server refuses what they
 * send, or answers what they refuse; it breaks old servers if that holds for new clients. What only changes the text of
 * programs breaks nothing.
 */
#include "compat.h"

#include "check.h"
#include "describe.h"
#include "layout.h"
#include "names.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum effect { NOTHING = 0, OLD_CLIENTS = 1, OLD_SERVERS = 2, BOTH = 3 };

struct comparison {
    FILE *output;
    const struct program *old, *new;
    size_t changes, breaking[BOTH + 1];
    bool in_events; /* which servers send and clients serve: whom it breaks is the other side */
};

/* One parameter, or a part of one: where it stands, and what it is called. */
struct place {
    struct comparison *comparison;
    struct span span;
    const char *name;
    bool in_reply;
};

static void __attribute__((format(printf, 5, 6)))
change(struct comparison *comparison, struct span span, enum effect effect, const char *code, const char *format, ...)
{
    static const char *const effects[] = {"compatible", "breaks old clients", "breaks old servers",
                                          "breaks old clients and old servers"};
    va_list arguments;

    if (comparison->in_events && (effect == OLD_CLIENTS || effect == OLD_SERVERS))
        effect = BOTH - effect;
    fprintf(comparison->output, "%s:%d:%d: %s: ", span.source->path, span.line, span.column, effects[effect]);
    va_start(arguments, format);
    vfprintf(comparison->output, format, arguments);
    va_end(arguments);
    fprintf(comparison->output, " [%s]\n", code);
    comparison->changes++;
    comparison->breaking[effect]++;
}

/* What `sender` may send and `receiver` does not take is sent by clients in requests, by servers in replies. */
static enum effect new_sends(const struct place *place)
{
    return place->in_reply ? OLD_CLIENTS : OLD_SERVERS;
}

static enum effect old_sends(const struct place *place)
{
    return place->in_reply ? OLD_SERVERS : OLD_CLIENTS;
}

/* ---- Types ------------------------------------------------------------------------------------------------------- */

static const struct member *member_of(const struct declaration *declaration, uint64_t number)
{
    FOR_EACH(member, member, declaration->members)
    if (member->number == number)
        return member;
    return NULL;
}

/* Values that only one side knows. */
static void compare_values(const struct place *place, const struct declaration *old, const struct declaration *new)
{
    FOR_EACH(member, member, old->members)
    if (!member_of(new, member->number) && !new->open)
        change(place->comparison, new->name.span, old_sends(place), "value-removed",
               "%s can be '%s' (%s), which the new %s does not know", place->name, member->name.text,
               decimal_text(member_number(old, member), old->is_signed), declaration_text(new));
    FOR_EACH(member, member, new->members)
    if (!member_of(old, member->number) && !old->open)
        change(place->comparison, member->name.span, new_sends(place), "value-added",
               "%s can be '%s' (%s), which the old %s does not know", place->name, member->name.text,
               decimal_text(member_number(new, member), new->is_signed), declaration_text(old));
    if (old->open != new->open)
        change(place->comparison, new->name.span, new->open ? new_sends(place) : old_sends(place), "openness",
               "%s may have values that %s does not name, in the %s version only", place->name, declaration_text(new),
               new->open ? "new" : "old");
}

static void compare_types(const struct place *place, const struct type *old, const struct type *new);

static void compare_fields(const struct place *place, const struct declaration *old, const struct declaration *new)
{
    const struct member *before = old->members.first, *after = new->members.first;

    for (; before && after; before = before->next, after = after->next) {
        struct place field = *place;

        field.span = after->name.span;
        field.name = text_of("%s, field '%s'", place->name, after->name.text);
        if (strcmp(before->name.text, after->name.text) != 0)
            change(place->comparison, after->name.span, NOTHING, "renamed", "%s was called '%s'", field.name,
                   before->name.text);
        compare_types(&field, before->type, after->type);
    }
    if (before || after)
        change(place->comparison, new->name.span, BOTH, "type", "%s: %s has %s fields", place->name,
               declaration_text(new), after ? "more" : "fewer");
}

/* Rows of a union and a table are the same where their numbers are. A table's may be there on one side only. */
static void compare_rows(const struct place *place, const struct declaration *old, const struct declaration *new)
{
    if (old->size != new->size)
        change(place->comparison, new->name.span, BOTH, "type", "%s: %s takes %s bytes, was %s", place->name,
               declaration_text(new), decimal_text(new->size, false), decimal_text(old->size, false));
    FOR_EACH(member, member, old->members)
    {
        const struct member *now = member_of(new, member->number);
        struct place row = *place;

        row.name = text_of("%s, row '%s'", place->name, member->name.text);
        row.span = now ? now->name.span : new->name.span;
        if (now)
            compare_types(&row, member->type, now->type);
        else if (old->kind == DECLARATION_UNION)
            change(place->comparison, row.span, old_sends(place), "value-removed",
                   "%s can be '%s', which the new %s does not know", place->name, member->name.text,
                   declaration_text(new));
    }
    FOR_EACH(member, member, new->members)
    if (old->kind == DECLARATION_UNION && !member_of(old, member->number))
        change(place->comparison, member->name.span, new_sends(place), "value-added",
               "%s can be '%s', which the old %s does not know", place->name, member->name.text, declaration_text(old));
}

/* Rights that the receiver counts on; none named are all. */
static void compare_rights(const struct place *place, const struct type *old, const struct type *new)
{
    const unsigned before = old->rights ? old->rights : ~0u, after = new->rights ? new->rights : ~0u;

    if (after & ~before)
        change(place->comparison, place->span, old_sends(place), "rights", "%s is %s, was %s: the old come with less",
               place->name, type_text(new), type_text(old));
    if (before & ~after)
        change(place->comparison, place->span, new_sends(place), "rights", "%s is %s, was %s: the new come with less",
               place->name, type_text(new), type_text(old));
    if (old->move != new->move)
        change(place->comparison, place->span, old->kind == TYPE_PAGES ? BOTH : NOTHING, "ownership",
               "%s is %s, was %s", place->name, type_text(new), type_text(old));
}

/* The receiver refuses more than its version allows; of a result, the server refuses a capacity beyond that. */
static void compare_lengths(const struct place *place, const struct type *old, const struct type *new)
{
    if (old->length != new->length)
        change(place->comparison, place->span, new->length > old->length ? OLD_SERVERS : OLD_CLIENTS, "length",
               "%s is %s, was %s: the old have another limit", place->name, type_text(new), type_text(old));
}

static bool same_shape(const struct type *old, const struct type *new)
{
    if (old->kind != new->kind)
        return false;
    if (type_is_scalar(old))
        return old->bits == new->bits && old->is_signed == new->is_signed;
    if (old->kind == TYPE_CAPABILITY)
        return old->declaration->number == new->declaration->number;
    if (old->kind == TYPE_PAGES)
        return old->lent == new->lent;
    if (old->kind == TYPE_STRUCT)
        return old->declaration->kind == new->declaration->kind;
    return old->kind != TYPE_ARRAY || old->length == new->length;
}

static void compare_types(const struct place *place, const struct type *old, const struct type *new)
{
    if (!same_shape(old, new))
        change(place->comparison, place->span, BOTH, "type", "%s is %s, was %s", place->name, type_text(new),
               type_text(old));
    else if (old->kind == TYPE_ENUM || old->kind == TYPE_FLAGS)
        compare_values(place, old->declaration, new->declaration);
    else if (old->kind == TYPE_STRUCT && old->declaration->members.first->value)
        compare_rows(place, old->declaration, new->declaration);
    else if (old->kind == TYPE_STRUCT)
        compare_fields(place, old->declaration, new->declaration);
    else if (old->kind == TYPE_ARRAY)
        compare_types(place, old->of, new->of);
    else if (old->kind == TYPE_CAPABILITY || old->kind == TYPE_PAGES)
        compare_rights(place, old, new);
    else if (type_is_blob(old))
        compare_lengths(place, old, new);
    if (old->kind == TYPE_SEQUENCE && new->kind == TYPE_SEQUENCE)
        compare_types(place, old->of, new->of);
}

/* ---- Operations -------------------------------------------------------------------------------------------------- */

/* Types that are alike stand at the same place, but for bytes and strings: others before them may be longer. */
static bool same_place(const struct member *old, const struct member *new)
{
    return old->first_word == new->first_word && old->words_count == new->words_count && old->item == new->item &&
           old->string == new->string && old->data_word == new->data_word && old->data_words == new->data_words;
}

/* One direction of the operation called `name`. */
static void compare_parameters(struct comparison *comparison, const char *name, bool in_reply,
                               const struct operation *old, const struct operation *new)
{
    struct member **before = in_reply ? old->outputs : old->inputs, **after = in_reply ? new->outputs : new->inputs;
    const size_t before_count = in_reply ? old->outputs_count : old->inputs_count;
    const size_t after_count = in_reply ? new->outputs_count : new->inputs_count;

    if (before_count != after_count)
        change(comparison, new->name.span, BOTH, "parameters", "%s %s %zu parameter%s, %s %zu", name,
               in_reply ? "answers" : "takes", after_count, after_count == 1 ? "" : "s", in_reply ? "answered" : "took",
               before_count);
    for (size_t i = 0; before_count == after_count && i < after_count; i++) {
        struct place place = {.comparison = comparison, .span = after[i]->name.span, .in_reply = in_reply};

        place.name = text_of("%s: %s '%s'", name, in_reply ? "result" : "parameter", after[i]->name.text);
        if (strcmp(before[i]->name.text, after[i]->name.text) != 0)
            change(comparison, place.span, NOTHING, "renamed", "%s was called '%s'", place.name, before[i]->name.text);
        compare_types(&place, before[i]->type, after[i]->type);
        if (same_shape(before[i]->type, after[i]->type) && !same_place(before[i], after[i]))
            change(comparison, place.span, BOTH, "layout", "%s: %s; was %s", place.name, place_text(after[i]),
                   place_text(before[i]));
    }
}

static void compare_errors(struct comparison *comparison, const char *name, const struct operation *old,
                           const struct operation *new)
{
    static const struct declaration none = {.kind = DECLARATION_ERRORS};
    const struct declaration *before = old->errors ? old->errors : &none, *after = new->errors ? new->errors : &none;

    FOR_EACH(member, member, before->members)
    if (!member_of(after, member->number))
        change(comparison, new->name.span, OLD_SERVERS, "error-removed",
               "%s: new clients do not know the error '%s' (%" PRIu64 ")", name, member->name.text, member->number);
    FOR_EACH(member, member, after->members)
    if (!member_of(before, member->number))
        change(comparison, new->name.span, OLD_CLIENTS, "error-added",
               "%s: old clients do not know the error '%s' (%" PRIu64 ")", name, member->name.text, member->number);
}

static void compare_operations(struct comparison *comparison, const struct declaration *interface,
                               const struct operation *old, const struct operation *new)
{
    const char *name = text_of("%s.%s", interface->name.text, new->name.text);
    const size_t both = comparison->breaking[BOTH];

    if (strcmp(old->name.text, new->name.text) != 0)
        change(comparison, new->name.span, NOTHING, "renamed", "%s was called '%s'", name, old->name.text);
    if (old->kind != new->kind)
        change(comparison, new->name.span, BOTH, "kind", "%s is of the kind '%s', was '%s'", name,
               operation_kind_name(new), operation_kind_name(old));
    compare_parameters(comparison, name, false, old, new);
    compare_parameters(comparison, name, true, old, new);
    compare_errors(comparison, name, old, new);
    if (comparison->breaking[BOTH] == both && (operation_request(interface, old) != operation_request(interface, new) ||
                                               operation_reply(old) != operation_reply(new)))
        change(comparison, new->name.span, BOTH, "layout",
               "%s: a request has %" PRIu64 " words and %" PRIu64 " items, a reply %" PRIu64 " and %" PRIu64
               "; were %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64,
               name, new->request.words, new->request.items, new->reply.words, new->reply.items, old->request.words,
               old->request.items, old->reply.words, old->reply.items);
    if (new->right & ~old->right)
        change(comparison, new->name.span, OLD_CLIENTS, "rights", "%s needs the rights '%s', needed '%s'", name,
               rights_text(new->right), rights_text(old->right));
    if (old->right & ~new->right)
        change(comparison, new->name.span, OLD_SERVERS, "rights", "%s needs the rights '%s', needed '%s'", name,
               rights_text(new->right), rights_text(old->right));
}

static const struct operation *operation_of(const struct declaration *interface, uint64_t number)
{
    FOR_EACH(operation, operation, interface->operations)
    if (operation->number->magnitude == number)
        return operation;
    return NULL;
}

static void operation_gone(struct comparison *comparison, const struct declaration *new,
                           const struct operation *operation)
{
    FOR_EACH(operation, other, new->operations)
    if (strcmp(other->name.text, operation->name.text) == 0) {
        change(comparison, other->name.span, OLD_CLIENTS, "operation-number",
               "%s.%s has the number %" PRIu64 ", had %" PRIu64, new->name.text, other->name.text,
               other->number->magnitude, operation->number->magnitude);
        return;
    }
    change(comparison, new->name.span, OLD_CLIENTS, "operation-removed", "%s.%s @%" PRIu64 " is gone", new->name.text,
           operation->name.text, operation->number->magnitude);
}

/* ---- Declarations ------------------------------------------------------------------------------------------------ */

static bool has_base(const struct declaration *interface, uint64_t id)
{
    for (; interface; interface = interface->base)
        if (interface->number == id)
            return true;
    return false;
}

static void compare_bases(struct comparison *comparison, const struct declaration *old, const struct declaration *new)
{
    for (const struct declaration *base = old->base; base; base = base->base)
        if (!has_base(new, base->number))
            change(comparison, new->name.span, OLD_CLIENTS, "base-removed", "%s has no more the operations of %s",
                   new->name.text, declaration_text(base));
    for (const struct declaration *base = new->base; base; base = base->base)
        if (!has_base(old, base->number))
            change(comparison, new->name.span, NOTHING, "base-added",
                   "%s has the operations of %s; old servers answer ERROR_BAD_OPERATION", new->name.text,
                   declaration_text(base));
}

static void compare_interfaces(struct comparison *comparison, const struct declaration *old,
                               const struct declaration *new)
{
    if (strcmp(old->name.text, new->name.text) != 0)
        change(comparison, new->name.span, NOTHING, "renamed", "%s was called '%s'", new->name.text, old->name.text);
    if (old->kernel != new->kernel)
        change(comparison, new->name.span, BOTH, "kind", "%s is %s interface of the kernel", new->name.text,
               new->kernel ? "now an" : "no more an");
    compare_bases(comparison, old, new);
    FOR_EACH(operation, operation, old->operations)
    {
        const struct operation *other = operation_of(new, operation->number->magnitude);

        if (other)
            compare_operations(comparison, new, operation, other);
        else
            operation_gone(comparison, new, operation);
    }
    FOR_EACH(operation, operation, new->operations)
    if (!operation_of(old, operation->number->magnitude))
        change(comparison, operation->name.span, NOTHING, "operation-added",
               "%s.%s is new; old servers answer ERROR_BAD_OPERATION", new->name.text, operation->name.text);
}

/* The interface of the same number, or the events of that interface; or else NULL. */
static const struct declaration *interface_like(const struct program *program, const struct declaration *wanted)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->kind == DECLARATION_INTERFACE && declaration->number == wanted->number &&
        !declaration->events_of == !wanted->events_of)
        return declaration;
    return NULL;
}

static const struct declaration *called_the_same(const struct program *program, const struct declaration *wanted)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->kind == wanted->kind && strcmp(declaration->name.text, wanted->name.text) == 0 &&
        strcmp(unit->library.text, wanted->unit->library.text) == 0)
        return declaration;
    return NULL;
}

static void compare_interface(struct comparison *comparison, const struct declaration *old)
{
    const struct declaration *new = interface_like(comparison->new, old);
    const struct declaration *namesake = called_the_same(comparison->new, old);

    comparison->in_events = old->events_of != NULL;
    if (new)
        compare_interfaces(comparison, old, new);
    else if (namesake)
        change(comparison, namesake->name.span, BOTH, "interface-id",
               "%s has the number 0x%04" PRIx64 ", had 0x%04" PRIx64, namesake->name.text, namesake->number,
               old->number);
    else
        change(comparison, old->name.span, OLD_CLIENTS, "interface-removed", "%s (0x%04" PRIx64 ") is gone",
               old->name.text, old->number);
}

static void compare_const(struct comparison *comparison, const struct declaration *old)
{
    const struct declaration *new = called_the_same(comparison->new, old);

    if (new &&new->number != old->number)
        change(comparison, new->name.span, NOTHING, "constant", "%s has another value, in what is compiled from now on",
               new->name.text);
}

bool compat_compare(FILE *output, const struct program *old, const struct program *new)
{
    struct comparison comparison = {.output = output, .old = old, .new = new};
    const size_t *breaking = comparison.breaking;

    FOR_EACH_UNIT(unit, old)
    FOR_EACH_DECLARATION(declaration, unit)
    {
        if (declaration->kind == DECLARATION_INTERFACE)
            compare_interface(&comparison, declaration);
        if (declaration->kind == DECLARATION_CONST)
            compare_const(&comparison, declaration);
    }
    comparison.in_events = false;
    FOR_EACH_UNIT(unit, new)
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->kind == DECLARATION_INTERFACE && !interface_like(old, declaration) &&
        !called_the_same(old, declaration))
        change(&comparison, declaration->name.span, NOTHING, "interface-added", "%s is new", declaration->name.text);
    fprintf(output, "%zu change%s; %zu break%s old clients, %zu old servers\n", comparison.changes,
            comparison.changes == 1 ? "" : "s", breaking[OLD_CLIENTS] + breaking[BOTH],
            breaking[OLD_CLIENTS] + breaking[BOTH] == 1 ? "s" : "", breaking[OLD_SERVERS] + breaking[BOTH]);
    return breaking[OLD_CLIENTS] + breaking[OLD_SERVERS] + breaking[BOTH] == 0;
}
