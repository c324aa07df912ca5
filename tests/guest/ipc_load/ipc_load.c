/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPC at random: threads in tasks of their own call, send, receive, answer, keep, signal and wait on the same few
 * endpoints, reply objects and notifications, with deadlines or without, while the main thread breaks them off, stops
 * and kills them, changes their priorities and takes away what they hold.
 *
 * Here it is only found that everything is given back. What the kernel did is replayed by tests/boot/ipc_events.py.
 */
#include <stdlib.h>

#include <salto/startup.h>
#include <salto/wait.h>

#include "../common/waiting.h"

#define WORKERS 6
#define ENDPOINTS 3
#define REPLIES 3
#define ROUNDS 200
#define LONGEST_ROUND (60 * MICROSECOND)
#define LONGEST_WAIT (20 * MICROSECOND)
#define LOWEST_PRIORITY 60
#define PRIORITY_SPAN 60
#define WORKER_RIGHTS (RIGHT_READ | RIGHT_WRITE | RIGHT_COPY)

/* Places in a worker's values. */
enum value {
    VALUE_STATE, /* of its random numbers */
    VALUE_CLOCK,
    VALUE_OWN, /* the notification that is bound to it */
    VALUE_OTHER,
    VALUE_ENDPOINTS,
    VALUE_REPLIES = VALUE_ENDPOINTS + ENDPOINTS,
};

static struct worker workers[WORKERS];
static kernel_notification_t notifications[WORKERS];
static uint32_t endpoints[ENDPOINTS];
static kernel_reply_t replies[REPLIES];
static uint64_t seed, state;

static uint32_t draw(uint64_t *random, uint32_t count)
{
    return (uint32_t)(random_next(random) >> 32) % count;
}

/* ---- Workers: they share no variables --------------------------------------------------------------------------- */

/* A tag of `operation`; most with a deadline, some polls where `polls`. */
static uint64_t any_tag(uint64_t *random, uint32_t operation, uint32_t items, bool polls)
{
    uint64_t tag = tag_of(0, operation, 1, items);
    if (operation == MESSAGE_RECEIVE)
        tag = TAG_RECEIVE;
    if (polls && draw(random, 8) == 0)
        return operation == MESSAGE_RECEIVE ? TAG_RECEIVE_NOW : polled_tag_of(0, operation, 1, items);
    return operation != MESSAGE_REPLY && draw(random, 8) != 0 ? with_deadline(tag) : tag;
}

/* What a worker that has a call does with it, mostly; 0: nothing yet. */
static uint64_t choose_answer(const struct area *area, uint64_t *random, uint64_t *handle)
{
    switch (draw(random, 5)) {
    case 0:
        return any_tag(random, MESSAGE_REPLY, 0, false);
    case 1:
    case 2:
        *handle = area->values[VALUE_ENDPOINTS + draw(random, ENDPOINTS)];
        return any_tag(random, MESSAGE_REPLY_AND_WAIT, 0, false);
    case 3:
        *handle = area->values[VALUE_REPLIES + draw(random, REPLIES)];
        return TAG_KEEP;
    default:
        return 0;
    }
}

/* One of the operations, and where it goes. */
static uint64_t choose(const struct area *area, uint64_t *random, uint64_t *handle)
{
    uint64_t endpoint = area->values[VALUE_ENDPOINTS + draw(random, ENDPOINTS)];
    uint64_t reply = area->values[VALUE_REPLIES + draw(random, REPLIES)];
    uint64_t own = area->values[VALUE_OWN], other = area->values[VALUE_OTHER];
    *handle = endpoint;
    switch (draw(random, 16)) {
    case 0:
    case 1:
    case 2:
        return any_tag(random, MESSAGE_CALL, 0, true);
    case 3:
        ipc_utcb()->items[0] = item_of((uint32_t)reply, WORKER_RIGHTS, ITEM_MOVE);
        return any_tag(random, MESSAGE_CALL, 1, false);
    case 4:
        return any_tag(random, MESSAGE_SEND, 0, true);
    case 5:
        *handle = endpoint << WAIT_HANDLE_SHIFT | area->values[VALUE_ENDPOINTS];
        return any_tag(random, MESSAGE_SEND_AND_WAIT, 0, false);
    case 6:
        *handle = endpoint << WAIT_HANDLE_SHIFT | reply;
        return any_tag(random, MESSAGE_SEND_AND_WAIT, 0, false);
    case 7:
        *handle = own << WAIT_HANDLE_SHIFT | other;
        return any_tag(random, MESSAGE_SEND_AND_WAIT, 0, false);
    case 8:
        *handle = draw(random, 2) ? other : reply;
        return any_tag(random, MESSAGE_SEND, 0, false);
    case 9:
        *handle = own;
        return any_tag(random, MESSAGE_RECEIVE, 0, true);
    case 10:
        *handle = reply;
        return TAG_KEEP;
    case 11:
        return any_tag(random, MESSAGE_REPLY, 0, false);
    case 12:
        return with_deadline(TAG_RECEIVE | TAG_CLOSED);
    case 13:
        return any_tag(random, MESSAGE_REPLY_AND_WAIT, 0, false);
    default:
        return any_tag(random, MESSAGE_RECEIVE, 0, true);
    }
}

static bool is_call(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;
    return message_is_tag(tag) &&
           (low <= TAG_PLAIN_CALL_LAST || (low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK) == MESSAGE_CALL);
}

