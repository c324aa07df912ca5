/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call lends the caller's scheduling context to whoever works for it: the server, the server's server, and a server
 * that is still busy with somebody else.
 *
 * At which priority a server works is seen by what it starts: actors above that priority run at once, others do not.
 * Servers are tried with reserves below and above their callers' priority: the reserve must make no difference.
 */
#include "../common/actors.h"

#define CALLER 50
#define BELOW 49
#define ABOVE 51
#define RESERVE_LOW 20
#define RESERVE_HIGH 60

#define PATIENCE 1000000
#define SHORT_SLICE 50000UL /* nanoseconds */
#define MANY 12             /* prime to 5 */

static uint32_t endpoint, inner;
static unsigned first, second, third;
static volatile bool done;

static void play_trace_value(struct area *area)
{
    trace((char)area->values[0]);
}

static void play_caller(struct area *area)
{
    EXPECT_EQUAL(actor_call((uint32_t)area->values[0]), TAG_DONE);
    trace('c');
}

/* Does somebody's work, in which actors above and below the caller's priority become ready. */
static void work(void)
{
    actor_start(first);
    trace('a');
    actor_start(second);
    trace('b');
}

static void play_working_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    work();
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* A server that has another one do the work. */
static void play_middle(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    EXPECT_EQUAL(actor_call(inner), TAG_DONE);
    EXPECT(message_is_tag(actor_reply_and_wait((uint32_t)area->values[0])));
}

static void begin(void)
{
    endpoint = guest_endpoint();
    inner = guest_endpoint();
    done = false;
    first = actor_create(BELOW, play_trace_value, '1');
    second = actor_create(ABOVE, play_trace_value, '2');
}

static void end(void)
{
    actors_leave();
    guest_delete(inner);
    guest_delete(endpoint);
}

/* ---- At the caller's priority ------------------------------------------------------------------------------------ */

/* The server waits when the call comes, or the call waits when the server comes. */
static void serve_at(uint32_t reserve, bool queued)
{
    begin();
    if (queued)
        actor_enter(CALLER, play_caller, endpoint);
    actor_enter(reserve, play_working_server, endpoint);
    if (!queued)
        actor_enter(CALLER, play_caller, endpoint);
    end();
}

static void at_the_callers_priority(void)
{
    serve_at(RESERVE_LOW, false);
    EXPECT_TRACE("a2bc1");
    serve_at(RESERVE_HIGH, false);
    EXPECT_TRACE("a2bc1");
    serve_at(RESERVE_LOW, true);
    EXPECT_TRACE("a2bc1");
    serve_at(RESERVE_HIGH, true);
    EXPECT_TRACE("a2bc1");
}

/* A call that was queued is answered, and the next one is received, by one reply-and-wait; they have unlike
 * priorities. */
