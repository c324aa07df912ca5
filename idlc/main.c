/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idlc, the compiler of Salto's interface language: command line and output files. An output is written only if there
 * was no error, and whole or not at all.
 */
#include "check.h"
#include "compat.h"
#include "emit.h"
#include "names.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_INCLUDE_PATHS 64

enum { STATUS_FINE = 0, STATUS_FAILED = 1, STATUS_WRONG_USAGE = 2, STATUS_INCOMPATIBLE = 3 };

static const char usage[] =
    "usage: idlc [OPTION]... INPUT.idl\n"
    "       idlc compat [OPTION]... OLD.idl NEW.idl\n"
    "       idlc trace [OPTION]... INPUT.idl [CAPTURE]\n"
    "       idlc cost|doc|fmt|fuzz|html|json|lint [OPTION]... INPUT.idl\n"
    "Compiles a file in Salto's interface language. Without an output option it only checks the file.\n"
    "  compat          print what changed between two versions of a file, and whom it breaks: status 3 if anybody\n"
    "  cost            print how each operation travels, and what is copied\n"
    "  doc             print the documentation, with where everything travels, as Markdown\n"
    "  fmt             bring the file itself into the language's one form\n"
    "  fuzz            make programs that attack an interface, with the options of tools/idl_fuzz.py\n"
    "  html            print the documentation as a page of its own, with drawings of all messages\n"
    "  json            print the whole checked interface as JSON\n"
    "  lint            check the file, warnings being errors\n"
    "  trace           print captured messages, of CAPTURE or of standard input, as calls with named arguments\n"
    "  --client FILE   types and client stubs, a C header (idl/NAME.h)\n"
    "  --server FILE   handlers' types and dispatcher, a C header (idl/NAME_server.h)\n"
    "  --kernel FILE   dispatch of @kernel interfaces, requests of the others, a C header (idl/NAME_kernel.h)\n"
    "  --json FILE     the whole checked interface as JSON\n"
    "  --doc FILE      the documentation as Markdown\n"
    "  --html FILE     the documentation as HTML\n"
    "  --cost FILE     how each operation travels, as text\n"
    "  --format FILE   the source in its one form; FILE may be the input itself, or - for standard output\n"
    "  --depfile FILE  what was read, as a make rule for the first output\n"
    "  -I DIR          look for imports in DIR too, behind the importing file's directory; may be repeated\n"
    "  --strict        warnings are errors\n"
    "  --found-by      say of each error which check found it\n"
    "  --checks        print the names of the checks and end\n"
    "  --help          print this and end\n"
    "Exit status: 0 success, 1 errors in the input or in writing, 2 wrong usage, 3 versions that are not compatible.\n";

enum output_kind {
    OUTPUT_CLIENT,
    OUTPUT_SERVER,
    OUTPUT_KERNEL,
    OUTPUT_JSON,
    OUTPUT_DOC,
    OUTPUT_HTML,
    OUTPUT_COST,
    OUTPUT_FORMAT,
    OUTPUT_DEPFILE,
    OUTPUTS
};

static const char *const output_options[OUTPUTS] = {"--client", "--server", "--kernel", "--json",   "--doc",
                                                    "--html",   "--cost",   "--format", "--depfile"};

/* First those that stand for an output. */
enum command {
    COMMAND_COST,
    COMMAND_DOC,
    COMMAND_FMT,
    COMMAND_HTML,
    COMMAND_JSON,
    COMMAND_LINT,
    COMMAND_COMPAT,
    COMMAND_TRACE,
    COMMANDS
};

static const char *const commands[COMMANDS] = {"cost", "doc", "fmt", "html", "json", "lint", "compat", "trace"};
static const enum output_kind command_outputs[COMMAND_LINT] = {OUTPUT_COST, OUTPUT_DOC, OUTPUT_FORMAT, OUTPUT_HTML,
                                                               OUTPUT_JSON};

struct options {
    const char *outputs[OUTPUTS];
    const char *include_paths[MAX_INCLUDE_PATHS];
    size_t include_paths_count;
    enum command command;
    const char *input;
    const char *second; /* compat: the new version; trace: the capture, or NULL */
};

