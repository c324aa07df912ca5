/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of operations of the kernel that are done in pieces: what stands after the first piece, what may happen
 * between two of them, and that all of it is done in the end. Prints TAP.
 */
#include <stdlib.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "host_tap.h"
#include "ipc/endpoint.h"
#include "ipc/hot.h"
#include "kernel_parts/host_machine.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu.h"

#define QUOTA (32UL << 20)
#define THREADS 150
#define PARKED 20
#define CHAIN 50
#define HANDLER (USER_START + 0x1000)
#define STATUS 42

static struct factory *factory;
static struct thread *threads[THREADS + 1];
static enum error error;

/* A task that a capability outside all tables keeps. */
static struct task *make_task(struct capability *holder)
{
    struct task *task = task_create(factory, &error);
    *holder = (struct capability){0};
    capability_attach(holder, &task->object, RIGHTS_ALL, 0);
    return task;
}

/* The last one made is the first of the task's. */
static void make_threads(struct task *task, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t handle;
        threads[i] = thread_create(factory, task, &error);
        if (!threads[i] || capability_publish(task, &threads[i]->object, RIGHTS_ALL, &handle) != ERROR_NONE)
            exit(1);
    }
}

static void start(struct thread *thread)
{
    thread_start(thread, USER_START, USER_START, 0, 0);
}

static void delete_thread(struct thread *thread)
{
    capability_delete(object_capability(&thread->object));
}

static void destroy_all(void)
{
    while (object_destroy_piece())
        continue;
}

static bool end(struct capability *holder)
{
    write_gs_base((uint64_t)cpus[0].idle_line);
    capability_delete(holder);
    destroy_all();
    return factory->used == 0 && task_count() == 0 && thread_count() == 0;
}

static unsigned count_dead(const struct task *task)
{
    unsigned dead = 0;
    for (const struct thread *thread = task->threads; thread; thread = thread->task_next)
        dead += thread->state == THREAD_DEAD;
    return dead;
}

/* ---- A task ends ------------------------------------------------------------------------------------------------- */

static void test_end(void)
{
    struct capability holder;
    struct task *task = make_task(&holder);
    make_threads(task, THREADS);
    task_exit(task, STATUS);
    host_ok(task->ended && count_dead(task) == 0, "a task with %d threads ends: none is stopped yet", THREADS);
    bool done = task_stop_piece(task);
    unsigned first = count_dead(task);
    host_ok(!done && first > 0 && first < THREADS, "the first piece stops %u of them", first);
    struct thread *next = task->to_end, *behind = next->task_next;
    delete_thread(next);
    host_ok(task->to_end == behind, "the next one to be stopped dies meanwhile: the one behind it is next");
    while (!task_stop_piece(task))
        continue;
    host_ok(count_dead(task) == THREADS - 1 && !task->to_end, "all the others are stopped by and by");
    host_ok(end(&holder), "nothing is left of it");
}

/* The end is told when all threads are stopped, and once. */
static void test_end_is_told(void)
{
    struct capability holder, supervisor;
    struct task *task = make_task(&holder), *server = make_task(&supervisor);
    struct endpoint *endpoint = endpoint_create(factory, &error);
    uint32_t handle = 0;
    if (capability_publish(server, &endpoint->object, RIGHTS_ALL, &handle) != ERROR_NONE)
        exit(1);
    capability_attach_derived(&task->supervisor, capability_find(&server->table, handle), RIGHT_WRITE);
    make_threads(task, THREADS);
    task_exit(task, STATUS);
    (void)task_stop_piece(task);
    host_ok(!endpoint->senders.first, "nobody is told of an end while threads are still to be stopped");
    while (!task_stop_piece(task))
        continue;
    host_ok(endpoint->senders.first && !endpoint->senders.first->next, "one message says so in the end");
    task_exit(task, STATUS);
    (void)task_stop_piece(task);
    host_ok(!endpoint->senders.first->next && count_dead(task) == THREADS - 1, "it ends once");
    capability_delete(&holder);
    destroy_all();
    host_ok(end(&supervisor), "nothing is left of it");
}

