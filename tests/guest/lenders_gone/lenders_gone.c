/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whoever lends goes away, or is stopped, in mid-call. The server goes on, with its reserve if nobody lends any more,
 * and its answer finds the caller gone. At which priority the server goes on is seen by actors that become ready
 * meanwhile.
 */
#include "../common/actors.h"

#define CALLER 50
#define BETWEEN 40 /* between the caller's priority and the reserve's */
#define RESERVE 30
#define LOW 20
#define CHAIN 290 /* longer than what the kernel walks with interrupts off */

static uint32_t endpoint, inner;
static unsigned caller, other, middle;

static void play_trace_value(struct area *area)
{
    trace((char)area->values[0]);
}

/* Notes what its call returned in values[1]. */
static void play_caller(struct area *area)
{
    area->values[1] = actor_call((uint32_t)area->values[0]);
    trace('c');
}

/* As actor_enter, for one whose number others look at as soon as it runs. */
static void enter_as(unsigned *number, uint32_t priority, worker_function *part, uint32_t handle)
{
    *number = actor_create(priority, part, handle);
    actor_start(*number);
}

static void begin(void)
{
    endpoint = guest_endpoint();
    inner = guest_endpoint();
    other = actor_create(BETWEEN, play_trace_value, '1');
}

static void end(void)
{
    actors_leave();
    guest_delete(inner);
    guest_delete(endpoint);
}

static uint64_t result_of(unsigned number)
{
    return actors[number].area->values[1];
}

/* ---- A caller is stopped ----------------------------------------------------------------------------------------- */

static void play_stopping_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    EXPECT_EQUAL(kernel_thread_stop(actors[caller].thread), 0);
    actor_start(other);
    trace('a'); /* still at the caller's priority */
    if (area->values[2])
        EXPECT(message_is_tag(actor_reply_and_wait((uint32_t)area->values[0])));
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
    trace('b'); /* with the reserve */
}

/* What a stopped caller lends stays lent; it stops when the answer comes, and goes on with it when it is resumed. The
 * server answers and goes on, or answers and waits. */
static void stopped_in_mid_call(void)
{
    for (uint64_t waits = 0; waits < 2; waits++) {
        begin();
        unsigned server = actor_create(RESERVE, play_stopping_server, endpoint);
        actors[server].area->values[2] = waits;
        actor_start(server);
        enter_as(&caller, CALLER, play_caller, endpoint);
        EXPECT_TRACE(waits ? "a1" : "a1b");
        EXPECT_EQUAL(kernel_thread_resume(actors[caller].thread, false), 0);
        EXPECT_TRACE("c");
        EXPECT_EQUAL(result_of(caller), TAG_DONE);
        EXPECT_ERROR(kernel_thread_resume(actors[caller].thread, false), BUSY);
        end();
    }
}

static void play_slow_answer(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    EXPECT_EQUAL(actor_call(inner), TAG_DONE);
    trace('r');
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* The server is stopped: nobody runs it, high as its callers may be, until it is resumed. */
static void server_is_stopped(void)
{
    begin();
    unsigned server = actor_enter(RESERVE, play_slow_answer, endpoint);
    enter_as(&caller, CALLER, play_caller, endpoint); /* and the server waits for who serves `inner` */
    EXPECT_EQUAL(kernel_thread_stop(actors[server].thread), 0);
    actor_enter(RESERVE, play_server, inner);
    unsigned helper = actor_enter(CALLER + 1, play_caller, endpoint);
    EXPECT_TRACE("s");
    EXPECT_EQUAL(kernel_thread_resume(actors[server].thread, false), 0);
    EXPECT_TRACE("rc");
    EXPECT_EQUAL(result_of(caller), TAG_DONE);
    EXPECT_EQUAL(kernel_thread_break_off(actors[helper].thread, 0, &(uint64_t){0}), 0);
    EXPECT_TRACE("c");
    EXPECT_EQUAL(result_of(helper), ERROR_INTERRUPTED);
    end();
}

/* ---- A caller goes ----------------------------------------------------------------------------------------------- */

enum leaving { ENDED, DELETED, BROKEN_OFF, LEAVINGS };

static void make_leave(unsigned number, enum leaving leaving)
{
    uint64_t old;
    if (leaving == ENDED)
        EXPECT_EQUAL(kernel_thread_end(actors[number].thread), 0);
    if (leaving == BROKEN_OFF)
        EXPECT_EQUAL(kernel_thread_break_off(actors[number].thread, 0, &old), 0);
    if (leaving != DELETED)
        return;
    guest_delete(actors[number].thread.handle);
    actors[number].thread.handle = guest_copy(actors[number].park, RIGHTS_ALL); /* for actors_leave() to delete */
}

/* Its caller leaves; it goes on below `other`. */
static void play_left_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    actor_start(other);
    trace('a');
    make_leave(caller, (enum leaving)area->values[2]);
    trace('b');
    EXPECT_EQUAL(actor_reply(), ERROR_NO_CALLER);
    EXPECT_EQUAL(actor_reply_and_wait((uint32_t)area->values[0]), ERROR_NO_CALLER);
    trace('d');
}

