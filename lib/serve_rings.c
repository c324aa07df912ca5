/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server loop of a program that is called over shared rings as well as by the kernel: salto_serve() and those like
 * it come here if the program has rings. Dispatchers see no difference.
 *
 * A call in a ring is handled while its client waits for it in a call of the kernel (RING_AWAIT), so that this thread
 * has a caller, as for any call: it can be kept, answered late, or answered by the kernel with what a ring does not
 * carry. All else in a ring is handled while there is no caller. Between two rounds of a few messages from each ring
 * the endpoint has its turn; and before the thread waits there it says in each ring that it sleeps, and looks once
 * more.
 */
#include "serve_rings.h"

#include "idl/notification.h"
#include "ring.h"
#include "salto/server.h"
#include "salto/startup.h"

#define ROUND 32 /* messages from a ring before others have their turn */

/* One thread's loop. */
struct loop {
    struct idl_string_frame frame;
    idl_string_dispatcher *dispatcher;
    uint32_t endpoint;
    enum ring_asleep sleeps; /* how it is woken */
};

/* A ring that this program serves, by its number. */
struct served {
    struct ring_server server;
    const struct startup_ring *ring;
    uint32_t threads; /* that serve its endpoint */
};

static struct served served[RINGS_MAX];
static const struct utcb *first_thread;

static uint32_t served_count;

static salto_serve_function serve_rings;

void rings_serve(const struct startup_rings *rings)
{
    first_thread = ipc_utcb();
    for (uint32_t i = 0; i < rings->count; i++) {
        const struct startup_ring *ring = &rings->rings[i];
        if (!ring->serves)
            continue;
        served[ring->number].server.ring = (struct ring *)ring->address;
        served[ring->number].ring = ring;
        served_count++;
    }
    salto_serve_rings = served_count ? serve_rings : NULL;
}

/* ---- one message ---- */

static bool is_answer(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;

    return low <= TAG_PLAIN_REPLY_LAST || (low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK) == MESSAGE_REPLY_AND_WAIT;
}

/* The register words of an answer: from 1 on they are taken from the frame, as serve.S does. */
static void answer_words(const struct loop *loop, struct idl_answer answer, uint64_t *words)
{
    words[0] = answer.word;
    for (unsigned i = 1; i < MESSAGE_REGISTER_WORDS; i++)
        words[i] = (uint32_t)answer.tag > TAG_PLAIN_REPLY + 1 ? loop->frame.plain->words[i] : 0;
}

static struct idl_answer dispatch(struct loop *loop, uint64_t badge, uint64_t tag, const uint64_t *words)
{
    loop->frame.plain->word4 = words[4];
    loop->frame.plain->word5 = words[5];
    return loop->dispatcher(badge, words[0], words[1], tag, words[2], words[3], &loop->frame);
}

/* What the loop itself answers a client that waits. */
static struct idl_answer told(uint32_t label)
{
    return (struct idl_answer){message_labelled_tag(label, TAG_PLAIN_REPLY), 0};
}

/* A call from a ring. Its answer goes there, if it can; else by the kernel. One that is kept is answered by the
 * kernel. */
static struct idl_answer serve_call(struct loop *loop, struct served *from, const struct ring_request *request)
{
    struct idl_answer answer = dispatch(loop, from->ring->badge, request->tag, request->words);
    uint64_t words[MESSAGE_REGISTER_WORDS];

    if (is_answer(answer.tag)) {
        answer_words(loop, answer, words);
        if (ring_put_answer(&from->server, request, answer.tag, words, ipc_utcb()))
            answer = told(RING_DONE);
    }
    ring_finish(&from->server, request);
    return answer;
}

/* A client waits, for the call that ends at a position or for all that it sent. */
static struct idl_answer serve_awaited(struct loop *loop, struct served *from, const uint64_t *words)
{
    struct ring_request request;

