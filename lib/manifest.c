/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parser of the manifest language (docs/manifest.md), by recursive descent. After an error it goes on behind the next
 * ';' or at the next '}', so that one run reports every error. Names are resolved by manifest_names.c afterwards,
 * because a program may be given what a later one serves.
 */
#include "manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "abi/message.h"
#include "manifest_lexer.h"
#include "manifest_names.h"

struct parser {
    struct manifest_lexer lexer;
    struct manifest_token token; /* the one to be looked at next */
    struct manifest *manifest;
};

/* A statement of a program: reads what stands between its name and the ';'. False after an error. */
struct statement {
    char name[MANIFEST_NAME_SIZE];
    bool (*parse)(struct parser *parser, struct manifest_program *program);
    bool repeatable;
};

static void advance(struct parser *parser)
{
    manifest_next_token(&parser->lexer, &parser->token);
}

static bool at_symbol(const struct parser *parser, char symbol)
{
    return parser->token.kind == TOKEN_SYMBOL && parser->token.symbol == symbol;
}

static bool at_name(const struct parser *parser, const char *name)
{
    return parser->token.kind == TOKEN_NAME && strcmp(parser->token.name, name) == 0;
}

/* Takes `symbol`, or says that it was expected `where`. */
static bool expect(struct parser *parser, char symbol, const char *where)
{
    if (at_symbol(parser, symbol)) {
        advance(parser);
        return true;
    }
    if (parser->token.kind != TOKEN_BAD)
        manifest_error(&parser->lexer, &parser->token.place, "expected '%c' %s", symbol, where);
    return false;
}

/* Takes a token of `kind` into `*taken`, or says that `what` was expected. */
static bool take(struct parser *parser, enum manifest_token_kind kind, const char *what, struct manifest_token *taken)
{
    if (parser->token.kind == kind) {
        *taken = parser->token;
        advance(parser);
        return true;
    }
    if (parser->token.kind != TOKEN_BAD)
        manifest_error(&parser->lexer, &parser->token.place, "expected %s", what);
    return false;
}

/* "NUMBER", in [least, most]. */
static bool parse_bare_number(struct parser *parser, const char *what, uint64_t least, uint64_t most, uint64_t *value)
{
    struct manifest_token number;
    if (!take(parser, TOKEN_NUMBER, "a number", &number))
        return false;
    *value = number.number;
    if (*value >= least && *value <= most)
        return true;
    manifest_error(&parser->lexer, &number.place, "%s is %llu; it must be from %llu to %llu", what,
                   (unsigned long long)*value, (unsigned long long)least, (unsigned long long)most);
    return false;
}

/* "= NUMBER", in [least, most]. */
static bool parse_number(struct parser *parser, const char *what, uint64_t least, uint64_t most, uint64_t *value)
{
    return expect(parser, '=', "here") && parse_bare_number(parser, what, least, most, value);
}

/* "= NUMBER" of bytes, rounded up to pages. */
static bool parse_bytes(struct parser *parser, const char *what, uint64_t least, uint64_t most, uint64_t *value)
{
    uint64_t bytes;
    if (!parse_number(parser, what, least, most, &bytes))
        return false;
    *value = (bytes + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    return true;
}

/* "= STRING, STRING..." */
static bool parse_strings(struct parser *parser, const char *strings[MANIFEST_MAX_STRINGS], uint32_t *count)
{
    struct manifest_token string;
    if (!expect(parser, '=', "here"))
        return false;
    for (;;) {
        if (!take(parser, TOKEN_STRING, "a string in double quotes", &string))
            return false;
        if (*count == MANIFEST_MAX_STRINGS) {
            manifest_error(&parser->lexer, &string.place, "more than %d strings", MANIFEST_MAX_STRINGS);
            return false;
        }
        strings[(*count)++] = string.string;
        if (!at_symbol(parser, ','))
            return true;
        advance(parser);
    }
}

static bool parse_arguments(struct parser *parser, struct manifest_program *program)
{
    return parse_strings(parser, program->arguments, &program->arguments_count);
}

static bool parse_environment(struct parser *parser, struct manifest_program *program)
{
    return parse_strings(parser, program->environment, &program->environment_count);
}

/* A file's name is one component of printable characters, and none that the archive has a use for. */
static const char *file_name_problem(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= MANIFEST_MAX_FILE)
        return "a file name has 1 to 63 characters";
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '/' || (unsigned char)name[i] <= ' ' || (unsigned char)name[i] > '~')
            return "a file name has no slash, blank or control character";
    }
    if (strcmp(name, "root") == 0 || strcmp(name, "linux") == 0 || strcmp(name, "set.manifest") == 0)
        return "this name is taken by the system's own file in the archive";
    return NULL;
}