static void enter_server(uint32_t priority, worker_function *part, uint32_t handle, uint64_t value)
{
    unsigned server = actor_create(priority, part, handle);
    actors[server].area->values[2] = value;
    actor_start(server);
}

static void caller_goes(void)
{
    for (enum leaving leaving = ENDED; leaving < LEAVINGS; leaving++) {
        begin();
        enter_server(RESERVE, play_left_server, endpoint, leaving);
        enter_as(&caller, CALLER, play_caller, endpoint);
        EXPECT_TRACE(leaving == BROKEN_OFF ? "ac1bd" : "a1bd");
        if (leaving == BROKEN_OFF)
            EXPECT_EQUAL(result_of(caller), ERROR_INTERRUPTED);
        end();
    }
}

/* The same where the call was queued before the server came. */
static void queued_caller_goes(void)
{
    for (enum leaving leaving = ENDED; leaving < LEAVINGS; leaving++) {
        begin();
        enter_as(&caller, CALLER, play_caller, endpoint);
        enter_server(RESERVE, play_left_server, endpoint, leaving);
        EXPECT_TRACE(leaving == BROKEN_OFF ? "ac1bd" : "a1bd");
        end();
    }
}

static void play_relay(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    area->values[1] = actor_call(inner);
    trace('m');
    area->values[3] = actor_reply();
}

/* Whoever stands behind its caller leaves. */
static void play_answering_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    actor_start(other);
    trace('a');
    make_leave(caller, (enum leaving)area->values[2]);
    trace('b');
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* The first of a chain goes: the last one goes on with the reserve of the one between, which goes on in its turn. */
static void first_of_a_chain_goes(void)
{
    for (enum leaving leaving = ENDED; leaving < LEAVINGS; leaving++) {
        begin();
        enter_server(LOW, play_answering_server, inner, leaving);
        enter_as(&middle, RESERVE, play_relay, endpoint);
        enter_as(&caller, CALLER, play_caller, endpoint);
        /* `other` runs, above RESERVE; then the last server for the middle one, whose call it answers to. */
        EXPECT_TRACE(leaving == BROKEN_OFF ? "ac1bm" : "a1bm");
        end();
    }
}

/* ---- The middle goes --------------------------------------------------------------------------------------------- */

static void play_last_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    actor_start(other);
    trace('a');
    make_leave(middle, (enum leaving)area->values[2]);
    trace('b');
    EXPECT_EQUAL(actor_reply(), ERROR_NO_CALLER);
    trace('d');
}

/* The middle of a chain dies: its caller is told, and the last one goes on with its own reserve. */
static void middle_dies(void)
{
    for (enum leaving leaving = ENDED; leaving < BROKEN_OFF; leaving++) {
        begin();
        enter_server(RESERVE, play_last_server, inner, leaving);
        enter_as(&middle, RESERVE, play_relay, endpoint);
        enter_as(&caller, CALLER, play_caller, endpoint);
        EXPECT_TRACE("ac1bd");
        EXPECT_EQUAL(result_of(caller), ERROR_DEAD);
        end();
    }
}

