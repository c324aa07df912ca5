/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manifest of a server set: which programs run, with what arguments and how much memory, who serves what, and
 * which capabilities each program is given. docs/manifest.md describes the language.
 *
 * The same parser refuses a bad manifest when a set is built and when it boots. It is total: any bytes give either a
 * manifest in which every name is resolved and every number is in its range, or errors with file, line and column.
 */
#ifndef SALTO_LIB_MANIFEST_H
#define SALTO_LIB_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_NAME_SIZE 24 /* with the terminating zero: what the start-up table has room for */
#define MANIFEST_MAX_PROGRAMS 64
#define MANIFEST_MAX_STRINGS 32 /* arguments, and environment strings, of a program */
#define MANIFEST_MAX_ENDPOINTS 16
#define MANIFEST_MAX_GRANTS 64
#define MANIFEST_MAX_FILE 64
#define MANIFEST_MAX_NAMES 120 /* of an image: what its start-up table has room for */

/* Defaults and ranges of what a program is given. */
#define MANIFEST_MEMORY_DEFAULT (4UL << 20)
#define MANIFEST_MEMORY_LEAST (64UL << 10)
#define MANIFEST_MEMORY_MOST (64UL << 30)
#define MANIFEST_STACK_DEFAULT (128UL << 10)
#define MANIFEST_STACK_LEAST (8UL << 10)
#define MANIFEST_STACK_MOST (64UL << 20)
#define MANIFEST_PRIORITY_DEFAULT 100
#define MANIFEST_PRIORITY_MOST 255
#define MANIFEST_PORT_MOST 65535
#define MANIFEST_INTERRUPT_MOST 127
#define MANIFEST_ADDRESS_MOST ((1UL << 52) - 1) /* the widest physical address that there is */
#define MANIFEST_DEVICE_MOST (1UL << 30)        /* bytes of a device */

/* Line and column, both from 1, and where the line begins in the text. */
struct manifest_place {
    uint32_t line;
    uint32_t column;
    size_t line_start;
};

/* What a program can be given: an endpoint that a program serves, one of the kernel's objects, or a device's. */
enum manifest_object {
    MANIFEST_ENDPOINT,
    MANIFEST_CONSOLE,
    MANIFEST_LOG,
    MANIFEST_CLOCK,
    MANIFEST_POWER,
    MANIFEST_DEBUG,
    MANIFEST_INTERRUPTS,
    MANIFEST_ARCHIVE,
    MANIFEST_PHYSICAL,
    MANIFEST_NAMED, /* of those before, 'grant' takes the name; the rest have statements */
    MANIFEST_PORTS = MANIFEST_NAMED,
    MANIFEST_INTERRUPT,
    MANIFEST_DEVICE,
    MANIFEST_OBJECTS
};

/* By what messages go to an endpoint that a program of the set serves (docs/transports.md). */
enum manifest_transport { MANIFEST_OVER_KERNEL, MANIFEST_OVER_LOCAL, MANIFEST_OVER_SHARED, MANIFEST_TRANSPORTS };

/* A capability that a program is given, called `name` in its start-up table. */
struct manifest_grant {
    char name[MANIFEST_NAME_SIZE];
    enum manifest_object object;
    char server[MANIFEST_NAME_SIZE];   /* as written, for MANIFEST_ENDPOINT; else empty */
    char endpoint[MANIFEST_NAME_SIZE]; /* likewise */
    uint32_t program_index;            /* of the server, in programs[] */
    uint32_t endpoint_index;           /* in that program's endpoints[] */
    uint32_t rights;                   /* of kernel/abi/capability.h */
    uint64_t badge;                    /* 0: no badge */
    uint64_t first, last;              /* MANIFEST_PORTS: the range; MANIFEST_INTERRUPT: the line, twice;
                                          MANIFEST_DEVICE: physical addresses, whole pages */
    uint32_t cache;                    /* MANIFEST_DEVICE: PAGE_UNCACHED, ... of kernel/abi/message.h */
    enum manifest_transport over;      /* MANIFEST_OVER_KERNEL for all but MANIFEST_ENDPOINT */
    struct manifest_place place;
    struct manifest_place server_place, endpoint_place, over_place;
};

struct manifest_endpoint {
    char name[MANIFEST_NAME_SIZE];
    struct manifest_place place;
};

struct manifest_program {
    char name[MANIFEST_NAME_SIZE];
    char file[MANIFEST_MAX_FILE];
    struct manifest_place place, file_place;
    const char *arguments[MANIFEST_MAX_STRINGS]; /* argv[1] and up */
    const char *environment[MANIFEST_MAX_STRINGS];
    uint32_t arguments_count, environment_count;
    uint64_t memory; /* quota in bytes, a multiple of the page size: with that of all that is linked into its image */
    uint64_t stack;  /* in bytes, a multiple of the page size */
    uint32_t priority;
    bool plain;        /* has nothing of ours: not linked with our library */
    bool daemon;       /* the set does not wait for it */
    bool wait;         /* the set waits for it although it serves */
    bool may_fail;     /* its failure is not the set's */
    bool expect_fault; /* it must end by a fault */
    bool stored;       /* only its file is there, for those who start programs */
    bool guarded;      /* kept apart from other tasks by barriers (Task.set_guarded) */
    struct manifest_endpoint endpoints[MANIFEST_MAX_ENDPOINTS];
    struct manifest_grant grants[MANIFEST_MAX_GRANTS];
    uint32_t endpoints_count, grants_count;
    uint32_t image; /* index in programs[] of the one into whose image it is linked, by `over local`: its own if none */
    uint32_t member; /* 0: the image is its own; else which of the others in that image it is, from 1 on: servers
                      * stand before those who call them */
};

struct manifest {
    struct manifest_program *programs;
    uint32_t programs_count;
    char *strings; /* what arguments and environment point into */
};

/* Takes one complete error message, of several lines, each ended by a newline: "FILE:LINE:COLUMN: error: REASON", the
 * source line, and a caret under the column. */
struct manifest_sink {
    void (*report)(void *context, const char *message);
    void *context;
};

/* Parses the `length` bytes of `text`; `file` is what errors call it. Reports every error, and answers whether there
 * was none. What it allocates belongs to the caller, who calls manifest_free() whatever the answer was. */
bool manifest_parse(struct manifest *manifest, const char *file, const char *text, size_t length,
                    const struct manifest_sink *sink);

/* Reports each program whose file `exists` does not know, but for those that are linked into others; `file`, `text` and
 * `length` as they were parsed. */
bool manifest_check_files(const struct manifest *manifest, const char *file, const char *text, size_t length,
                          bool (*exists)(void *context, const char *name), void *context,
                          const struct manifest_sink *sink);

/* Does the set wait for this program to end? */
bool manifest_waits_for(const struct manifest_program *program);

/* Frees what a manifest that was read holds, and clears it; the structure itself is the caller's. */
void manifest_free(struct manifest *manifest);

#endif
