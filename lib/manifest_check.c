/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks a manifest on the machine that builds a set, with the parser that root uses at boot, and prints for the build
 * one line for each program: "program NAME file FILE kind KIND", KIND being `salto` (links our library) or `linux` (a
 * plain program, with nothing of ours). One that is linked into another's image has, in place of that line, "member
 * NAME file FILE image FILE number NUMBER stack BYTES", and "argument NAME HEX" for each of its arguments, in
 * hexadecimal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"

#define MANIFEST_MOST_BYTES (1 << 20)

/* The files that the set has, if the command line named them. */
struct file_list {
    char **names;
    int count;
};

static void print_error(void *context, const char *message)
{
    (void)context;
    fputs(message, stderr);
}

static bool is_listed(void *context, const char *name)
{
    const struct file_list *list = context;
    for (int i = 0; i < list->count; i++) {
        if (strcmp(list->names[i], name) == 0)
            return true;
    }
    return false;
}

/* Reads a whole file; NULL after saying why not. */
static char *read_manifest(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(MANIFEST_MOST_BYTES);
    if (!file || !text) {
        perror(path);
        free(text);
        if (file)
            fclose(file);
        return NULL;
    }
    *length = fread(text, 1, MANIFEST_MOST_BYTES, file);
    bool whole = feof(file) && !ferror(file);
    fclose(file);
    if (whole)
        return text;
    fprintf(stderr, "%s: cannot be read, or is larger than %d bytes\n", path, MANIFEST_MOST_BYTES);
    free(text);
    return NULL;
}

static void print_member(const struct manifest *manifest, const struct manifest_program *program)
{
    printf("member %s file %s image %s number %u stack %llu\n", program->name, program->file,
           manifest->programs[program->image].file, program->member, (unsigned long long)program->stack);
    for (uint32_t i = 0; i < program->arguments_count; i++) {
        printf("argument %s ", program->name);
        for (const char *byte = program->arguments[i]; *byte; byte++)
            printf("%02x", (unsigned char)*byte);
        printf("\n");
    }
}

static void print_programs(const struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        const struct manifest_program *program = &manifest->programs[i];
        if (program->member != 0)
            print_member(manifest, program);
        else
            printf("program %s file %s kind %s\n", program->name, program->file, program->plain ? "linux" : "salto");
    }
}

int main(int count, char **arguments)
{
    const struct manifest_sink sink = {.report = print_error};
    struct manifest manifest;
    size_t length;
    if (count < 2 || arguments[1][0] == '-') {
        fprintf(stderr,
                "usage: %s MANIFEST [FILE...]\n"
                "Checks a manifest, and with FILEs that each program's file is one of them.\n",
                arguments[0]);
        return 2;
    }
    char *text = read_manifest(arguments[1], &length);
    if (!text)
        return 2;
    struct file_list list = {.names = arguments + 2, .count = count - 2};
    bool good = manifest_parse(&manifest, arguments[1], text, length, &sink);
    if (good && list.count > 0)
        good = manifest_check_files(&manifest, arguments[1], text, length, is_listed, &list, &sink);
    if (good)
        print_programs(&manifest);
    manifest_free(&manifest);
    free(text);
    return good ? 0 : 1;
}
