/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves one interface, whose number is its argument: what is asked must be the recorded requests, one after the other,
 * and is answered as recorded. What is not so ends the program, and with it the set.
 */
#include <salto/error.h>
#include <salto/startup.h>
#include <salto/tap.h>
#include <stdlib.h>

#include "answers.h"
#include "trips.h"

/* The sequence begins anew with the first vector. */
static void finish(struct trip *trip)
{
    if (vectors_at_end(&trip->vectors))
        trip->stream->sequence = 0;
}

static int write_request(void *where, const void *from, size_t size)
{
    struct trip *trip = where;
    trip->current = vectors_next(&trip->vectors);
    if (!vectors_same("the request", from, size, trip->current.request, trip->current.request_size))
        exit(1);
    if (trip->current.reply_size == 0)
        finish(trip);
    return 0;
}

static int64_t read_reply(void *where, void *to, size_t size, uint64_t timeout)
{
    struct trip *trip = where;
    (void)timeout;
    if (trip->current.reply_size > size)
        return 0;
    idl_copy(to, trip->current.reply, trip->current.reply_size);
    finish(trip);
    return trip->current.reply_size;
}

const struct stream_ways recorded_replies = {read_reply, write_request};

int main(int argc, char **argv)
{
    const struct answerer_half *half = answerer_halves;
    struct trip trip;
    if (argc != 2 || strtoul(argv[1], NULL, 10) >= HALVES) {
        tap_note("answerer: there is no such interface");
        return 1;
    }
    half += strtoul(argv[1], NULL, 10);
    trip = (struct trip){.vectors = vectors_of(half->name)};
    tap_note("%s ends: %s", half->name, salto_error_text(half->answer(salto_require("trips"), &trip)));
    return 1;
}
