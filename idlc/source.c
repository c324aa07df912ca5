/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading of source files and following of imports. An import is looked for beside the file that names it, then in the
 * -I directories in their order.
 */
#include "source.h"

#include "diagnostics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SOURCE_MAX_SIZE (16u << 20)

static bool read_stream(struct source *source, FILE *file)
{
    struct stat status;
    size_t capacity = 4096;

    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return false;
    }
    source->text = allocate(capacity);
    for (;;) {
        size_t count = fread(source->text + source->length, 1, capacity - source->length - 1, file);
        char *larger;

        source->length += count;
        if (count == 0)
            break;
        if (source->length > SOURCE_MAX_SIZE) {
            errno = EFBIG;
            return false;
        }
        larger = allocate(capacity * 2);
        memcpy(larger, source->text, source->length);
        free(source->text);
        source->text = larger;
        capacity *= 2;
    }
    return !ferror(file);
}

static void free_source(struct source *source)
{
    free(source->path);
    free(source->real_path);
    free(source->text);
    free(source);
}

/* The source at `path`, or NULL with errno set. */
static struct source *read_source(const char *path)
{
    struct source *source = allocate(sizeof(*source));
    FILE *file = fopen(path, "rb");
    bool fine;
    int error;

    source->path = copy_text(path, strlen(path));
    source->real_path = realpath(path, NULL);
    if (!source->real_path)
        source->real_path = copy_text(path, strlen(path));
    fine = file && read_stream(source, file);
    error = errno;
    if (file)
        fclose(file);
    if (fine)
        return source;
    free_source(source);
    errno = error;
    return NULL;
}

static struct unit *add_unit(struct program *program, struct source *source)
{
    struct unit *unit = allocate(sizeof(*unit));

    if (program->last_source) {
        source->order = program->last_source->order + 1;
        program->last_source->next = source;
    } else {
        program->sources = source;
    }
    program->last_source = source;
    unit->source = source;
    program->units = ast_append_unit(program->units, unit);
    return unit;
}

static struct unit *find_unit(const struct program *program, const char *real_path)
{
    for (struct unit *unit = program->units.first; unit; unit = unit->next)
        if (strcmp(unit->source->real_path, real_path) == 0)
            return unit;
    return NULL;
}

/* `directory_length` bytes of `directory`, then `path`. */
static char *join_path(const char *directory, size_t directory_length, const char *path)
{
    size_t length = directory_length + strlen(path);
    char *joined = allocate(length + 1);

    memcpy(joined, directory, directory_length);
    strcpy(joined + directory_length, path);
    return joined;
}

static struct source *read_joined(const char *directory, size_t directory_length, const char *path)
{
    char *joined = join_path(directory, directory_length, path);
    struct source *source = read_source(joined);

    free(joined);
    return source;
}

static struct source *find_import(const struct program *program, const struct unit *unit, const char *path)
{
    const char *own = unit->source->path;
    const char *slash = strrchr(own, '/');
    struct source *source;
    int error;

    if (path[0] == '/')
        return read_source(path);
    source = read_joined(own, slash ? (size_t)(slash - own) + 1 : 0, path);
    error = errno;
    for (size_t i = 0; !source && i < program->include_paths_count; i++) {
        char *directory = join_path(program->include_paths[i], strlen(program->include_paths[i]), "/");

        source = read_joined(directory, strlen(directory), path);
        free(directory);
    }
    if (!source)
        errno = error;
    return source;
}

static void load_import(struct program *program, struct unit *unit, struct import *import)
{
    struct source *source = find_import(program, unit, import->path);

    if (!source) {
        report(CODE_IMPORT, import->span, "cannot read \"%s\": %s", import->path, strerror(errno));
        return;
    }
    import->unit = find_unit(program, source->real_path);
    if (import->unit)
        free_source(source);
    else
        import->unit = add_unit(program, source);
}

/* Parses all units of the program, and what they import in turn. */
static void parse_all(struct program *program)
{
    for (struct unit *unit = program->units.first; unit; unit = unit->next) {
        parse_unit(unit);
        for (struct import *import = unit->imports.first; import; import = import->next)
            load_import(program, unit, import);
    }
}

bool program_load(struct program *program, const char *path)
{
    struct source *source = read_source(path);

    if (!source)
        return false;
    add_unit(program, source);
    parse_all(program);
    return true;
}

void program_load_text(struct program *program, const char *path, const char *text, size_t length)
{
    struct source *source = allocate(sizeof(*source));

    source->path = copy_text(path, strlen(path));
    source->real_path = copy_text(path, strlen(path));
    source->text = copy_text(text, length);
    source->length = length;
    add_unit(program, source);
    parse_all(program);
}

void program_free(struct program *program)
{
    for (struct unit *unit = program->units.first, *next; unit; unit = next) {
        next = unit->next;
        ast_free_unit(unit);
    }
    for (struct source *source = program->sources, *next; source; source = next) {
        next = source->next;
        free_source(source);
    }
    *program = (struct program){0};
}
