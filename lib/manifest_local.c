/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `over local` in a manifest: the server is linked into its client's image. Which program is part of which image, and
 * whether it can be.
 *
 * A program is linked into at most one other, and no program into itself by way of others, so that images are trees.
 * What is linked into one image shares task, quota, priority and end.
 */
#include <string.h>

#include "manifest_names.h"

#define OWN_NAMES 3 /* what an image has besides: its task, thread and factory */

typedef const struct manifest_program program_t;

static bool is_plain(program_t *server, program_t *client)
{
    (void)server; /* it serves, which no plain program does */
    return client->plain;
}

static bool is_guarded(program_t *server, program_t *client)
{
    return server->guarded || client->guarded;
}

static bool has_priority(program_t *server, program_t *client)
{
    return server->priority != client->priority;
}

static bool has_environment(program_t *server, program_t *client)
{
    (void)client;
    return server->environment_count != 0;
}

static bool is_waited_for(program_t *server, program_t *client)
{
    (void)client;
    return server->wait;
}

static bool ends_otherwise(program_t *server, program_t *client)
{
    return server->may_fail != client->may_fail || server->expect_fault != client->expect_fault;
}

/* What keeps a server from being linked into a client. */
static const struct obstacle {
    bool (*is_there)(program_t *server, program_t *client);
    const char *reason;
} obstacles[] = {
    {is_plain, "nothing is linked into a plain program"},
    {is_guarded, "a guarded program shares its task with no other"},
    {has_priority, "their priorities differ"},
    {has_environment, "it has an environment of its own"},
    {is_waited_for, "the set is to wait for it, and it ends with its client"},
    {ends_otherwise, "'may_fail' or 'expect_fault' is said of one of them"},
};

/* Is `program` the same as `upper`, or linked into it by way of others? `parents` has the index + 1 of the one that
 * each program is linked into. */
static bool is_linked_into(const uint32_t *parents, uint32_t program, uint32_t upper)
{
    while (program != upper && parents[program] != 0)
        program = parents[program] - 1;
    return program == upper;
}

static void link_server(struct manifest_lexer *lexer, const struct manifest *manifest,
                        const struct manifest_grant *grant, uint32_t client, uint32_t *parents)
{
    const uint32_t server = grant->program_index;
    const char *name = manifest->programs[server].name, *into = manifest->programs[client].name;
    for (size_t i = 0; i < sizeof(obstacles) / sizeof(obstacles[0]); i++)
        if (obstacles[i].is_there(&manifest->programs[server], &manifest->programs[client]))
            manifest_error(lexer, &grant->over_place, "program '%s' cannot be linked into '%s': %s", name, into,
                           obstacles[i].reason);
    if (parents[server] != 0 && parents[server] != client + 1)
        manifest_error(lexer, &grant->over_place, "program '%s' cannot be linked into '%s': it is into '%s'", name,
                       into, manifest->programs[parents[server] - 1].name);
    else if (is_linked_into(parents, client, server))
        manifest_error(lexer, &grant->over_place, "program '%s' cannot be linked into '%s', which is linked into it",
                       name, into);
    else
        parents[server] = client + 1;
}

static void link_servers(struct manifest_lexer *lexer, const struct manifest *manifest, uint32_t *parents)
{
    for (uint32_t i = 0; i < manifest->programs_count; i++)
        for (uint32_t j = 0; j < manifest->programs[i].grants_count; j++)
            if (manifest->programs[i].grants[j].over == MANIFEST_OVER_LOCAL)
                link_server(lexer, manifest, &manifest->programs[i].grants[j], i, parents);
}

/* Adds a program to the image of another. `room` is how many names that one's start-up table still takes. */
static void add_member(struct manifest_lexer *lexer, struct manifest_program *image, struct manifest_program *program,
                       uint32_t *members, uint32_t *room)
{
    const uint32_t names = program->endpoints_count + program->grants_count;
    program->member = ++*members;
    image->memory += program->memory;
    if (names > *room)
        manifest_error(lexer, &program->place, "program '%s' and what is linked into it have more than %d names",
                       image->name, MANIFEST_MAX_NAMES - OWN_NAMES);
    *room -= names > *room ? *room : names;
}

/* How many programs lie between this one and its image, itself included. */
static uint32_t depth_of(const uint32_t *parents, uint32_t program)
{
    uint32_t depth = 0;
    for (; parents[program] != 0; program = parents[program] - 1)
        depth++;
    return depth;
}

/* The image of program `index` is its own: adds all that is linked into it, servers before those who call them. */
static void make_image(struct manifest_lexer *lexer, struct manifest *manifest, const uint32_t *parents, uint32_t index)
{
    struct manifest_program *image = &manifest->programs[index];
    uint32_t members = 0, room = MANIFEST_MAX_NAMES - OWN_NAMES - image->endpoints_count - image->grants_count;
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < manifest->programs_count; i++) {
        if (!is_linked_into(parents, i, index))
            continue;
        manifest->programs[i].image = index;
        if (depth_of(parents, i) > deepest)
            deepest = depth_of(parents, i);
    }
    for (uint32_t depth = deepest; depth > 0; depth--)
        for (uint32_t i = 0; i < manifest->programs_count; i++)
            if (depth_of(parents, i) == depth && is_linked_into(parents, i, index))
                add_member(lexer, image, &manifest->programs[i], &members, &room);
    for (uint32_t i = 0; i < manifest->programs_count && members != 0; i++)
        if (i != index && parents[i] == 0 && strcmp(manifest->programs[i].file, image->file) == 0)
            manifest_error(lexer, &manifest->programs[i].file_place,
                           "program '%s' cannot run the file of '%s', into which others are linked",
                           manifest->programs[i].name, image->name);
}

void manifest_resolve_local(struct manifest_lexer *lexer, struct manifest *manifest)
{
    uint32_t parents[MANIFEST_MAX_PROGRAMS] = {0};
    link_servers(lexer, manifest, parents);
    for (uint32_t i = 0; i < manifest->programs_count; i++)
        if (parents[i] == 0)
            make_image(lexer, manifest, parents, i);
}
