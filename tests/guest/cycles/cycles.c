/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting in a circle is the error DEADLOCK for whoever would close it, and so is waiting at the far end of a chain of
 * more than CHAIN_LIMIT threads; everybody else goes on undisturbed.
 */
#include "../common/actors.h"

#define CALLER 50
#define RESERVE 30
#define CHAIN_LIMIT 256 /* of the kernel */
#define LONG_CHAIN (CHAIN_LIMIT + 30)
#define EXCEPTION_INVALID_OPCODE 6

static uint32_t links[LONG_CHAIN + 1];
static unsigned late, last;

/* Notes what its call returned in values[1]. */
static void play_caller(struct area *area)
{
    area->values[1] = actor_call((uint32_t)area->values[0]);
    trace('c');
}

/* Serves links[values[0]] once and has links[values[2]] do the work, which returns values[1]. */
static void play_link(struct area *area)
{
    EXPECT(message_is_tag(actor_receive(links[area->values[0]])));
    area->values[1] = actor_call(links[area->values[2]]);
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

static unsigned enter_link(uint64_t own, uint64_t next)
{
    unsigned number = actor_create(RESERVE, play_link, own);
    actors[number].area->values[2] = next;
    actor_start(number);
    return number;
}

static void make_links(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        links[i] = guest_endpoint();
}

static void leave(unsigned count)
{
    actors_leave();
    for (unsigned i = 0; i < count; i++)
        guest_delete(links[i]);
}

static uint64_t result_of(unsigned number)
{
    return actors[number].area->values[1];
}

/* ---- Circles of calls -------------------------------------------------------------------------------------------- */

/* Each of `count` servers calls the next one, and the last one the first. */
static void ring(unsigned count)
{
    make_links(count);
    for (unsigned i = 0; i < count; i++)
        enter_link(i, (i + 1) % count);
    unsigned caller = actor_enter(CALLER, play_caller, links[0]);
    EXPECT_EQUAL(result_of(caller), TAG_DONE);
    for (unsigned i = 0; i < count; i++) {
        EXPECT_EQUAL(result_of(i), i + 1 < count ? TAG_DONE : ERROR_DEADLOCK);
        actor_expect_done(i);
    }
    EXPECT_TRACE("c");
    leave(count);
}

/* A server calls itself. */
static void alone(void)
{
    ring(1);
}

static void a_calls_b_calls_a(void)
{
    ring(2);
}

static void longer_rings(void)
{
    ring(3);
    ring(10);
    ring(CHAIN_LIMIT);
}

/* The error names the send phase, and sends, with a deadline or without, get it as well; who polls would not wait. */
static void play_other_ways(struct area *area)
{
    uint32_t own = links[area->values[0]];
    struct ipc_message message = {0};
    EXPECT(message_is_tag(actor_receive(own)));
    EXPECT_EQUAL(actor_call(own), ERROR_DEADLOCK);
    EXPECT_EQUAL(ipc_transfer(tag_of(7, MESSAGE_CALL, 1, 0), own, &message), ERROR_DEADLOCK);
    EXPECT_EQUAL(message.badge, PHASE_SEND);
    EXPECT_EQUAL(actor_send(own), ERROR_DEADLOCK);
    ipc_utcb()->send_deadline = actor_now() + 1000000;
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 0) | TAG_DEADLINE, own, &message), ERROR_DEADLOCK);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), own, &message), ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

static void other_operations(void)
{
    make_links(1);
    actor_enter(RESERVE, play_other_ways, 0);
    unsigned caller = actor_enter(CALLER, play_caller, links[0]);
    EXPECT_EQUAL(result_of(caller), TAG_DONE);
    actor_expect_done(0);
    EXPECT_TRACE("c");
    leave(1);
}