/* Who was not stopped yet does not run, even if it is the best of all. */
static void test_end_while_ready(void)
{
    struct capability holder, other;
    struct task *task = make_task(&holder), *idle = make_task(&other);
    make_threads(idle, 1);
    struct thread *bystander = threads[0];
    make_threads(task, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        start(threads[i]);
    start(bystander);
    schedule_set_priority(&threads[0]->context, PRIORITIES - 1);
    task_exit(task, STATUS);
    struct thread *chosen = schedule_first();
    host_ok(chosen == bystander, "threads of a task that has ended are stopped, and not chosen");
    host_ok(threads[0]->state == THREAD_DEAD, "nor is the one that would be the best of all");
    write_gs_base((uint64_t)cpus[0].idle_line);
    capability_delete(&other);
    destroy_all();
    host_ok(end(&holder), "nothing is left of them");
}

/* ---- A task's Linux-call handler --------------------------------------------------------------------------------- */

static unsigned count_handlers(const struct task *task, uint64_t address)
{
    unsigned count = 0;
    for (const struct thread *thread = task->threads; thread; thread = thread->task_next)
        count += thread->hot->reflect == address;
    return count;
}

static void test_linux_handler(void)
{
    struct capability holder;
    struct task *task = make_task(&holder);
    make_threads(task, THREADS);
    bool done = task_set_linux_handler_piece(task, HANDLER);
    unsigned first = count_handlers(task, HANDLER);
    host_ok(!done && first > 0 && first < THREADS, "the first piece tells %u of %d threads", first, THREADS);
    delete_thread(task->to_tell);
    make_threads(task, 1);
    host_ok(threads[0]->hot->reflect == HANDLER, "a new thread has the new handler");
    while (!task_set_linux_handler_piece(task, HANDLER))
        continue;
    host_ok(count_handlers(task, HANDLER) == THREADS, "all have it in the end, though one died and one came");
    (void)task_set_linux_handler_piece(task, 0);
    while (!task_set_linux_handler_piece(task, HANDLER))
        continue;
    host_ok(count_handlers(task, HANDLER) == THREADS, "another address may come between: the last one holds");
    host_ok(end(&holder), "nothing is left of it");
}

/* ---- A server with many contexts put aside ----------------------------------------------------------------------- */

static unsigned count_parked(const struct thread *server, unsigned count)
{
    unsigned parked = 0;
    for (unsigned i = 0; i < count; i++)
        parked += threads[i]->context.place == CONTEXT_PARKED && threads[i]->context.parked_at == server;
    return parked;
}

/* Callers queue with a server that waits for signals: choosing puts their contexts aside with it. */
static struct thread *park_callers(struct task *task)
{
    uint32_t handle = 0;
    struct endpoint *endpoint = endpoint_create(factory, &error);
    if (capability_publish(task, &endpoint->object, RIGHTS_ALL, &handle) != ERROR_NONE)
        exit(1);
    make_threads(task, PARKED + 2);
    struct thread *server = threads[PARKED], *last = threads[PARKED + 1];
    for (unsigned i = 0; i <= PARKED + 1; i++)
        start(threads[i]);
    schedule_set_priority(&last->context, 1);
    write_gs_base((uint64_t)schedule_first()->hot);
    endpoint_note_server(endpoint, server);
    server->state = THREAD_RECEIVING; /* for signals */
    for (unsigned i = 0; i < PARKED; i++)
        endpoint_queue_sender(endpoint, threads[i]);
    schedule_request();
    write_gs_base((uint64_t)schedule_resolve()->hot);
    return server;
}

static void test_parked(void)
{
    struct capability holder;
    struct task *task = make_task(&holder);
    struct thread *server = park_callers(task);
    unsigned before = count_parked(server, PARKED);
    host_ok(before > PARKED / 2, "%u contexts are put aside with a server", before);
    thread_end(server);
    unsigned after = count_parked(server, PARKED);
    host_ok(after > 0 && after < before, "when it ends, %u of them compete", before - after);
    delete_thread(server);
    host_ok(thread_count() == PARKED + 2 && count_parked(server, PARKED) > 0,
            "when it is deleted, its record stays while there are others");
    destroy_all();
    unsigned left = 0;
    for (unsigned i = 0; i < PARKED; i++)
        left += threads[i]->context.place == CONTEXT_PARKED;
    host_ok(left == 0 && thread_count() == PARKED + 1, "and goes with the last one");
    host_ok(end(&holder), "nothing is left of it");
}

/* ---- Factories in each other ------------------------------------------------------------------------------------- */

static void test_factories(void)
{
    struct capability holders[2];
    struct factory *parent = factory;
    uint64_t limit = QUOTA / 2;
    for (int i = 0; i < CHAIN; i++) {
        struct hot_slots slots = {0, 0};
        parent = factory_create(parent, limit -= 4096, &slots, &error);
        holders[i % 2] = (struct capability){0};
        capability_attach(&holders[i % 2], &parent->object, RIGHTS_ALL, 0);
        if (i > 0)
            capability_delete(&holders[(i - 1) % 2]);
    }
    capability_delete(&holders[(CHAIN - 1) % 2]);
    host_ok(factory->used > 0 && factory_work_left(), "of %d factories in each other, a few go at once", CHAIN);
    destroy_all();
    host_ok(factory->used == 0 && !factory_work_left() && factory->references == 1, "the others in later pieces");
}

int main(void)
{
    host_kernel_start();
    factory = host_first_factory(QUOTA);
    test_end();
    test_end_is_told();
    test_end_while_ready();
    test_linux_handler();
    test_parked();
    test_factories();
    return host_done();
}
