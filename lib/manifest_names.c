/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names in a manifest, and the checks that need the whole of a program or of the set. Each check is a function of its
 * own in the table at the end.
 */
#include "manifest_names.h"

#include <string.h>

#include "abi/capability.h"

/* The kernel's objects that a manifest can grant, with the rights that make sense and those given by default. */
static const struct object_kind {
    char name[MANIFEST_NAME_SIZE];
    uint32_t rights;
    uint32_t default_rights;
} object_kinds[MANIFEST_OBJECTS] = {
    [MANIFEST_ENDPOINT] = {"", RIGHT_WRITE | RIGHT_COPY, RIGHT_WRITE},
    [MANIFEST_CONSOLE] = {"console", RIGHT_READ | RIGHT_WRITE | RIGHT_COPY, RIGHT_READ | RIGHT_WRITE},
    [MANIFEST_LOG] = {"log", RIGHT_WRITE | RIGHT_COPY, RIGHT_WRITE},
    [MANIFEST_CLOCK] = {"clock", RIGHT_READ | RIGHT_COPY, RIGHT_READ},
    [MANIFEST_POWER] = {"power", RIGHT_WRITE | RIGHT_COPY, RIGHT_WRITE},
    [MANIFEST_DEBUG] = {"debug", RIGHT_READ | RIGHT_WRITE | RIGHT_COPY, RIGHT_READ | RIGHT_WRITE},
    [MANIFEST_INTERRUPTS] = {"interrupts", RIGHT_WRITE | RIGHT_COPY, RIGHT_WRITE},
    [MANIFEST_ARCHIVE] = {"archive", RIGHT_READ | RIGHT_COPY, RIGHT_READ},
    [MANIFEST_PHYSICAL] = {"physical", RIGHT_READ | RIGHT_WRITE | RIGHT_COPY, RIGHT_READ},
    [MANIFEST_PORTS] = {"ports", RIGHT_READ | RIGHT_WRITE | RIGHT_COPY, RIGHT_READ | RIGHT_WRITE},
    [MANIFEST_INTERRUPT] = {"interrupt", RIGHT_WRITE | RIGHT_COPY, RIGHT_WRITE},
    [MANIFEST_DEVICE] = {"device", RIGHT_READ | RIGHT_WRITE | RIGHT_COPY, RIGHT_READ | RIGHT_WRITE},
};

static const struct right_name {
    char name[MANIFEST_NAME_SIZE];
    uint32_t right;
} right_names[] = {{"read", RIGHT_READ}, {"write", RIGHT_WRITE}, {"copy", RIGHT_COPY}};

#define RIGHT_NAMES (sizeof(right_names) / sizeof(right_names[0]))

static const char transport_names[MANIFEST_TRANSPORTS][MANIFEST_NAME_SIZE] = {
    [MANIFEST_OVER_KERNEL] = "kernel", [MANIFEST_OVER_LOCAL] = "local", [MANIFEST_OVER_SHARED] = "shared"};

/* What every program finds in its start-up table without being granted it. */
static const char own_names[][MANIFEST_NAME_SIZE] = {"task", "thread", "factory"};

#define OWN_NAMES (sizeof(own_names) / sizeof(own_names[0]))