static bool parse_file(struct parser *parser, struct manifest_program *program)
{
    struct manifest_token string;
    if (!expect(parser, '=', "here") || !take(parser, TOKEN_STRING, "a file name in double quotes", &string))
        return false;
    const char *problem = file_name_problem(string.string);
    if (problem) {
        manifest_error(&parser->lexer, &string.place, "%s", problem);
        return false;
    }
    strcpy(program->file, string.string);
    program->file_place = string.place;
    return true;
}

static bool parse_memory(struct parser *parser, struct manifest_program *program)
{
    return parse_bytes(parser, "memory", MANIFEST_MEMORY_LEAST, MANIFEST_MEMORY_MOST, &program->memory);
}

static bool parse_stack(struct parser *parser, struct manifest_program *program)
{
    return parse_bytes(parser, "stack", MANIFEST_STACK_LEAST, MANIFEST_STACK_MOST, &program->stack);
}

static bool parse_priority(struct parser *parser, struct manifest_program *program)
{
    uint64_t value;
    if (!parse_number(parser, "priority", 0, MANIFEST_PRIORITY_MOST, &value))
        return false;
    program->priority = (uint32_t)value;
    return true;
}

static bool parse_serves(struct parser *parser, struct manifest_program *program)
{
    struct manifest_token name;
    if (!take(parser, TOKEN_NAME, "the name of an endpoint", &name))
        return false;
    if (program->endpoints_count == MANIFEST_MAX_ENDPOINTS) {
        manifest_error(&parser->lexer, &name.place, "more than %d endpoints", MANIFEST_MAX_ENDPOINTS);
        return false;
    }
    struct manifest_endpoint *endpoint = &program->endpoints[program->endpoints_count++];
    memcpy(endpoint->name, name.name, sizeof(endpoint->name));
    endpoint->place = name.place;
    return true;
}

/* What stands behind "grant" up to the rights: "OBJECT", "NAME = OBJECT" or "NAME = PROGRAM.ENDPOINT". */
static bool parse_grant_source(struct parser *parser, struct manifest_grant *grant)
{
    struct manifest_token name, source, endpoint;
    if (!take(parser, TOKEN_NAME, "a name", &name))
        return false;
    source = name;
    if (at_symbol(parser, '=')) {
        advance(parser);
        if (!take(parser, TOKEN_NAME, "the name of an object, or PROGRAM.ENDPOINT", &source))
            return false;
    }
    memcpy(grant->name, name.name, sizeof(grant->name));
    memcpy(grant->server, source.name, sizeof(grant->server));
    grant->place = name.place;
    grant->server_place = source.place;
    if (!at_symbol(parser, '.'))
        return manifest_resolve_object(&parser->lexer, grant);
    advance(parser);
    if (!take(parser, TOKEN_NAME, "the name of an endpoint", &endpoint))
        return false;
    grant->object = MANIFEST_ENDPOINT;
    memcpy(grant->endpoint, endpoint.name, sizeof(grant->endpoint));
    grant->endpoint_place = endpoint.place;
    return true;
}

/* The names behind "rights". */
static bool parse_rights(struct parser *parser, struct manifest_grant *grant)
{
    struct manifest_token name;
    grant->rights = 0;
    do {
        uint32_t right;
        advance(parser);
        if (!take(parser, TOKEN_NAME, "a right: read, write or copy", &name) ||
            !manifest_resolve_right(&parser->lexer, &name, grant->object, &right))
            return false;
        if (grant->rights & right) {
            manifest_error(&parser->lexer, &name.place, "right '%s' is given twice", name.name);
            return false;
        }
        grant->rights |= right;
    } while (at_symbol(parser, ','));
    return true;
}

