/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's half of the stream transport: the loop, and what generated dispatchers share. */
#include "stream_frames.h"

#include <assert.h>

#define SCRATCH_ALIGNMENT 16

void *stream_scratch(struct stream_request *request, size_t size)
{
    uint8_t *taken = request->stream->scratch + request->scratch_used;

    request->scratch_used += (size + SCRATCH_ALIGNMENT - 1) & -(size_t)SCRATCH_ALIGNMENT;
    assert(request->scratch_used <= request->stream->scratch_size);
    return taken;
}

void stream_refuse(struct stream_request *request, int error, uint32_t parameter)
{
    request->stream->refused++;
    request->status = -error;
    request->parameter = parameter;
}

void stream_fail(struct stream_request *request, int result)
{
    request->status = result;
}

/* ---- Calls that are answered later ------------------------------------------------------------------------------- */

#define INDEX_BITS 8 /* of a token's handle; the others tell one use of a place from the next */

static struct {
    struct salto_stream *stream; /* NULL: free */
    uint32_t handle, label, sequence;
} kept[STREAM_MAX_TOKENS];

_Static_assert(STREAM_MAX_TOKENS < 1 << INDEX_BITS, "a handle has the index + 1");

int stream_keep(struct stream_request *request, struct idl_token *token, bool (*is_raised)(int error))
{
    uint32_t i = 0;

    while (i < STREAM_MAX_TOKENS && kept[i].stream)
        i++;
    if (i == STREAM_MAX_TOKENS) {
        stream_fail(request, -ERROR_NO_MEMORY);
        return -ERROR_NO_MEMORY;
    }
    kept[i].stream = request->stream;
    kept[i].label = request->label;
    kept[i].sequence = request->sequence;
    kept[i].handle = ((kept[i].handle >> INDEX_BITS) + 1) << INDEX_BITS | (i + 1);
    *token = (struct idl_token){kept[i].handle, is_raised};
    request->kept = true;
    return 0;
}

/* Its place, or STREAM_MAX_TOKENS. */
static uint32_t find_kept(const struct idl_token *token)
{
    uint32_t i = (token->reply & ((1u << INDEX_BITS) - 1)) - 1;

    return i < STREAM_MAX_TOKENS && kept[i].stream && kept[i].handle == token->reply ? i : STREAM_MAX_TOKENS;
}

/* The stream has ended: nobody waits any more. */
static void forget_kept(const struct salto_stream *stream)
{
    for (uint32_t i = 0; i < STREAM_MAX_TOKENS; i++)
        if (kept[i].stream == stream)
            kept[i].stream = NULL;
}

int stream_token_begin(const struct idl_token *token, struct stream_writer *results)
{
    uint32_t i = find_kept(token);
    struct salto_stream *stream;

    if (i == STREAM_MAX_TOKENS)
        return -ERROR_NO_CALLER;
    stream = kept[i].stream;
    *results = (struct stream_writer){stream->sent + STREAM_HEADER_SIZE,
                                      stream->sent + stream->received_capacity - STREAM_CHECKSUM_SIZE, false};
    return 0;
}

/* Sends what stands in `sent`, and frees the place. */
static int send_kept(struct idl_token *token, uint32_t i, int status, size_t length)
{
    struct salto_stream *stream = kept[i].stream;
    struct stream_header header = {.kind = STREAM_REPLY,
                                   .interface = (uint16_t)(kept[i].label >> 16),
                                   .operation = (uint16_t)kept[i].label,
                                   .sequence = kept[i].sequence,
                                   .status = status};

    token->reply = 0;
    kept[i].stream = NULL;
    return stream_send(stream, &header, length) == 0 ? 0 : -ERROR_NO_CALLER;
}

int stream_token_answer(struct idl_token *token, const struct stream_writer *results)
{
    uint32_t i = find_kept(token);

    if (i == STREAM_MAX_TOKENS)
        return -ERROR_NO_CALLER;
    if (results->failed)
        return -ERROR_BAD_ARGUMENT;
    return send_kept(token, i, 0, (size_t)(results->at - kept[i].stream->sent) - STREAM_HEADER_SIZE);
}

int stream_token_fail(struct idl_token *token, int error)
{
    const bool raised = error > 0 && token->is_raised && token->is_raised(error);
    uint32_t i = find_kept(token);

    if (i == STREAM_MAX_TOKENS)
        return -ERROR_NO_CALLER;
    return send_kept(token, i, error < 0 || raised ? error : -ERROR_ABANDONED, 0);
}

void stream_token_drop(struct idl_token *token)
{
    (void)!stream_token_fail(token, -ERROR_ABANDONED); /* where nobody waits nothing is left to do */
}

void stream_deferred(struct idl_token *token, int result)
{
    (void)!stream_token_fail(token, result); /* the handler has answered or taken it, or nobody waits */
}

/* ---- The loop ---------------------------------------------------------------------------------------------------- */

/* Hands a request to the dispatcher, and sends the answer. */
static int answer(struct salto_stream *stream, const struct stream_header *header, idl_stream_dispatcher *dispatcher,
                  void *object)
{
    uint8_t *payload = stream->received + STREAM_HEADER_SIZE, *sent = stream->sent + STREAM_HEADER_SIZE;
    struct stream_request request = {
        .stream = stream,
        .object = object,
        .label = (uint32_t)header->interface << 16 | header->operation,
        .sequence = header->sequence,
        .kind = (enum stream_kind)header->kind,
        .inputs = {payload, payload + header->length, false},
        .results = {sent, stream->sent + stream->received_capacity - STREAM_CHECKSUM_SIZE, false},
    };
    struct stream_header reply = *header;

    dispatcher(&request);
    if (request.kind == STREAM_ONEWAY || request.kept)
        return 0;
    if (request.results.failed && request.status == 0)
        request.status = -ERROR_ABANDONED;
    reply.kind = STREAM_REPLY;
    reply.status = request.status;
    reply.parameter = (uint16_t)request.parameter;
    return stream_send(stream, &reply, request.status ? 0 : (size_t)(request.results.at - sent));
}

static int serve(struct salto_stream *stream, idl_stream_dispatcher *dispatcher, void *object)
{
    struct stream_header header = {0};
    int result;

    for (;;) {
        result = stream_receive(stream, &header, 0);
        if (result < 0)
            return result;
        if (result == STREAM_IS_BROKEN) {
            stream->refused++;
            result = stream_send(stream, &(struct stream_header){.kind = STREAM_REPLY, .status = header.status}, 0);
        } else {
            result = header.kind == STREAM_REPLY ? 0 : answer(stream, &header, dispatcher, object);
        }
        if (result != 0)
            return result;
    }
}

int salto_stream_serve(struct salto_stream *stream, idl_stream_dispatcher *dispatcher, void *object)
{
    int result = serve(stream, dispatcher, object);

    forget_kept(stream);
    return result;
}

int stream_serve_registered(uint32_t handle, idl_stream_dispatcher *dispatcher, void *object)
{
    struct salto_stream *stream = stream_of_handle(handle);

    return stream ? salto_stream_serve(stream, dispatcher, object) : -ERROR_BAD_HANDLE;
}
