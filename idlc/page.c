/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of documentation: see page.h.
 */
#include "page.h"

#include "names.h"

#include <inttypes.h>
#include <string.h>

#define LINE 8 /* bytes in a line of a drawing */

static const char style[] =
    "body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }\n"
    "code, pre, .drawing { font-family: monospace; }\n"
    "pre { background: #8882; padding: .6em; white-space: pre-wrap; }\n"
    "table { border-collapse: collapse; margin: 1em 0; }\n"
    "th, td { border: 1px solid #888; padding: .2em .6em; text-align: left; vertical-align: top; }\n"
    ".drawing { display: grid; grid-template-columns: 9em repeat(8, 1fr); margin: 1em 0; font-size: .8em; }\n"
    ".drawing p { grid-column: 1 / span 9; margin: 0; font-weight: bold; }\n"
    ".label { grid-column: 1; padding: .2em .6em .2em 0; text-align: right; color: #777; }\n"
    ".value, .item { border: 1px solid #888; padding: .2em; text-align: center; overflow-wrap: anywhere; }\n"
    ".value { background: #59f3; }\n"
    ".item { background: #fa53; }\n";

static bool is_escaped(const struct page *page, char byte, bool in_code)
{
    if (page->html)
        return strchr("<>&\"", byte) != NULL;
    return !in_code && strchr("<>*_\\[]", byte) != NULL;
}

static void write_escaped(const struct page *page, char byte)
{
    if (!page->html)
        fprintf(page->output, "\\%c", byte);
    else
        fprintf(page->output, "&#%d;", byte);
}

/* In a table lines are joined, and Markdown's bars escaped. */
static void write_text(const struct page *page, const char *text, size_t length, bool in_table)
{
    bool in_code = false;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '`')
            in_code = !in_code && memchr(text + i + 1, '`', length - i - 1);
        if (page->html && text[i] == '`')
            fputs(in_code ? "<code>" : "</code>", page->output);
        else if (in_table && text[i] == '\n')
            fputc(' ', page->output);
        else if (is_escaped(page, text[i], in_code) || (in_table && !page->html && text[i] == '|'))
            write_escaped(page, text[i]);
        else
            fputc(text[i], page->output);
    }
}

void page_begin(const struct page *page, const char *title)
{
    if (page->html) {
        fprintf(page->output, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
        write_text(page, title, strlen(title), false);
        fprintf(page->output, "</title>\n<style>\n:root { color-scheme: light dark; }\n%s</style>\n</head>\n<body>\n",
                style);
    }
    page_heading(page, 1, title);
}

void page_end(const struct page *page)
{
    if (page->html)
        fprintf(page->output, "</body>\n</html>\n");
}

void page_heading(const struct page *page, unsigned level, const char *text)
{
    if (page->html)
        fprintf(page->output, "<h%u>", level);
    else
        fprintf(page->output, "%s%.*s ", level > 1 ? "\n" : "", (int)level, "####");
    write_text(page, text, strlen(text), false);
    if (page->html)
        fprintf(page->output, "</h%u>", level);
    fputc('\n', page->output);
}

void page_text(const struct page *page, const char *text)
{
    for (const char *start = text, *end; start; start = end ? end + 2 : NULL) {
        end = strstr(start, "\n\n");
        fprintf(page->output, page->html ? "<p>" : "\n");
        write_text(page, start, end ? (size_t)(end - start) : strlen(start), false);
        fprintf(page->output, page->html ? "</p>\n" : "\n");
    }
}

void page_code(const struct page *page, const char *text)
{
    fprintf(page->output, page->html ? "<pre>" : "\n    ");
    for (const char *c = text; *c; c++)
        if (page->html && is_escaped(page, *c, true))
            write_escaped(page, *c);
        else
            fprintf(page->output, !page->html && *c == '\n' ? "\n    " : "%c", *c);
    fprintf(page->output, page->html ? "</pre>\n" : "\n");
}

static void write_row(const struct page *page, const char *const *cells, size_t count, const char *tag)
{
    fprintf(page->output, page->html ? "<tr>" : "|");
    for (size_t i = 0; i < count; i++) {
        if (page->html)
            fprintf(page->output, "<%s>", tag);
        else
            fputc(' ', page->output);
        if (cells[i])
            write_text(page, cells[i], strlen(cells[i]), true);
        if (page->html)
            fprintf(page->output, "</%s>", tag);
        else
            fprintf(page->output, " |");
    }
    fprintf(page->output, page->html ? "</tr>\n" : "\n");
}

void page_table(const struct page *page, const char *const *head, size_t count)
{
    fprintf(page->output, page->html ? "<table>\n" : "\n");
    write_row(page, head, count, "th");
    for (size_t i = 0; !page->html && i < count; i++)
        fprintf(page->output, i + 1 < count ? "|---" : "|---|\n");
}

void page_row(const struct page *page, const char *const *cells, size_t count)
{
    write_row(page, cells, count, "td");
}

void page_table_end(const struct page *page)
{
    if (page->html)
        fprintf(page->output, "</table>\n");
}

void page_drawing(const struct page *page, const char *title)
{
    if (!page->html)
        return;
    fprintf(page->output, "<div class=\"drawing\"><p>");
    write_text(page, title, strlen(title), false);
    fprintf(page->output, "</p>\n");
}

/* The title is line 1 of the grid, whose lines count from 1. Whatever begins a line says which. */
static void draw_piece(const struct page *page, uint64_t offset, uint64_t size, page_label label, const char *text)
{
    uint64_t first = offset / LINE, last = (offset + size - 1) / LINE;

    if (label && offset % LINE == 0)
        fprintf(page->output, "<div class=\"label\" style=\"grid-row: %" PRIu64 "\">%s</div>\n", first + 2,
                label(first, last));
    fprintf(page->output, "<div class=\"%s\" style=\"grid-area: %" PRIu64 " / %" PRIu64 " / auto / span %" PRIu64 "\">",
            label ? "value" : "item", first + 2, offset % LINE + 2, size < LINE ? size : LINE);
    write_text(page, text, strlen(text), true);
    fprintf(page->output, "</div>\n");
}

/* What does not fill its first line, whole lines as one, the rest. */
void page_drawing_cell(const struct page *page, uint64_t offset, uint64_t size, page_label label, const char *text)
{
    uint64_t head = (LINE - offset % LINE) % LINE, tail;

    if (!page->html)
        return;
    head = head < size ? head : size;
    tail = (size - head) % LINE;
    if (head)
        draw_piece(page, offset, head, label, text);
    if (size - head - tail)
        draw_piece(page, offset + head, size - head - tail, label, text);
    if (tail)
        draw_piece(page, offset + size - tail, tail, label, size > tail ? text_of("%s, end", text) : text);
}

void page_drawing_end(const struct page *page)
{
    if (page->html)
        fprintf(page->output, "</div>\n");
}
