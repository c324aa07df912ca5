/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of every length, both ways: each word arrives as it was sent, and nothing else in the receiver's UTCB
 * changes. Then every tag there is: 64 words, and whatever else is malformed, is refused.
 *
 * Both sides fill their whole message with numbers that depend on side, round and place before each IPC, and both check
 * what they got; a worker in a task of its own counts what was wrong.
 */
#include <stdlib.h>

#include "../common/worker.h"

#define COUNTS (MESSAGE_MAX_WORDS + 1)
#define ROUNDS (COUNTS * COUNTS)
#define RANDOM_TAGS 20000

enum side { CLIENT = 1, SERVER = 2 };

/* How the worker, which is the client, sends; and how the test answers. */
enum way {
    PLAIN,  /* call; reply-and-wait: once both are at it, the receiver always waits */
    POLLED, /* call with the poll bit; reply-and-wait */
    QUEUED, /* call; reply, and receive later: the caller is queued by then */
    ONE_WAY /* send; receive */
};

/* What a worker reports. */
enum value { HANDLE, SEED, WAY, WRONG, FIRST_WRONG };

static uint64_t seed;

static uint64_t word_of(uint64_t base, enum side side, uint32_t round, uint32_t number)
{
    uint64_t mixed = base ^ ((uint64_t)side << 60 | (uint64_t)round << 8 | number);
    mixed *= 0x9e3779b97f4a7c15UL;
    return mixed ^ mixed >> 29;
}

/* Request and answer of a round: each pair of lengths once. */
static uint32_t request_words(uint32_t round)
{
    return round / COUNTS;
}

static uint32_t answer_words(uint32_t round)
{
    return round % COUNTS;
}

/* Registers, and in the UTCB all words, those that registers carry and those beyond the count included. */
static void fill(struct ipc_message *message, uint64_t base, enum side side, uint32_t round)
{
    struct utcb *utcb = ipc_utcb();
    for (uint32_t i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        message->words[i] = word_of(base, side, round, i);
    for (uint32_t i = 0; i < MESSAGE_MAX_WORDS; i++)
        utcb->words[i] = word_of(base, side, round, i);
}

/* Is what came in, of `count` words, what the other side has sent in `round`, and the rest this side's own still? */
static bool is_right(const struct ipc_message *message, uint64_t base, enum side side, uint32_t round,
                     uint32_t own_round, uint32_t count)
{
    const struct utcb *utcb = ipc_utcb();
    enum side other = CLIENT + SERVER - side;
    bool right = utcb->self == (uint64_t)utcb;
    for (uint32_t i = 0; i < MESSAGE_REGISTER_WORDS; i++) {
        right &= message->words[i] == word_of(base, other, round, i);
        right &= utcb->words[i] == word_of(base, side, own_round, i);
    }
    for (uint32_t i = MESSAGE_REGISTER_WORDS; i < MESSAGE_MAX_WORDS; i++)
        right &= utcb->words[i] == (i < count ? word_of(base, other, round, i) : word_of(base, side, own_round, i));
    return right;
}

static uint64_t call_tag(enum way way, uint32_t round)
{
    uint32_t words = request_words(round);
    return way == POLLED ? polled_tag_of(round, MESSAGE_CALL, words, 0) : tag_of(round, MESSAGE_CALL, words, 0);
}

/* A worker_function: calls ROUNDS times. */
static void call_all(struct area *area)
{
    uint64_t base = area->values[SEED];
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct ipc_message message;
        uint64_t result;
        do {
            fill(&message, base, CLIENT, round);
            result = ipc_transfer(call_tag((enum way)area->values[WAY], round), area->values[HANDLE], &message);
        } while (result == ERROR_WOULD_BLOCK);
        bool right = result == tag_of(~round, MESSAGE_REPLY_AND_WAIT, answer_words(round), 0) && message.badge == 0 &&
                     is_right(&message, base, CLIENT, round, round, answer_words(round));
        if (!right && area->values[WRONG]++ == 0)
            area->values[FIRST_WRONG] = round;
        area->done++;
    }
}