/* Reports that there is no `what` called `name`, and the name that may have been meant. */
static void unknown_name(struct manifest_lexer *lexer, const struct manifest_place *place, const char *what,
                         const char *name, const char *near)
{
    manifest_error(lexer, place, "unknown %s '%s'%s%s%s", what, name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

bool manifest_resolve_object(struct manifest_lexer *lexer, struct manifest_grant *grant)
{
    const size_t first = MANIFEST_ENDPOINT + 1;
    for (size_t i = first; i < MANIFEST_NAMED; i++) {
        if (strcmp(object_kinds[i].name, grant->server) == 0) {
            grant->object = (enum manifest_object)i;
            grant->server[0] = 0;
            return true;
        }
    }
    for (size_t i = MANIFEST_NAMED; i < MANIFEST_OBJECTS; i++) {
        if (strcmp(object_kinds[i].name, grant->server) == 0) {
            manifest_error(lexer, &grant->server_place, "'%s' has a statement of its own: %s NAME = NUMBER%s;",
                           grant->server, grant->server, i == MANIFEST_INTERRUPT ? "" : " to NUMBER");
            return false;
        }
    }
    unknown_name(
        lexer, &grant->server_place, "object", grant->server,
        manifest_suggest(grant->server, &object_kinds[first], MANIFEST_NAMED - first, sizeof(object_kinds[0])));
    return false;
}

bool manifest_resolve_right(struct manifest_lexer *lexer, const struct manifest_token *name,
                            enum manifest_object object, uint32_t *right)
{
    for (size_t i = 0; i < RIGHT_NAMES; i++) {
        if (strcmp(right_names[i].name, name->name) != 0)
            continue;
        *right = right_names[i].right;
        if (object_kinds[object].rights & *right)
            return true;
        manifest_error(lexer, &name->place, "right '%s' cannot be granted on %s", name->name,
                       object == MANIFEST_ENDPOINT ? "an endpoint: only who serves it receives from it"
                                                   : "this object");
        return false;
    }
    unknown_name(lexer, &name->place, "right", name->name,
                 manifest_suggest(name->name, right_names, RIGHT_NAMES, sizeof(right_names[0])));
    return false;
}

bool manifest_resolve_transport(struct manifest_lexer *lexer, const struct manifest_token *name,
                                enum manifest_transport *transport)
{
    for (size_t i = 0; i < MANIFEST_TRANSPORTS; i++) {
        if (strcmp(transport_names[i], name->name) == 0) {
            *transport = (enum manifest_transport)i;
            return true;
        }
    }
    unknown_name(lexer, &name->place, "transport", name->name,
                 manifest_suggest(name->name, transport_names, MANIFEST_TRANSPORTS, sizeof(transport_names[0])));
    return false;
}

uint32_t manifest_default_rights(enum manifest_object object)
{
    return object_kinds[object].default_rights;
}

/* ---- Checks ---------------------------------------------------------------------------------------------------- */

static void check_program_names(struct manifest_lexer *lexer, struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        const struct manifest_program *program = &manifest->programs[i];
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(program->name, manifest->programs[j].name) == 0) {
                manifest_error(lexer, &program->place, "program '%s' stands on line %u already", program->name,
                               manifest->programs[j].place.line);
                break;
            }
        }
    }
}

/* Notes that `name` is to stand in the start-up table; the line of an earlier one of that name, or 0. */
static uint32_t earlier_name(const struct manifest_program *program, uint32_t endpoints, uint32_t grants,
                             const char *name)
{
    for (uint32_t i = 0; i < endpoints; i++) {
        if (strcmp(program->endpoints[i].name, name) == 0)
            return program->endpoints[i].place.line;
    }
    for (uint32_t i = 0; i < grants; i++) {
        if (strcmp(program->grants[i].name, name) == 0)
            return program->grants[i].place.line;
    }
    return 0;
}

static void check_table_name(struct manifest_lexer *lexer, const struct manifest_place *place, const char *name,
                             uint32_t earlier)
{
    for (size_t i = 0; i < OWN_NAMES; i++) {
        if (strcmp(own_names[i], name) == 0)
            manifest_error(lexer, place, "every program has a '%s' of its own; choose another name", name);
    }
    if (earlier)
        manifest_error(lexer, place, "'%s' is named on line %u already", name, earlier);
}

static void check_table_names(struct manifest_lexer *lexer, struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        const struct manifest_program *program = &manifest->programs[i];
        for (uint32_t j = 0; j < program->endpoints_count; j++) {
            const struct manifest_endpoint *endpoint = &program->endpoints[j];
            check_table_name(lexer, &endpoint->place, endpoint->name, earlier_name(program, j, 0, endpoint->name));
        }
        for (uint32_t j = 0; j < program->grants_count; j++) {
            const struct manifest_grant *grant = &program->grants[j];
            check_table_name(lexer, &grant->place, grant->name,
                             earlier_name(program, program->endpoints_count, j, grant->name));
        }
    }
}

