/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a thread in each kind of wait, in a task named after it, and then says `waits: ready`. Each key that is typed
 * is named; `q` ends it with status 0.
 *
 * `keeper` and `kept` wait for each other, and the kernel cannot see it: `kept` called, `keeper` put its call into a
 * reply object, and then calls an endpoint on which only `kept` may receive. `helped-keeper` and `helped-kept` do the
 * same, but this program could free them: it may receive there.
 *
 * `first-ready`, `second-ready` and `low-ready` would run, but never have their turn, and `exhausted` has used its
 * budget up.
 */
#include <stdio.h>
#include <string.h>

#include <salto/startup.h>

#include "../../guest/common/waiting.h"
#include "idl/console.h"

#define SETTLING 50   /* yields */
#define BUDGET 100000 /* nanoseconds */
#define READY 60      /* below this program's priority */

static const char *const names[WAIT_KINDS] = {
    [WAIT_SEND] = "send",
    [WAIT_CALL] = "call",
    [WAIT_SEND_AND_WAIT] = "send-and-wait",
    [WAIT_ANSWER] = "answer",
    [WAIT_KEPT] = "in-reply-object",
    [WAIT_RECEIVE] = "receive",
    [WAIT_RECEIVE_BEHIND] = "receive-behind",
    [WAIT_CLOSED] = "closed",
    [WAIT_BEHIND_REPLY] = "behind-reply",
    [WAIT_BEHIND_SIGNAL] = "behind-signal",
    [WAIT_BEHIND_QUEUED_SEND] = "behind-queued-send",
    [WAIT_BOUND] = "bound",
    [WAIT_SIGNALS] = "signals",
    [WAIT_NOTHING] = "nothing",
};

static struct waiter waiters[WAIT_KINDS];
static struct worker faulting, stopped, exhausted;

static void name_task(const struct worker *worker, const char *name)
{
    uint8_t text[32] = {0};
    memcpy(text, name, strlen(name));
    EXPECT_EQUAL(kernel_task_set_name(worker->task, text), 0);
}

static void make_waiters(void)
{
    for (int kind = 0; kind < WAIT_KINDS; kind++) {
        waiter_create(&waiters[kind], (enum wait_kind)kind, true,
                      kind == WAIT_NOTHING ? time_now() + HOUR : NO_DEADLINE);
        name_task(&waiters[kind].worker, names[kind]);
        if (waiters[kind].partnered)
            name_task(&waiters[kind].partner, "partner");
    }
}

/* Receives a call on values[0], keeps it in values[1], and calls values[2]. */
static void keep_and_call(struct area *area)
{
    struct ipc_message message = {0};
    ipc_transfer(TAG_RECEIVE, area->values[0], &message);
    area->values[3] = (uint64_t)(int64_t)kernel_reply_keep((kernel_reply_t){(uint32_t)area->values[1]});
    ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), area->values[2], &message);
}

static void call(struct area *area)
{
    struct ipc_message message = {0};
    ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), area->values[0], &message);
}

static void fault(struct area *area)
{
    (void)area;
    __builtin_trap();
}

static void spin(struct area *area)
{
    for (;;)
        area->done++;
}

/* This program keeps the right to receive what `keeper` sends, if it shall be `helped`. */
static void make_cycle(const char *keeper_name, const char *kept_name, bool helped)
{
    struct worker keeper, kept;
    uint32_t first = guest_endpoint(), second = guest_endpoint();
    kernel_reply_t reply;
    EXPECT_EQUAL(kernel_factory_create_reply(own_factory, &reply), 0);
    worker_create(&keeper, true);
    worker_create(&kept, true);
    name_task(&keeper, keeper_name);
    name_task(&kept, kept_name);
    keeper.area->values[0] = worker_give(&keeper, first, RIGHT_READ);
    keeper.area->values[1] = worker_give(&keeper, reply.handle, RIGHT_WRITE);
    keeper.area->values[2] = worker_give(&keeper, second, RIGHT_WRITE);
    kept.area->values[0] = worker_give(&kept, first, RIGHT_WRITE);
    worker_give(&kept, second, RIGHT_READ);
    guest_delete(first);
    if (!helped)
        guest_delete(second);
    guest_delete(reply.handle);
    worker_start(&keeper, keep_and_call);
    worker_start(&kept, call);
}

/* One whose fault handler receives nothing, and one that is stopped. */
static void make_others(void)
{
    worker_create(&faulting, true);
    worker_create(&stopped, true);
    name_task(&faulting, "faulting");
    name_task(&stopped, "stopped");
    EXPECT_EQUAL(kernel_thread_set_fault_handler(faulting.thread, (kernel_endpoint_t){guest_endpoint()}), 0);
    worker_start(&faulting, fault);
    worker_start(&stopped, spin);
    EXPECT_EQUAL(kernel_thread_stop(stopped.thread), 0);
}

static void make_ready(const char *name, uint32_t priority)
{
    struct worker worker;
    worker_create(&worker, true);
    name_task(&worker, name);
    EXPECT_EQUAL(kernel_thread_set_priority(worker.thread, priority), 0);
    worker_start(&worker, spin);
}

static void make_exhausted(void)
{
    worker_create(&exhausted, true);
    name_task(&exhausted, "exhausted");
    EXPECT_EQUAL(kernel_thread_set_times(exhausted.thread, BUDGET, BUDGET, HOUR), 0);
    worker_start(&exhausted, spin);
}

static void settle(void)
{
    for (int i = 0; i < SETTLING; i++)
        guest_yield();
}

int main(void)
{
    kernel_console_t console = {salto_require("console")};
    own_factory = (kernel_factory_t){salto_require("factory")};
    own_task = (kernel_task_t){salto_require("task")};
    own_thread = (kernel_thread_t){salto_require("thread")};
    debug = (kernel_debug_t){salto_require("debug")};
    make_waiters();
    make_cycle("keeper", "kept", false);
    make_cycle("helped-keeper", "helped-kept", true);
    make_others();
    make_exhausted();
    make_ready("first-ready", READY);
    make_ready("second-ready", READY);
    make_ready("low-ready", READY - 1);
    settle();
    printf("waits: %s\n", guest_failures() ? "could not be made" : "ready");
    fflush(stdout);
    for (;;) {
        uint32_t length = 0;
        uint8_t text[40];
        if (kernel_console_read(console, &length, text) != 0)
            return 1;
        for (uint32_t i = 0; i < length; i++) {
            if (text[i] == 'q')
                return 0;
            printf("key %u\n", (unsigned)text[i]);
            fflush(stdout);
        }
    }
}