static void __attribute__((noreturn)) wrong_usage(const char *text, const char *argument)
{
    fprintf(stderr, "idlc: %s%s\nTry 'idlc --help'.\n", text, argument);
    exit(STATUS_WRONG_USAGE);
}

/* The argument of the option at `arguments[*i]`, moving on to it. */
static const char *option_argument(char **arguments, int *i)
{
    if (!arguments[*i + 1])
        wrong_usage("a file or directory name is missing behind ", arguments[*i]);
    return arguments[++*i];
}

static bool parse_output_option(struct options *options, char **arguments, int *i)
{
    for (int kind = 0; kind < OUTPUTS; kind++) {
        if (strcmp(arguments[*i], output_options[kind]) != 0)
            continue;
        if (options->outputs[kind])
            wrong_usage("option given twice: ", arguments[*i]);
        options->outputs[kind] = option_argument(arguments, i);
        return true;
    }
    return false;
}

static void parse_option(struct options *options, char **arguments, int *i)
{
    if (parse_output_option(options, arguments, i))
        return;
    if (strcmp(arguments[*i], "--help") == 0) {
        fputs(usage, stdout);
        exit(0);
    }
    if (strcmp(arguments[*i], "--checks") == 0) {
        check_print_names(stdout);
        exit(0);
    }
    if (strcmp(arguments[*i], "--strict") == 0)
        diagnostics_be_strict();
    else if (strcmp(arguments[*i], "--found-by") == 0)
        diagnostics_name_checks();
    else if (strncmp(arguments[*i], "-I", 2) != 0)
        wrong_usage("unknown option ", arguments[*i]);
    else if (options->include_paths_count == MAX_INCLUDE_PATHS)
        wrong_usage("too many -I options", "");
    else
        options->include_paths[options->include_paths_count++] =
            arguments[*i][2] ? arguments[*i] + 2 : option_argument(arguments, i);
}

/* What a command stands for. `fmt` writes to the input, which is known when all is parsed. */
static enum command parse_command(struct options *options, const char *argument)
{
    for (int i = 0; argument && i < COMMANDS; i++)
        if (strcmp(argument, commands[i]) == 0) {
            if (i == COMMAND_LINT)
                diagnostics_be_strict();
            else if (i < COMMAND_LINT)
                options->outputs[command_outputs[i]] = "-";
            return (enum command)i;
        }
    return COMMANDS;
}

static void parse_input(struct options *options, const char *path)
{
    if (!options->input)
        options->input = path;
    else if ((options->command == COMMAND_COMPAT || options->command == COMMAND_TRACE) && !options->second)
        options->second = path;
    else
        wrong_usage("more than one input file: ", path);
}

static void parse_options(struct options *options, char **arguments)
{
    options->command = parse_command(options, arguments[1]);
    for (int i = options->command == COMMANDS ? 1 : 2; arguments[i]; i++) {
        if (arguments[i][0] == '-' && arguments[i][1])
            parse_option(options, arguments, &i);
        else
            parse_input(options, arguments[i]);
    }
    if (!options->input)
        wrong_usage("no input file", "");
    if (options->command == COMMAND_FMT)
        options->outputs[OUTPUT_FORMAT] = options->input;
    if (options->command == COMMAND_COMPAT && !options->second)
        wrong_usage("compat needs two files: the old version, and the new one", "");
}

/* Is `path` a pipe, a device or the like? Such a thing is written through: a rename would replace it by a file. */
static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static bool cannot_write(const char *path)
{
    fprintf(stderr, "idlc: cannot write %s: %s\n", path, strerror(errno));
    return false;
}

/* Writes `text` to the file `name`, whatever is there. */
static bool write_through(const char *name, const char *text, size_t length)
{
    FILE *file = fopen(name, "wb");
    bool fine = file && fwrite(text, 1, length, file) == length;
    return file && fclose(file) == 0 && fine;
}

