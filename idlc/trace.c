/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idlc trace: see trace.h. A request is known by its label; an answer belongs to the last request of the same
 * conversation, which is called by the word before the arrow. What is no message is printed as it is; what is
 * malformed, or holds a value that its type does not have, is marked with `!`, and never read beyond what was captured.
 */
#include "trace.h"

#include "check.h"
#include "describe.h"
#include "layout.h"
#include "names.h"

#include "abi/errors.h"
#include "abi/message.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WORD 8
#define MAX_CONVERSATIONS 256

/* A message as it was captured: words, and behind them the texts of items. */
struct capture {
    uint64_t tag, words[MESSAGE_MAX_WORDS];
    size_t words_count, items_count;
    const char *items[MESSAGE_MAX_ITEMS];
};

struct conversation {
    char *name;
    const struct declaration *interface;
    const struct operation *operation; /* that was called last, and not answered; or NULL */
};

struct tracer {
    FILE *output;
    struct program *program;
    struct conversation conversations[MAX_CONVERSATIONS];
    size_t count;
};

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static void print_text(FILE *output, const char *bytes, size_t length)
{
    fputc('"', output);
    for (size_t i = 0; i < length; i++)
        if (bytes[i] == '"' || bytes[i] == '\\')
            fprintf(output, "\\%c", bytes[i]);
        else if ((unsigned char)bytes[i] < ' ' || bytes[i] == 127)
            fprintf(output, "\\x%02x", (unsigned char)bytes[i]);
        else
            fputc(bytes[i], output);
    fputc('"', output);
}

static uint64_t number_at(const uint8_t *bytes, const struct type *type)
{
    uint64_t number = 0;

    memcpy(&number, bytes, type->bits / 8);
    if (type->is_signed && type->bits < 64 && number >> (type->bits - 1))
        number |= ~(uint64_t)0 << type->bits;
    return number;
}

static void print_flags(FILE *output, uint64_t number, const struct declaration *declaration)
{
    const char *separator = "";

    FOR_EACH(member, member, declaration->members)
    if (number & member_number(declaration, member)) {
        fprintf(output, "%s%s", separator, member->name.text);
        separator = "|";
    }
    if (number & ~declaration->all)
        fprintf(output, "%s!0x%" PRIx64, separator, number & ~declaration->all);
    else if (number == 0)
        fputc('0', output);
}

static void print_enum(FILE *output, uint64_t number, const struct declaration *declaration)
{
    FOR_EACH(member, member, declaration->members)
    if (member->number == number) {
        fputs(member->name.text, output);
        return;
    }
    fprintf(output, "%s%s", declaration->open ? "" : "!", decimal_text(number, declaration->is_signed));
}

static void print_float(FILE *output, uint64_t number, unsigned bits)
{
    double wide;
    float narrow;

    memcpy(&wide, &number, sizeof(wide));
    memcpy(&narrow, &number, sizeof(narrow));
    fprintf(output, "%.17g", bits == 64 ? wide : (double)narrow);
}

static void print_value(FILE *output, const uint8_t *bytes, const struct type *type);

static void print_elements(FILE *output, const uint8_t *bytes, const struct type *of, uint64_t count)
{
    fputc('[', output);
    for (uint64_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", output);
        print_value(output, bytes + i * of->size, of);
    }
    fputc(']', output);
}

/* One row of a union, by its tag; of a table those that are there. */
static void print_rows(FILE *output, const uint8_t *bytes, const struct declaration *declaration)
{
    const bool is_table = declaration->kind == DECLARATION_TABLE;
    const uint64_t present = number_at(bytes, &(struct type){.bits = is_table ? 64 : 32});
    const char *separator = "";

    fputc('{', output);
    FOR_EACH(member, member, declaration->members)
    if (is_table ? present >> (member->number - 1) & 1 : present == member->number) {
        fprintf(output, "%s%s: ", separator, member->name.text);
        print_value(output, bytes + member->offset, member->type);
        separator = ", ";
    }
    if (!*separator && !is_table)
        fprintf(output, "!%" PRIu64, present);
    fputc('}', output);
}

/* An optional by its value, a sequence by its elements. */
static void print_derived(FILE *output, const uint8_t *bytes, const struct declaration *declaration)
{
    const struct member *first = declaration->members.first, *last = first->next;
    const uint64_t number = number_at(bytes + first->offset, first->type);

    if (declaration->kind == DECLARATION_SEQUENCE && number <= last->type->length)
        print_elements(output, bytes + last->offset, last->type->of, number);
    else if (declaration->kind == DECLARATION_SEQUENCE)
        fprintf(output, "!%" PRIu64 " elements", number);
    else if (bytes[first->offset] == 1)
        print_value(output, bytes + last->offset, last->type);
    else
        fputs(bytes[first->offset] ? "!" : "nothing", output);
}

