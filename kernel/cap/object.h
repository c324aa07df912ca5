/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all kernel objects have in common: a type, the capabilities that name it, and who pays for it.
 *
 * An object lives as long as a capability names it; with the last one it is condemned, and destroyed piece by piece,
 * each piece about a thousand instructions, with its state in the object. Between pieces anything else may happen. An
 * object that is killed (Factory.reclaim) is condemned while capabilities name it; they name the dead object then.
 * Invariants: the derivation forest `capabilities` holds exactly the capabilities that name the object; a condemned
 * object gets no capability any more. Objects are aligned to 16 bytes. The kernel runs on one CPU, interrupts off: that
 * is the lock.
 */
#ifndef SALTO_CAP_OBJECT_H
#define SALTO_CAP_OBJECT_H

#include <stdbool.h>
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
    OBJECT_PHYSICAL = 18,
    OBJECT_TYPES
};

struct object {
    uint32_t type;   /* enum object_type */
    uint16_t number; /* which of the objects of this type that exist from boot */
    bool condemned;
    struct derivation capabilities;
    struct factory *payer;          /* 0 for objects that exist from boot */
    struct object *next, *previous; /* what the payer pays for, or all that are condemned */
};

/* A capability that names the object, or 0. */
struct capability *object_capability(const struct object *object);

/* Destroys an object that no capability names any more, and all that dies with it. One after the other and not by
 * recursion: a chain of tasks that hold each other's last capabilities may be any length. What is being destroyed
 * already takes it along; else it is gone on return. For objects that are few pieces of work; of a thread that is more
 * than one, the rest is left to object_destroy_some(). */
void object_destroy(struct object *object);

/* As object_destroy, but leaves the work to object_destroy_some(). Capabilities may still name the object. */
void object_condemn(struct object *object);

/* Destroys what is condemned, the last one first, until nothing is left (true) or the operation should stop at a
 * preemption point (false; so it is if the calling thread itself has died of it). The rest is done by whoever comes
 * next, and when no thread is ready. */
bool object_destroy_some(void);

/* Is there anything to do for it? */
bool object_work_left(void);

/* One piece of it. False if there was nothing to do. */
bool object_destroy_piece(void);

/* Makes up to `most` capabilities that name `object` name the dead object. Are they all gone? */
bool object_kill_capabilities(struct object *object, uint32_t most);

/* For a capability that is the last one: where the destruction of the object takes more than one piece, makes it name
 * the dead object, and condemns the one that it named. Not so for the thread that entered the kernel, which could not
 * delete the capability afterwards. */
void object_condemn_last(struct capability *capability);

/* Takes an object off the list that it is on. */
void object_unlist(struct object *object);

#endif
