/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of manifests. manifest_test FOLDER [SEED]: FOLDER holds good/ (each must parse) and bad/, where each file
 * says in comments which errors it must give, all of them and in their order: "# expect: LINE:COLUMN: text".
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "host_tap.h"
#include "manifest.h"

#define MOST_BYTES 16384
#define ROUNDS 5000

/* All errors of a run, one behind the other. */
struct errors {
    char text[32768];
    size_t used;
    unsigned count;
};

static void collect(void *context, const char *message)
{
    struct errors *errors = context;
    size_t length = strlen(message);
    errors->count++;
    if (errors->used + length < sizeof(errors->text)) {
        memcpy(errors->text + errors->used, message, length + 1);
        errors->used += length;
    }
}

static bool parse(struct manifest *manifest, const char *text, size_t length, struct errors *errors)
{
    const struct manifest_sink sink = {.report = collect, .context = errors};
    errors->used = errors->count = 0;
    errors->text[0] = 0;
    return manifest_parse(manifest, "m", text, length, &sink);
}

/* Reads a file; exits where that fails, because then the test is not there. */
static size_t read_file(const char *folder, const char *part, const char *name, char *text)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s/%s", folder, part, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        printf("Bail out! cannot read %s\n", path);
        exit(1);
    }
    size_t length = fread(text, 1, MOST_BYTES - 1, file);
    text[length] = 0;
    fclose(file);
    return length;
}

/* Do the errors stand in the text in the order of its "# expect:" lines, and are there no others? */
static bool errors_are_expected(const char *text, const struct errors *errors)
{
    const char *at = errors->text;
    unsigned expected = 0;
    for (const char *line = text; (line = strstr(line, "# expect: ")); line++) {
        char wanted[256] = "m:";
        const char *start = line + strlen("# expect: ");
        strncat(wanted, start, strcspn(start, "\n") < 250 ? strcspn(start, "\n") : 250);
        char *place = strstr(wanted + 2, ": ");
        char want_place[32];
        if (!place)
            return false;
        snprintf(want_place, sizeof(want_place), "%.*s: error: ", (int)(place - wanted), wanted);
        expected++;
        at = strstr(at, want_place);
        if (!at || strncmp(at + strlen(want_place), place + 2, strlen(place + 2)) != 0) {
            printf("# expected %s\n", wanted);
            return false;
        }
        at++;
    }
    if (expected != errors->count)
        printf("# %u errors expected, %u reported\n", expected, errors->count);
    return expected == errors->count && expected > 0;
}

static void test_bad_file(const char *name, const char *text, size_t length)
{
    static struct errors errors;
    struct manifest manifest;
    bool good = parse(&manifest, text, length, &errors);
    if (!host_ok(!good && errors_are_expected(text, &errors), "bad/%s: every error, and no other", name)) {
        for (char *line = strtok(errors.text, "\n"); line; line = strtok(NULL, "\n"))
            printf("# %s\n", line);
    }
    manifest_free(&manifest);
}

static void test_good_file(const char *name, const char *text, size_t length)
{
    static struct errors errors;
    struct manifest manifest;
    if (!host_ok(parse(&manifest, text, length, &errors) && errors.count == 0, "good/%s parses", name))
        printf("# %s", errors.text);
    manifest_free(&manifest);
}

/* Cuts and damages the text. No answer is expected but an answer. The copy has no byte too many for the sanitizer. */
static void test_damaged(const char *name, const char *text, size_t length, uint64_t *state)
{
    static struct errors errors;
    for (int round = 0; round < ROUNDS && length > 0; round++) {
        struct manifest manifest;
        size_t size = host_random(state) % 2 ? length : 1 + host_random(state) % length;
        char *copy = malloc(size);
        memcpy(copy, text, size);
        for (int i = 0; i < 4; i++)
            copy[host_random(state) % size] =
                host_random(state) % 3 ? "{};=.,\"\\# \n0x9K"[host_random(state) % 15] : (char)host_random(state);
        bool good = parse(&manifest, copy, size, &errors);
        if (good != (errors.count == 0))
            host_ok(false, "%s, damaged: the answer says whether there were errors", name);
        manifest_free(&manifest);
        free(copy);
    }
    host_ok(true, "%s: %d damaged copies", name, ROUNDS);
}

static void test_folder(const char *folder, const char *part, uint64_t *state,
                        void (*test)(const char *name, const char *text, size_t length))
{
    static char text[MOST_BYTES];
    char path[4096];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/%s", folder, part);
    DIR *listing = opendir(path);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        if (entry->d_name[0] == '.')
            continue;
        size_t length = read_file(folder, part, entry->d_name, text);
        test(entry->d_name, text, length);
        test_damaged(entry->d_name, text, length, state);
        count++;
    }
    if (listing)
        closedir(listing);
    host_ok(count > 0, "%s/ has %u files", part, count);
}

/* ---- What a manifest says, and what it leaves open -------------------------------------------------------------- */