static bool parse_badge(struct parser *parser, struct manifest_grant *grant)
{
    struct manifest_token number;
    struct manifest_place place = parser->token.place;
    advance(parser);
    if (!take(parser, TOKEN_NUMBER, "a number", &number))
        return false;
    grant->badge = number.number;
    if (grant->object == MANIFEST_ENDPOINT)
        return true;
    manifest_error(&parser->lexer, &place, "only a capability to an endpoint can have a badge");
    return false;
}

static bool parse_over(struct parser *parser, struct manifest_grant *grant)
{
    struct manifest_token name;
    struct manifest_place place = parser->token.place;
    advance(parser);
    grant->over_place = parser->token.place;
    if (!take(parser, TOKEN_NAME, "a transport: kernel, local or shared", &name) ||
        !manifest_resolve_transport(&parser->lexer, &name, &grant->over))
        return false;
    if (grant->object == MANIFEST_ENDPOINT)
        return true;
    manifest_error(&parser->lexer, &place, "only an endpoint is reached over a transport that can be chosen");
    return false;
}

/* What follows the source of a grant; then it is complete. */
static bool finish_grant(struct parser *parser, struct manifest_program *program, struct manifest_grant *grant)
{
    grant->rights = manifest_default_rights(grant->object);
    if (at_name(parser, "rights") && !parse_rights(parser, grant))
        return false;
    if (at_name(parser, "badge") && !parse_badge(parser, grant))
        return false;
    if (at_name(parser, "over") && !parse_over(parser, grant))
        return false;
    if (program->grants_count == MANIFEST_MAX_GRANTS) {
        manifest_error(&parser->lexer, &grant->place, "more than %d grants", MANIFEST_MAX_GRANTS);
        return false;
    }
    program->grants[program->grants_count++] = *grant;
    return true;
}

static bool parse_grant(struct parser *parser, struct manifest_program *program)
{
    struct manifest_grant grant;
    memset(&grant, 0, sizeof(grant));
    return parse_grant_source(parser, &grant) && finish_grant(parser, program, &grant);
}

/* The name and "=" of a statement that gives an object of `kind`. */
static bool parse_device_name(struct parser *parser, enum manifest_object kind, struct manifest_grant *grant)
{
    struct manifest_token name;
    memset(grant, 0, sizeof(*grant));
    grant->object = kind;
    if (!take(parser, TOKEN_NAME, "a name", &name) || !expect(parser, '=', "behind the name"))
        return false;
    memcpy(grant->name, name.name, sizeof(grant->name));
    grant->place = name.place;
    return true;
}

/* "NAME = PORT [to PORT]" */
static bool parse_ports(struct parser *parser, struct manifest_program *program)
{
    struct manifest_grant grant;
    uint64_t first, last;
    if (!parse_device_name(parser, MANIFEST_PORTS, &grant) ||
        !parse_bare_number(parser, "a port", 0, MANIFEST_PORT_MOST, &first))
        return false;
    last = first;
    if (at_name(parser, "to")) {
        advance(parser);
        if (!parse_bare_number(parser, "the last port", first, MANIFEST_PORT_MOST, &last))
            return false;
    }
    grant.first = first;
    grant.last = last;
    return finish_grant(parser, program, &grant);
}

/* "NAME = LINE" */
static bool parse_interrupt(struct parser *parser, struct manifest_program *program)
{
    struct manifest_grant grant;
    uint64_t line;
    if (!parse_device_name(parser, MANIFEST_INTERRUPT, &grant) ||
        !parse_bare_number(parser, "an interrupt line", 0, MANIFEST_INTERRUPT_MOST, &line))
        return false;
    grant.first = grant.last = line;
    return finish_grant(parser, program, &grant);
}

/* "[uncached | write-combining | write-back]" */
static void parse_cache(struct parser *parser, struct manifest_grant *grant)
{
    static const char *const names[] = {
        [PAGE_WRITE_BACK] = "write-back", [PAGE_WRITE_COMBINING] = "write-combining", [PAGE_UNCACHED] = "uncached"};
    grant->cache = PAGE_UNCACHED;
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!at_name(parser, names[i]))
            continue;
        grant->cache = i;
        advance(parser);
        return;
    }
}

