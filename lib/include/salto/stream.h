/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream transport: operations as bytes, over serial lines, sockets and pipes (docs/stream-encoding.md). What
 * tools/idl_stream_c.py generates stands on this; for programs of Salto and of the host alike.
 *
 * - A stream belongs to one thread, as client or as server, which opens it before others use it. Stubs know it by its
 *   handle.
 * - Nothing is allocated: all memory is what the stream was opened with.
 * - What is read is looked at once, in memory that nobody else can change.
 */
#ifndef SALTO_STREAM_H
#define SALTO_STREAM_H

#include "salto/idl.h"
#include "salto/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as they lie in memory");

#define STREAM_HEADER_SIZE 24
#define STREAM_CHECKSUM_SIZE 4
#define STREAM_FRAME_SIZE(PAYLOAD) (STREAM_HEADER_SIZE + (PAYLOAD) + STREAM_CHECKSUM_SIZE)
#define STREAM_MAX_STREAMS 32 /* of one program, known by their handles */

enum stream_kind { STREAM_REQUEST = 0, STREAM_REPLY = 1, STREAM_ONEWAY = 2 };

/* How bytes get in and out. */
struct stream_ways {
    /* Waits for bytes, at most `timeout` nanoseconds (0: for ever), and puts at most `size` to `to`. Returns how many;
     * 0 at the end of the stream; or -ERROR_TIMEOUT. */
    int64_t (*read)(void *where, void *to, size_t size, uint64_t timeout);
    /* Writes all of it: 0, or -ERROR_DEAD if nobody reads any more. */
    int (*write)(void *where, const void *from, size_t size);
};

/* One end of a stream; opened by NAME_stream_client() or NAME_stream_server() of the generated headers. */
struct salto_stream {
    const struct stream_ways *ways;
    void *where;
    uint8_t *received, *sent; /* each of the size of the longest frame */
    size_t received_capacity;
    uint8_t *scratch; /* for what a handler is given or gives that is laid out otherwise in the frame */
    size_t scratch_size;
    uint32_t limit;    /* the longest payload that is taken */
    size_t held;       /* bytes in `received` */
    size_t frame_size; /* of these, the frame that is being looked at */
    bool out_of_step;
    uint32_t sequence;
    uint64_t refused; /* requests and broken frames that a server answered with an error of its own */
};

/* The header of a frame, as it travels. */
struct stream_header {
    uint8_t mark[2], version, kind;
    uint32_t length;
    uint16_t interface, operation;
    uint32_t sequence;
    int32_t status;
    uint16_t parameter, reserved;
};

_Static_assert(sizeof(struct stream_header) == STREAM_HEADER_SIZE, "as docs/stream-encoding.md has it");

/* Makes a stream known under the handle that is returned, to stubs and salto_serve(); 0 if there are STREAM_MAX_STREAMS
 * already. */
uint32_t stream_register(struct salto_stream *stream);
/* The handle is free again. */
void stream_unregister(uint32_t handle);

/* Bytes that go into a payload. What has no encoding, or no room, sets `failed`, and then all else is ignored. */
struct stream_writer {
    uint8_t *at, *end;
    bool failed;
};

/* Bytes of a payload. What is no encoding sets `failed`, and then all else reads as zero. */
struct stream_reader {
    uint8_t *at, *end;
    bool failed;
};

static inline void stream_put(struct stream_writer *writer, const void *from, size_t size)
{
    if (writer->failed || (size_t)(writer->end - writer->at) < size) {
        writer->failed = true;
        return;
    }
    idl_copy(writer->at, from, size);
    writer->at += size;
}

static inline void stream_put_u32(struct stream_writer *writer, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;

    stream_put(writer, &narrow, sizeof(narrow));
    if (value != narrow)
        writer->failed = true;
}

/* `size` bytes, which stay where they are; null if there are not as many. */
static inline uint8_t *stream_take(struct stream_reader *reader, uint64_t size)
{
    uint8_t *taken = reader->at;

    if (reader->failed || (uint64_t)(reader->end - reader->at) < size) {
        reader->failed = true;
        return NULL;
    }
    reader->at += size;
    return taken;
}

static inline void stream_get(struct stream_reader *reader, void *to, size_t size)
{
    const uint8_t *from = stream_take(reader, size);

    if (from)
        idl_copy(to, from, size);
    else
        __builtin_memset(to, 0, size);
}

static inline void stream_get_bool(struct stream_reader *reader, bool *to)
{
    uint8_t byte;

    stream_get(reader, &byte, 1);
    *to = byte == 1;
    if (byte > 1)
        reader->failed = true;
}

/* A u32 that is at most `most`; else 0. */
static inline uint32_t stream_get_length(struct stream_reader *reader, uint32_t most)
{
    uint32_t length;

    stream_get(reader, &length, sizeof(length));
    if (length <= most)
        return length;
    reader->failed = true;
    return 0;
}

/* A table's row: its length is written when it is known. */
static inline uint8_t *stream_begin_row(struct stream_writer *writer)
{
    stream_put_u32(writer, 0);
    return writer->at;
}