static void print_fields(FILE *output, const uint8_t *bytes, const struct declaration *declaration)
{
    if (declaration->kind == DECLARATION_UNION || declaration->kind == DECLARATION_TABLE) {
        print_rows(output, bytes, declaration);
        return;
    }
    if (declaration->kind != DECLARATION_STRUCT) {
        print_derived(output, bytes, declaration);
        return;
    }
    fputc('{', output);
    FOR_EACH(member, member, declaration->members)
    {
        fprintf(output, "%s: ", member->name.text);
        print_value(output, bytes + member->offset, member->type);
        fputs(member->next ? ", " : "", output);
    }
    fputc('}', output);
}

/* Bytes that are text up to the first zero are printed as such. */
static bool is_text(const uint8_t *bytes, const struct type *type)
{
    size_t length = strnlen((const char *)bytes, type->length);

    if (type->of->kind != TYPE_INTEGER || type->of->bits != 8 || type->of->is_signed || length == 0)
        return false;
    for (size_t i = 0; i < type->length; i++)
        if (i < length ? !isprint(bytes[i]) : bytes[i] != 0)
            return false;
    return true;
}

static void print_value(FILE *output, const uint8_t *bytes, const struct type *type)
{
    switch (type->kind) {
    case TYPE_INTEGER:
        fputs(decimal_text(number_at(bytes, type), type->is_signed), output);
        break;
    case TYPE_BOOL:
        fputs(bytes[0] == 0 ? "false" : bytes[0] == 1 ? "true" : text_of("!%u", bytes[0]), output);
        break;
    case TYPE_ENUM:
        print_enum(output, number_at(bytes, type), type->declaration);
        break;
    case TYPE_FLAGS:
        print_flags(output, number_at(bytes, type), type->declaration);
        break;
    case TYPE_STRUCT:
        print_fields(output, bytes, type->declaration);
        break;
    case TYPE_FLOAT:
        print_float(output, number_at(bytes, type), type->bits);
        break;
    case TYPE_ARRAY:
        if (is_text(bytes, type))
            print_text(output, (const char *)bytes, strnlen((const char *)bytes, type->length));
        else
            print_elements(output, bytes, type->of, type->length);
        break;
    default:
        fprintf(output, "0x%" PRIx64, number_at(bytes, &(struct type){.bits = 64}));
        break;
    }
}

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

/* Does the word hold a value of the type, or anything beyond? */
static bool fits_word(uint64_t word, const struct type *type)
{
    return type->bits == 0 || type->bits == 64 || number_at((const uint8_t *)&word, type) == word;
}

static void print_parameter(FILE *output, const struct capture *capture, const struct member *member)
{
    const struct type *type = member->type;
    const uint64_t *word = &capture->words[member->first_word];

    fprintf(output, "%s: ", member->name.text);
    if (member_is_item(member)) {
        fputs(member->item < capture->items_count ? capture->items[member->item] : "(not captured)", output);
    } else if (member->data_words) {
        if (*word > type->length || (type->kind == TYPE_SEQUENCE && *word % type->of->size))
            fprintf(output, "!%" PRIu64 " bytes", *word);
        else if (type->kind == TYPE_SEQUENCE)
            print_elements(output, (const uint8_t *)&capture->words[member->data_word], type->of,
                           *word / type->of->size);
        else
            print_text(output, (const char *)&capture->words[member->data_word], *word);
    } else if (type_is_aggregate(type)) {
        print_value(output, (const uint8_t *)word, type);
    } else if (fits_word(*word, type)) {
        print_value(output, (const uint8_t *)word, type);
    } else {
        fprintf(output, "!0x%" PRIx64, *word);
    }
}

static void print_parameters(FILE *output, const struct capture *capture, const struct message_shape *shape,
                             struct member **members, size_t count)
{
    fputc('(', output);
    if (capture->words_count < shape->words) {
        fprintf(output, "!%zu of %" PRIu64 " words)", capture->words_count, shape->words);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", output);
        print_parameter(output, capture, members[i]);
    }
    fputc(')', output);
}

static const struct operation *find_operation(const struct program *program, uint32_t label,
                                              const struct declaration **interface)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    FOR_EACH(operation, operation, declaration->operations)
    if (operation_label(declaration, operation) == label) {
        *interface = declaration;
        return operation;
    }
    return NULL;
}

static void print_request(struct tracer *tracer, const struct capture *capture, struct conversation *conversation)
{
    conversation->operation = find_operation(tracer->program, message_label(capture->tag), &conversation->interface);
    if (!conversation->operation) {
        fprintf(tracer->output, "!no operation has the label 0x%08" PRIx32, message_label(capture->tag));
        return;
    }
    fprintf(tracer->output, "%s.%s", conversation->interface->name.text, conversation->operation->name.text);
    if (capture->tag != operation_request(conversation->interface, conversation->operation))
        fprintf(tracer->output, " !tag 0x%016" PRIx64 ", not 0x%016" PRIx64 " ", capture->tag,
                operation_request(conversation->interface, conversation->operation));
    print_parameters(tracer->output, capture, &conversation->operation->request, conversation->operation->inputs,
                     conversation->operation->inputs_count);
    if (conversation->operation->kind != OPERATION_CALL)
        conversation->operation = NULL;
}