/* Writes `text` to `path`: a regular file by way of a temporary one beside it, so that nobody sees half of it. */
static bool write_file(const char *path, const char *text, size_t length)
{
    const char *temporary = text_of("%s.%ld.tmp", path, (long)getpid());

    if (strcmp(path, "-") == 0)
        return (fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0) || cannot_write("standard output");
    if (is_special(path))
        return write_through(path, text, length) || cannot_write(path);
    if (write_through(temporary, text, length) && rename(temporary, path) == 0)
        return true;
    cannot_write(path);
    unlink(temporary);
    return false;
}

static void emit_depfile(FILE *output, const struct program *program, const struct options *options)
{
    int first = 0;

    while (first < OUTPUT_DEPFILE && !options->outputs[first])
        first++;
    fprintf(output, "%s:", options->outputs[first]);
    for (const struct source *source = program->sources; source; source = source->next) {
        fputc(' ', output);
        for (const char *c = source->path; *c; c++)
            fprintf(output, *c == ' ' || *c == '#' || *c == '\\' ? "\\%c" : "%c", *c);
    }
    fputc('\n', output);
}

static bool write_output(enum output_kind kind, struct program *program, const struct options *options)
{
    static void (*const emitters[OUTPUT_DEPFILE])(FILE * output, struct program * program) = {
        emit_client, emit_server, emit_kernel, emit_json, emit_markdown, emit_html, emit_cost, emit_format};
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    bool fine = false;

    if (memory) {
        if (kind == OUTPUT_DEPFILE)
            emit_depfile(memory, program, options);
        else
            emitters[kind](memory, program);
        fine = fclose(memory) == 0;
    }
    if (!fine)
        fputs("idlc: out of memory\n", stderr);
    fine = fine && write_file(options->outputs[kind], text, length);
    free(text);
    return fine;
}

/* Reads and checks `path`; prints what is wrong with it. */
static bool load(struct program *program, const struct options *options, const char *path)
{
    bool fine;

    program->include_paths = options->include_paths;
    program->include_paths_count = options->include_paths_count;
    if (!program_load(program, path)) {
        fprintf(stderr, "idlc: cannot read %s: %s\n", path, strerror(errno));
        return false;
    }
    fine = check_program(program);
    diagnostics_print(stderr);
    return fine;
}

/* The exit status. */
static int compile(struct program *program, const struct options *options)
{
    for (int kind = 0; kind < OUTPUTS; kind++)
        if (options->outputs[kind] && !write_output((enum output_kind)kind, program, options))
            return STATUS_FAILED;
    return STATUS_FINE;
}

static int compare(const struct program *old, const struct options *options)
{
    struct program new = {0};
    int status = STATUS_FAILED;

    if (load(&new, options, options->second))
        status = compat_compare(stdout, old, &new) ? STATUS_FINE : STATUS_INCOMPATIBLE;
    program_free(&new);
    return status;
}

static int trace(struct program *program, const char *path)
{
    FILE *input = !path || strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    const bool fine = input && trace_decode(stdout, input, program);

    if (!fine)
        fprintf(stderr, "idlc: cannot read %s: %s\n", path ? path : "standard input", strerror(errno));
    if (input && input != stdin)
        fclose(input);
    return fine && (fflush(stdout) == 0 || cannot_write("standard output")) ? STATUS_FINE : STATUS_FAILED;
}

int main(int count, char **arguments)
{
    struct options options = {0};
    struct program program = {0};
    int status = STATUS_FAILED;

    if (count > 1 && strcmp(arguments[1], "fuzz") == 0 && setenv("IDLC", arguments[0], 1) == 0 &&
        execv(IDLC_FUZZ, arguments + 1) != 0)
        wrong_usage("cannot run ", IDLC_FUZZ);
    parse_options(&options, arguments);
    if (load(&program, &options, options.input))
        status = options.command == COMMAND_COMPAT  ? compare(&program, &options)
                 : options.command == COMMAND_TRACE ? trace(&program, options.second)
                                                    : compile(&program, &options);
    program_free(&program);
    names_free();
    return status;
}
