/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of the transport *shared*: a way (salto/route.h) that puts messages into a ring.
 *
 * A call waits for its answer in a call of the kernel, RING_AWAIT, to the server's endpoint: so the server runs on the
 * caller's time, a deadline or a death ends the wait as it ends any call, and a thread that is a server itself loses no
 * caller of its own. A send waits for nothing, and wakes the server only if it sleeps.
 *
 * One thread at a time is in the ring. Others do not wait for it: their messages take the kernel, as does all that the
 * ring has no room for, after what they sent before was handled, so that a thread's messages arrive in order.
 */
#include "ring_client.h"

#include "ring.h"
#include "salto/deadline.h"
#include "salto/route.h"
#include "salto/wait.h"

#define MOST_TRIES \
    4096 /* more than there are messages in a ring: a server that gets no further has another thread in it */

/* What stands behind a route. */
struct shared {
    struct ring_client client;
    uint64_t unfinished; /* sequence number of a call that failed, which the server may still be at; 0: none */
    uint64_t sent;       /* end of the last message that nobody waited for */
    uint32_t busy;       /* 1: a thread is in the ring */
    uint32_t number;
    uint32_t wakes;
};

static struct shared shareds[RINGS_MAX];

static bool enter(struct shared *shared)
{
    return !__atomic_exchange_n(&shared->busy, 1, __ATOMIC_ACQUIRE);
}

static void leave(struct shared *shared)
{
    __atomic_store_n(&shared->busy, 0, __ATOMIC_RELEASE);
}

/* Waits for the server to handle what stands before `end`, and a call that ends there; not longer than the message of
 * `tag` may take. Returns the answer's tag, with its words in `words`, or an error number. */
static uint64_t await(const struct salto_route *route, uint64_t tag, uint64_t end, uint64_t *words)
{
    const struct shared *shared = route->state;
    uint64_t request = message_labelled_tag(RING_AWAIT, message_tag(MESSAGE_CALL, 2, 0));

    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        words[i] = 0;
    words[0] = shared->number;
    words[1] = end;
    return ipc_exchange(tag & TAG_DEADLINE ? ipc_tag_with_deadline(request) : request, route->capability, words);
}

/* Waits until the server has read up to `end`, where no call stands. 0, or an error number. */
static uint64_t await_read(const struct salto_route *route, uint64_t tag, uint64_t end)
{
    const struct shared *shared = route->state;
    uint64_t words[MESSAGE_REGISTER_WORDS], answer;

    for (unsigned i = 0; i < MOST_TRIES && !ring_is_read(shared->client.ring, end); i++) {
        answer = await(route, tag, end, words);
        if (!message_is_tag(answer))
            return answer;
    }
    return 0;
}

static uint64_t ring_settle(struct salto_route *route, uint64_t tag)
{
    struct shared *shared = route->state;
    uint64_t sent = __atomic_load_n(&shared->sent, __ATOMIC_ACQUIRE);

    if (ring_is_read(shared->client.ring, sent))
        return 0;
    return tag & TAG_POLL ? ERROR_WOULD_BLOCK : await_read(route, tag, sent);
}

/* Puts a message into the ring when there is room. RING_FULL: there is none, for the reason in `*error`, if that is not
 * 0. */
static enum ring_put put(const struct salto_route *route, uint64_t tag, uint64_t plain, const uint64_t *words,
                         uint64_t *error)
{
    struct shared *shared = route->state;
    enum ring_put result = ring_put(&shared->client, plain, words, ipc_utcb());

    *error = 0;
    if (result != RING_FULL)
        return result;
    *error = await_read(route, tag, shared->client.written);
    return *error ? RING_FULL : ring_put(&shared->client, plain, words, ipc_utcb());
}

/* Wakes the server if it sleeps, for a message of `tag`. 0, or an error number. */
static uint64_t wake(const struct salto_route *route, uint64_t tag)
{
    const struct shared *shared = route->state;
    uint64_t words[MESSAGE_REGISTER_WORDS] = {0},
             look = message_labelled_tag(RING_LOOK, message_tag(MESSAGE_SEND, 0, 0));

    switch (ring_to_be_woken(shared->client.ring)) {
    case RING_AWAKE:
        return 0;
    case RING_SIGNAL:
        return (uint64_t)-ipc_signal(shared->wakes, RING_WAKES);
    default:
        look = ipc_exchange(tag & TAG_DEADLINE ? ipc_tag_with_deadline(look) : look, route->capability, words);
        return message_is_tag(look) ? 0 : look;
    }
}