static void play_two_calls(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    trace('x');
    EXPECT(message_is_tag(actor_reply_and_wait((uint32_t)area->values[0])));
    work();
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

static void next_caller_lends(void)
{
    for (uint32_t reserve = RESERVE_LOW; reserve <= RESERVE_HIGH; reserve += RESERVE_HIGH - RESERVE_LOW) {
        begin();
        actor_enter(CALLER + 5, play_caller, endpoint);
        actor_enter(CALLER, play_caller, endpoint);
        actor_enter(reserve, play_two_calls, endpoint);
        EXPECT_TRACE("xca2bc1");
        end();
    }
}

static void chain_of(uint32_t middle, uint32_t last)
{
    begin();
    actor_enter(last, play_working_server, inner);
    actor_enter(middle, play_middle, endpoint);
    actor_enter(CALLER, play_caller, endpoint);
    EXPECT_TRACE("a2bc1");
    end();
}

static void along_a_chain(void)
{
    chain_of(RESERVE_LOW, RESERVE_LOW);
    chain_of(RESERVE_LOW, RESERVE_HIGH);
    chain_of(RESERVE_HIGH, RESERVE_LOW);
    chain_of(RESERVE_HIGH, RESERVE_HIGH);
}

/* The inner server comes last: all of the chain waits for it, and lends it the caller's context then. */
static void chain_that_waits_for_its_end(void)
{
    begin();
    actor_enter(RESERVE_LOW, play_middle, endpoint);
    actor_enter(CALLER, play_caller, endpoint);
    EXPECT_TRACE("");
    actor_enter(RESERVE_HIGH, play_working_server, inner);
    EXPECT_TRACE("a2bc1");
    end();
}

static void play_low(struct area *area)
{
    EXPECT_EQUAL(actor_call((uint32_t)area->values[0]), TAG_DONE);
    trace('l');
}

/* Calls again as soon as it is answered. */
static void play_caller_twice(struct area *area)
{
    play_caller(area);
    play_caller(area);
}

static void play_three_calls(struct area *area)
{
    uint64_t tag = actor_receive((uint32_t)area->values[0]);
    for (int i = 0; i < 3; i++) {
        EXPECT(message_is_tag(tag));
        trace('s');
        tag = i < 2 ? actor_reply_and_wait((uint32_t)area->values[0]) : actor_reply();
    }
}

/* The low one's call, though queued before, is not received in between: the server receives when its own turn comes. */
static void answered_goes_first(void)
{
    begin();
    actor_enter(CALLER + 5, play_caller_twice, endpoint);
    actor_enter(CALLER, play_low, endpoint);
    actor_enter(RESERVE_LOW, play_three_calls, endpoint);
    EXPECT_TRACE("scscsl");
    end();
}

/* ---- Helping ----------------------------------------------------------------------------------------------------- */

static void play_high(struct area *area)
{
    trace('h');
    area->begun = 1;
    EXPECT_EQUAL(actor_call((uint32_t)area->values[0]), TAG_DONE);
    done = true;
    trace('H');
}

/* Computes until the high one is through, which it should be at once. */
static void play_middling(struct area *area)
{
    (void)area;
    trace('m');
    actor_start(third);
    for (int i = 0; i < PATIENCE && !done; i++)
        __asm__ volatile("pause");
    trace(done ? 'M' : '!');
}

/* In the first call others become ready; then the server has work of its own to do. */
static void serve_low_first(uint32_t handle)
{
    EXPECT(message_is_tag(actor_receive(handle)));
    actor_start(first);
    trace('w');
    EXPECT(message_is_tag(actor_reply_and_wait(handle)));
    trace('s');
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

static void play_inverted_server(struct area *area)
{
    serve_low_first((uint32_t)area->values[0]);
}

/* Low is in a call at the server, middle computes, high calls: it waits for the server's work alone, not for middle. */
static void inversion(void)
{
    for (uint32_t reserve = RESERVE_LOW; reserve <= 90; reserve += 35) {
        begin();
        first = actor_create(40, play_middling, 0);
        third = actor_create(70, play_high, endpoint);
        actor_enter(reserve, play_inverted_server, endpoint);
        actor_enter(30, play_low, endpoint);
        EXPECT_TRACE("mhwsHMl");
        end();
    }
}

/* A server that is preempted in its work for the low one by a second caller, on whose context it answers the first, and
 * then waits. */
static void play_helped_server(struct area *area)
{
    uint32_t handle = (uint32_t)area->values[0];
    EXPECT(message_is_tag(actor_receive(handle)));
    actor_start(first);
    trace('w');
    for (int i = 0; i < PATIENCE && actors[first].area->begun == 0; i++)
        __asm__ volatile("pause");
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
    EXPECT_EQUAL(actor_call(inner), TAG_DONE);
    trace('s');
    EXPECT(message_is_tag(actor_receive(handle)));
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* Whose server was preempted, and finishes its work on another context, goes on when it is answered: it is not put
 * aside with the server that it had been preempted with. */
static void helped_and_answered(void)
{
    begin();
    first = actor_create(30, play_high, endpoint);
    actor_enter(RESERVE_LOW, play_helped_server, endpoint);
    unsigned low = actor_create(30, play_low, endpoint);
    EXPECT_EQUAL(kernel_thread_set_times(actors[low].thread, SHORT_SLICE, 0, 0), 0);
    actor_start(low);
    EXPECT_TRACE("whl");
    EXPECT(message_is_tag(actor_receive(inner)));
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
    EXPECT_TRACE("sH");
    end();
}

/* A server that has another one do all of its work. */
static void play_relay(struct area *area)
{
    uint64_t tag = actor_receive((uint32_t)area->values[0]);
    while (message_is_tag(tag)) {
        EXPECT_EQUAL(actor_call(inner), TAG_DONE);
        tag = actor_reply_and_wait((uint32_t)area->values[0]);
    }
}

/* The same where the server, in its work for the low one, waits for another server: that one is helped. */
static void inversion_along_a_chain(void)
{
    begin();
    first = actor_create(40, play_middling, 0);
    third = actor_create(70, play_high, endpoint);
    actor_enter(RESERVE_LOW, play_inverted_server, inner);
    actor_enter(RESERVE_LOW, play_relay, endpoint);
    actor_enter(30, play_low, endpoint);
    EXPECT_TRACE("mhwsHMl");
    end();
}

/* Both servers are late: the high one, who waited for the first, helps the second as soon as that one has its call. */
static void inversion_with_a_late_server(void)
{
    begin();
    first = actor_create(40, play_trace_value, '1');
    actor_enter(RESERVE_LOW, play_relay, endpoint);
    actor_enter(30, play_low, endpoint);
    actor_enter(70, play_high, endpoint);
    actor_enter(RESERVE_LOW, play_inverted_server, inner);
    EXPECT_TRACE("hwsH1l");
    end();
}

static void play_named_caller(struct area *area)
{
    EXPECT_EQUAL(actor_call(endpoint), TAG_DONE);
    trace((char)area->values[0]);
}

/* More callers than wake at once wait for a server that waits itself: they are served by priority, and each helps. */
static void many_helpers(void)
{
    begin();
    actor_enter(RESERVE_LOW, play_relay, endpoint);
    actor_enter(30, play_named_caller, 'l');
    for (unsigned i = 0; i < MANY; i++)
        actor_enter(40 + i * 5 % MANY, play_named_caller, 'A' + i * 5 % MANY);
    EXPECT_TRACE("");
    actor_enter(RESERVE_LOW, play_server, inner);
    EXPECT_TRACE("ssLsKsJsIsHsGsFsEsDsCsBsAl");
    end();
}

/* Serves for ever; in its first call it waits for whoever serves values[0]. Traces its callers' badges. */
static void play_disk(struct area *area)
{
    struct ipc_message message = {0};
    uint64_t tag = ipc_transfer(TAG_RECEIVE, inner, &message);
    trace((char)message.badge);
    EXPECT_EQUAL(actor_call((uint32_t)area->values[0]), TAG_DONE);
    while (message_is_tag(tag)) {
        tag = ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), inner, &message);
        trace((char)message.badge);
    }
}

/* Serves values[0] for ever, by calls to values[1]. */
static void play_cache(struct area *area)
{
    uint64_t tag = actor_receive((uint32_t)area->values[0]);
    while (message_is_tag(tag)) {
        EXPECT_EQUAL(actor_call((uint32_t)area->values[1]), TAG_DONE);
        tag = actor_reply_and_wait((uint32_t)area->values[0]);
    }
}

static void play_silent_caller(struct area *area)
{
    EXPECT_EQUAL(actor_call((uint32_t)area->values[0]), TAG_DONE);
}

/* A server queues for another one on behalf of a low caller. When a high one comes to wait for it, it is received
 * before those who are middling: else the high one would wait for all of their calls too. */
static void inversion_in_a_queue(void)
{
    uint32_t held = guest_endpoint(), badged[3];
    begin();
    for (unsigned i = 0; i < COUNT(badged); i++)
        EXPECT_EQUAL(kernel_task_mint(own_task, inner, own_task, RIGHT_WRITE, "xcm"[i], &badged[i]), 0);
    actor_enter(RESERVE_LOW, play_disk, held);
    actor_enter(CALLER, play_silent_caller, badged[0]);
    unsigned cache = actor_create(RESERVE_LOW, play_cache, endpoint);
    actors[cache].area->values[1] = badged[1];
    actor_start(cache);
    actor_enter(30, play_low, endpoint);            /* the cache queues for it, at 30 */
    actor_enter(40, play_silent_caller, badged[2]); /* before the cache */
    actor_enter(70, play_high, endpoint);           /* raises the cache */
    EXPECT_TRACE("xh");
    EXPECT(message_is_tag(actor_receive(held)));
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
    /* It found the middling one's call when it answered the cache's first one, and had begun it when the second
     * came. */
    EXPECT_TRACE("cmcHl");
    end();
    for (unsigned i = 0; i < COUNT(badged); i++)
        guest_delete(badged[i]);
    guest_delete(held);
}

/* ---- Lent contexts ----------------------------------------------------------------------------------------------- */

static void play_yielding_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    actor_start(first);
    trace('a');
    EXPECT_EQUAL(kernel_thread_yield(actors[second].thread), 0);
    trace('b');
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* What yields is the caller's context: to those of the caller's priority. */
static void yield_of_a_lent_context(void)
{
    for (uint32_t other = CALLER - 1; other <= CALLER; other++) {
        begin();
        first = actor_create(other, play_trace_value, '1');
        second = actor_enter(RESERVE_LOW, play_yielding_server, endpoint);
        actor_enter(CALLER, play_caller, endpoint);
        EXPECT_TRACE(other == CALLER ? "a1bc" : "abc1");
        end();
    }
}

static void play_changing_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    EXPECT_EQUAL(kernel_thread_set_priority(actors[third].thread, CALLER + 30), 0);
    actor_start(second);
    trace('a');
    EXPECT_EQUAL(kernel_thread_set_priority(actors[third].thread, CALLER), 0);
    trace('b');
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* A caller whose priority is changed in mid-call: the server's goes along. */
static void caller_is_changed(void)
{
    begin();
    actor_enter(RESERVE_LOW, play_changing_server, endpoint);
    third = actor_enter(CALLER, play_caller, endpoint);
    EXPECT_TRACE("a2bc");
    end();
}

/* ---- Reserves ---------------------------------------------------------------------------------------------------- */

/* A passive server: its reserve has the lowest priority, and would not run as long as anybody else does. */
static void passive_server(void)
{
    begin();
    unsigned server = actor_enter(RESERVE_LOW, play_server, endpoint);
    EXPECT_EQUAL(kernel_thread_set_priority(actors[server].thread, 0), 0);
    for (int i = 0; i < 3; i++)
        actor_enter(CALLER, play_caller, endpoint);
    EXPECT_TRACE("scscsc");
    EXPECT_EQUAL(actor_call(endpoint), TAG_DONE);
    EXPECT_TRACE("s");
    EXPECT_EQUAL(actor_send(endpoint), TAG_DONE); /* lends nothing */
    EXPECT_TRACE("");
    actor_sleep(1000000);
    EXPECT_TRACE("s");
    end();
}

static kernel_reply_t kept;

static void play_keeping_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    EXPECT_EQUAL(kernel_reply_keep(kept), 0);
    actor_start(first);
    trace('k');
    EXPECT_EQUAL(actor_send(kept.handle), TAG_DONE);
    trace('e');
}