/* A worker_function: sends each length once. Nothing comes back, not even to the UTCB. */
static void send_all(struct area *area)
{
    uint64_t base = area->values[SEED];
    for (uint32_t round = 0; round < ROUNDS; round += COUNTS) {
        struct ipc_message message;
        fill(&message, base, CLIENT, round);
        uint64_t result =
            ipc_transfer(tag_of(round, MESSAGE_SEND, request_words(round), 0), area->values[HANDLE], &message);
        bool right = result == TAG_DONE && message.badge == 0;
        for (uint32_t i = 0; i < MESSAGE_REGISTER_WORDS; i++)
            right &= message.words[i] == 0;
        for (uint32_t i = 0; i < MESSAGE_MAX_WORDS; i++)
            right &= ipc_utcb()->words[i] == word_of(base, CLIENT, round, i);
        if (!right && area->values[WRONG]++ == 0)
            area->values[FIRST_WRONG] = round;
        area->done++;
    }
}

/* Answers the last round's request in the way that belongs to the test, and receives this round's. */
static uint64_t answer_and_receive(enum way way, uint32_t round, uint32_t endpoint, struct ipc_message *message)
{
    uint32_t operation = way == QUEUED ? MESSAGE_REPLY : MESSAGE_REPLY_AND_WAIT;
    fill(message, seed, SERVER, round - 1);
    if (round == 0 || way == ONE_WAY)
        return ipc_transfer(TAG_RECEIVE, endpoint, message);
    uint64_t result = ipc_transfer(tag_of(~(round - 1), operation, answer_words(round - 1), 0), endpoint, message);
    if (way == PLAIN || way == POLLED)
        return result;
    EXPECT_EQUAL(result, TAG_DONE);
    guest_yield();
    fill(message, seed, SERVER, round - 1); /* the yield is an IPC too */
    return ipc_transfer(TAG_RECEIVE, endpoint, message);
}

static void serve_calls(enum way way, uint32_t endpoint)
{
    struct ipc_message message;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t tag = answer_and_receive(way, round, endpoint, &message);
        bool right = is_right(&message, seed, SERVER, round, round - 1, request_words(round));
        EXPECT(right && message.badge == 0x5a17);
        if (!EXPECT_EQUAL(tag, tag_of(round, MESSAGE_CALL, request_words(round), 0)))
            return;
    }
    fill(&message, seed, SERVER, ROUNDS - 1);
    EXPECT_EQUAL(ipc_transfer(tag_of(~(ROUNDS - 1), MESSAGE_REPLY, answer_words(ROUNDS - 1), 0), 0, &message),
                 TAG_DONE);
}

static void serve_sends(uint32_t endpoint)
{
    struct ipc_message message;
    for (uint32_t round = 0; round < ROUNDS; round += COUNTS) {
        uint64_t tag = answer_and_receive(ONE_WAY, round, endpoint, &message);
        bool right = is_right(&message, seed, SERVER, round, round - 1, request_words(round));
        EXPECT(right && message.badge == 0x5a17);
        EXPECT_EQUAL(tag, tag_of(round, MESSAGE_SEND, request_words(round), 0));
    }
}

static void exchange(enum way way, bool separate)
{
    struct worker client;
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, separate);
    uint32_t handle = worker_mint(&client, endpoint, RIGHT_WRITE, 0x5a17);
    client.area->values[HANDLE] = handle;
    client.area->values[SEED] = seed;
    client.area->values[WAY] = way;
    worker_start(&client, way == ONE_WAY ? send_all : call_all);
    if (way == ONE_WAY)
        serve_sends(endpoint);
    else
        serve_calls(way, endpoint);
    worker_wait(&client, way == ONE_WAY ? COUNTS : ROUNDS);
    if (!EXPECT_EQUAL(client.area->values[WRONG], 0))
        EXPECT_EQUAL(client.area->values[FIRST_WRONG], ~0UL); /* says which round */
    worker_drop(&client, handle);
    worker_destroy(&client);
    guest_delete(endpoint);
}

static void plain_here(void)
{
    exchange(PLAIN, false);
}

static void plain_elsewhere(void)
{
    exchange(PLAIN, true);
}

static void polled(void)
{
    exchange(POLLED, true);
}

static void queued_here(void)
{
    exchange(QUEUED, false);
}

static void queued_elsewhere(void)
{
    exchange(QUEUED, true);
}

static void one_way_here(void)
{
    exchange(ONE_WAY, false);
}

static void one_way_elsewhere(void)
{
    exchange(ONE_WAY, true);
}