/* A message that is in the ring, and that nobody waits for. If the server cannot be woken it is taken back. */
static uint64_t finish_send(const struct salto_route *route, uint64_t tag, uint64_t *words)
{
    struct shared *shared = route->state;
    uint64_t error;

    __atomic_store_n(&shared->sent, shared->client.written, __ATOMIC_RELEASE);
    error = wake(route, tag);
    if (error) {
        ring_withdraw(&shared->client);
        return error;
    }
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        words[i] = 0;
    return TAG_PLAIN_REPLY;
}

/* The call cannot be waited for any more. It counts as under way until the server has passed it. */
static void give_up(struct shared *shared)
{
    ring_withdraw(&shared->client);
    shared->unfinished = shared->client.sequence;
}

/* A call that is in the ring. 0: the kernel is to carry it. What is no answer of the loop's came from the server's own
 * code, by the kernel. */
static uint64_t finish_call(const struct salto_route *route, uint64_t tag, uint64_t *words)
{
    struct shared *shared = route->state;
    uint64_t own[MESSAGE_REGISTER_WORDS], answer = message_labelled_tag(RING_AGAIN, 0);

    for (unsigned i = 0; i < MOST_TRIES && message_label(answer) == RING_AGAIN; i++) {
        answer = await(route, tag, shared->client.written, own);
        if (!message_is_tag(answer)) {
            give_up(shared);
            return answer;
        }
    }
    if (message_label(answer) == RING_DONE) {
        answer = ring_take_answer(&shared->client, words, ipc_utcb());
        return answer ? answer : ERROR_BAD_TAG;
    }
    if (message_label(answer) == RING_AGAIN || message_label(answer) == RING_BY_KERNEL) {
        give_up(shared);
        return 0;
    }
    __builtin_memcpy(words, own, sizeof(own));
    return answer;
}

/* The message by the ring, which this thread is in. 0: the kernel is to carry it. */
static uint64_t exchange(const struct salto_route *route, uint64_t tag, uint64_t plain, uint64_t *words)
{
    struct shared *shared = route->state;
    bool is_send = ((uint32_t)plain >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK) == MESSAGE_SEND;
    uint64_t error;

    if (!is_send && shared->unfinished && !ring_is_answered(shared->client.ring, shared->unfinished))
        return 0;
    if (put(route, tag, plain, words, &error) != RING_PUT)
        return error;
    if (is_send)
        return finish_send(route, tag, words);
    shared->unfinished = 0;
    return finish_call(route, tag, words);
}

/* The tag without its deadline, in its one spelling. */
static uint64_t without_deadline(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;

    if (!(low & TAG_DEADLINE))
        return tag;
    return message_labelled_tag(message_label(tag),
                                message_tag(low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK, low & TAG_WORDS_MASK,
                                            low >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK));
}

static uint64_t ring_exchange(struct salto_route *route, uint64_t tag, uint64_t *words)
{
    struct shared *shared = route->state;
    uint64_t answer;

    if (__atomic_load_n(&shared->client.ring->serving, __ATOMIC_ACQUIRE) != 1 || !enter(shared))
        return 0;
    answer = exchange(route, tag, without_deadline(tag), words);
    leave(shared);
    return answer;
}

static const struct salto_way ring_way = {.exchange = ring_exchange, .settle = ring_settle, .deadlines = true};

uint32_t ring_open(const struct startup_grant *grant)
{
    const struct startup_rings *rings = salto_rings();

    for (uint32_t i = 0; rings && i < rings->count; i++) {
        const struct startup_ring *ring = &rings->rings[i];
        if (ring->serves || ring->handle != grant->handle)
            continue;
        shareds[i].client.ring = (struct ring *)ring->address;
        shareds[i].number = ring->number;
        shareds[i].wakes = ring->wakes;
        return salto_route_open(&ring_way, &shareds[i], ring->handle);
    }
    return 0;
}
