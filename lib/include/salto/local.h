/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local transport: client and server are linked into one program (`over local` in the manifest), and a call runs
 * the server's dispatcher on the thread of its caller. See docs/transports.md. Only programs into which others are
 * linked have this.
 */
#ifndef SALTO_LOCAL_H
#define SALTO_LOCAL_H

#include "abi/startup.h"

#include <stddef.h>
#include <stdint.h>

/* A program that is linked into this one. */
struct salto_member {
    int (*main)(int count, char **arguments, char **environment);
    char **arguments; /* argv, ended by NULL */
    uint32_t program; /* number in the start-up table */
    size_t stack;     /* bytes */
};

/* Starts a server on a thread of its own, and returns when it serves, or its main() has returned. If that was with
 * another status than 0, the whole program ends with it. */
void salto_member_start(const struct salto_member *member);

/* The route of a line of the start-up table; 0 if there can be none. */
uint32_t salto_local_open(const struct startup_grant *grant);

#endif
