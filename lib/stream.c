/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of the stream transport: written, found among what came in, and believed only when all of them is right
 * (docs/stream-encoding.md, from which all numbers are). Clients' and servers' halves are in stream_client.c and
 * stream_server.c.
 */
#include "stream_frames.h"

#include <string.h>

static const uint8_t mark[2] = {0x53, 0x9c};

/* CRC-32 as in IEEE 802.3, four bits at a time. */
uint32_t stream_checksum(const uint8_t *bytes, size_t size)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t sum = 0xffffffff;

    for (size_t i = 0; i < size; i++) {
        sum = table[(sum ^ bytes[i]) & 15] ^ sum >> 4;
        sum = table[(sum ^ bytes[i] >> 4) & 15] ^ sum >> 4;
    }
    return ~sum;
}

int stream_send(struct salto_stream *stream, const struct stream_header *fields, size_t length)
{
    struct stream_header header = *fields;
    uint32_t checksum;

    memcpy(header.mark, mark, sizeof(mark));
    header.version = STREAM_VERSION;
    header.length = (uint32_t)length;
    memcpy(stream->sent, &header, sizeof(header));
    checksum = stream_checksum(stream->sent, sizeof(header) + length);
    memcpy(stream->sent + sizeof(header) + length, &checksum, sizeof(checksum));
    return stream->ways->write(stream->where, stream->sent, STREAM_FRAME_SIZE(length));
}

static void drop(struct salto_stream *stream, size_t count)
{
    stream->held -= count;
    memmove(stream->received, stream->received + count, stream->held);
}

/* What is wrong with a header: ERROR_*, or 0. */
static int header_error(const struct salto_stream *stream, const struct stream_header *header)
{
    if (header->version != STREAM_VERSION || header->kind > STREAM_ONEWAY || header->reserved)
        return ERROR_BAD_TAG;
    if (header->kind != STREAM_REPLY && (header->status || header->parameter || !header->sequence))
        return ERROR_BAD_TAG;
    return header->length > stream->limit ? ERROR_NO_BUFFER : 0;
}

/* Looks at the beginning of what was received: 0 if a whole frame is there, 1 if more bytes are needed, or what is
 * wrong: -ERROR_*. */
static int look(struct salto_stream *stream, struct stream_header *header)
{
    uint32_t checksum;
    int error;

    if (memcmp(stream->received, mark, stream->held < sizeof(mark) ? stream->held : sizeof(mark)) != 0)
        return -ERROR_BAD_TAG;
    if (stream->held < sizeof(*header))
        return 1;
    memcpy(header, stream->received, sizeof(*header));
    error = header_error(stream, header);
    if (error)
        return -error;
    if (stream->held < STREAM_FRAME_SIZE((size_t)header->length))
        return 1;
    memcpy(&checksum, stream->received + sizeof(*header) + header->length, sizeof(checksum));
    if (checksum != stream_checksum(stream->received, sizeof(*header) + header->length))
        return -ERROR_BAD_TAG;
    stream->frame_size = STREAM_FRAME_SIZE((size_t)header->length);
    return 0;
}

/* Drops what is broken: all before the next byte that may begin a frame. */
static void search(struct salto_stream *stream)
{
    const uint8_t *next = memchr(stream->received + 1, mark[0], stream->held - 1);

    drop(stream, next ? (size_t)(next - stream->received) : stream->held);
}

static int more(struct salto_stream *stream, uint64_t timeout)
{
    int64_t count = stream->ways->read(stream->where, stream->received + stream->held,
                                       stream->received_capacity - stream->held, timeout);

    if (count <= 0)
        return count == 0 ? -ERROR_DEAD : (int)count;
    stream->held += (size_t)count;
    return 0;
}

int stream_receive(struct salto_stream *stream, struct stream_header *header, uint64_t timeout)
{
    int result;

    drop(stream, stream->frame_size);
    stream->frame_size = 0;
    for (;;) {
        result = look(stream, header);
        if (result == 1) {
            result = more(stream, timeout);
            if (result != 0)
                return result;
        } else if (result == 0) {
            stream->out_of_step = false;
            return STREAM_IS_FRAME;
        } else {
            search(stream);
            if (!stream->out_of_step) {
                stream->out_of_step = true;
                header->status = result;
                return STREAM_IS_BROKEN;
            }
        }
    }
}

idl_string stream_get_text(struct stream_reader *reader, uint32_t most)
{
    uint32_t size = stream_get_length(reader, most);
    char *text = (char *)stream_take(reader, size);

    if (!text || !idl_is_text(text, size)) {
        reader->failed = true;
        return (idl_string){"", 0};
    }
    memmove(text - 1, text, size);
    text[(ptrdiff_t)size - 1] = '\0';
    return (idl_string){text - 1, size};
}
