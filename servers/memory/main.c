/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory server: `memory QUOTA...`. Each argument is the quota in bytes (with K, M or G) of a client of the
 * manifest: the first of the one whose capability has badge 1, and so on. What else it takes is the "memory" of its own
 * program.
 */
#include <salto/error.h>
#include <salto/startup.h>
#include <stdio.h>
#include <stdlib.h>

#include "idl/factory.h"
#include "operations.h"
#include "service.h"

struct service service;

/* Of 64 pages that the kernel gives, a few more go to its own tables: so many of 66 can be promised. */
#define PROMISED 64
#define TAKEN 66
#define KEPT_PAGES 64 /* for the server's own table of capabilities, stack and heap */

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "memory: %s\n", what);
    exit(1);
}

/* A number of bytes with a unit, in pages; fails if it is none. */
static uint64_t parse_quota(const char *text)
{
    char *end;
    uint64_t bytes = strtoull(text, &end, 0);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (end == text || (shift ? end[1] : end[0]) != 0 || bytes > (UINT64_MAX >> 31))
        fail("a quota is a number of bytes, perhaps with K, M or G behind it");
    return (bytes << shift) / PAGE_SIZE;
}

/* Pages that the server can get from the kernel. */
static uint64_t pages_left(void)
{
    uint64_t limit = 0, used = 0;
    int result = kernel_factory_quota((kernel_factory_t){service.factory}, &limit, &used);
    if (result)
        fail(salto_error_text(result));
    return (limit - used) / PAGE_SIZE;
}

static void open_clients(int count, char **quotas, uint64_t promised)
{
    uint64_t sum = 0;
    int error;
    for (int i = 0; i < count; i++) {
        uint64_t quota = parse_quota(quotas[i]);
        sum += quota;
        if (quota > promised || sum > promised)
            fail("the quotas of its clients are more than it has");
        client_open(NULL, (uint32_t)i + 1, quota, &error);
    }
}

int main(int argc, char **argv)
{
    service = (struct service){salto_require("task"), salto_require("factory"), salto_require("memory"),
                               salto_grant("physical")};
    uint64_t pages = pages_left();
    if (argc - 1 >= CLIENTS_MAX || pages < KEPT_PAGES)
        fail("too many clients, or no memory");
    if (!frames_prepare((uint32_t)(pages / CHUNK_PAGES)))
        fail("there is no memory for its books");
    pages = pages_left();
    pages -= pages < KEPT_PAGES ? pages : KEPT_PAGES;
    open_clients(argc - 1, argv + 1, pages * PROMISED / TAKEN);
    int result = salto_serve(service.endpoint, memory_dispatch, NULL);
    fail(salto_error_text(result));
}