    if (ring_has_sends(&from->server))
        return told(RING_AGAIN);
    switch (ring_take_call(&from->server, words[1], &request, ipc_utcb())) {
    case RING_TAKEN:
        return serve_call(loop, from, &request);
    case RING_UNFIT:
        ring_finish(&from->server, &request);
        return told(RING_BY_KERNEL);
    default:
        return told(RING_BY_KERNEL);
    }
}

/* The ring that a client means; NULL if it is none of its. */
static struct served *ring_of(const struct loop *loop, uint64_t badge, uint64_t number)
{
    if (number >= RINGS_MAX || !served[number].ring || served[number].ring->handle != loop->endpoint ||
        served[number].ring->badge != badge)
        return NULL;
    return &served[number];
}

/* What came from the endpoint. */
static struct idl_answer serve_message(struct loop *loop, uint64_t tag, const struct ipc_message *message)
{
    struct served *awaited;

    if ((uint32_t)tag == (TAG_NATIVE | MESSAGE_SIGNAL << TAG_OPERATION_SHIFT | 1) && loop->sleeps == RING_SIGNAL &&
        message->words[0] == RING_WAKES)
        return idl_no_answer();
    if (tag == message_labelled_tag(RING_LOOK, message_tag(MESSAGE_SEND, 0, 0)))
        return idl_no_answer();
    if (tag == message_labelled_tag(RING_AWAIT, message_tag(MESSAGE_CALL, 2, 0))) {
        awaited = ring_of(loop, message->badge, message->words[0]);
        if (awaited)
            return serve_awaited(loop, awaited, message->words);
    }
    return dispatch(loop, message->badge, tag, message->words);
}

/* ---- rounds ---- */

/* A message from a ring that nobody waits for. An answer to it finds no caller, as by the kernel. */
static void serve_send(struct loop *loop, const struct served *from, const struct ring_request *request)
{
    struct idl_answer answer = dispatch(loop, from->ring->badge, request->tag, request->words);

    if (!is_answer(answer.tag))
        return;
    loop->frame.plain->refused++;
    idl_drop_answer(answer.tag);
}

static bool is_mine(const struct loop *loop, const struct served *ring)
{
    return ring->ring && ring->ring->handle == loop->endpoint;
}

static void serve_round(struct loop *loop)
{
    struct ring_request request;

    for (uint32_t i = 0; i < served_count; i++) {
        enum ring_take taken = is_mine(loop, &served[i]) ? RING_TAKEN : RING_NOTHING;
        for (unsigned n = 0; n < ROUND && taken != RING_NOTHING; n++) {
            taken = ring_take_send(&served[i].server, &request, ipc_utcb());
            if (taken == RING_TAKEN)
                serve_send(loop, &served[i], &request);
        }
    }
}

static void say(const struct loop *loop, enum ring_asleep asleep)
{
    for (uint32_t i = 0; i < served_count; i++)
        if (is_mine(loop, &served[i]))
            __atomic_store_n(&served[i].server.ring->asleep, asleep, __ATOMIC_RELAXED);
}

/* Says that this thread sleeps; answers whether it may. */
static bool falls_asleep(const struct loop *loop)
{
    bool found = false;

    say(loop, loop->sleeps);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* as in ring_to_be_woken() */
    for (uint32_t i = 0; i < served_count; i++)
        found |= is_mine(loop, &served[i]) && ring_has_sends(&served[i].server);
    if (found)
        say(loop, RING_AWAKE);
    return !found;
}

/* ---- the endpoint ---- */

/* The same answer, by an IPC that waits for nothing. */
static uint64_t reply_tag(uint64_t tag)
{
    uint32_t low = (uint32_t)tag, words = low & TAG_WORDS_MASK, items = low >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;

    if (low <= TAG_PLAIN_REPLY_LAST)
        words = low - TAG_PLAIN_REPLY, items = 0;
    return message_labelled_tag(message_label(tag), message_tag(MESSAGE_REPLY, words, items));
}

/* Sends an answer as serve.S does, by `tag`: what the kernel does not take is dropped, and its error takes its
 * place. */
