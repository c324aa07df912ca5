/* SPDX-License-Identifier: BSD-2-Clause */
/* One call in all its circumstances, and what came of it for everybody who took part. */
#ifndef FAST_SLOW_SCENE_H
#define FAST_SLOW_SCENE_H

#include <stdbool.h>
#include <stdint.h>

/* What the receiver does when the call comes. */
enum receiver {
    PLAIN,   /* waits for a message or a signal */
    CLOSED,  /* waits for a message alone */
    LIMITED, /* waits until a deadline */
    BEHIND,  /* waits behind another receiver, which takes one call first */
    BUSY,    /* works for another client */
    STOPPED, /* waits, and was stopped; it is resumed once the call is under way */
    DEAD,    /* has waited, and was ended */
    NEVER,   /* nobody ever waited */
    RECEIVERS
};

enum rights { SENDS, MAY_NOT_SEND, NO_HANDLE, RIGHTS };
enum item { NO_ITEM, COPIED, MOVED, BAD_ITEM, ITEMS };
enum priority { CALLER_HIGHER, CALLER_EQUAL, CALLER_LOWER, PRIORITIES_COUNT };

struct combination {
    enum receiver receiver;
    enum rights rights;
    bool badged;
    uint32_t words;
    enum item item;
    bool deadline;          /* of the caller, far away */
    bool pending;           /* bits for the receiver come before it answers; while it waits, where that is closed */
    enum priority priority; /* of caller and receiver */
    bool queued;            /* somebody else sends before the answer */
    bool dirty;             /* the caller's vector registers */
};

struct outcome {
    uint64_t digest;  /* of registers, UTCBs, queues and codes */
    uint64_t entries; /* into the kernel, from the call until its answer */
};

/* Makes the tasks in which scenes take place; scenes_end() frees them. */
void scenes_begin(void);
void scenes_end(void);

struct outcome scene_run(const struct combination *combination);

#endif