static const char whole[] =
    "program server {\n"
    "    file = \"server.elf\"; arguments = \"a b\", \"\\\"c\\\\\\n\"; environment = \"X=1\";\n"
    "    memory = 1M; stack = 0x3001; priority = 7; serves one; serves two; may_fail; guarded;\n"
    "    grant console;\n"
    "}\n"
    "program client { # comment\n"
    "    grant service = server.two rights write, copy badge 0xffffffffffffffff;\n"
    "    grant output = log; plain;\n"
    "}\n";

static void test_server(const struct manifest_program *server)
{
    host_ok(strcmp(server->name, "server") == 0 && strcmp(server->file, "server.elf") == 0, "name and file");
    host_ok(server->arguments_count == 2 && strcmp(server->arguments[0], "a b") == 0 &&
                strcmp(server->arguments[1], "\"c\\\n") == 0,
            "arguments, with escapes");
    host_ok(server->environment_count == 1 && strcmp(server->environment[0], "X=1") == 0, "environment");
    host_ok(server->memory == 1 << 20 && server->stack == 0x4000 && server->priority == 7,
            "memory, stack rounded up to pages, priority");
    host_ok(server->endpoints_count == 2 && strcmp(server->endpoints[1].name, "two") == 0, "endpoints");
    host_ok(server->may_fail && server->guarded && !server->plain && !server->daemon && !manifest_waits_for(server),
            "marks; nobody waits for a server");
    host_ok(server->grants_count == 1 && server->grants[0].object == MANIFEST_CONSOLE &&
                server->grants[0].rights == (RIGHT_READ | RIGHT_WRITE),
            "a console with its default rights");
}

static void test_client(const struct manifest_program *client)
{
    const struct manifest_grant *service = &client->grants[0], *output = &client->grants[1];
    host_ok(strcmp(client->file, "client") == 0 && client->memory == MANIFEST_MEMORY_DEFAULT &&
                client->stack == MANIFEST_STACK_DEFAULT && client->priority == MANIFEST_PRIORITY_DEFAULT,
            "defaults");
    host_ok(client->plain && !client->guarded && manifest_waits_for(client),
            "a program that serves nothing is waited for");
    host_ok(service->object == MANIFEST_ENDPOINT && service->program_index == 0 && service->endpoint_index == 1 &&
                service->rights == (RIGHT_WRITE | RIGHT_COPY) && service->badge == ~0UL,
            "a capability with rights and badge");
    host_ok(output->object == MANIFEST_LOG && strcmp(output->name, "output") == 0 && output->rights == RIGHT_WRITE &&
                output->badge == 0,
            "an object by another name");
}

static bool has_client_only(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "client") == 0;
}

static void test_whole(void)
{
    static struct errors errors;
    const struct manifest_sink sink = {.report = collect, .context = &errors};
    struct manifest manifest;
    if (!host_ok(parse(&manifest, whole, sizeof(whole) - 1, &errors) && manifest.programs_count == 2, "two programs"))
        printf("# %s", errors.text);
    test_server(&manifest.programs[0]);
    test_client(&manifest.programs[1]);
    host_ok(!manifest_check_files(&manifest, "m", whole, sizeof(whole) - 1, has_client_only, NULL, &sink) &&
                errors.count == 1 && strstr(errors.text, "m:2:12: error: there is no file 'server.elf'"),
            "a missing file is named where the manifest names it");
    host_ok(strstr(errors.text, "    file = \"server.elf\";") && strstr(errors.text, "\n           ^\n"),
            "with the source line, and a caret under the column");
    manifest_free(&manifest);
}

/* More of everything than there is room for. */
static void test_limits(void)
{
    static struct errors errors;
    static char text[262144];
    struct manifest manifest;
    size_t length = 0;
    for (int i = 0; i < 66; i++)
        length += (size_t)sprintf(text + length, "program p%d { }\n", i);
    length += (size_t)sprintf(text + length, "program q { ");
    parse(&manifest, text, length, &errors);
    host_ok(strstr(errors.text, "m:65:9: error: more than 64 programs"), "too many programs");
    manifest_free(&manifest);
    length = (size_t)sprintf(text, "program p { ");
    for (int i = 0; i < 66; i++)
        length += (size_t)sprintf(text + length, "grant g%d = console; serves e%d; ", i, i);
    length += (size_t)sprintf(text + length, "arguments = \"\"");
    for (int i = 0; i < 33; i++)
        length += (size_t)sprintf(text + length, ", \"\"");
    length += (size_t)sprintf(text + length, "; }");
    parse(&manifest, text, length, &errors);
    host_ok(strstr(errors.text, "more than 64 grants") && strstr(errors.text, "more than 16 endpoints") &&
                strstr(errors.text, "more than 32 strings"),
            "too many grants, endpoints and strings");
    manifest_free(&manifest);
}

int main(int count, char **arguments)
{
    uint64_t state = count > 2 ? strtoull(arguments[2], NULL, 0) | 1 : 1;
    if (count < 2) {
        fprintf(stderr, "usage: manifest_test FOLDER [SEED]\n");
        return 2;
    }
    test_whole();
    test_limits();
    test_folder(arguments[1], "good", &state, test_good_file);
    test_folder(arguments[1], "bad", &state, test_bad_file);
    return host_done();
}