static uint64_t answer_by(struct loop *loop, uint64_t tag, struct idl_answer answer, struct ipc_message *message)
{
    uint32_t replacement = (uint32_t)tag == (uint32_t)answer.tag ? TAG_PLAIN_REPLY : message_tag(MESSAGE_REPLY, 0, 0);
    uint64_t result;

    answer_words(loop, answer, message->words);
    result = ipc_transfer(tag, loop->endpoint, message);
    if (message_is_tag(result))
        return result;
    if (message->badge == PHASE_SEND) {
        loop->frame.plain->refused++;
        idl_drop_answer(answer.tag);
    }
    *message = (struct ipc_message){0};
    return ipc_transfer(message_labelled_tag((uint32_t) - (int)result, replacement), loop->endpoint, message);
}

/* Answers, and waits for what comes next. */
static uint64_t answer_and_wait(struct loop *loop, struct idl_answer answer, struct ipc_message *message)
{
    uint64_t tag = is_answer(answer.tag) ? answer_by(loop, answer.tag, answer, message) : ERROR_NO_CALLER;

    if (message_is_tag(tag))
        return tag;
    *message = (struct ipc_message){0};
    return ipc_transfer(message_tag(MESSAGE_RECEIVE, 0, 0), loop->endpoint, message);
}

/* Answers, handles what stands in rings, and waits. */
static uint64_t next(struct loop *loop, struct idl_answer answer, struct ipc_message *message)
{
    uint64_t tag;

    while (!falls_asleep(loop)) {
        if (is_answer(answer.tag))
            answer_by(loop, reply_tag(answer.tag), answer, message);
        answer = idl_no_answer();
        serve_round(loop);
        *message = (struct ipc_message){0};
        tag = ipc_transfer(message_tag(MESSAGE_RECEIVE, 0, 0) | TAG_POLL, loop->endpoint, message);
        if (tag != ERROR_WOULD_BLOCK)
            return tag;
    }
    tag = answer_and_wait(loop, answer, message);
    say(loop, RING_AWAKE);
    return tag;
}

/* ---- the loop ---- */

/* The notification that clients of the endpoint signal. */
static kernel_notification_t own_notification(const struct loop *loop)
{
    for (uint32_t i = 0; i < served_count; i++)
        if (is_mine(loop, &served[i]))
            return (kernel_notification_t){served[i].ring->wakes};
    return (kernel_notification_t){0};
}

/* Binds the notification to this thread, if it is the first, and neither has one nor will: else clients wake it by
 * messages. */
static enum ring_asleep how_woken(const struct loop *loop)
{
    kernel_thread_t thread = {salto_grant("thread")};

    if (ipc_utcb()->words[IDL_LATE_WORD] != 0 || ipc_utcb() != first_thread ||
        kernel_notification_bind(own_notification(loop), thread) != 0)
        return RING_SEND;
    return RING_SIGNAL;
}

static void unbind(const struct loop *loop)
{
    if (kernel_notification_unbind(own_notification(loop)) != 0)
        return; /* it is gone */
}

/* Counts this thread in or out. */
static void open_rings(const struct loop *loop, uint32_t change)
{
    for (uint32_t i = 0; i < served_count; i++)
        if (is_mine(loop, &served[i]))
            __atomic_store_n(&served[i].server.ring->serving,
                             __atomic_add_fetch(&served[i].threads, change, __ATOMIC_ACQ_REL) != 0, __ATOMIC_RELEASE);
}

static int serve_rings(uint32_t endpoint, idl_string_dispatcher *dispatcher, void *object, void *buffers)
{
    struct loop loop = {
        .frame = {{{.object = object, .buffers = buffers}}}, .dispatcher = dispatcher, .endpoint = endpoint};
    struct ipc_message message = {0};
    uint64_t tag;

    loop.sleeps = how_woken(&loop);
    open_rings(&loop, 1);
    tag = next(&loop, idl_no_answer(), &message);
    while (message_is_tag(tag))
        tag = next(&loop, serve_message(&loop, tag, &message), &message);
    open_rings(&loop, (uint32_t)-1);
    if (loop.sleeps == RING_SIGNAL)
        unbind(&loop);
    return -(int)tag;
}