/* Are they whole pages, and not too many? `place` is that of the first address. */
static bool check_device(struct parser *parser, const struct manifest_place *place, const struct manifest_grant *grant)
{
    if (grant->first % PAGE_SIZE || (grant->last + 1) % PAGE_SIZE) {
        manifest_error(&parser->lexer, place,
                       "a device's addresses are whole pages: the first is a multiple of 0x1000, "
                       "the last ends in 0xfff");
        return false;
    }
    if (grant->last - grant->first < MANIFEST_DEVICE_MOST)
        return true;
    manifest_error(&parser->lexer, place, "a device has at most 1G of addresses");
    return false;
}

/* "NAME = ADDRESS to ADDRESS [CACHE]" */
static bool parse_device(struct parser *parser, struct manifest_program *program)
{
    struct manifest_grant grant;
    struct manifest_place place;
    if (!parse_device_name(parser, MANIFEST_DEVICE, &grant))
        return false;
    place = parser->token.place;
    if (!parse_bare_number(parser, "an address", 0, MANIFEST_ADDRESS_MOST, &grant.first))
        return false;
    if (!at_name(parser, "to")) {
        manifest_error(&parser->lexer, &parser->token.place, "expected 'to' and the last address");
        return false;
    }
    advance(parser);
    if (!parse_bare_number(parser, "the last address", grant.first, MANIFEST_ADDRESS_MOST, &grant.last) ||
        !check_device(parser, &place, &grant))
        return false;
    parse_cache(parser, &grant);
    return finish_grant(parser, program, &grant);
}

static bool parse_plain(struct parser *parser, struct manifest_program *program)
{
    (void)parser;
    return program->plain = true;
}

static bool parse_daemon(struct parser *parser, struct manifest_program *program)
{
    (void)parser;
    return program->daemon = true;
}

static bool parse_wait(struct parser *parser, struct manifest_program *program)
{
    (void)parser;
    return program->wait = true;
}

static bool parse_may_fail(struct parser *parser, struct manifest_program *program)
{
    (void)parser;
    return program->may_fail = true;
}

static bool parse_expect_fault(struct parser *parser, struct manifest_program *program)
{
    (void)parser;
    return program->expect_fault = true;
}

static bool parse_stored(struct parser *parser, struct manifest_program *program)
{
    (void)parser;
    return program->stored = true;
}

static bool parse_guarded(struct parser *parser, struct manifest_program *program)
{
    (void)parser;
    return program->guarded = true;
}

static const struct statement statements[] = {
    {"file", parse_file, false},
    {"arguments", parse_arguments, false},
    {"environment", parse_environment, false},
    {"memory", parse_memory, false},
    {"stack", parse_stack, false},
    {"priority", parse_priority, false},
    {"serves", parse_serves, true},
    {"grant", parse_grant, true},
    {"ports", parse_ports, true},
    {"interrupt", parse_interrupt, true},
    {"device", parse_device, true},
    {"plain", parse_plain, false},
    {"daemon", parse_daemon, false},
    {"wait", parse_wait, false},
    {"may_fail", parse_may_fail, false},
    {"expect_fault", parse_expect_fault, false},
    {"guarded", parse_guarded, false},
    {"stored", parse_stored, false},
};

#define STATEMENTS (sizeof(statements) / sizeof(statements[0]))

/* Goes on behind the next ';', or at the next '}' or the end. */
static void recover(struct parser *parser)
{
    while (parser->token.kind != TOKEN_END && !at_symbol(parser, '}')) {
        bool found = at_symbol(parser, ';');
        advance(parser);
        if (found)
            return;
    }
}

/* The index of the statement called `name`, or STATEMENTS. */
static size_t find_statement(const char *name)
{
    size_t i = 0;
    while (i < STATEMENTS && strcmp(statements[i].name, name) != 0)
        i++;
    return i;
}

