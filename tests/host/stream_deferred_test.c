/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of calls over streams that are answered later (lib/stream_server.c): in another order, once, not at all,
 * and when the stream has ended. A dispatcher by hand does what generated ones do; frames go through memory. Prints
 * TAP.
 */
#include <string.h>

#include "../../lib/stream_frames.h"
#include "host_tap.h"

#define REPLIES 100
#define PAYLOAD 64

enum operation { KEEP = 1, ANSWER_SECOND, TRY_AGAIN, LEAVE, RAISE, END };

struct memory {
    uint8_t scratch[16], received[STREAM_FRAME_SIZE(PAYLOAD)], sent[STREAM_FRAME_SIZE(PAYLOAD)];
};

static const enum operation *script; /* up to END */
static uint32_t next_sequence, replies_count;
static struct {
    uint32_t sequence, value;
    int32_t status;
} replies[REPLIES];
static struct idl_token tokens[STREAM_MAX_TOKENS + 1];
static uint32_t tokens_count;
static int again, again_dropped;

static int take_frame(void *where, const void *from, size_t size)
{
    (void)size;
    memcpy(where, from, STREAM_FRAME_SIZE(0));
    return 0;
}

/* The next request of the script. */
static int64_t read_request(void *where, void *to, size_t size, uint64_t timeout)
{
    static const struct stream_ways ways = {NULL, take_frame};
    uint8_t sent[STREAM_FRAME_SIZE(0)];
    struct salto_stream client = {.ways = &ways, .where = to, .sent = sent};
    const struct stream_header header = {
        .kind = STREAM_REQUEST, .interface = 0x7001, .operation = (uint16_t)*script, .sequence = ++next_sequence};

    (void)where, (void)timeout;
    if (*script == END || size < STREAM_FRAME_SIZE(0))
        return 0;
    script++;
    return stream_send(&client, &header, 0) == 0 ? STREAM_FRAME_SIZE(0) : 0;
}

static int write_reply(void *where, const void *from, size_t size)
{
    struct stream_header header;

    (void)where;
    memcpy(&header, from, sizeof(header));
    if (replies_count == REPLIES)
        return -ERROR_DEAD;
    replies[replies_count].sequence = header.sequence;
    replies[replies_count].status = header.status;
    if (size == STREAM_FRAME_SIZE(sizeof(uint32_t)))
        memcpy(&replies[replies_count].value, (const uint8_t *)from + sizeof(header), sizeof(uint32_t));
    replies_count++;
    return 0;
}

static bool is_raised(int error)
{
    return error == 5;
}

static int answer(struct idl_token *token, uint32_t value)
{
    struct stream_writer results;
    int result = stream_token_begin(token, &results);

    if (result != 0)
        return result;
    stream_put_u32(&results, value);
    return stream_token_answer(token, &results);
}

static void leave(struct stream_request *request, int result)
{
    struct idl_token token;

    if (stream_keep(request, &token, is_raised) == 0)
        stream_deferred(&token, result);
}

static void dispatch(struct stream_request *request)
{
    switch (request->label & 0xffff) {
    case KEEP:
        if (stream_keep(request, &tokens[tokens_count], is_raised) == 0)
            tokens_count++;
        break;
    case ANSWER_SECOND:
        again = answer(&tokens[1], 42);
        stream_token_drop(&tokens[0]);
        stream_put_u32(&request->results, 7);
        break;
    case TRY_AGAIN:
        again = answer(&tokens[1], 43);
        again_dropped = stream_token_fail(&tokens[0], 5);
        break;
    case LEAVE:
        leave(request, 0);
        break;
    default:
        leave(request, 5);
    }
}

static void run(const enum operation *operations)
{
    static struct memory memory;
    static const struct stream_ways ways = {read_request, write_reply};
    struct salto_stream stream = {.ways = &ways,
                                  .received = memory.received,
                                  .sent = memory.sent,
                                  .received_capacity = sizeof(memory.received),
                                  .scratch = memory.scratch,
                                  .scratch_size = sizeof(memory.scratch),
                                  .limit = PAYLOAD};

    script = operations;
    next_sequence = replies_count = tokens_count = 0;
    memset(replies, 0, sizeof(replies));
    host_ok(salto_stream_serve(&stream, dispatch, NULL) == -ERROR_DEAD, "the stream ends");
}

static bool is_reply(uint32_t number, uint32_t sequence, int32_t status, uint32_t value)
{
    return number < replies_count && replies[number].sequence == sequence && replies[number].status == status &&
           replies[number].value == value;
}

static void in_another_order(void)
{
    static const enum operation operations[] = {KEEP, KEEP, ANSWER_SECOND, TRY_AGAIN, END};

    run(operations);
    host_ok(is_reply(0, 2, 0, 42), "the second call is answered first, with its sequence number");
    host_ok(is_reply(1, 1, -ERROR_ABANDONED, 0), "the first, which was dropped, is abandoned");
    host_ok(is_reply(2, 3, 0, 7), "the call whose handler did that is answered behind them");
    host_ok(is_reply(3, 4, 0, 0) && replies_count == 4, "nothing is answered twice");
    host_ok(again == -ERROR_NO_CALLER && again_dropped == -ERROR_NO_CALLER, "a token that was used has no caller");
}

static void by_the_dispatcher(void)
{
    static const enum operation operations[] = {LEAVE, RAISE, END};

    run(operations);
    host_ok(is_reply(0, 1, -ERROR_ABANDONED, 0), "what a handler leaves unanswered is abandoned");
    host_ok(is_reply(1, 2, 5, 0) && replies_count == 2, "an error that it returns is answered");
}

static void when_all_are_kept(void)
{
    static enum operation operations[STREAM_MAX_TOKENS + 2];

    for (unsigned i = 0; i <= STREAM_MAX_TOKENS; i++)
        operations[i] = KEEP;
    operations[STREAM_MAX_TOKENS + 1] = END;
    for (int round = 0; round < 2; round++) {
        run(operations);
        host_ok(tokens_count == STREAM_MAX_TOKENS, "%d calls are kept", STREAM_MAX_TOKENS);
        host_ok(is_reply(0, STREAM_MAX_TOKENS + 1, -ERROR_NO_MEMORY, 0) && replies_count == 1, "one more is refused");
        host_ok(answer(&tokens[3], 1) == -ERROR_NO_CALLER && replies_count == 1,
                "where the stream has ended nobody waits");
    }
}

int main(void)
{
    in_another_order();
    by_the_dispatcher();
    when_all_are_kept();
    return host_done();
}
