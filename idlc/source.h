/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Source files, and the program that an input file makes up with all that it imports. Each file is read once, whatever
 * imports it and by whatever path: import cycles are harmless.
 */
#ifndef IDLC_SOURCE_H
#define IDLC_SOURCE_H

#include "ast.h"

/* A file's text, kept to the end so that any message can show its line. */
struct source {
    char *path;      /* as it was found: what messages show */
    char *real_path; /* tells files apart */
    char *text;      /* zero-terminated; may hold zeros before */
    size_t length;
    int order; /* in which it was read: messages are sorted by it */
    struct source *next;
};

struct program {
    struct unit_list units; /* the input file first */
    struct source *sources, *last_source;
    const char *const *include_paths;
    size_t include_paths_count;
};

/* Reads and parses `path` and what it imports, in turn. Problems become diagnostics. Returns false if `path` itself
 * cannot be read. The program must be freed in any case. */
bool program_load(struct program *program, const char *path);
/* The same for a text in memory, which `path` is the name of. */
void program_load_text(struct program *program, const char *path, const char *text, size_t length);
void program_free(struct program *program);

/* Parses the source of `unit` into it (parser.y). */
void parse_unit(struct unit *unit);

#endif
