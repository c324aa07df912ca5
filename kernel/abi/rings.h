/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rings of a program: memory that it shares with those whom it serves, or who serve it, `over shared`. Root maps
 * this page read-only at RINGS_TABLE, if the program has any. See docs/transports.md.
 */
#ifndef SALTO_ABI_RINGS_H
#define SALTO_ABI_RINGS_H

#include <stdint.h>

#define RINGS_MAX 100 /* of a program */

/* One ring, as one of its two programs sees it. */
struct startup_ring {
    uint64_t address; /* where its memory is mapped, with write right */
    uint64_t badge;   /* of the client's capability */
    uint32_t serves;  /* 1: this program is the server */
    uint32_t handle;  /* the server's endpoint; the client's capability to it */
    uint32_t wakes;   /* notification that wakes the server: for the client to signal, for the server to bind */
    uint32_t number;  /* from 0, among the rings that the server serves */
};

struct startup_rings {
    uint64_t count;
    struct startup_ring rings[RINGS_MAX];
};

_Static_assert(sizeof(struct startup_rings) <= 4096, "the table is one page");

#endif
