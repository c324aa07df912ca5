/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Senders that wait are received by priority, first come first served among equals; receivers in the order in which
 * they came.
 */
#include "../common/actors.h"

#define SENDERS 100
#define LOWEST 20
#define LEVELS 7
#define SEED 0x5eedUL

static uint32_t endpoint, inner;

/* Sends its number, values[1], by the operation in values[2]. */
static void play_sender(struct area *area)
{
    struct ipc_message message = {.words = {area->values[1]}};
    uint32_t operation = (uint32_t)area->values[2];
    area->values[3] = ipc_transfer(tag_of(0, operation, 1, 0), area->values[0], &message);
}

static unsigned enter_sender(uint32_t priority, uint64_t number, uint32_t operation)
{
    unsigned actor = actor_create(priority, play_sender, endpoint);
    actors[actor].area->values[1] = number;
    actors[actor].area->values[2] = operation;
    actor_start(actor);
    return actor;
}

static uint32_t operation_of(uint64_t number)
{
    return number % 3 == 0 ? MESSAGE_SEND : MESSAGE_CALL;
}

/* The number that the next sender sends; it is answered if it called. */
static uint64_t receive_number(void)
{
    struct ipc_message message = {0};
    EXPECT(message_is_tag(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message)));
    if (operation_of(message.words[0]) == MESSAGE_CALL)
        EXPECT_EQUAL(actor_reply(), TAG_DONE);
    return message.words[0];
}

/* ---- Senders ----------------------------------------------------------------------------------------------------- */

static void by_priority(void)
{
    const uint32_t priorities[] = {20, 50, 30, 50, 20, 30, 50, 255, 11};
    const uint64_t order[] = {7, 1, 3, 6, 2, 5, 0, 4, 8};
    endpoint = guest_endpoint();
    for (unsigned i = 0; i < COUNT(priorities); i++)
        enter_sender(priorities[i], i, operation_of(i));
    for (unsigned i = 0; i < COUNT(order); i++)
        EXPECT_EQUAL(receive_number(), order[i]);
    for (unsigned i = 0; i < COUNT(order); i++)
        EXPECT_EQUAL(actors[i].area->values[3], TAG_DONE);
    actors_leave();
    guest_delete(endpoint);
}

/* Of those that wait (number and priority; gone: 0), the one whose turn it is. */
static unsigned next_of(const uint32_t *priorities)
{
    unsigned best = 0;
    for (unsigned i = 1; i < SENDERS; i++)
        if (priorities[i] > priorities[best])
            best = i;
    return best;
}

/* Many, of whom some are broken off before their turn comes. */
static void many(void)
{
    uint32_t priorities[SENDERS];
    uint64_t random = SEED, old;
    unsigned left = SENDERS;
    endpoint = guest_endpoint();
    for (unsigned i = 0; i < SENDERS; i++) {
        priorities[i] = LOWEST + (uint32_t)(random_next(&random) % LEVELS);
        enter_sender(priorities[i], i, operation_of(i));
    }
    for (unsigned i = 0; i < SENDERS; i += 4, left--) {
        EXPECT_EQUAL(kernel_thread_break_off(actors[i].thread, 0, &old), 0);
        EXPECT_EQUAL(actors[i].area->values[3], ERROR_INTERRUPTED);
        priorities[i] = 0;
    }
    for (; left > 0; left--) {
        unsigned next = next_of(priorities);
        EXPECT_EQUAL(receive_number(), next);
        priorities[next] = 0;
    }
    EXPECT_EQUAL(actor_receive(0), ERROR_BAD_HANDLE);
    actors_leave();
    guest_delete(endpoint);
}

/* A priority counts as it was when the sender began to wait. */
static void changed_while_queued(void)
{
    endpoint = guest_endpoint();
    unsigned first = enter_sender(30, 1, MESSAGE_CALL);
    unsigned second = enter_sender(20, 2, MESSAGE_CALL);
    EXPECT_EQUAL(kernel_thread_set_priority(actors[second].thread, 40), 0);
    EXPECT_EQUAL(kernel_thread_set_priority(actors[first].thread, 15), 0);
    EXPECT_EQUAL(receive_number(), 1);
    EXPECT_EQUAL(receive_number(), 2);
    actors_leave();
    guest_delete(endpoint);
}

