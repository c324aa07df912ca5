/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's half of the stream transport: the table of streams, and a call from request to reply. */
#include "stream_frames.h"

static struct salto_stream *streams[STREAM_MAX_STREAMS]; /* by handle - 1 */

uint32_t stream_register(struct salto_stream *stream)
{
    for (uint32_t i = 0; i < STREAM_MAX_STREAMS; i++)
        if (!streams[i]) {
            streams[i] = stream;
            return i + 1;
        }
    return 0;
}

void stream_unregister(uint32_t handle)
{
    if (handle - 1 < STREAM_MAX_STREAMS)
        streams[handle - 1] = NULL;
}

struct salto_stream *stream_of_handle(uint32_t handle)
{
    return handle - 1 < STREAM_MAX_STREAMS ? streams[handle - 1] : NULL;
}

int stream_begin(struct stream_call *call, uint32_t handle)
{
    struct salto_stream *stream = stream_of_handle(handle);

    ipc_utcb()->words[0] = 0;
    if (!stream)
        return -ERROR_BAD_HANDLE;
    call->stream = stream;
    call->request = (struct stream_writer){stream->sent + STREAM_HEADER_SIZE,
                                           stream->sent + stream->received_capacity - STREAM_CHECKSUM_SIZE, false};
    return 0;
}

/* Is it the answer of this call? A status other than 0 is one; what is left to say is BAD_TAG. */
static int take_reply(struct stream_call *call, const struct stream_header *header, uint32_t label)
{
    uint8_t *payload = call->stream->received + STREAM_HEADER_SIZE;

    if (header->sequence == 0)
        return header->status < 0 ? header->status : -ERROR_BAD_TAG;
    if (((uint32_t)header->interface << 16 | header->operation) != label)
        return -ERROR_BAD_TAG;
    ipc_utcb()->words[0] = header->status < 0 ? header->parameter : 0;
    call->reply = (struct stream_reader){payload, payload + header->length, false};
    return header->status;
}

int stream_exchange(struct stream_call *call, uint32_t label, enum stream_kind kind, uint64_t timeout)
{
    struct salto_stream *stream = call->stream;
    uint32_t sequence = stream->sequence + 1 ? ++stream->sequence : (stream->sequence = 1);
    struct stream_header header = {.kind = (uint8_t)kind,
                                   .interface = (uint16_t)(label >> 16),
                                   .operation = (uint16_t)label,
                                   .sequence = sequence};
    int result;

    if (call->request.failed)
        return -ERROR_BAD_ARGUMENT;
    result = stream_send(stream, &header, (size_t)(call->request.at - stream->sent) - STREAM_HEADER_SIZE);
    if (result != 0 || kind == STREAM_ONEWAY)
        return result;
    do {
        result = stream_receive(stream, &header, timeout);
        if (result != STREAM_IS_FRAME)
            return result == STREAM_IS_BROKEN ? -ERROR_BAD_TAG : result;
    } while (header.kind != STREAM_REPLY || (header.sequence != sequence && header.sequence != 0));
    return take_reply(call, &header, label);
}

int stream_finish(const struct stream_call *call)
{
    return call->reply.failed || call->reply.at != call->reply.end ? -ERROR_BAD_TAG : 0;
}

int stream_cannot_cross(uint32_t parameter)
{
    ipc_utcb()->words[0] = parameter;
    return -ERROR_BAD_OPERATION;
}