/* Finds the endpoint in the program that was found to be its server. */
static void resolve_endpoint(struct manifest_lexer *lexer, const struct manifest_program *server,
                             struct manifest_grant *grant)
{
    for (uint32_t i = 0; i < server->endpoints_count; i++) {
        if (strcmp(server->endpoints[i].name, grant->endpoint) == 0) {
            grant->endpoint_index = i;
            return;
        }
    }
    const char *near =
        manifest_suggest(grant->endpoint, server->endpoints, server->endpoints_count, sizeof(server->endpoints[0]));
    manifest_error(lexer, &grant->endpoint_place, "program '%s' does not serve '%s'%s%s%s", server->name,
                   grant->endpoint, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void resolve_grant(struct manifest_lexer *lexer, const struct manifest *manifest, struct manifest_grant *grant)
{
    if (grant->object != MANIFEST_ENDPOINT)
        return;
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        if (strcmp(manifest->programs[i].name, grant->server) == 0) {
            grant->program_index = i;
            resolve_endpoint(lexer, &manifest->programs[i], grant);
            return;
        }
    }
    unknown_name(
        lexer, &grant->server_place, "program", grant->server,
        manifest_suggest(grant->server, manifest->programs, manifest->programs_count, sizeof(manifest->programs[0])));
}

static void check_grants(struct manifest_lexer *lexer, struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        struct manifest_program *program = &manifest->programs[i];
        for (uint32_t j = 0; j < program->grants_count; j++)
            resolve_grant(lexer, manifest, &program->grants[j]);
    }
}

/* The line of the first grant of interrupt `line`, which `grant` is one of; 0 if `grant` is the first. */
static uint32_t earlier_interrupt(const struct manifest *manifest, const struct manifest_grant *grant)
{
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        const struct manifest_program *program = &manifest->programs[i];
        for (uint32_t j = 0; j < program->grants_count; j++) {
            const struct manifest_grant *earlier = &program->grants[j];
            if (earlier == grant)
                return 0;
            if (earlier->object == MANIFEST_INTERRUPT && earlier->first == grant->first)
                return earlier->place.line;
        }
    }
    return 0;
}

/* An interrupt line has one owner. */
static void check_interrupts(struct manifest_lexer *lexer, struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        for (uint32_t j = 0; j < manifest->programs[i].grants_count; j++) {
            const struct manifest_grant *grant = &manifest->programs[i].grants[j];
            uint32_t line = grant->object == MANIFEST_INTERRUPT ? earlier_interrupt(manifest, grant) : 0;
            if (line)
                manifest_error(lexer, &grant->place, "interrupt %u is given on line %u already", (uint32_t)grant->first,
                               line);
        }
    }
}

static void check_contradictions(struct manifest_lexer *lexer, struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        const struct manifest_program *program = &manifest->programs[i];
        if (program->wait && program->daemon)
            manifest_error(lexer, &program->place, "program '%s' has both 'wait' and 'daemon'", program->name);
        if (program->may_fail && program->expect_fault)
            manifest_error(lexer, &program->place, "program '%s' has both 'may_fail' and 'expect_fault'",
                           program->name);
        if (program->stored && (program->endpoints_count != 0 || program->grants_count != 0))
            manifest_error(lexer, &program->place, "program '%s' is stored: whoever starts it gives it what it gets",
                           program->name);
        if (program->plain && program->endpoints_count != 0)
            manifest_error(lexer, &program->endpoints[0].place, "a plain program has nothing to serve with");
        if (program->stack >= program->memory)
            manifest_error(lexer, &program->place,
                           "program '%s': a stack of %llu bytes does not fit in its memory of %llu", program->name,
                           (unsigned long long)program->stack, (unsigned long long)program->memory);
    }
}

static void (*const checks[])(struct manifest_lexer *lexer, struct manifest *manifest) = {
    check_program_names, check_table_names, check_grants, check_interrupts, check_contradictions,
};

void manifest_resolve(struct manifest_lexer *lexer, struct manifest *manifest)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        checks[i](lexer, manifest);
    if (lexer->errors == 0)
        manifest_resolve_local(lexer, manifest);
}
