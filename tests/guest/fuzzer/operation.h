/* SPDX-License-Identifier: BSD-2-Clause */
/* The fuzzer's table of operations. generate.py makes its rows from the IDL files. */
#ifndef FUZZER_OPERATION_H
#define FUZZER_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "operation_counts.h"

/* Ids of interfaces, as Task.inspect tells them. 0 stands for any. */
enum object_type {
    TYPE_ANY,
    TYPE_FACTORY,
    TYPE_TASK,
    TYPE_THREAD,
    TYPE_ENDPOINT,
    TYPE_MEMORY,
    TYPE_NOTIFICATION = 0xb,
    TYPE_REPLY,
};

enum argument_kind {
    ARGUMENT_CAPABILITY, /* handle of an object of `type` in the caller's table */
    ARGUMENT_HANDLE,     /* number of a slot of some task's table */
    ARGUMENT_ADDRESS,
    ARGUMENT_SIZE, /* bytes, nanoseconds: seldom a small number */
    ARGUMENT_PAGES,
    ARGUMENT_INTEGER,
    ARGUMENT_BOOL,
    ARGUMENT_ENUM,  /* up to `values` */
    ARGUMENT_FLAGS, /* bits of `values` */
    ARGUMENT_NOISE, /* bytes that mean nothing to the kernel */
};

struct argument {
    uint8_t kind, word, words;
    uint16_t type;
    uint64_t values;
};

/* A word of the reply that is a new handle. */
struct new_handle {
    uint8_t word;
    uint16_t type;
};

struct operation {
    const char *name;
    uint64_t request;
    uint16_t target; /* type of the object that it is for */
    bool seldom;     /* takes long */
    bool kernel;     /* else a message that programs send each other */
    uint8_t arguments_count, results_count;
    struct argument arguments[MOST_ARGUMENTS];
    struct new_handle results[MOST_ARGUMENTS];
};

extern const struct operation operations[OPERATIONS];

#endif