/* Serves `inner`, and has the server of `endpoint` do the work. */
static void play_relay(struct area *area)
{
    EXPECT(message_is_tag(actor_receive(inner)));
    play_sender(area);
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

static void play_caller(struct area *area)
{
    EXPECT_EQUAL(actor_call((uint32_t)area->values[0]), TAG_DONE);
}

/* What counts is the context on which a sender runs: a server queues as its caller would. */
static void lent_priority(void)
{
    endpoint = guest_endpoint();
    inner = guest_endpoint();
    enter_sender(40, 1, MESSAGE_CALL);
    unsigned relay = actor_create(20, play_relay, endpoint);
    actors[relay].area->values[1] = 2;
    actors[relay].area->values[2] = MESSAGE_CALL;
    actor_start(relay);
    actor_enter(60, play_caller, inner);
    enter_sender(60, 4, MESSAGE_CALL);
    EXPECT_EQUAL(receive_number(), 2);
    EXPECT_EQUAL(receive_number(), 4);
    EXPECT_EQUAL(receive_number(), 1);
    actors_leave();
    guest_delete(inner);
    guest_delete(endpoint);
}

/* ---- Receivers --------------------------------------------------------------------------------------------------- */

/* Waits, in the middle of its work, until it is told to go on. */
static void play_held_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    trace((char)area->values[2]);
    EXPECT_EQUAL(actor_call(inner), TAG_DONE);
    area->values[1] = actor_reply();
    trace((char)(area->values[2] - 'a' + 'A'));
}

static unsigned enter_server(uint32_t priority, char name)
{
    unsigned server = actor_create(priority, play_held_server, endpoint);
    actors[server].area->values[2] = (uint64_t)name;
    actor_start(server);
    return server;
}

/* Receivers that wait get one call each, in the order in which they came, whatever their priorities. */
static void several_receivers(void)
{
    endpoint = guest_endpoint();
    inner = guest_endpoint();
    enter_server(20, 'a');
    enter_server(30, 'b');
    enter_server(40, 'c');
    for (int i = 0; i < 3; i++)
        actor_enter(40, play_caller, endpoint);
    EXPECT_TRACE("abc");
    for (int i = 0; i < 3; i++) {
        EXPECT(message_is_tag(actor_receive(inner)));
        EXPECT_EQUAL(actor_reply(), TAG_DONE);
    }
    EXPECT_TRACE("ABC");
    actors_leave();
    guest_delete(inner);
    guest_delete(endpoint);
}

/* Both receivers are busy: whoever calls waits for the one that is through first, which nobody can foresee. */
static void busy_receivers(void)
{
    endpoint = guest_endpoint();
    inner = guest_endpoint();
    enter_server(30, 'a');
    enter_server(30, 'b');
    for (int i = 0; i < 3; i++)
        actor_enter(40 + (uint32_t)i, play_caller, endpoint);
    EXPECT_TRACE("ab");
    EXPECT(message_is_tag(actor_receive(inner))); /* b, whose caller has the higher priority */
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
    EXPECT_TRACE("B");
    enter_server(20, 'd');
    EXPECT_TRACE("d");
    EXPECT(message_is_tag(actor_receive(inner)));
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
    EXPECT_TRACE("D"); /* its caller has a higher priority */
    EXPECT(message_is_tag(actor_receive(inner)));
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
    EXPECT_TRACE("A");
    actors_leave();
    guest_delete(inner);
    guest_delete(endpoint);
}

static const struct guest_test tests[] = {
    {"senders are received by priority, equal ones in order", by_priority},
    {"a hundred senders, a quarter of them broken off", many},
    {"a priority that changes while its thread is queued", changed_while_queued},
    {"a server queues at its caller's priority", lent_priority},
    {"several receivers", several_receivers},
    {"several receivers, all busy", busy_receivers},
};

int main(void)
{
    return actors_run(tests, COUNT(tests));
}
