/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds idlc with mutations of the files of some folders: idlc_mutations COUNT SEED FOLDER... Imports are looked for in
 * the first folder. The compiler is linked in and runs under ASan and UBSan, which end the test at the first wrong
 * access or leak. Of every mutation that compiles, all outputs are made; its formatted form must compile too, be
 * formatted already, and give the same client header. Prints TAP.
 */
#include "host_tap.h"

#include "check.h"
#include "emit.h"
#include "names.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TEXT 20000
#define MAX_FILES 256

struct text {
    char bytes[MAX_TEXT];
    size_t length;
};

static struct text originals[MAX_FILES];
static size_t originals_count;
static uint64_t random_state;
static char input_path[] = "/tmp/idlc-mutations-XXXXXX";
static FILE *nowhere;
static unsigned compiled, refused;

static const char *const pieces[] = {
    "library",
    "import",
    "const",
    "enum",
    "flags",
    "errors",
    "struct",
    "table",
    "interface",
    "oneway",
    "event",
    "out",
    "move",
    "raises",
    "->",
    "{",
    "}",
    "(",
    ")",
    "<",
    ">",
    "[",
    "]",
    ",",
    ";",
    ":",
    "=",
    "@",
    ".",
    "-",
    "///",
    "//",
    "/*",
    "*/",
    "\"",
    "\n",
    "u8",
    "i64",
    "bool",
    "cap<Thing>",
    "u8[63]",
    "alias",
    "@open",
    "<<",
    "+",
    "%",
    "(1 + 2)",
    "bytes<20>",
    "string<300>",
    "pages<rw>",
    "0",
    "1",
    "0xffffffffffffffff",
    "18446744073709551616",
    "65536",
    "5s",
    "@kernel",
    "@id(1)",
    "@fits(registers)",
    "@right(read)",
    "a",
    "A",
    "\xff",
    "\x80",
    "*",
};

#define PIECES_COUNT (sizeof(pieces) / sizeof(pieces[0]))

static size_t below(size_t limit)
{
    return limit ? (size_t)(host_random(&random_state) % limit) : 0;
}

static void read_original(const char *path)
{
    struct text *text = &originals[originals_count];
    FILE *file = fopen(path, "rb");

    if (!file || originals_count == MAX_FILES) {
        fprintf(stderr, "cannot read %s, or it is one too many\n", path);
        exit(1);
    }
    text->length = fread(text->bytes, 1, MAX_TEXT / 2, file);
    originals_count++;
    fclose(file);
}

static void read_folder(const char *folder)
{
    char pattern[4096];
    glob_t found;

    snprintf(pattern, sizeof(pattern), "%s/*.idl", folder);
    if (glob(pattern, 0, NULL, &found) != 0) {
        fprintf(stderr, "no file is called %s\n", pattern);
        exit(1);
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_original(found.gl_pathv[i]);
    globfree(&found);
}

/* Replaces `removed` bytes at `place` by `inserted`, where there is room. */
static void replace(struct text *text, size_t place, size_t removed, const char *inserted, size_t length)
{
    if (removed > text->length - place)
        removed = text->length - place;
    if (text->length - removed + length > MAX_TEXT)
        return;
    memmove(text->bytes + place + length, text->bytes + place + removed, text->length - place - removed);
    memcpy(text->bytes + place, inserted, length);
    text->length += length - removed;
}

/* Bytes of some original, at most `limit`. */
static void insert_other(struct text *text, size_t place, size_t limit)
{
    const struct text *other = &originals[below(originals_count)];
    size_t start = below(other->length), length = below(limit);

    if (length > other->length - start)
        length = other->length - start;
    replace(text, place, 0, other->bytes + start, length);
}

static void mutate_once(struct text *text)
{
    size_t place = below(text->length + 1);
    const char *piece = pieces[below(PIECES_COUNT)];
    char byte = (char)below(256);

    switch (below(8)) {
    case 0:
        replace(text, place, 1, &byte, 1);
        break;
    case 1:
        replace(text, place, below(30), "", 0);
        break;
    case 2:
        insert_other(text, place, 200);
        break;
    case 3:
        text->length = place;
        break;
    case 4:
        replace(text, place, below(6), piece, strlen(piece));
        break;
    case 5:
        replace(text, place, 0, "\0", 1);
        break;
    default:
        replace(text, place, 0, piece, strlen(piece));
        break;
    }
}

static void write_input(const char *bytes, size_t length)
{
    FILE *file = fopen(input_path, "wb");

    if (!file || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
        perror(input_path);
        exit(1);
    }
}

/* One output as text, to be freed. */
static char *output_text(struct program *program, void (*emit)(FILE *output, struct program *program))
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);

    emit(memory, program);
    fclose(memory);
    return text;
}

