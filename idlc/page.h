/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page of documentation, as Markdown or as HTML that needs no other file. What is written is the same in both, but
 * for the drawings of messages and structs, which only HTML has.
 *
 * Texts are as in doc comments: what stands between two ` is code. All else that Markdown or HTML would take for its
 * own is escaped.
 */
#ifndef IDLC_PAGE_H
#define IDLC_PAGE_H

#include "ast.h"

#include <stdio.h>

struct page {
    FILE *output;
    bool html;
};

void page_begin(const struct page *page, const char *title);
void page_end(const struct page *page);
/* Levels count from 1. */
void page_heading(const struct page *page, unsigned level, const char *text);
/* Paragraphs, with empty lines between them. Nothing for NULL. */
void page_text(const struct page *page, const char *text);
void page_code(const struct page *page, const char *text);

/* A table: its head, its rows, its end. Cells may be NULL, for nothing. */
void page_table(const struct page *page, const char *const *head, size_t count);
void page_row(const struct page *page, const char *const *cells, size_t count);
void page_table_end(const struct page *page);

/* What stands at the left of lines `first` to `last` of a drawing. */
typedef const char *(*page_label)(uint64_t first, uint64_t last);

/* A drawing, eight bytes a line, as memory or a message's words have them. */
void page_drawing(const struct page *page, const char *title);
/* `size` bytes from byte `offset` of the drawing on; without a label it is no memory, but an item. */
void page_drawing_cell(const struct page *page, uint64_t offset, uint64_t size, page_label label, const char *text);
void page_drawing_end(const struct page *page);

#endif