/* Whoever is kept lends no longer: the server goes on with its reserve. */
static void kept_caller(void)
{
    begin();
    EXPECT_EQUAL(kernel_factory_create_reply(own_factory, &kept), 0);
    actor_enter(RESERVE_LOW, play_keeping_server, endpoint);
    actor_enter(CALLER, play_caller, endpoint);
    EXPECT_TRACE("1kce");
    guest_delete(kept.handle);
    end();
}

static void play_impatient(struct area *area)
{
    struct ipc_message message = {0};
    trace('h');
    actor_start(first);
    ipc_utcb()->send_deadline = actor_now() + 100000;
    uint64_t tag = message_labelled_tag(0, TAG_NATIVE | MESSAGE_CALL << TAG_OPERATION_SHIFT | TAG_DEADLINE);
    EXPECT_EQUAL(ipc_transfer(tag, (uint32_t)area->values[0], &message), ERROR_TIMEOUT);
    done = true;
    trace('t');
}

static void play_slow_server(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    actor_start(third);
    while (!done)
        __asm__ volatile("pause");
    trace('s');
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* Whoever no longer waits no longer helps: the server falls back to the low one's priority. */
static void help_that_ends(void)
{
    begin();
    first = actor_create(40, play_trace_value, '1');
    third = actor_create(70, play_impatient, endpoint);
    actor_enter(RESERVE_LOW, play_slow_server, endpoint);
    actor_enter(30, play_low, endpoint);
    EXPECT_TRACE("ht1sl");
    end();
}

static const struct guest_test tests[] = {
    {"a server works at its caller's priority, whatever its own", at_the_callers_priority},
    {"and at that of the next caller, whom it finds in the queue", next_caller_lends},
    {"who has an answer calls again before the server takes a lower one's call", answered_goes_first},
    {"a server's server works at the first caller's priority", along_a_chain},
    {"so does one for whom all of the chain waited", chain_that_waits_for_its_end},
    {"priority inversion: high waits for the server's work alone", inversion},
    {"priority inversion with a server that waits for another", inversion_along_a_chain},
    {"priority inversion in a queue", inversion_in_a_queue},
    {"who was preempted with a server goes on when that is helped, and answers", helped_and_answered},
    {"priority inversion with a server that comes late", inversion_with_a_late_server},
    {"many helpers of a server that waits", many_helpers},
    {"yield with a lent context", yield_of_a_lent_context},
    {"a caller's priority changes in mid-call", caller_is_changed},
    {"a passive server runs on its callers", passive_server},
    {"a caller that is kept lends no longer", kept_caller},
    {"a helper whose deadline passes helps no longer", help_that_ends},
};

int main(void)
{
    return actors_run(tests, COUNT(tests));
}
