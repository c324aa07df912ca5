/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves all interfaces on one endpoint: the badge says which, for their numbers can be the same. What is asked must be
 * the recorded requests, one after the other, and is answered as recorded. What is not so ends the program, and with it
 * the set.
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

/* Of the interface that was called last: a program has few streams, and callers come one after the other. */
static struct {
    uint64_t badge; /* 0: none */
    uint32_t stream;
    struct trip trip;
} now;

static struct idl_answer answer(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                uint64_t word3, struct idl_string_frame *frame)
{
    const struct answerer_half *half = &answerer_halves[(badge - 1) % HALVES];
    if (now.badge != badge) {
        stream_unregister(now.stream);
        now.badge = badge;
        now.trip = (struct trip){.vectors = vectors_of(half->name)};
        now.stream = half->open(&now.trip);
    }
    frame->plain->object = &now.stream; /* as a capability to each of them has its handle */
    return half->answer(badge, word0, word1, tag, word2, word3, frame);
}

int main(void)
{
    static uint8_t strings[MESSAGE_MAX_STRINGS][LONGEST + 1];
    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++)
        ipc_utcb()->string_buffers[i] = (struct string_buffer){(uint64_t)strings[i], LONGEST};
    int result = salto_serve_strings(salto_require("trips"), answer, NULL, strings);
    tap_note("answerer: %s", salto_error_text(result));
    return 1;
}