/* It is broken off: it goes on for its caller, with that one's context, and may answer it still. */
static void middle_is_broken_off(void)
{
    begin();
    enter_server(RESERVE, play_last_server, inner, BROKEN_OFF);
    enter_as(&middle, RESERVE, play_relay, endpoint);
    enter_as(&caller, CALLER, play_caller, endpoint);
    EXPECT_TRACE("amc1bd");
    EXPECT_EQUAL(actors[middle].area->values[1], ERROR_INTERRUPTED);
    EXPECT_EQUAL(actors[middle].area->values[3], TAG_DONE);
    EXPECT_EQUAL(result_of(caller), TAG_DONE);
    end();
}

/* ---- A helper goes ----------------------------------------------------------------------------------------------- */

static void play_helped_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    actor_start(caller); /* calls, and helps from here on */
    actor_start(other);
    trace('a');
    make_leave(caller, (enum leaving)area->values[2]);
    trace('b');
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* A helper in the queue goes: the server goes on for the low one that it works for. */
static void helper_goes(void)
{
    for (enum leaving leaving = ENDED; leaving < LEAVINGS; leaving++) {
        begin();
        caller = actor_create(CALLER, play_caller, endpoint);
        enter_server(RESERVE, play_helped_server, endpoint, leaving);
        unsigned low = actor_enter(LOW, play_caller, endpoint);
        EXPECT_TRACE(leaving == BROKEN_OFF ? "ac1bc" : "a1bc"); /* the last one is the low one */
        EXPECT_EQUAL(result_of(low), TAG_DONE);
        end();
    }
}

/* Both whoever lends and whoever helps go: the reserve is left. */
static void play_deserted_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    actor_start(caller);
    actor_start(other);
    make_leave(middle, ENDED);
    trace('a');
    make_leave(caller, ENDED);
    trace('b');
    EXPECT_EQUAL(actor_reply(), ERROR_NO_CALLER);
}

static void everybody_goes(void)
{
    begin();
    caller = actor_create(CALLER, play_caller, endpoint);
    enter_server(RESERVE, play_deserted_server, endpoint, 0);
    enter_as(&middle, LOW, play_caller, endpoint);
    EXPECT_TRACE("a1b");
    end();
}

/* ---- Long chains ------------------------------------------------------------------------------------------------- */

static uint32_t links[CHAIN + 1];

/* Serves links[n] and has links[n + 1] do the work; n is values[0]. */
static void play_link(struct area *area)
{
    uint64_t number = area->values[0];
    EXPECT(message_is_tag(actor_receive(links[number])));
    area->values[1] = actor_call(links[number + 1]);
    area->values[2] = actor_reply();
}

/* The first of a chain goes that is too long to be walked at once: whoever is at its end goes on. */
static void first_of_a_long_chain_goes(void)
{
    for (unsigned i = 0; i <= CHAIN; i++)
        links[i] = guest_endpoint();
    begin();
    enter_server(LOW, play_answering_server, links[CHAIN], ENDED);
    for (unsigned i = 0; i < CHAIN; i++)
        actor_enter(RESERVE, play_link, i);
    enter_as(&caller, CALLER, play_caller, links[0]);
    EXPECT_TRACE("a1b");
    for (unsigned i = 0; i < CHAIN; i++) {
        EXPECT_EQUAL(actors[2 + i].area->values[1], TAG_DONE);
        EXPECT_EQUAL(actors[2 + i].area->values[2], i == 0 ? ERROR_NO_CALLER : TAG_DONE);
    }
    end();
    for (unsigned i = 0; i <= CHAIN; i++)
        guest_delete(links[i]);
}

static const struct guest_test tests[] = {
    {"a caller that is stopped in mid-call lends on, and stops at the answer", stopped_in_mid_call},
    {"a server that is stopped stays so, whoever lends", server_is_stopped},
    {"a caller goes: the server goes on with its reserve, and finds no caller", caller_goes},
    {"a caller that was queued goes", queued_caller_goes},
    {"the first of a chain goes: the next one's reserve serves", first_of_a_chain_goes},
    {"the middle of a chain dies: its caller is told, the last one has its reserve", middle_dies},
    {"the middle of a chain is broken off", middle_is_broken_off},
    {"a helper goes", helper_goes},
    {"caller and helper go", everybody_goes},
    {"the first of a very long chain goes", first_of_a_long_chain_goes},
};

int main(void)
{
    return actors_run(tests, COUNT(tests));
}
