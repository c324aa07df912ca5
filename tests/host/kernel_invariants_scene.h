/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for kernel_invariants_test.c, with threads in every kind of wait. Invariant: once it stands, the driver
 * runs and nobody else does anything, so that what is broken in it afterwards is broken by the test.
 */
#ifndef TESTS_KERNEL_INVARIANTS_SCENE_H
#define TESTS_KERNEL_INVARIANTS_SCENE_H

#include <stdlib.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "ipc/endpoint.h"
#include "ipc/ipc.h"
#include "ipc/notification.h"
#include "ipc/reply.h"
#include "kernel_parts/host_machine.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu.h"

#define QUOTA (4UL << 20)
#define RECEIVE (TAG_NATIVE | MESSAGE_RECEIVE << TAG_OPERATION_SHIFT)
#define PATIENCE 32

/* Threads by what they do once the scene stands. */
enum role {
    DRIVER,       /* runs */
    WAITS,        /* for a plain message */
    WAITS_TOO,    /* in the queue behind it */
    SERVES,       /* works for CALLS */
    CALLS,        /* waits for the answer of SERVES */
    QUEUES,       /* sends to the endpoint of SERVES */
    HAS_TIME,     /* waits with a deadline */
    IS_KEPT,      /* by a reply object */
    SENDS,        /* to nobody, while CALLS_SENDER waits for it */
    CALLS_SENDER, /* its context is parked with SENDS */
    ROLES
};

static struct factory *factory;
static struct task *servers, *clients, *holder;
static struct thread *threads[ROLES], *running;
static struct endpoint *plain, *busy, *timed, *kept, *passive, *nowhere;
static struct notification *notification;
static struct reply *reply;
static enum error error;

static uint32_t give(struct task *task, void *object)
{
    uint32_t handle = 0;
    if (capability_publish(task, object, RIGHTS_ALL, &handle) != ERROR_NONE)
        exit(1);
    return handle;
}

static struct task *new_task(void)
{
    static struct capability holders[3];
    static int count;
    struct task *task = task_create(factory, &error);
    capability_attach(&holders[count++], &task->object, RIGHTS_ALL, 0);
    return task;
}

static void run(struct thread *thread)
{
    running = thread;
    write_gs_base((uint64_t)thread->hot);
    thread->interrupted = 0;
}

/* Lets others run until `thread` does. */
static void become(struct thread *thread)
{
    for (int i = 0; i < PATIENCE && running != thread; i++) {
        schedule_yield();
        run(schedule_resolve());
    }
    if (running != thread)
        exit(1);
}

static void start(enum role role, struct task *task)
{
    threads[role] = thread_create(factory, task, &error);
    give(task, threads[role]);
    thread_start(threads[role], USER_START, USER_START, 0, 0);
    if (role == DRIVER)
        run(schedule_first());
    else
        become(threads[role]);
}

static void call(uint64_t tag, uint64_t handle)
{
    running->call.tag = tag;
    running->call.handle = handle;
    system_call(running);
    if (schedule_switch)
        run(schedule_resolve());
}

/* A server waits on a new endpoint, and a client calls it: the server runs on. */
static struct endpoint *serve(enum role server, enum role client)
{
    struct endpoint *endpoint = endpoint_create(factory, &error);
    start(server, servers);
    call(RECEIVE, give(servers, endpoint));
    start(client, clients);
    call(message_tag(MESSAGE_CALL, 0, 0), give(clients, endpoint));
    return endpoint;
}

static void make_waits(void)
{
    plain = endpoint_create(factory, &error);
    timed = endpoint_create(factory, &error);
    uint32_t handle = give(servers, plain);
    give(clients, plain);
    give(holder, plain);
    start(WAITS, servers);
    call(RECEIVE, handle);
    start(WAITS_TOO, servers);
    call(RECEIVE, handle);
    start(HAS_TIME, servers);
    thread_utcb(running)->receive_deadline = 1UL << 40;
    call(RECEIVE | TAG_DEADLINE, give(servers, timed));
}

static void make_calls(void)
{
    busy = serve(SERVES, CALLS);
    start(QUEUES, clients);
    call(message_tag(MESSAGE_CALL, 0, 0), give(clients, busy));
    passive = serve(SENDS, CALLS_SENDER);
    nowhere = endpoint_create(factory, &error);
    call(message_tag(MESSAGE_SEND, 0, 0), give(servers, nowhere));
}

static void make_bonds(void)
{
    notification = notification_create(factory);
    reply = reply_create(factory);
    give(holder, notification);
    give(holder, reply);
    notification_bind(notification, threads[DRIVER]);
    start(IS_KEPT, clients);
    kept = endpoint_create(factory, &error);
    uint32_t handle = give(clients, kept);
    become(threads[DRIVER]);
    call(RECEIVE, give(servers, kept));
    become(threads[IS_KEPT]);
    call(message_tag(MESSAGE_CALL, 0, 0), handle);
    become(threads[DRIVER]);
    reply_keep(reply, threads[IS_KEPT]);
    schedule_go_on(running);
    run(schedule_switch ? schedule_resolve() : running);
}

static void make_scene(void)
{
    factory = host_first_factory(QUOTA);
    servers = new_task();
    clients = new_task();
    holder = new_task();
    start(DRIVER, servers);
    make_waits();
    make_calls();
    make_bonds();
    become(threads[DRIVER]);
}

#endif
