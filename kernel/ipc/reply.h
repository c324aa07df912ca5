/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reply objects: a place where a server keeps a caller, to answer later, or to let another thread answer.
 *
 * A caller is kept in at most one reply object, and a reply object keeps at most one caller; the bond ends with the
 * answer, and with anything that ends the caller's wait. So what is answered is that one call, and never a later one.
 * Nobody is known to work for a caller that is kept: its context lends to no one.
 */
#ifndef SALTO_IPC_REPLY_H
#define SALTO_IPC_REPLY_H

#include "cap/object.h"
#include "thread/thread.h"

struct reply {
    struct object object;
    struct thread *caller; /* whose state is THREAD_KEPT; 0: empty */
};

/* A new, empty one charged to `payer`, or 0 without memory. */
struct reply *reply_create(struct factory *payer);

/* The last capability is gone: a caller that is kept fails with ABANDONED. */
void reply_destroy(struct reply *reply);

/* Keeps `caller`, which waits for an answer. The reply object must be empty. */
void reply_keep(struct reply *reply, struct thread *caller);

/* The caller waits no longer. */
void reply_forget(struct reply *reply);

#endif