/* A worker_function that never ends. Some of what is asked for is refused, since the worker does not look. */
static void act(struct area *area)
{
    uint64_t random = area->values[VALUE_STATE], now, handle;
    bool called = false;
    for (;;) {
        struct ipc_message message = {.words = {1UL << draw(&random, 8)}};
        uint64_t tag = called ? choose_answer(area, &random, &handle) : 0;
        if (!tag)
            tag = choose(area, &random, &handle);
        if (kernel_clock_now((kernel_clock_t){(uint32_t)area->values[VALUE_CLOCK]}, &now) != 0)
            return;
        ipc_set_deadlines(now + draw(&random, LONGEST_WAIT), now + draw(&random, LONGEST_WAIT));
        tag = ipc_transfer(tag, handle, &message);
        area->done++;
        called = is_call(tag);
        if (called && ((uint32_t)tag >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK) && ipc_utcb()->items[0])
            area->values[VALUE_REPLIES + draw(&random, REPLIES)] = ipc_utcb()->items[0];
    }
}

/* ---- What is done to them ---------------------------------------------------------------------------------------- */

static void give_endpoint(uint32_t number)
{
    for (int i = 0; i < WORKERS; i++)
        workers[i].area->values[VALUE_ENDPOINTS + number] = worker_give(&workers[i], endpoints[number], WORKER_RIGHTS);
}

static void give_reply(const struct worker *worker, uint32_t number)
{
    worker->area->values[VALUE_REPLIES + number] = worker_give(worker, replies[number].handle, WORKER_RIGHTS);
}

static void make_worker(uint32_t number)
{
    struct worker *worker = &workers[number];
    worker_create(worker, true);
    worker->area->values[VALUE_STATE] = random_next(&state) | 1;
    worker->area->values[VALUE_CLOCK] = worker_give(worker, salto_require("clock"), RIGHT_READ);
    worker->area->values[VALUE_OWN] = worker_give(worker, notifications[number].handle, WORKER_RIGHTS);
    worker->area->values[VALUE_OTHER] =
        worker_give(worker, notifications[(number + 1) % WORKERS].handle, WORKER_RIGHTS);
    for (uint32_t i = 0; i < ENDPOINTS; i++)
        worker->area->values[VALUE_ENDPOINTS + i] = worker_give(worker, endpoints[i], WORKER_RIGHTS);
    for (uint32_t i = 0; i < REPLIES; i++)
        give_reply(worker, i);
    EXPECT_EQUAL(kernel_notification_bind(notifications[number], worker->thread), 0);
    worker_start(worker, act);
}

static void disturb(uint32_t number)
{
    struct worker *worker = &workers[number];
    uint32_t object = draw(&state, REPLIES);
    uint64_t old;
    switch (draw(&state, 8)) {
    case 0:
        worker_destroy(worker);
        return make_worker(number);
    case 1: /* nobody holds the endpoint meanwhile but by the test's capability, which does not receive */
        EXPECT_EQUAL(kernel_task_revoke(own_task, endpoints[object]), 0);
        guest_delete(endpoints[object]);
        endpoints[object] = guest_endpoint();
        return give_endpoint(object);
    case 2:
        EXPECT_EQUAL(kernel_task_revoke(own_task, replies[object].handle), 0);
        guest_delete(replies[object].handle);
        replies[object] = guest_reply();
        for (int i = 0; i < WORKERS; i++)
            give_reply(&workers[i], object);
        return;
    case 3:
        EXPECT_EQUAL(kernel_thread_set_priority(worker->thread, LOWEST_PRIORITY + draw(&state, PRIORITY_SPAN)), 0);
        return;
    case 4:
        EXPECT_EQUAL(kernel_thread_stop(worker->thread), 0);
        sleep_for(draw(&state, LONGEST_ROUND));
        EXPECT_EQUAL(kernel_thread_resume(worker->thread, false), 0);
        return;
    default:
        EXPECT_EQUAL(kernel_thread_break_off(worker->thread, 0, &old), 0);
        return;
    }
}

static void check_load(void)
{
    uint64_t steps = 0;
    state = seed;
    for (int i = 0; i < WORKERS; i++)
        notifications[i] = guest_notification();
    for (int i = 0; i < ENDPOINTS; i++)
        endpoints[i] = guest_endpoint();
    for (int i = 0; i < REPLIES; i++)
        replies[i] = guest_reply();
    for (uint32_t i = 0; i < WORKERS; i++)
        make_worker(i);
    for (int round = 0; round < ROUNDS; round++) {
        sleep_for(draw(&state, LONGEST_ROUND));
        disturb(draw(&state, WORKERS));
    }
    for (int i = 0; i < WORKERS; i++) {
        steps += workers[i].area->done;
        worker_destroy(&workers[i]);
        guest_delete(notifications[i].handle);
    }
    for (int i = 0; i < ENDPOINTS; i++)
        guest_delete(endpoints[i]);
    for (int i = 0; i < REPLIES; i++)
        guest_delete(replies[i].handle);
    EXPECT(steps > ROUNDS);
}

static const struct guest_test tests[] = {
    {"IPC of all kinds at random, disturbed at random", check_load},
};

int main(int count, char **arguments)
{
    seed = count > 1 ? strtoul(arguments[1], 0, 10) : 0;
    seed += !seed; /* random_next() needs another state than 0 */
    return guest_run(tests, COUNT(tests));
}
