/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the generated halves (generate.py) and this set's two programs share. A caller's half is a server over a stream
 * that comes from recorded requests, whose handlers call over IPC; an answerer's half is a server over IPC whose
 * handlers call over a stream that goes to recorded replies. So what the caller writes must be the recorded replies,
 * and what the answerer writes the recorded requests.
 */
#ifndef ROUND_TRIPS_TRIPS_H
#define ROUND_TRIPS_TRIPS_H

#include <salto/stream.h>

#include "vectors.h"

/* One end: what a stream is opened on. */
struct trip {
    struct vectors vectors;
    struct vector current;
    struct salto_stream *stream;
    uint32_t calls;
    bool waits; /* for the reply to what was read: a caller's half */
};

/* An interface's half in the caller: makes all calls that are recorded, over the capability `handle`. */
struct caller_half {
    const char *name;
    void (*call_all)(uint32_t handle, struct trip *trip);
};

/* In the answerer: opens its stream, whose handle is returned; and its dispatcher, whose handlers call over that. */
struct answerer_half {
    const char *name;
    uint32_t (*open)(struct trip *trip);
    idl_string_dispatcher *answer;
};

extern const struct stream_ways recorded_requests, recorded_replies; /* `where` is a struct trip */

#endif