/* Compiles `bytes`; where that succeeds, `client` and `formatted` are the outputs, to be freed. */
static bool compile(const char *bytes, size_t length, const char *const *include_paths, char **client, char **formatted)
{
    struct program program = {.include_paths = include_paths, .include_paths_count = 1};
    bool good;

    write_input(bytes, length);
    good = program_load(&program, input_path) && check_program(&program);
    diagnostics_print(nowhere);
    if (good) {
        emit_server(nowhere, &program);
        emit_kernel(nowhere, &program);
        emit_json(nowhere, &program);
        emit_markdown(nowhere, &program);
        emit_html(nowhere, &program);
        emit_cost(nowhere, &program);
        *client = output_text(&program, emit_client);
        *formatted = output_text(&program, emit_format);
    }
    program_free(&program);
    names_free();
    return good;
}

/* Tries one text; false if its formatted form is not what it should be. */
static bool try_text(const struct text *text, const char *const *include_paths)
{
    char *client, *formatted, *client_again, *formatted_again;
    bool good;

    if (!compile(text->bytes, text->length, include_paths, &client, &formatted)) {
        refused++;
        return true;
    }
    compiled++;
    good = compile(formatted, strlen(formatted), include_paths, &client_again, &formatted_again);
    if (good) {
        good = strcmp(client, client_again) == 0 && strcmp(formatted, formatted_again) == 0;
        free(client_again);
        free(formatted_again);
    }
    free(client);
    free(formatted);
    return good;
}

static void show(const struct text *text)
{
    printf("# ");
    for (size_t i = 0; i < text->length; i++) {
        putchar(text->bytes[i]);
        if (text->bytes[i] == '\n')
            printf("# ");
    }
    putchar('\n');
}

static void run(unsigned count, const char *const *include_paths)
{
    static struct text text;
    unsigned wrong = 0;

    for (unsigned i = 0; i < count && wrong < 3; i++) {
        text = originals[below(originals_count)];
        for (size_t mutations = below(4) + 1; mutations; mutations--)
            mutate_once(&text);
        if (!try_text(&text, include_paths)) {
            wrong++;
            show(&text);
        }
    }
    host_ok(wrong == 0, "formatting what compiles changes nothing that matters");
    host_ok(compiled > count / 100, "%u of the mutations compiled", compiled);
    host_ok(refused > count / 2, "%u of the mutations were refused", refused);
}

int main(int count, char **arguments)
{
    const char *include_paths[1];
    int descriptor;

    if (count < 4) {
        fprintf(stderr, "usage: idlc_mutations COUNT SEED FOLDER...\n");
        return 2;
    }
    random_state = strtoull(arguments[2], NULL, 0);
    include_paths[0] = arguments[3];
    for (int i = 3; i < count; i++)
        read_folder(arguments[i]);
    descriptor = mkstemp(input_path);
    nowhere = fopen("/dev/null", "w");
    if (descriptor < 0 || !nowhere) {
        perror("files of this test");
        return 1;
    }
    close(descriptor);
    run((unsigned)strtoul(arguments[1], NULL, 0), include_paths);
    unlink(input_path);
    fclose(nowhere);
    return host_done();
}
