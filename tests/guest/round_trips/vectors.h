/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorded round trips: requests and their replies as frames of the stream encoding, which vectors.py made of random
 * values, as the file "vectors" of the boot archive. Both ends of a call read the same ones, each in the order in which
 * they are called; the number of a vector is the sequence number in its frames.
 */
#ifndef ROUND_TRIPS_VECTORS_H
#define ROUND_TRIPS_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

/* Those of one interface. */
struct vectors {
    const uint8_t *first, *at, *end;
    uint32_t count;
};

struct vector {
    const uint8_t *request, *reply;
    uint32_t request_size, reply_size; /* no reply: a oneway operation */
};

/* Maps the boot archive that this program is granted, and finds the vectors of an interface, called as in C. Whatever
 * is wrong ends the program with status 1, and a message. */
struct vectors vectors_of(const char *interface);

/* The next one; behind the last the first again. */
struct vector vectors_next(struct vectors *vectors);

/* Was the last one handed out, or none at all since? */
static inline bool vectors_at_end(const struct vectors *vectors)
{
    return vectors->at == vectors->end;
}

/* Tells where two frames differ, if they do; answers whether they are the same. `what` says who found out. */
bool vectors_same(const char *what, const uint8_t *found, uint64_t found_size, const uint8_t *wanted,
                  uint32_t wanted_size);

#endif
