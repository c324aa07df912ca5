/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes: ways by which messages go that are not, or not always, the kernel's. See docs/transports.md.
 *
 * A route's handle has bit 31 set, so that it is none of the kernel's. Stubs take it as they take a capability's:
 * ipc_call() and ipc_send() come here with it. Behind a route stands a capability to the same server: by that goes
 * whatever the way does not carry, so that a call by a route means what it means by the capability.
 *
 * Routes are this program's own, are opened and closed by any of its threads, and a handle that was closed may be given
 * out again, as those of capabilities are.
 */
#ifndef SALTO_ROUTE_H
#define SALTO_ROUTE_H

#define ROUTE_BIT 0x80000000

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

#define ROUTES_MAX 128 /* of one program */

struct salto_route;

/* How messages go. */
struct salto_way {
    /*
     * Carries one message, and its answer if it is a call. `tag` is that of a call or a send, in the spelling of
     * message_tag(), without TAG_POLL and TAG_DEADLINE; its items are strings alone; and no window for pages is open.
     * The register words are `words`; all else stands in this thread's UTCB, as for the kernel. Returns what the kernel
     * would: the answer's tag, or an error number, with the answer in `words` and the UTCB. Returns 0 for what it does
     * not carry: then words and UTCB are as they were, and the kernel gets the message.
     */
    uint64_t (*exchange)(struct salto_route *route, uint64_t tag, uint64_t *words);
    /* Waits until what went by this way before has arrived, for a message with `tag` that the kernel is to carry behind
     * it. 0, or the error number that its sender gets instead. NULL: nothing is ever under way. */
    uint64_t (*settle)(struct salto_route *route, uint64_t tag);
    /* `exchange` keeps deadlines too: `tag` can have TAG_DEADLINE. */
    bool deadlines;
    /* A message that is not answered went by the kernel after all, and was received. What is sent by the way from now
     * on must not overtake it. NULL: it cannot. */
    void (*sent)(const struct salto_route *route);
    /* Gives `state` back, when the route is closed. NULL: there is nothing to be done. */
    void (*close)(struct salto_route *route);
};

struct salto_route {
    const struct salto_way *way;
    void *state;         /* the way's own */
    uint32_t capability; /* handle of the capability to the same server; 0, which names nothing, where there is none */
};

/* Opens a route; `capability` belongs to it from now on. Returns its handle, or 0 if there are ROUTES_MAX. */
uint32_t salto_route_open(const struct salto_way *way, void *state, uint32_t capability);

/* Closes a route, for good: no thread may be on it. Returns the capability that stood behind it, which is the caller's;
 * 0 if `handle` names no route. */
uint32_t salto_route_close(uint32_t handle);

/* The capability behind a handle, for what only the kernel does: operations of its objects that take handles, and
 * ipc_transfer(). It is the handle itself if that names no route; 0 if there is no such route. */
#ifdef IPC_WITHOUT_ROUTES
static inline uint32_t salto_capability(uint32_t handle)
{
    return handle;
}
#else
uint32_t salto_capability(uint32_t handle);
#endif

/* Does the handle name a route, rather than a capability? */
static inline bool salto_is_route(uint32_t handle)
{
    return (handle & ROUTE_BIT) != 0;
}

/* One IPC by a route, as ipc_call() and ipc_send() want it; ERROR_BAD_HANDLE if there is no such route. */
uint64_t salto_route_exchange(uint64_t tag, uint32_t handle, uint64_t *words);
#endif

#endif
