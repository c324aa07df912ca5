/* SPDX-License-Identifier: BSD-2-Clause */
/* See actors.h. */
#include "actors.h"

#include <string.h>

#include <salto/startup.h>
#include <salto/tap.h>

struct worker actors[ACTORS];
kernel_clock_t clock_object;

static unsigned count;
static uint64_t thread_local_base; /* the test's: actors share it, for what they say when an expectation is not met */
static char traced[TRACE_SIZE];
static volatile uint32_t traced_count;

int actors_run(const struct guest_test *tests, unsigned tests_count)
{
    clock_object = (kernel_clock_t){salto_require("clock")};
    kernel_thread_t self = {salto_require("thread")};
    __asm__ volatile("rdfsbase %0" : "=r"(thread_local_base));
    if (kernel_thread_set_priority(self, STAGE_PRIORITY) != 0)
        tap_note("the test cannot lower its priority");
    return guest_run(tests, tests_count);
}

static void play(struct area *area)
{
    worker_function *part = (worker_function *)area->values[WORKER_VALUES - 1];
    __asm__ volatile("wrfsbase %0" : : "r"(thread_local_base));
    part(area);
    area->done = 1;
}

unsigned actor_create(uint32_t priority, worker_function *part, uint64_t value)
{
    struct worker *worker = &actors[count];
    if (!EXPECT(count < ACTORS))
        return 0;
    worker_create(worker, false);
    EXPECT_EQUAL(kernel_thread_set_priority(worker->thread, priority), 0);
    worker->area->values[0] = value;
    worker->area->values[WORKER_VALUES - 1] = (uint64_t)part;
    return count++;
}

void actor_start(unsigned number)
{
    worker_start(&actors[number], play);
}

unsigned actor_enter(uint32_t priority, worker_function *part, uint64_t value)
{
    unsigned number = actor_create(priority, part, value);
    actor_start(number);
    return number;
}

void actors_leave(void)
{
    while (count > 0)
        worker_destroy(&actors[--count]);
}

void actor_expect_done(unsigned number)
{
    EXPECT_EQUAL(actors[number].area->done, 1);
}

void trace(char what)
{
    uint32_t place = __atomic_fetch_add(&traced_count, 1, __ATOMIC_RELAXED);
    if (place < TRACE_SIZE - 1)
        traced[place] = what;
}

void expect_trace(const char *text, const char *file, int line)
{
    if (!guest_expect(strcmp(traced, text) == 0, file, line, "the trace is as expected"))
        tap_note("  trace \"%s\", expected \"%s\"", traced, text);
    memset(traced, 0, sizeof(traced));
    traced_count = 0;
}

static uint64_t transfer(uint32_t operation, uint32_t handle)
{
    struct ipc_message message = {0};
    return ipc_transfer(tag_of(0, operation, 0, 0), handle, &message);
}

uint64_t actor_call(uint32_t endpoint)
{
    return transfer(MESSAGE_CALL, endpoint);
}

uint64_t actor_receive(uint32_t endpoint)
{
    return transfer(MESSAGE_RECEIVE, endpoint);
}

uint64_t actor_reply(void)
{
    return transfer(MESSAGE_REPLY, 0);
}

uint64_t actor_reply_and_wait(uint32_t endpoint)
{
    return transfer(MESSAGE_REPLY_AND_WAIT, endpoint);
}

uint64_t actor_send(uint32_t endpoint)
{
    return transfer(MESSAGE_SEND, endpoint);
}

uint64_t actor_sleep_until(uint64_t moment)
{
    struct ipc_message message = {0};
    ipc_utcb()->receive_deadline = moment;
    return ipc_transfer(TAG_RECEIVE | TAG_DEADLINE, 0, &message);
}

void actor_sleep(uint64_t nanoseconds)
{
    EXPECT_EQUAL(actor_sleep_until(actor_now() + nanoseconds), ERROR_TIMEOUT);
}

uint64_t actor_now(void)
{
    uint64_t now = 0;
    EXPECT_EQUAL(kernel_clock_now(clock_object, &now), 0);
    return now;
}

void play_server(struct area *area)
{
    uint32_t endpoint = (uint32_t)area->values[0];
    uint64_t tag = actor_receive(endpoint);
    while (message_is_tag(tag)) {
        trace('s');
        tag = actor_reply_and_wait(endpoint);
    }
}

void play_spinner(struct area *area)
{
    for (;;)
        area->values[1]++;
}
