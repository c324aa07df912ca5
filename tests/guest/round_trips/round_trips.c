/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random values of every interface go to another program and back: recorded requests are taken by a generated
 * dispatcher of streams, passed on by idlc's stubs over IPC, and what comes back is, byte for byte, what was recorded.
 * The answerer compares what it got. tests/guest/round_trips/run.py makes the values; generate.py all that has a type.
 */
#include <salto/startup.h>
#include <salto/tap.h>
#include <stdio.h>

#include "../common/guest.h"
#include "callers.h"
#include "trips.h"

static int64_t read_request(void *where, void *to, size_t size, uint64_t timeout)
{
    struct trip *trip = where;
    (void)timeout;
    EXPECT(!trip->waits); /* else the one before it was not answered */
    if (trip->calls == trip->vectors.count)
        return 0;
    trip->current = vectors_next(&trip->vectors);
    if (!EXPECT(trip->current.request_size <= size))
        return 0;
    idl_copy(to, trip->current.request, trip->current.request_size);
    trip->waits = trip->current.reply_size != 0;
    trip->calls++;
    return trip->current.request_size;
}

static int write_reply(void *where, const void *from, size_t size)
{
    struct trip *trip = where;
    EXPECT(trip->waits);
    trip->waits = false;
    EXPECT(vectors_same("the reply", from, size, trip->current.reply, trip->current.reply_size));
    return 0;
}

const struct stream_ways recorded_requests = {read_request, write_reply};

static const char *server_of(const struct caller_half *half)
{
    static char name[8];
    snprintf(name, sizeof(name), "s%u", (unsigned)(half - caller_halves));
    return name;
}

/* For the generated tests. */
static void round_trips(const struct caller_half *half)
{
    struct trip trip = {.vectors = vectors_of(half->name)};
    half->call_all(salto_require(server_of(half)), &trip);
    EXPECT(!trip.waits);
    EXPECT_EQUAL(trip.calls, trip.vectors.count);
    EXPECT(trip.calls > 0);
}

#include "caller_tests.h"

/* Those whose server is in this set. */
int main(void)
{
    struct guest_test granted[HALVES];
    unsigned count = 0;
    for (unsigned i = 0; i < HALVES; i++)
        if (salto_grant(server_of(&caller_halves[i])))
            granted[count++] = tests[i];
    return guest_run(granted, count);
}
