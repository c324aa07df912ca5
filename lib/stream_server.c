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

/* Hands a request to the dispatcher, and sends the answer. */
static int answer(struct salto_stream *stream, const struct stream_header *header, idl_stream_dispatcher *dispatcher,
                  void *object)
{
    uint8_t *payload = stream->received + STREAM_HEADER_SIZE, *sent = stream->sent + STREAM_HEADER_SIZE;
    struct stream_request request = {
        .stream = stream,
        .object = object,
        .label = (uint32_t)header->interface << 16 | header->operation,
        .kind = (enum stream_kind)header->kind,
        .inputs = {payload, payload + header->length, false},
        .results = {sent, stream->sent + stream->received_capacity - STREAM_CHECKSUM_SIZE, false},
    };
    struct stream_header reply = *header;

    dispatcher(&request);
    if (request.kind == STREAM_ONEWAY)
        return 0;
    if (request.results.failed && request.status == 0)
        request.status = -ERROR_ABANDONED;
    reply.kind = STREAM_REPLY;
    reply.status = request.status;
    reply.parameter = (uint16_t)request.parameter;
    return stream_send(stream, &reply, request.status ? 0 : (size_t)(request.results.at - sent));
}

int salto_stream_serve(struct salto_stream *stream, idl_stream_dispatcher *dispatcher, void *object)
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

int stream_serve_registered(uint32_t handle, idl_stream_dispatcher *dispatcher, void *object)
{
    struct salto_stream *stream = stream_of_handle(handle);

    return stream ? salto_stream_serve(stream, dispatcher, object) : -ERROR_BAD_HANDLE;
}