static const char *error_name(uint64_t number)
{
#define ERROR_CASE(value, name, text) \
    case value:                       \
        return "ERROR_" #name;
    switch (number) {
        SALTO_ERRORS(ERROR_CASE)
    default:
        return text_of("!error %" PRIu64, number);
    }
#undef ERROR_CASE
}

static void print_error(FILE *output, int32_t error, const struct declaration *errors)
{
    if (error < 0) {
        fprintf(output, "-%s", error_name((uint64_t) - (int64_t)error));
        return;
    }
    if (errors)
        FOR_EACH(member, member, errors->members)
    if (member->number == (uint64_t)error) {
        fprintf(output, "%s.%s (%" PRId32 ")", declaration_text(errors), member->name.text, error);
        return;
    }
    fprintf(output, "!error %" PRId32 " that is not raised", error);
}

static void print_reply(struct tracer *tracer, const struct capture *capture, struct conversation *conversation)
{
    const struct operation *operation = conversation->operation;

    if (!operation) {
        fputs("!an answer without a request", tracer->output);
        return;
    }
    fprintf(tracer->output, "%s.%s: ", conversation->interface->name.text, operation->name.text);
    if (!message_is_tag(capture->tag))
        fprintf(tracer->output, "-%s", error_name(capture->tag));
    else if (message_label(capture->tag))
        print_error(tracer->output, (int32_t)message_label(capture->tag), operation->errors);
    else
        print_parameters(tracer->output, capture, &operation->reply, operation->outputs, operation->outputs_count);
    conversation->operation = NULL;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

/* The conversation called by the word that ends at `end`; the oldest makes room. */
static struct conversation *find_conversation(struct tracer *tracer, const char *line, const char *end)
{
    const char *start;
    struct conversation *conversation;

    while (end > line && end[-1] == ' ')
        end--;
    for (start = end; start > line && start[-1] != ' ';)
        start--;
    for (size_t i = 0; i < tracer->count && i < MAX_CONVERSATIONS; i++)
        if (strlen(tracer->conversations[i].name) == (size_t)(end - start) &&
            memcmp(tracer->conversations[i].name, start, (size_t)(end - start)) == 0)
            return &tracer->conversations[i];
    conversation = &tracer->conversations[tracer->count++ % MAX_CONVERSATIONS];
    free(conversation->name);
    *conversation = (struct conversation){.name = copy_text(start, (size_t)(end - start))};
    return conversation;
}

/* Tag and words are numbers; what is none is an item. False if there is no tag. */
static bool parse_capture(struct capture *capture, char *text)
{
    char *rest = NULL, *end;

    *capture = (struct capture){0};
    for (char *word = strtok_r(text, " \t\r\n", &rest), *first = word; word; word = strtok_r(NULL, " \t\r\n", &rest)) {
        const uint64_t number = strtoull(word, &end, 0);
        const bool is_number = *end == '\0' && capture->items_count == 0;

        if (word == first && !is_number)
            return false;
        if (word == first)
            capture->tag = number;
        else if (is_number && capture->words_count < MESSAGE_MAX_WORDS)
            capture->words[capture->words_count++] = number;
        else if (!is_number && capture->items_count < MESSAGE_MAX_ITEMS)
            capture->items[capture->items_count++] = word;
    }
    return text[0] != '\0';
}

static void decode_line(struct tracer *tracer, char *line)
{
    char *arrow = strpbrk(line, "<>"), *text = arrow ? copy_text(arrow + 1, strlen(arrow + 1)) : NULL;
    struct capture capture;

    if (!arrow || !parse_capture(&capture, text)) {
        fputs(line, tracer->output);
    } else {
        fprintf(tracer->output, "%.*s ", (int)(arrow - line + 1), line);
        if (*arrow == '>')
            print_request(tracer, &capture, find_conversation(tracer, line, arrow));
        else
            print_reply(tracer, &capture, find_conversation(tracer, line, arrow));
        fputc('\n', tracer->output);
    }
    free(text);
    names_free();
}

bool trace_decode(FILE *output, FILE *input, struct program *program)
{
    struct tracer tracer = {.output = output, .program = program};
    char *line = NULL;
    size_t capacity = 0;

    while (getline(&line, &capacity, input) >= 0)
        decode_line(&tracer, line);
    free(line);
    for (size_t i = 0; i < MAX_CONVERSATIONS; i++)
        free(tracer.conversations[i].name);
    return !ferror(input);
}
