/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collecting, sorting and printing of diagnostics, and the search for near names.
 */
#include "diagnostics.h"

#include "source.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIAGNOSTICS 1000 /* kept; more are only counted */
#define MAX_SHOWN 20         /* errors that are printed, with the warnings between them */
#define MAX_SHOWN_LINE 200   /* bytes of a source line that are shown */
#define MAX_NAME_COMPARED 40

struct diagnostic {
    enum diagnostic_code code;
    bool warning;
    struct span span;
    char *text;
    const char *check; /* that found it, or NULL */
    size_t sequence;   /* keeps the order of those at the same place */
};

static struct diagnostic diagnostics[MAX_DIAGNOSTICS];
static size_t diagnostics_count;
static size_t errors_count;
static bool warnings_are_errors;
static bool checks_are_named;
static const char *current_check;

static const char *const code_names[] = {
#define DIAGNOSTIC_NAME(name, text) [CODE_##name] = (text),
    DIAGNOSTIC_CODES(DIAGNOSTIC_NAME)};

static void add(bool warning, enum diagnostic_code code, struct span span, const char *format, va_list arguments)
{
    struct diagnostic *diagnostic = &diagnostics[diagnostics_count];

    errors_count += !warning;
    if (diagnostics_count == MAX_DIAGNOSTICS)
        return;
    *diagnostic = (struct diagnostic){
        .code = code, .warning = warning, .span = span, .sequence = diagnostics_count, .check = current_check};
    if (vasprintf(&diagnostic->text, format, arguments) < 0) {
        fputs("idlc: out of memory\n", stderr);
        exit(1);
    }
    diagnostics_count++;
}

void report(enum diagnostic_code code, struct span span, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(false, code, span, format, arguments);
    va_end(arguments);
}

void warn(enum diagnostic_code code, struct span span, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(!warnings_are_errors, code, span, format, arguments);
    va_end(arguments);
}

void diagnostics_be_strict(void)
{
    warnings_are_errors = true;
}

void diagnostics_name_checks(void)
{
    checks_are_named = true;
}

void diagnostics_set_check(const char *name)
{
    current_check = name;
}

size_t diagnostics_errors(void)
{
    return errors_count;
}

static int compare(const void *left, const void *right)
{
    const struct diagnostic *a = left, *b = right;

    if (a->span.source != b->span.source)
        return a->span.source->order - b->span.source->order;
    if (a->span.line != b->span.line)
        return a->span.line - b->span.line;
    if (a->span.column != b->span.column)
        return a->span.column - b->span.column;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static void print_safely(FILE *output, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        fputc(byte == '\t' || (byte >= ' ' && byte != 127) ? byte : '?', output);
    }
}

/* Where line `number` of `source` starts, and how long it is. */
static const char *find_line(const struct source *source, int number, size_t *length)
{
    const char *start = source->text, *end = source->text + source->length, *newline;

    for (int line = 1; line < number; line++) {
        newline = memchr(start, '\n', (size_t)(end - start));
        if (!newline)
            break;
        start = newline + 1;
    }
    newline = memchr(start, '\n', (size_t)(end - start));
    *length = (size_t)((newline ? newline : end) - start);
    return start;
}

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static void print_caret(FILE *output, const struct span *span, const char *line, size_t length)
{
    size_t start = (size_t)span->column - 1;
    size_t end = span->end_line == span->line ? (size_t)span->end_column - 1 : length;

    for (size_t i = 0; i < start; i++)
        if (i >= length || !continues_character(line[i]))
            fputc(i < length && line[i] == '\t' ? '\t' : ' ', output);
    fputc('^', output);
    for (size_t i = start + 1; i < end && i < length; i++)
        if (!continues_character(line[i]))
            fputc('~', output);
    fputc('\n', output);
}

static void print_one(FILE *output, const struct diagnostic *diagnostic)
{
    const struct span *span = &diagnostic->span;
    size_t length;
    const char *line = find_line(span->source, span->line, &length);

    fprintf(output, "%s:%d:%d: %s: ", span->source->path, span->line, span->column,
            diagnostic->warning ? "warning" : "error");
    print_safely(output, diagnostic->text, strlen(diagnostic->text));
    fprintf(output, " [%s]", code_names[diagnostic->code]);
    if (checks_are_named && diagnostic->check)
        fprintf(output, " (check: %s)", diagnostic->check);
    fputc('\n', output);
    if (length > MAX_SHOWN_LINE || (size_t)span->column > length + 1)
        return;
    print_safely(output, line, length);
    fputc('\n', output);
    print_caret(output, span, line, length);
}

void diagnostics_print(FILE *output)
{
    size_t shown = 0;

    qsort(diagnostics, diagnostics_count, sizeof(diagnostics[0]), compare);
    for (size_t i = 0; i < diagnostics_count; i++) {
        shown += !diagnostics[i].warning;
        if (shown <= MAX_SHOWN)
            print_one(output, &diagnostics[i]);
        free(diagnostics[i].text);
    }
    if (errors_count)
        fprintf(output, "%zu error%s%s\n", errors_count, errors_count == 1 ? "" : "s",
                errors_count > MAX_SHOWN ? ", of which the first 20 are shown" : "");
    diagnostics_count = 0;
    errors_count = 0;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein distance of two names of at most MAX_NAME_COMPARED bytes. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[MAX_NAME_COMPARED + 1];
    size_t a_length = strlen(a), b_length = strlen(b);

    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t above = row[j];

            row[j] = smallest(row[j - 1] + 1, above + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_length];
}

void suggestion_offer(struct suggestion *suggestion, const char *name)
{
    size_t wanted = strlen(suggestion->wanted), distance;

    if (wanted > MAX_NAME_COMPARED || strlen(name) > MAX_NAME_COMPARED)
        return;
    distance = edit_distance(suggestion->wanted, name);
    if (distance * 3 > wanted + 2 || distance == 0 || (suggestion->best && distance >= suggestion->distance))
        return;
    suggestion->best = name;
    suggestion->distance = distance;
}

const char *suggestion_text(const struct suggestion *suggestion)
{
    static char text[MAX_NAME_COMPARED + 32];

    text[0] = '\0';
    if (suggestion->best)
        snprintf(text, sizeof(text), "; did you mean '%s'?", suggestion->best);
    return text;
}
