/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idlc under libFuzzer, with ASan and UBSan (tests/idlc/fuzz.py builds, feeds and runs it). Of every input that
 * compiles, all outputs are made; its formatted form must compile too, be formatted already, and give the same client
 * header; and an interface is compatible with itself. Of random messages of its operations a trace is made.
 *
 * The compiler is compiled with fopen named idlc_fuzz_fopen: inputs can import the one file that is here, and no other,
 * so that none can wait for a terminal or read what lies around.
 */
#include "check.h"
#include "compat.h"
#include "emit.h"
#include "layout.h"
#include "names.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char imported[] =
    "library other;\nimport \"fuzz.idl\";\nconst N: u8 = 3;\nenum E: u8 { a = 1; }\n"
    "struct Thing { x: u32; e: E; }\nerrors Error { gone = 1; }\n"
    "@id(0x7001) interface Other { /// Does.\n  f @1 (t: Thing) -> (n: u64) raises Error; }\n";

struct outputs {
    char *client, *formatted;
};

static FILE *nowhere;

FILE *idlc_fuzz_fopen(const char *path, const char *mode);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

FILE *idlc_fuzz_fopen(const char *path, const char *mode)
{
    const char *slash = strrchr(path, '/');

    if (strcmp(slash ? slash + 1 : path, "other.idl") == 0)
        return fmemopen((char *)imported, sizeof(imported) - 1, mode);
    errno = ENOENT;
    return NULL;
}

static ssize_t drop(void *cookie, const char *text, size_t size)
{
    (void)cookie;
    (void)text;
    return (ssize_t)size;
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    nowhere = fopencookie(NULL, "w", (cookie_io_functions_t){.write = drop});
    return nowhere ? 0 : -1;
}

static char *output_text(struct program *program, void (*emit)(FILE *output, struct program *program))
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);

    if (!memory)
        abort();
    emit(memory, program);
    fclose(memory);
    return text;
}

static void emit_others(struct program *program)
{
    emit_server(nowhere, program);
    emit_kernel(nowhere, program);
    emit_json(nowhere, program);
    emit_markdown(nowhere, program);
    emit_html(nowhere, program);
    emit_cost(nowhere, program);
    if (!compat_compare(nowhere, program, program))
        abort();
}

/* A request and an answer of every operation, with words that are made of `seed`, and as many of them as it says. */
static void emit_capture(FILE *output, const struct program *program, uint64_t seed)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    FOR_EACH(operation, operation, declaration->operations)
    for (int reply = 0; reply < 2; reply++) {
        uint64_t count = reply ? operation->reply.words : operation->request.words;

        fprintf(output, "a %c 0x%llx", reply ? '<' : '>',
                (unsigned long long)(reply ? operation_reply(operation) : operation_request(declaration, operation)));
        for (uint64_t i = seed % 8 == 0; i < count; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            fprintf(output, " 0x%llx", (unsigned long long)(seed >> (seed >> 58)));
        }
        fputc('\n', output);
    }
}

static void trace(struct program *program, uint64_t seed)
{
    char *text = NULL;
    size_t length = 0;
    FILE *capture = open_memstream(&text, &length);

    if (!capture)
        abort();
    emit_capture(capture, program, seed);
    fclose(capture);
    capture = length ? fmemopen(text, length, "r") : NULL;
    if (capture) {
        trace_decode(nowhere, capture, program);
        fclose(capture);
    }
    free(text);
}

/* Of text that idlc formatted only what is compared is made. */
static bool compile(const char *text, size_t length, bool formatted, struct outputs *outputs)
{
    struct program program = {0};
    bool good;

    program_load_text(&program, "fuzz.idl", text, length);
    good = check_program(&program);
    diagnostics_print(nowhere);
    if (good) {
        outputs->client = output_text(&program, emit_client);
        outputs->formatted = output_text(&program, emit_format);
    }
    if (good && !formatted) {
        emit_others(&program);
        trace(&program, length);
    }
    program_free(&program);
    names_free();
    return good;
}

static void free_outputs(const struct outputs *outputs)
{
    free(outputs->client);
    free(outputs->formatted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outputs first, again;

    if (!compile((const char *)data, size, false, &first))
        return 0;
    if (!compile(first.formatted, strlen(first.formatted), true, &again))
        abort();
    if (strcmp(first.client, again.client) != 0 || strcmp(first.formatted, again.formatted) != 0)
        abort();
    free_outputs(&first);
    free_outputs(&again);
    return 0;
}
