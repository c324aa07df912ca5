/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task with many threads ends: that takes a while, in which others run, but none of its threads; whoever ends it may
 * die meanwhile, and so may the task. The clock counts instructions (option --icount).
 */
#include <salto/startup.h>

#include <salto/wait.h>

#include "../common/waiting.h"
#include "idl/supervisor.h"

#define MICROSECOND 1000UL
#define CROWD 2000                 /* threads, which takes 200 microseconds to stop */
#define MIDDLE (60 * MICROSECOND)  /* from the beginning of the end */
#define A_WHILE (30 * MICROSECOND) /* in which whoever can run would run */
#define LATENCY (60 * MICROSECOND) /* from a deadline to the next look at the clock */
#define PATIENCE (1000 * MILLISECOND)
#define LOWEST_PRIORITY 10
#define LOW_PRIORITY 20
#define HIGH_PRIORITY 200
#define STATUS 77

static struct worker crowd, killer; /* the crowd's worker is its first thread, and the last to be stopped */
static uint32_t endpoint;

static void wait_for_ever(void)
{
    for (;;)
        sleep_for(HOUR);
}

static void end_crowd(struct area *area)
{
    area->begun = 1;
    area->values[1] = (uint64_t)kernel_task_exit((kernel_task_t){(uint32_t)area->values[0]}, STATUS);
    area->done = 1;
    wait_for_ever();
}

/* A worker_function: receives a message, and computes for ever. */
static void receive_and_spin(struct area *area)
{
    struct ipc_message message = {0};
    area->begun = 1;
    ipc_transfer(TAG_RECEIVE, area->steps[0].handle, &message);
    for (;;)
        area->done++;
}

/* A task whose first thread waits for a message. The others were never started. */
static void make_crowd(uint32_t priority, worker_function *function)
{
    kernel_thread_t thread = {0};
    uint32_t number, moved;
    endpoint = guest_endpoint();
    worker_create(&crowd, true);
    EXPECT_EQUAL(kernel_thread_set_priority(crowd.thread, priority), 0);
    worker_add(&crowd, TAG_RECEIVE, worker_give(&crowd, endpoint, RIGHT_READ));
    worker_start(&crowd, function);
    for (int i = 0; i < CROWD; i++) {
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, crowd.task, &thread, &number), 0);
        EXPECT_EQUAL(kernel_task_move(own_task, thread.handle, crowd.task, &moved), 0);
    }
    sleep_for(MILLISECOND);
    EXPECT_EQUAL(crowd.area->begun, 1);
}

/* Somebody of low priority is in the middle of ending it. */
static void begin_to_end(void)
{
    worker_create(&killer, false);
    killer.area->values[0] = crowd.task.handle;
    EXPECT_EQUAL(kernel_thread_set_priority(killer.thread, LOW_PRIORITY), 0);
    worker_start(&killer, end_crowd);
    uint64_t start = time_now();
    sleep_for(MIDDLE);
    EXPECT(time_now() - start < MIDDLE + LATENCY);
    EXPECT_EQUAL(killer.area->begun, 1);
    EXPECT_EQUAL(killer.area->done, 0);
}

static void clean_up(void)
{
    worker_destroy(&killer);
    worker_destroy(&crowd);
    guest_delete(endpoint);
}

/* Its best thread gets what it waited for, and is not chosen all the same. */
static void threads_do_not_run(void)
{
    struct ipc_message message = {0};
    make_crowd(HIGH_PRIORITY, worker_steps);
    begin_to_end();
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), endpoint, &message), TAG_DONE);
    sleep_for(A_WHILE);
    EXPECT_EQUAL(crowd.area->done, 0);
    EXPECT_EQUAL(killer.area->done, 0);
    EXPECT(sleep_until_done(&killer, 1));
    EXPECT_EQUAL(killer.area->values[1], 0);
    EXPECT_EQUAL(crowd.area->done, 0);
    clean_up();
}

/* Whoever calls its server, which computes for somebody else, does not help it to go on. */
static void server_is_not_helped(void)
{
    struct ipc_message message = {0};
    make_crowd(LOWEST_PRIORITY, receive_and_spin);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), endpoint, &message), TAG_DONE);
    begin_to_end();
    uint32_t before = crowd.area->done;
    uint64_t deadline = time_now() + A_WHILE;
    ipc_set_deadlines(deadline, deadline);
    EXPECT_EQUAL(ipc_transfer(with_deadline(tag_of(0, MESSAGE_CALL, 0, 0)), endpoint, &message), ERROR_TIMEOUT);
    EXPECT_EQUAL(crowd.area->done, before);
    EXPECT(sleep_until_done(&killer, 1));
    clean_up();
}

/* Waits for the supervisor's message. */
static void expect_told(uint32_t supervisor)
{
    struct ipc_message message = {0};
    ipc_utcb()->receive_deadline = time_now() + PATIENCE;
    EXPECT_EQUAL(ipc_transfer(with_deadline(TAG_RECEIVE), supervisor, &message), KERNEL_SUPERVISOR_EXITED_REQUEST);
    EXPECT_EQUAL(message.words[1], STATUS);
}

/* Whoever ends it is killed there: it ends all the same, and its supervisor is told. */
static void killer_is_killed(void)
{
    uint32_t supervisor = guest_endpoint();
    make_crowd(HIGH_PRIORITY, worker_steps);
    EXPECT_EQUAL(kernel_task_set_supervisor(crowd.task, (kernel_endpoint_t){supervisor}), 0);
    worker_create(&killer, false);
    killer.area->values[0] = crowd.task.handle;
    EXPECT_EQUAL(kernel_thread_set_priority(killer.thread, LOW_PRIORITY), 0);
    worker_start(&killer, end_crowd);
    sleep_for(MIDDLE);
    EXPECT_EQUAL(kernel_thread_end(killer.thread), 0);
    expect_told(supervisor);
    EXPECT_EQUAL(killer.area->done, 0);
    EXPECT_EQUAL(crowd.area->done, 0);
    clean_up();
    guest_delete(supervisor);
}

/* The task is deleted while it ends. What it was told by is no error then, or says that the task is dead. */
static void task_is_deleted(void)
{
    make_crowd(HIGH_PRIORITY, worker_steps);
    begin_to_end();
    worker_die(&crowd, TASK_DELETED);
    EXPECT(sleep_until_done(&killer, 1));
    EXPECT(killer.area->values[1] == 0 || (int64_t)killer.area->values[1] == -(int64_t)ERROR_DEAD ||
           (int64_t)killer.area->values[1] == -(int64_t)ERROR_BAD_HANDLE);
    clean_up();
}

static const struct guest_test tests[] = {
    {"no thread of a task that ends runs any more, though others do", threads_do_not_run},
    {"nor does a server of it, for whoever calls it then", server_is_not_helped},
    {"whoever ends a task is killed there, and it ends all the same", killer_is_killed},
    {"a task is deleted while it ends", task_is_deleted},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