/* 64 words do not fit the field: the bit above it is reserved, for every operation, with and without the poll bit. */
static void too_many_words(void)
{
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    for (uint32_t operation = 0; operation <= TAG_OPERATION_MASK; operation++)
        for (uint32_t words = MESSAGE_MAX_WORDS + 1; words < 256; words++) {
            uint32_t low = TAG_NATIVE | operation << TAG_OPERATION_SHIFT | words;
            EXPECT_EQUAL(ipc_transfer(low, endpoint, &message), ERROR_BAD_TAG);
            EXPECT_EQUAL(ipc_transfer(low | TAG_POLL, endpoint, &message), ERROR_BAD_TAG);
        }
    guest_delete(endpoint);
}

/* May a request have this low half? As abi/message.h says it: one spelling each, nothing reserved. */
static bool is_well_formed(uint32_t low)
{
    uint32_t words = low & 63, operation = low >> 8 & 15, items = low >> 12 & 7;
    bool poll = low & 0x8000, deadline = low & 0x10000, closed = low & 0x20000;
    bool fits_plain = words <= 6 && items == 0 && !poll && !deadline && !closed;
    if (low >= 0x80000000 && low <= 0x8000000d)
        return true;
    if (low & 0x7ffc00c0)
        return false;
    return (operation == MESSAGE_CALL && !fits_plain && !closed) ||
           (operation == MESSAGE_REPLY_AND_WAIT && !poll && !fits_plain) || (operation == MESSAGE_SEND && !closed) ||
           (operation == MESSAGE_RECEIVE && words == 0 && items == 0) ||
           (operation == MESSAGE_REPLY && !poll && !deadline && !closed) ||
           (operation == MESSAGE_SEND_AND_WAIT && !poll);
}

/* What a request answers that names no capability, and has no caller. */
static uint64_t answer_to(uint32_t low)
{
    if (!is_well_formed(low))
        return ERROR_BAD_TAG;
    uint32_t operation = low > 0x8000000d ? low >> 8 & 15 : 0;
    bool sleeps = low & 0x10000; /* handle 0 with a deadline, which is 0 here: long past */
    if (operation == MESSAGE_RECEIVE && sleeps)
        return low & 0x8000 ? ERROR_WOULD_BLOCK : ERROR_TIMEOUT;
    return operation == MESSAGE_REPLY || (operation == MESSAGE_REPLY_AND_WAIT && sleeps) ? ERROR_NO_CALLER
                                                                                         : ERROR_BAD_HANDLE;
}

static void every_tag(void)
{
    struct ipc_message message = {0};
    for (uint32_t low = 0x80000000; low <= 0x8000ffff; low++)
        EXPECT_EQUAL(ipc_transfer(message_labelled_tag(~low, low), 0, &message), answer_to(low));
}

/* With any of the reserved bits. All ones are -1, which is Linux'. */
static void reserved_bits(void)
{
    struct ipc_message message = {0};
    uint64_t state = seed;
    for (uint32_t bit = 18; bit < 31; bit++)
        for (uint32_t low = 0x80000000; low <= 0x8000000e; low++)
            EXPECT_EQUAL(ipc_transfer(low | 1U << bit, 0, &message), ERROR_BAD_TAG);
    for (uint32_t i = 0; i < RANDOM_TAGS; i++) {
        uint64_t tag = random_next(&state) | TAG_NATIVE;
        if ((uint32_t)tag != ~0U)
            EXPECT_EQUAL(ipc_transfer(tag, 0, &message), answer_to((uint32_t)tag));
    }
    EXPECT_EQUAL(ipc_transfer(0xfffffffe, 0, &message), ERROR_BAD_TAG);
}

static const struct guest_test tests[] = {
    {"calls of all lengths within the own task", plain_here},
    {"calls of all lengths from another task", plain_elsewhere},
    {"polled calls of all lengths", polled},
    {"queued calls of all lengths within the own task", queued_here},
    {"queued calls of all lengths from another task", queued_elsewhere},
    {"sends of all lengths within the own task", one_way_here},
    {"sends of all lengths from another task", one_way_elsewhere},
    {"64 words and more are refused", too_many_words},
    {"every tag is well-formed or refused", every_tag},
    {"reserved bits are refused", reserved_bits},
};

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) | 1 : 1;
    return guest_run(tests, COUNT(tests));
}