/* One statement with its ';'. `*seen` has a bit for each that stood before it. */
static bool parse_statement(struct parser *parser, struct manifest_program *program, uint32_t *seen)
{
    struct manifest_token name;
    if (!take(parser, TOKEN_NAME, "a statement or '}'", &name))
        return false;
    size_t index = find_statement(name.name);
    if (index == STATEMENTS) {
        const char *near = manifest_suggest(name.name, statements, STATEMENTS, sizeof(statements[0]));
        manifest_error(&parser->lexer, &name.place, "unknown statement '%s'%s%s%s", name.name,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return false;
    }
    if (*seen & 1U << index && !statements[index].repeatable)
        manifest_error(&parser->lexer, &name.place, "'%s' stands twice in program '%s'", name.name, program->name);
    *seen |= 1U << index;
    return statements[index].parse(parser, program) && expect(parser, ';', "at the end of the statement");
}

static void set_defaults(struct manifest_program *program, const struct manifest_token *name)
{
    memset(program, 0, sizeof(*program));
    memcpy(program->name, name->name, sizeof(program->name));
    memcpy(program->file, name->name, sizeof(name->name));
    program->place = program->file_place = name->place;
    program->memory = MANIFEST_MEMORY_DEFAULT;
    program->stack = MANIFEST_STACK_DEFAULT;
    program->priority = MANIFEST_PRIORITY_DEFAULT;
}

/* "NAME { STATEMENT; ... }", into the next free place of the manifest. */
static bool parse_program(struct parser *parser)
{
    struct manifest *manifest = parser->manifest;
    struct manifest_token name;
    uint32_t seen = 0;
    if (!take(parser, TOKEN_NAME, "the name of the program", &name))
        return false;
    if (manifest->programs_count == MANIFEST_MAX_PROGRAMS) {
        manifest_error(&parser->lexer, &name.place, "more than %d programs", MANIFEST_MAX_PROGRAMS);
        return false;
    }
    struct manifest_program *program = &manifest->programs[manifest->programs_count++];
    set_defaults(program, &name);
    if (!expect(parser, '{', "behind the program's name"))
        return false;
    while (parser->token.kind != TOKEN_END && !at_symbol(parser, '}')) {
        if (!parse_statement(parser, program, &seen))
            recover(parser);
    }
    return expect(parser, '}', "at the end of the program");
}

/* Goes on at the next word "program", or at the end. */
static void recover_program(struct parser *parser)
{
    while (parser->token.kind != TOKEN_END && !at_name(parser, "program"))
        advance(parser);
}

static void parse_programs(struct parser *parser)
{
    advance(parser);
    while (parser->token.kind != TOKEN_END) {
        if (at_name(parser, "program")) {
            advance(parser);
            if (parse_program(parser))
                continue;
        } else if (parser->token.kind != TOKEN_BAD) {
            manifest_error(&parser->lexer, &parser->token.place, "expected 'program'");
        }
        recover_program(parser);
    }
}

bool manifest_parse(struct manifest *manifest, const char *file, const char *text, size_t length,
                    const struct manifest_sink *sink)
{
    const struct manifest_place start = {.line = 1, .column = 1, .line_start = 0};
    memset(manifest, 0, sizeof(*manifest));
    manifest->programs = calloc(MANIFEST_MAX_PROGRAMS, sizeof(*manifest->programs));
    manifest->strings = malloc(length + 1);
    struct parser parser = {
        .lexer = {.file = file, .text = text, .length = length, .line = 1, .pool = manifest->strings, .sink = sink},
        .manifest = manifest,
    };
    if (!manifest->programs || !manifest->strings) {
        manifest_error(&parser.lexer, &start, "there is no memory to read the manifest");
        return false;
    }
    parse_programs(&parser);
    if (manifest->programs_count == 0 && parser.lexer.errors == 0)
        manifest_error(&parser.lexer, &start, "the manifest lists no program");
    manifest_resolve(&parser.lexer, manifest);
    return parser.lexer.errors == 0;
}

bool manifest_check_files(const struct manifest *manifest, const char *file, const char *text, size_t length,
                          bool (*exists)(void *context, const char *name), void *context,
                          const struct manifest_sink *sink)
{
    struct manifest_lexer lexer = {.file = file, .text = text, .length = length, .sink = sink};
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        const struct manifest_program *program = &manifest->programs[i];
        if (program->member == 0 && !exists(context, program->file))
            manifest_error(&lexer, &program->file_place, "there is no file '%s' for program '%s'", program->file,
                           program->name);
    }
    return lexer.errors == 0;
}

bool manifest_waits_for(const struct manifest_program *program)
{
    return !program->stored && (program->wait || (!program->daemon && program->endpoints_count == 0));
}

void manifest_free(struct manifest *manifest)
{
    free(manifest->programs);
    free(manifest->strings);
    memset(manifest, 0, sizeof(*manifest));
}
