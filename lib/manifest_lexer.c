/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lexer of the manifest language, and its error messages. Strings are decoded into a pool as long as the text: a
 * string without its quotes but with a terminating zero is never longer than it was written.
 */
#include "manifest_lexer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_LINE 160 /* bytes of a source line that an error shows */

static bool is_name_start(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_name_byte(char byte)
{
    return is_name_start(byte) || is_digit(byte) || byte == '-';
}

/* Copies the source line at `start`, and below it blanks up to a caret under `column`. Control characters but tabs
 * become '?', so that a message cannot drive a terminal. */
static size_t show_line(const struct manifest_lexer *lexer, const struct manifest_place *place, char *out, size_t size)
{
    size_t used = 0, shown = 0;
    const char *line = lexer->text + place->line_start;
    size_t left = lexer->length - place->line_start;
    while (shown < left && shown < SHOWN_LINE && line[shown] != '\n' && used + 2 < size) {
        char byte = line[shown++];
        out[used++] = (byte == '\t' || (unsigned char)byte >= ' ') && byte != 0x7f ? byte : '?';
    }
    out[used++] = '\n';
    for (size_t i = 0; i + 1 < place->column && i < SHOWN_LINE && used + 3 < size; i++)
        out[used++] = i < shown && line[i] == '\t' ? '\t' : ' ';
    out[used++] = '^';
    out[used++] = '\n';
    return used;
}

void manifest_error(struct manifest_lexer *lexer, const struct manifest_place *place, const char *format, ...)
{
    char message[1024];
    const size_t room = sizeof(message) - 2 * SHOWN_LINE - 8; /* the source line and the caret always fit */
    va_list arguments;
    int used = snprintf(message, room, "%s:%u:%u: error: ", lexer->file, place->line, place->column);
    size_t length = used < 0 ? 0 : (size_t)used < room ? (size_t)used : room - 1;
    va_start(arguments, format);
    used = vsnprintf(message + length, room - length, format, arguments);
    va_end(arguments);
    length += used < 0 ? 0 : (size_t)used < room - length ? (size_t)used : room - length - 1;
    message[length++] = '\n';
    length += show_line(lexer, place, message + length, sizeof(message) - 1 - length);
    message[length] = 0;
    lexer->errors++;
    lexer->sink->report(lexer->sink->context, message);
}

/* The byte `ahead` of the position, or 0 at the end. (A zero byte in the text is refused where it stands.) */
static char peek(const struct manifest_lexer *lexer, size_t ahead)
{
    return lexer->position + ahead < lexer->length ? lexer->text[lexer->position + ahead] : 0;
}

static void skip_blanks(struct manifest_lexer *lexer)
{
    bool comment = false;
    for (; lexer->position < lexer->length; lexer->position++) {
        char byte = lexer->text[lexer->position];
        if (byte == '\n') {
            comment = false;
            lexer->line++;
            lexer->line_start = lexer->position + 1;
        } else if (byte == '#') {
            comment = true;
        } else if (!comment && byte != ' ' && byte != '\t' && byte != '\r') {
            return;
        }
    }
}

static struct manifest_place current_place(const struct manifest_lexer *lexer)
{
    return (struct manifest_place){
        .line = lexer->line,
        .column = (uint32_t)(lexer->position - lexer->line_start) + 1,
        .line_start = lexer->line_start,
    };
}

static void read_name(struct manifest_lexer *lexer, struct manifest_token *token)
{
    size_t start = lexer->position;
    while (is_name_byte(peek(lexer, 0)))
        lexer->position++;
    size_t length = lexer->position - start;
    token->kind = TOKEN_NAME;
    if (length >= MANIFEST_NAME_SIZE) {
        manifest_error(lexer, &token->place, "a name of %zu characters; at most %d fit", length,
                       MANIFEST_NAME_SIZE - 1);
        length = MANIFEST_NAME_SIZE - 1;
    }
    memcpy(token->name, lexer->text + start, length);
    token->name[length] = 0;
}

/* The value of a digit in base 10 or 16, or -1. */
static int digit_value(char digit, unsigned base)
{
    if (is_digit(digit))
        return digit - '0';
    if (base == 16 && digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (base == 16 && digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* What a suffix multiplies by, and 0 where the letter is none. */
static uint64_t suffix_factor(char suffix)
{
    switch (suffix) {
    case 'K':
        return 1UL << 10;
    case 'M':
        return 1UL << 20;
    case 'G':
        return 1UL << 30;
    default:
        return 0;
    }
}

/* A decimal or 0x number with an optional suffix K, M or G. */
static void read_number(struct manifest_lexer *lexer, struct manifest_token *token)
{
    unsigned base = peek(lexer, 0) == '0' && peek(lexer, 1) == 'x' ? 16 : 10;
    bool overflow = false;
    uint64_t value = 0;
    lexer->position += base == 16 ? 2 : 0;
    size_t first = lexer->position;
    for (int digit; (digit = digit_value(peek(lexer, 0), base)) >= 0; lexer->position++)
        overflow |= __builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value);
    bool malformed = lexer->position == first;
    uint64_t factor = suffix_factor(peek(lexer, 0));
    if (factor) {
        overflow |= __builtin_mul_overflow(value, factor, &value);
        lexer->position++;
    }
    while (is_name_byte(peek(lexer, 0))) {
        malformed = true;
        lexer->position++;
    }
    token->kind = TOKEN_NUMBER;
    token->number = value;
    if (malformed)
        manifest_error(lexer, &token->place, "malformed number; write it like 42, 0x2a, 64K, 4M or 1G");
    else if (overflow)
        manifest_error(lexer, &token->place, "the number does not fit in 64 bits");
    if (malformed || overflow)
        token->kind = TOKEN_BAD;
}

/* What stands behind a backslash in a string, or 0 if nothing of ours. */
static char escaped(char byte)
{
    switch (byte) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '"':
        return '"';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

/* A string in double quotes, on one line. */
static void read_string(struct manifest_lexer *lexer, struct manifest_token *token)
{
    char *out = lexer->pool + lexer->pool_used;
    size_t used = 0;
    token->kind = TOKEN_STRING;
    token->string = out;
    for (lexer->position++; peek(lexer, 0) != '"'; lexer->position++) {
        char byte = peek(lexer, 0);
        if (byte == '\n' || byte == 0) {
            manifest_error(lexer, &token->place, "the string is not ended on its line");
            token->kind = TOKEN_BAD;
            return;
        }
        if (byte == '\\') {
            lexer->position++;
            byte = escaped(peek(lexer, 0));
            if (!byte) {
                struct manifest_place place = current_place(lexer);
                manifest_error(lexer, &place, "unknown escape; \\n, \\t, \\\" and \\\\ are known");
                token->kind = TOKEN_BAD;
                lexer->position--;
                byte = '?';
            }
        }
        out[used++] = byte;
    }
    lexer->position++;
    out[used++] = 0;
    lexer->pool_used += used;
}

void manifest_next_token(struct manifest_lexer *lexer, struct manifest_token *token)
{
    memset(token, 0, sizeof(*token));
    skip_blanks(lexer);
    token->place = current_place(lexer);
    if (lexer->position >= lexer->length)
        return;
    char byte = lexer->text[lexer->position];
    if (is_name_start(byte)) {
        read_name(lexer, token);
    } else if (is_digit(byte)) {
        read_number(lexer, token);
    } else if (byte == '"') {
        read_string(lexer, token);
    } else if (byte != 0 && strchr("{}=;,.", byte)) {
        token->kind = TOKEN_SYMBOL;
        token->symbol = byte;
        lexer->position++;
    } else {
        manifest_error(lexer, &token->place, "unexpected byte 0x%02x", (unsigned char)byte);
        token->kind = TOKEN_BAD;
        lexer->position++;
    }
}

/* Edit distance of two names (insertions, deletions, replacements). Names are shorter than MANIFEST_NAME_SIZE. */
static size_t distance(const char *left, const char *right)
{
    size_t row[MANIFEST_NAME_SIZE + 1];
    size_t width = strlen(right);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; left[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t change = diagonal + (left[i] != right[j]);
            diagonal = row[j + 1];
            size_t shorter = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            row[j + 1] = change < shorter ? change : shorter;
        }
    }
    return row[width];
}

const char *manifest_suggest(const char *name, const void *first, size_t count, size_t stride)
{
    size_t best_distance = strlen(name) / 3 + 2; /* at most a third of the letters wrong, and one more */
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *candidate = (const char *)first + i * stride;
        size_t apart = distance(name, candidate);
        if (apart < best_distance && apart < strlen(candidate)) {
            best_distance = apart;
            best = candidate;
        }
    }
    return best;
}
