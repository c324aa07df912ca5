/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames, for the two halves of the stream transport. */
#ifndef STREAM_FRAMES_H
#define STREAM_FRAMES_H

#include "salto/stream.h"

#define STREAM_VERSION 1

enum { STREAM_IS_FRAME = 1, STREAM_IS_BROKEN = 2 };

/* CRC-32 as in IEEE 802.3. */
uint32_t stream_checksum(const uint8_t *bytes, size_t size);

/* The stream with this handle, or null. */
struct salto_stream *stream_of_handle(uint32_t handle);

/* Sends a frame whose payload of `length` bytes stands in stream->sent behind the header's place; mark, version and
 * length need not be set: 0 or -ERROR_DEAD. */
int stream_send(struct salto_stream *stream, const struct stream_header *fields, size_t length);

/* Waits for a frame, at most `timeout` nanoseconds between any two bytes (0: for ever): STREAM_IS_FRAME with its
 * header, its payload being in stream->received until the next call; STREAM_IS_BROKEN with header->status, why the
 * stream fell out of step; or -ERROR_DEAD or -ERROR_TIMEOUT. */
int stream_receive(struct salto_stream *stream, struct stream_header *header, uint64_t timeout);

#endif