static inline void stream_end_row(struct stream_writer *writer, uint8_t *begin)
{
    uint32_t length = (uint32_t)(writer->at - begin);

    if (!writer->failed)
        __builtin_memcpy(begin - sizeof(length), &length, sizeof(length));
}

/* The bytes of a row, which are skipped. */
static inline struct stream_reader stream_get_row(struct stream_reader *reader)
{
    uint32_t length;
    uint8_t *begin;

    stream_get(reader, &length, sizeof(length));
    begin = stream_take(reader, length);
    return (struct stream_reader){begin, begin ? begin + length : begin, reader->failed};
}

/* A row that the receiver knows has been read: all of it? */
static inline void stream_end_get_row(struct stream_reader *reader, const struct stream_reader *row)
{
    if (row->failed || row->at != row->end)
        reader->failed = true;
}

/* Text of at most `most` bytes, with a zero byte behind it: it is moved over its own length to make room for that. */
idl_string stream_get_text(struct stream_reader *reader, uint32_t most);

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

/* A call under way. */
struct stream_call {
    struct salto_stream *stream;
    struct stream_writer request;
    struct stream_reader reply;
};

/* Begins a request over the stream with this handle: 0, or -ERROR_BAD_HANDLE. The inputs are put into call->request. */
int stream_begin(struct stream_call *call, uint32_t handle);
/* Sends it, and waits for the answer unless it is a STREAM_ONEWAY: 0 with call->reply, an error that may be one that
 * the interface declares, or -ERROR_*. `timeout`: nanoseconds, 0 for ever. */
int stream_exchange(struct stream_call *call, uint32_t label, enum stream_kind kind, uint64_t timeout);
/* What a stub returns when its results were taken: 0 if they were right, and nothing is left. */
int stream_finish(const struct stream_call *call);
/* What a stub returns for an operation that cannot cross: -ERROR_BAD_OPERATION; idl_refused_parameter() is that one. */
int stream_cannot_cross(uint32_t parameter);

/* ---- Servers ----------------------------------------------------------------------------------------------------- */

/* A request, for dispatchers: they read it, and answer by writing the results, or stream_refuse() or stream_fail(). */
struct stream_request {
    struct salto_stream *stream;
    void *object; /* what salto_stream_serve() was given */
    uint32_t label, sequence;
    enum stream_kind kind;
    bool kept; /* in a token: nothing is answered behind the dispatcher */
    struct stream_reader inputs;
    struct stream_writer results;
    size_t scratch_used;
    int status;
    uint32_t parameter;
};

typedef void idl_stream_dispatcher(struct stream_request *request);

/* `size` bytes for the time of the request, aligned to 16; the stream was opened with as many as are ever needed. */
void *stream_scratch(struct stream_request *request, size_t size);
/* The request is wrong: ERROR_* and the number of the parameter, or 0. */
void stream_refuse(struct stream_request *request, int error, uint32_t parameter);
/* The handler said so: an error that the operation raises, or -ERROR_*. */
void stream_fail(struct stream_request *request, int result);

/*
 * Calls that are answered later: a token (salto/server.h) keeps stream and sequence, until the stream ends. Only the
 * thread that serves the stream answers. Generated headers let handlers say NAME_reply(), idl_fail() and idl_drop(), as
 * over IPC.
 */
#define STREAM_MAX_TOKENS 64 /* of one program, at a time */

/* Keeps the request in `token`: 0, or -ERROR_NO_MEMORY, which the request is answered with. For dispatchers. */
int stream_keep(struct stream_request *request, struct idl_token *token, bool (*is_raised)(int error));
/* Behind a handler: answers what it left unanswered. For dispatchers. */
void stream_deferred(struct idl_token *token, int result);
/* Begins an answer: 0 with `results` to be written, or -ERROR_NO_CALLER: it was used, or the stream has ended. */
int stream_token_begin(const struct idl_token *token, struct stream_writer *results);
/* Sends it, and the token is used: 0, or -ERROR_NO_CALLER. -ERROR_BAD_ARGUMENT where a result has no encoding: then the
 * token is good for another answer. */
int stream_token_answer(struct idl_token *token, const struct stream_writer *results);
/* As idl_fail() and idl_drop(). */
IDL_MUST_USE int stream_token_fail(struct idl_token *token, int error);
void stream_token_drop(struct idl_token *token);

/* Answers what comes over the stream, which was opened for a server, until it ends: -ERROR_DEAD. */
int salto_stream_serve(struct salto_stream *stream, idl_stream_dispatcher *dispatcher, void *object);
/* The same, of the stream with this handle; -ERROR_BAD_HANDLE. Servers call it as salto_serve(). */
int stream_serve_registered(uint32_t handle, idl_stream_dispatcher *dispatcher, void *object);

/* ---- Ways of file descriptors ------------------------------------------------------------------------------------ */

/* A socket, a pipe or a terminal; `where` points to its two descriptors (lib/stream_files.c). */
struct stream_files {
    int input, output;
};

extern const struct stream_ways stream_of_files;

#endif
