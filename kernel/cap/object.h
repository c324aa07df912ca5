/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all kernel objects have in common: a type, the capabilities that name it, and who pays for it.
 *
 * An object lives as long as a capability names it; with the last one it is destroyed. Invariant: the derivation forest
 * `capabilities` holds exactly the capabilities that name the object. Objects are aligned to 16 bytes, so that a
 * capability keeps its rights in the pointer's low bits. The kernel runs on one CPU, interrupts off: that is the lock.
 */
#ifndef SALTO_CAP_OBJECT_H
#define SALTO_CAP_OBJECT_H

#include <stdint.h>

#include "cap/derivation.h"

struct capability;
struct factory;

/* The numbers are the interface ids of idl/kernel, which tells a caller what stands behind a handle. */
enum object_type {
    OBJECT_DEAD = 0, /* what a capability names after its object was killed */
    OBJECT_FACTORY = 1,
    OBJECT_TASK = 2,
    OBJECT_THREAD = 3,
    OBJECT_ENDPOINT = 4,
    OBJECT_MEMORY = 5,
    OBJECT_CONSOLE = 6,
    OBJECT_CLOCK = 7,
    OBJECT_POWER = 8,
    OBJECT_DEBUG = 9,
    OBJECT_NOTIFICATION = 11,
    OBJECT_REPLY = 12,
    OBJECT_INTERRUPT = 13,
    OBJECT_PORTS = 14,
    OBJECT_INTERRUPT_CONTROL = 15,
    OBJECT_TYPES
};

struct object {
    uint32_t type;   /* enum object_type */
    uint32_t number; /* which of the objects of this type that exist from boot */
    struct derivation capabilities;
    struct factory *payer;          /* 0 for objects that exist from boot */
    struct object *next, *previous; /* what the payer pays for; `next` of a condemned object: the next one */
};

/* A capability that names the object, or 0. */
struct capability *object_capability(const struct object *object);

/* Destroys an object that no capability names any more. Objects whose last capability goes with it follow, one after the
 * other and not by recursion: a chain of tasks that hold each other's last capabilities may be any length. */
void object_destroy(struct object *object);

/* Makes all capabilities that name `object` name the dead object. */
void object_kill_capabilities(struct object *object);

#endif