/* A client that waits in a server's queue is a server itself: that server must not call it. */
static void play_start_and_call(struct area *area)
{
    EXPECT(message_is_tag(actor_receive(links[0])));
    actor_start(late);
    area->values[1] = actor_call(links[1]);
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

static void play_call_one_that_queues(struct area *area)
{
    area->values[1] = actor_call(links[1]);
}

static void through_a_queue(void)
{
    make_links(2);
    late = actor_create(CALLER + 1, play_call_one_that_queues, 0); /* makes the server of links[1] queue for links[0] */
    unsigned between = enter_link(1, 0);
    unsigned server = actor_enter(RESERVE, play_start_and_call, 0);
    unsigned caller = actor_enter(CALLER, play_caller, links[0]);
    EXPECT_EQUAL(result_of(server), ERROR_DEADLOCK);
    EXPECT_EQUAL(result_of(caller), TAG_DONE);
    EXPECT_EQUAL(result_of(between), 0); /* it waits on: nobody serves links[0] any more */
    EXPECT_TRACE("c");
    leave(2);
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

/* Runs in a task of its own, whose faults nobody else is told of: serves values[0], and faults in the first call. */
static void serve_and_fault(struct area *area)
{
    struct ipc_message message = {0};
    EXPECT(message_is_tag(ipc_transfer(TAG_RECEIVE, area->values[0], &message)));
    __asm__ volatile("ud2");
}

/* A server's fault handler calls it; it faults: the handler cannot help, and the server stands still. */
static void fault_handler_waits(void)
{
    struct worker faulting;
    uint64_t old;
    make_links(2);
    worker_create(&faulting, true);
    EXPECT_EQUAL(kernel_thread_set_priority(faulting.thread, RESERVE), 0);
    faulting.area->values[0] = worker_give(&faulting, links[0], RIGHT_READ);
    EXPECT_EQUAL(kernel_thread_set_fault_handler(faulting.thread, (kernel_endpoint_t){links[1]}), 0);
    worker_start(&faulting, serve_and_fault);
    unsigned handler = enter_link(1, 0);
    unsigned caller = actor_enter(CALLER, play_caller, links[1]);
    EXPECT_TRACE("");
    /* Both wait for a thread that stands still: a third one may wait too, and be broken off. */
    unsigned other = actor_enter(CALLER, play_caller, links[0]);
    EXPECT_EQUAL(kernel_thread_break_off(actors[other].thread, 0, &old), 0);
    EXPECT_EQUAL(result_of(other), ERROR_INTERRUPTED);
    worker_kill(&faulting);
    EXPECT_EQUAL(result_of(handler), ERROR_DEAD);
    EXPECT_EQUAL(result_of(caller), TAG_DONE);
    EXPECT_TRACE("cc");
    worker_destroy(&faulting);
    leave(2);
}

/* ---- Long chains ------------------------------------------------------------------------------------------------- */

/* The last of the chain: others come while all of it waits for this one. */
static void play_last_link(struct area *area)
{
    EXPECT(message_is_tag(actor_receive(links[area->values[0]])));
    actor_start(late);
    actor_start(last);
    trace('w');
    EXPECT_EQUAL(actor_reply(), TAG_DONE);
}

/* A chain of any length works. Who would wait where more than CHAIN_LIMIT threads stand before the end is refused; who
 * comes nearer to the end waits, and helps. */
static void long_chain(void)
{
    make_links(LONG_CHAIN + 1);
    late = actor_create(CALLER, play_caller, links[0]);
    last = actor_create(CALLER + 10, play_caller, links[LONG_CHAIN - CHAIN_LIMIT + 2]);
    actor_enter(RESERVE, play_last_link, LONG_CHAIN);
    for (unsigned i = 0; i < LONG_CHAIN; i++)
        enter_link(i, i + 1);
    unsigned first = actor_enter(CALLER - 10, play_caller, links[0]);
    /* `late` fails at once. `last` helps, so that the end works before `late` goes on; nobody serves it: all have done
     * their one call. */
    EXPECT_TRACE("cwc");
    EXPECT_EQUAL(result_of(late), ERROR_DEADLOCK);
    EXPECT_EQUAL(result_of(first), TAG_DONE);
    for (unsigned i = 0; i < LONG_CHAIN; i++)
        EXPECT_EQUAL(result_of(i + 3), TAG_DONE);
    leave(LONG_CHAIN + 1);
}

static const struct guest_test tests[] = {
    {"a server calls itself", alone},
    {"A calls B calls A", a_calls_b_calls_a},
    {"longer rings", longer_rings},
    {"sends, deadlines and polls that would close a ring", other_operations},
    {"a ring through a queue", through_a_queue},
    {"a server faults whose fault handler waits for it", fault_handler_waits},
    {"chains longer than the limit", long_chain},
};

int main(void)
{
    return actors_run(tests, COUNT(tests));
}
