/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of the transport *shared*: random messages both ways between two threads, what does not fit, what is
 * withdrawn, and rubbish in the memory while the other side reads it. How the two wake each other is the guest's test.
 */
#include "host_tap.h"

#include "ring.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 20000
#define RUBBISH 60000
#define BUFFER 20000 /* bytes that each side takes as one string */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One side: its UTCB, and what it sends and takes. */
struct side {
    struct utcb utcb;
    uint64_t words[MESSAGE_REGISTER_WORDS];
    uint8_t *strings[MESSAGE_MAX_STRINGS]; /* that it takes: each an allocation of its own, so that ASan sees its end */
    uint8_t sent[MESSAGE_MAX_STRINGS][BUFFER];
    uint64_t seed;
};

static struct ring *new_ring(void)
{
    return calloc(1, sizeof(struct ring));
}

static void open_side(struct side *side, uint64_t seed)
{
    memset(side, 0, sizeof(*side));
    side->seed = seed;
    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++) {
        side->strings[i] = malloc(BUFFER);
        side->utcb.string_buffers[i] = (struct string_buffer){(uint64_t)(uintptr_t)side->strings[i], BUFFER};
    }
}

static void close_side(struct side *side)
{
    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++)
        free(side->strings[i]);
}

static uint64_t string_item(uint64_t length)
{
    return length << ITEM_LENGTH_SHIFT | (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT;
}

/* Mostly short, often none, seldom as long as can be. */
static uint64_t random_length(uint64_t *seed, uint64_t most)
{
    uint64_t how = host_random(seed) % 8;

    if (how == 0)
        return most - host_random(seed) % 9;
    return how < 3 ? 0 : host_random(seed) % (how < 7 ? 64 : most);
}

/* Makes a random message out of `seed`, so that the other side can make the same to compare; answers its tag. */
static uint64_t make_message(struct side *side, uint64_t seed, uint32_t operation, uint64_t most)
{
    uint32_t count = (uint32_t)(host_random(&seed) % (MESSAGE_MAX_WORDS + 1));
    uint32_t items = (uint32_t)(host_random(&seed) % (MESSAGE_MAX_STRINGS + 1)) * (host_random(&seed) % 2);

    for (uint32_t i = 0; i < MESSAGE_MAX_WORDS; i++)
        *(i < MESSAGE_REGISTER_WORDS ? &side->words[i] : &side->utcb.words[i]) = i < count ? host_random(&seed) : 0;
    for (uint32_t i = 0; i < items; i++) {
        uint64_t length = random_length(&seed, most);
        memset(side->sent[i], (int)host_random(&seed), length);
        if (length > 1)
            side->sent[i][length - 1] ^= 0x55;
        side->utcb.items[i] = string_item(length);
        side->utcb.item_addresses[i] = (uint64_t)(uintptr_t)side->sent[i];
    }
    return message_labelled_tag((uint32_t)host_random(&seed), message_tag(operation, count, items));
}

/* Is what `side` took the message that `seed` makes? */
static bool is_message(const struct side *side, uint64_t tag, const uint64_t *words, uint64_t seed, uint32_t operation,
                       uint64_t most)
{
    static _Thread_local struct side expected;
    uint64_t expected_tag = make_message(&expected, seed, operation, most);
    uint32_t low = (uint32_t)tag, items = low <= TAG_PLAIN_REPLY_LAST ? 0 : low >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
    uint32_t count = low <= TAG_PLAIN_CALL_LAST    ? low - TAG_PLAIN_CALL
                     : low <= TAG_PLAIN_REPLY_LAST ? low - TAG_PLAIN_REPLY
                                                   : low & TAG_WORDS_MASK;
    bool same = tag == expected_tag && memcmp(words, expected.words, sizeof(expected.words)) == 0;

    if (same && count > MESSAGE_REGISTER_WORDS)
        same = memcmp(&side->utcb.words[6], &expected.utcb.words[6], 8 * (count - MESSAGE_REGISTER_WORDS)) == 0;
    for (uint32_t i = 0; i < items && same; i++)
        same = side->utcb.items[i] == expected.utcb.items[i] &&
               side->utcb.item_addresses[i] == (uint64_t)(uintptr_t)side->strings[i] &&
               memcmp(side->strings[i], expected.sent[i], side->utcb.items[i] >> ITEM_LENGTH_SHIFT) == 0;
    return same;
}

/* ---- two threads ---- */

#define MOST_OF_REQUEST 7000 /* four such strings fit into a record */
#define MOST_OF_ANSWER 16000 /* and four such into an answer */

static struct {
    struct ring *ring;
    uint64_t awaited; /* end of the call that the client waits for; 0: none. The server clears it. */
    bool ended;
    uint64_t calls, sends, unequal;
} shared;

/* The seed of message number `number`, and whether it is a call. */
static uint64_t seed_of(uint64_t number)
{
    return (number + 1) * 0x9e3779b97f4a7c15;
}

static bool is_call(uint64_t number)
{
    return seed_of(number) >> 40 & 1;
}

static void answer(struct ring_server *server, struct side *side, const struct ring_request *request, uint64_t number)
{
    uint64_t tag = make_message(side, ~seed_of(number), MESSAGE_REPLY_AND_WAIT, MOST_OF_ANSWER);

    if (!ring_put_answer(server, request, tag, side->words, &side->utcb))
        shared.unequal++;
    ring_finish(server, request);
    __atomic_store_n(&shared.awaited, 0, __ATOMIC_RELEASE);
}

/* Takes what there is; answers whether there was something. */
static bool serve_one(struct ring_server *server, struct side *side, uint64_t number)
{
    uint64_t awaited = __atomic_load_n(&shared.awaited, __ATOMIC_ACQUIRE);
    struct ring_request request;
    bool called = false;

    if (ring_take_send(server, &request, &side->utcb) != RING_TAKEN) {
        called = ring_take_call(server, awaited, &request, &side->utcb) == RING_TAKEN;
        if (!called)
            return false;
    }
    if (called != is_call(number) || !is_message(side, request.tag, request.words, seed_of(number),
                                                 called ? MESSAGE_CALL : MESSAGE_SEND, MOST_OF_REQUEST))
        shared.unequal++;
    if (called)
        answer(server, side, &request, number);
    return true;
}

static void *serve(void *argument)
{
    struct ring_server server = {.ring = shared.ring};
    static struct side side;
    uint64_t number = 0;

    open_side(&side, 1);
    while (number < MESSAGES) {
        if (serve_one(&server, &side, number))
            number++;
        else
            sched_yield();
    }
    close_side(&side);
    shared.unequal += server.rubbish;
    return argument;
}

static void call(struct ring_client *client, struct side *side, uint64_t number)
{
    uint64_t words[MESSAGE_REGISTER_WORDS], tag;

    __atomic_store_n(&shared.awaited, client->written, __ATOMIC_RELEASE);
    while (__atomic_load_n(&shared.awaited, __ATOMIC_ACQUIRE) != 0)
        sched_yield();
    tag = ring_take_answer(client, words, &side->utcb);
    if (!ring_is_answered(client->ring, client->sequence) || !ring_is_read(client->ring, client->written) ||
        !is_message(side, tag, words, ~seed_of(number), MESSAGE_REPLY_AND_WAIT, MOST_OF_ANSWER))
        shared.unequal++;
}

static void two_threads(void)
{
    struct ring_client client = {.ring = new_ring()};
    static struct side side;
    pthread_t server;

    shared.ring = client.ring;
    open_side(&side, 2);
    if (pthread_create(&server, NULL, serve, NULL) != 0)
        exit(1);
    for (uint64_t number = 0; number < MESSAGES; number++) {
        uint32_t operation = is_call(number) ? MESSAGE_CALL : MESSAGE_SEND;
        uint64_t tag = make_message(&side, seed_of(number), operation, MOST_OF_REQUEST);
        enum ring_put put;

        while ((put = ring_put(&client, tag, side.words, &side.utcb)) == RING_FULL)
            sched_yield();
        if (put != RING_PUT)
            exit(1);
        if (is_call(number))
            call(&client, &side, number);
        *(is_call(number) ? &shared.calls : &shared.sends) += 1;
    }
    pthread_join(server, NULL);
    host_ok(shared.unequal == 0 && shared.calls > MESSAGES / 3 && shared.sends > MESSAGES / 3,
            "%lu calls and %lu sends between two threads, and their answers, in order and as they were", shared.calls,
            shared.sends);
    close_side(&side);
    free(client.ring);
}

/* ---- one thread: the edges ---- */

/* A scene of both sides at one ring. */
struct scene {
    struct ring_client client;
    struct ring_server server;
    struct side here, there;
    struct ring_request request;
};

static void open_scene(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    scene->client.ring = scene->server.ring = new_ring();
    open_side(&scene->here, 3);
    open_side(&scene->there, 4);
}

static void close_scene(struct scene *scene)
{
    close_side(&scene->here);
    close_side(&scene->there);
    free(scene->client.ring);
}

static struct scene scene;

static enum ring_put put(uint32_t operation, uint32_t words, uint32_t items)
{
    return ring_put(&scene.client, message_labelled_tag(7, message_tag(operation, words, items)), scene.here.words,
                    &scene.here.utcb);
}

/* One string of `length` bytes. */
static void say_string(uint64_t length)
{
    scene.here.utcb.items[0] = string_item(length);
    scene.here.utcb.item_addresses[0] = (uint64_t)(uintptr_t)scene.here.sent[0];
}

static bool takes_send(void)
{
    return ring_take_send(&scene.server, &scene.request, &scene.there.utcb) == RING_TAKEN;
}

static bool takes_call(void)
{
    return ring_take_call(&scene.server, scene.client.written, &scene.request, &scene.there.utcb) == RING_TAKEN;
}

static void sizes(void)
{
    static uint8_t large[RING_MOST_BYTES];
    unsigned puts = 0, taken = 0;

    open_scene(&scene);
    while (put(MESSAGE_SEND, 63, 0) == RING_PUT)
        puts++;
    host_ok(puts == RING_REQUEST_BYTES / 544 && put(MESSAGE_SEND, 63, 0) == RING_FULL, "a ring takes %u long messages",
            puts);
    while (takes_send())
        taken++;
    host_ok(taken == puts && put(MESSAGE_SEND, 63, 0) == RING_PUT && takes_send(), "and more when they are taken");
    scene.here.utcb.items[0] = string_item(RING_MOST_BYTES - sizeof(struct ring_record) - 8);
    scene.here.utcb.item_addresses[0] = (uint64_t)(uintptr_t)large;
    for (unsigned i = 0; i < 5; i++)
        host_ok(put(MESSAGE_SEND, 0, 1) == RING_PUT &&
                    ring_take_send(&scene.server, &scene.request, &scene.there.utcb) == RING_UNFIT,
                "the longest message always finds room, and a server that takes no such string is not hurt (%u)", i);
    scene.here.utcb.items[0] += (uint64_t)1 << ITEM_LENGTH_SHIFT;
    host_ok(put(MESSAGE_SEND, 0, 1) == RING_TOO_LONG, "one byte more is too long");
    scene.here.utcb.items[0] = string_item(0xffffffff);
    host_ok(put(MESSAGE_CALL, 63, 1) == RING_TOO_LONG, "and so is the longest that an item can say");
    close_scene(&scene);
}

static void calls(void)
{
    struct ring_request first;

    open_scene(&scene);
    host_ok(put(MESSAGE_CALL, 6, 0) == RING_PUT && !takes_send() && !ring_has_sends(&scene.server),
            "a call is not taken as a send");
    host_ok(ring_take_call(&scene.server, scene.client.written - RING_UNIT, &scene.request, &scene.there.utcb) ==
                RING_NOTHING,
            "nor by who waits for another position");
    host_ok(takes_call() && !takes_call(), "it is taken once by who waits for it");
    first = scene.request;
    host_ok(ring_put_answer(&scene.server, &first, message_labelled_tag(0, message_tag(MESSAGE_REPLY_AND_WAIT, 1, 0)),
                            scene.there.words, &scene.there.utcb) &&
                ring_take_answer(&scene.client, scene.here.words, &scene.here.utcb) ==
                    message_tag(MESSAGE_REPLY_AND_WAIT, 1, 0),
            "and its answer arrives");
    host_ok(put(MESSAGE_CALL, 0, 0) == RING_PUT && takes_call() &&
                ring_take_answer(&scene.client, scene.here.words, &scene.here.utcb) == 0,
            "but not as that of the next call");
    ring_finish(&scene.server, &first);
    host_ok(!ring_is_answered(scene.client.ring, scene.client.sequence), "nor is that then answered");
    ring_finish(&scene.server, &scene.request);
    host_ok(ring_is_answered(scene.client.ring, scene.client.sequence), "before it is");
    close_scene(&scene);
}

static void answers(void)
{
    uint64_t tag = message_tag(MESSAGE_REPLY_AND_WAIT, 0, 1);

    open_scene(&scene);
    scene.here.utcb.string_buffers[0].size = 100;
    put(MESSAGE_CALL, 0, 0);
    takes_call();
    scene.there.utcb.item_addresses[0] = (uint64_t)(uintptr_t)scene.there.sent[0];
    scene.there.utcb.items[0] = string_item(101);
    host_ok(!ring_put_answer(&scene.server, &scene.request, tag, scene.there.words, &scene.there.utcb),
            "a string that the client's buffer cannot take is left to the kernel");
    scene.there.utcb.items[0] = 5;
    host_ok(!ring_put_answer(&scene.server, &scene.request, tag, scene.there.words, &scene.there.utcb),
            "and so is a capability");
    scene.there.utcb.items[0] = string_item(100);
    host_ok(ring_put_answer(&scene.server, &scene.request, tag, scene.there.words, &scene.there.utcb) &&
                ring_take_answer(&scene.client, scene.here.words, &scene.here.utcb) == tag,
            "one that it can take crosses");
    scene.here.utcb.string_buffers[0].size = 99;
    host_ok(ring_take_answer(&scene.client, scene.here.words, &scene.here.utcb) == 0,
            "and a client that has less room now does not take it");
    close_scene(&scene);
}

static void withdrawn(void)
{
    uint64_t withdrawn_call;

    open_scene(&scene);
    put(MESSAGE_CALL, 2, 0);
    withdrawn_call = scene.client.sequence;
    ring_withdraw(&scene.client);
    host_ok(ring_has_sends(&scene.server) && !takes_call() && ring_is_answered(scene.client.ring, withdrawn_call) &&
                !ring_has_sends(&scene.server),
            "a call that was withdrawn is passed over, and told as done with");
    put(MESSAGE_SEND, 2, 0);
    host_ok(takes_send() && scene.request.sequence == 0, "what stands behind it is taken");
    close_scene(&scene);
}

static void sleepers(void)
{
    open_scene(&scene);
    host_ok(ring_to_be_woken(scene.client.ring) == RING_AWAKE, "a server that is awake is not woken");
    scene.client.ring->asleep = RING_SEND;
    host_ok(ring_to_be_woken(scene.client.ring) == RING_SEND && ring_to_be_woken(scene.client.ring) == RING_AWAKE,
            "one that sleeps is woken once");
    close_scene(&scene);
}

/* ---- rubbish ---- */

/* What a position, a length or a tag may be made to. */
static uint64_t bad_number(uint64_t *seed, uint64_t good)
{
    static const uint64_t numbers[] = {0, 1, 31, 33, 0x7fffffff, 0xffffffff, UINT64_MAX, RING_REQUEST_BYTES + 1};
    uint64_t how = host_random(seed);

    switch (how % 4) {
    case 0:
        return numbers[how / 4 % COUNT(numbers)];
    case 1:
        return good + how / 4 % 129 - 64;
    case 2:
        return good ^ (uint64_t)1 << (how / 4 % 64);
    default:
        return how;
    }
}

/* Changes a word that is looked at: a position, the header of the next record or answer, or what stands behind. */
static void spoil(uint64_t *seed)
{
    struct ring *ring = scene.client.ring;
    uint64_t position = (scene.server.read & (RING_REQUEST_BYTES - RING_UNIT)) / 8;
    uint64_t *word = (uint64_t *)ring->requests + position + host_random(seed) % 16;

    switch (host_random(seed) % 8) {
    case 0:
        word = &ring->written;
        break;
    case 1:
        word = &ring->read;
        break;
    case 2:
        word = (uint64_t *)ring->answer + host_random(seed) % 8;
        break;
    case 3:
        word = (uint64_t *)ring->requests + host_random(seed) % (RING_REQUEST_BYTES / 8);
        break;
    default:
        break;
    }
    if ((uint8_t *)word < ring->requests + sizeof(ring->requests) + sizeof(ring->answer))
        *word = bad_number(seed, *word);
}

/* Messages go both ways while words of the memory change at any moment between two steps. All that is asked is that
 * nothing is touched that is not theirs, and that every step ends. */
static unsigned exchange_spoilt(uint64_t *seed)
{
    uint32_t operation = host_random(seed) % 2 ? MESSAGE_CALL : MESSAGE_SEND;
    uint64_t tag = make_message(&scene.here, host_random(seed), operation, MOST_OF_REQUEST);
    unsigned taken = 0;

    if (ring_put(&scene.client, tag, scene.here.words, &scene.here.utcb) != RING_PUT && host_random(seed) % 2)
        __atomic_store_n(&scene.client.ring->read, scene.client.written, __ATOMIC_RELAXED);
    spoil(seed);
    taken += takes_send();
    spoil(seed);
    if (takes_call()) {
        tag = make_message(&scene.there, host_random(seed), MESSAGE_REPLY_AND_WAIT, MOST_OF_ANSWER);
        ring_put_answer(&scene.server, &scene.request, tag, scene.there.words, &scene.there.utcb);
        ring_finish(&scene.server, &scene.request);
        spoil(seed);
        taken += ring_take_answer(&scene.client, scene.here.words, &scene.here.utcb) != 0;
    }
    taken += ring_has_sends(&scene.server);
    return taken;
}

/* An honest message gets through once a client stops: the server goes on from where that writes. */
static bool recovers(void)
{
    memset(scene.client.ring, 0, sizeof(*scene.client.ring));
    scene.client.written = scene.server.read = 0;
    return put(MESSAGE_SEND, 63, 0) == RING_PUT && takes_send();
}

static void rubbish(void)
{
    uint64_t seed = 0x5a1c0;
    unsigned taken = 0;

    open_scene(&scene);
    for (unsigned i = 0; i < RUBBISH; i++) {
        taken += exchange_spoilt(&seed);
        if (i % 100 == 0 && !recovers())
            break;
    }
    host_ok(taken > RUBBISH / 100 && scene.server.rubbish > RUBBISH / 100 && recovers(),
            "rubbish in the memory, %lu times, hurts neither side", scene.server.rubbish);
    close_scene(&scene);
}

static void hostile_positions(void)
{
    open_scene(&scene);
    scene.client.ring->written = UINT64_MAX;
    host_ok(!takes_send() && !ring_has_sends(&scene.server) && scene.server.rubbish == 1,
            "a position beyond the ring is passed over once");
    scene.client.ring->written = 64;
    host_ok(!takes_send() && !ring_has_sends(&scene.server), "and so is one that goes back");
    scene.client.ring->read = 0;
    scene.client.written = 2 * RING_REQUEST_BYTES;
    host_ok(put(MESSAGE_SEND, 0, 0) == RING_BROKEN, "a client does not believe a server's position either");
    close_scene(&scene);
}

/* A string must lie within its record, and a record within what was written. */
static void hostile_lengths(void)
{
    struct ring_record *record;

    open_scene(&scene);
    record = (struct ring_record *)scene.client.ring->requests;
    say_string(1000);
    put(MESSAGE_SEND, 0, 1);
    *(uint64_t *)(record + 1) = 1017;
    host_ok(!takes_send() && scene.server.rubbish == 1, "a string longer than its record is refused");
    recovers();
    scene.client.ring->written = scene.client.written;
    host_ok(put(MESSAGE_SEND, 0, 0) == RING_PUT && takes_send(), "the next message is taken");
    recovers();
    put(MESSAGE_SEND, 0, 0);
    ((struct ring_record *)&scene.client.ring->requests[scene.server.read])->bytes += RING_UNIT;
    host_ok(!takes_send() && scene.server.rubbish == 2, "a record longer than what was written is refused");
    close_scene(&scene);
}

int main(void)
{
    two_threads();
    sizes();
    calls();
    answers();
    withdrawn();
    sleepers();
    hostile_positions();
    hostile_lengths();
    rubbish();
    return host_done();
}
