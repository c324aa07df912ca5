/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of how kernel objects die: in whatever order the last capabilities go, each object is destroyed once, and
 * everything comes back. The kernel's own files run over a machine of the host (kernel_parts/). Prints TAP.
 */
#include <stdlib.h>
#include <string.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "host_tap.h"
#include "ipc/endpoint.h"
#include "ipc/hot.h"
#include "ipc/ipc.h"
#include "kernel_parts/host_machine.h"
#include "mem/memory.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu.h"

#define QUOTA (32UL << 20)
#define CHAIN 20000
#define SEED 0x5a170b1ec75UL
#define ROUNDS 300
#define TASKS 6
#define OBJECTS 24

static struct factory *factory;
static enum error error;

/* A capability that stands outside all tables keeps an object alive until hold_end(). */
static void hold(struct capability *holder, struct object *object)
{
    *holder = (struct capability){0};
    capability_attach(holder, object, RIGHTS_ALL, 0);
}

static void hold_end(struct capability *holder)
{
    capability_delete(holder);
    while (object_destroy_piece())
        continue;
}

static uint32_t give(struct task *task, struct object *object)
{
    uint32_t handle = 0;
    if (capability_publish(task, object, RIGHTS_ALL, &handle) != ERROR_NONE)
        exit(1);
    return handle;
}

static bool all_back(uint64_t frames, uint64_t pieces)
{
    return factory->used == 0 && factory->references == 1 && host_frames_used() == frames &&
           host_pieces_used() == pieces && task_count() == 0 && thread_count() == 0 && endpoint_count() == 0 &&
           capability_count() == 0;
}

/* A task whose table holds the last capabilities of a thread and of the thread's task, in this order. */
static void test_thread_before_its_task(void)
{
    struct capability holder;
    struct task *owner = task_create(factory, &error), *owned = task_create(factory, &error);
    uint64_t pieces = host_pieces_used() - 2;
    hold(&holder, &owner->object);
    give(owner, &thread_create(factory, owned, &error)->object);
    give(owner, &owned->object);
    hold_end(&holder);
    host_ok(factory->used == 0 && host_pieces_used() == pieces && thread_count() == 0 && task_count() == 0,
            "a thread that dies with its task dies once, thread first");
}

static void test_task_before_its_thread(void)
{
    struct capability holder;
    struct task *owner = task_create(factory, &error), *owned = task_create(factory, &error);
    hold(&holder, &owner->object);
    give(owner, &owned->object);
    give(owner, &thread_create(factory, owned, &error)->object);
    hold_end(&holder);
    host_ok(factory->used == 0 && thread_count() == 0 && task_count() == 0,
            "a thread that dies with its task dies once, task first");
}

/* The last capability to a dead thread goes while another thread is being killed, whose capability lives on: both are
 * capabilities of the dead object, which must never be taken for one that is to be destroyed. */
static void test_dead_capabilities(void)
{
    struct capability owner_holder, witness_holder, killed_holder;
    struct task *owner = task_create(factory, &error), *witness = task_create(factory, &error);
    struct task *killed = task_create(factory, &error), *later = task_create(factory, &error);
    hold(&owner_holder, &owner->object);
    hold(&witness_holder, &witness->object);
    hold(&killed_holder, &killed->object);
    uint32_t dead = give(owner, &thread_create(factory, killed, &error)->object);
    hold_end(&killed_holder);
    struct capability *dead_capability = capability_find(&owner->table, dead);
    host_ok(dead_capability && dead_capability->object->type == OBJECT_DEAD, "a thread's capability survives its task");
    struct endpoint *endpoint = endpoint_create(factory, &error);
    give(owner, &endpoint->object);
    give(owner, &later->object);
    uint32_t seen = give(witness, &thread_create(factory, later, &error)->object);
    hold_end(&owner_holder);
    struct capability *left = capability_find(&witness->table, seen);
    host_ok(left && left->object->type == OBJECT_DEAD && task_count() == 1 && endpoint_count() == 0,
            "capabilities of the dead object come and go while others die");
    hold_end(&witness_holder);
    host_ok(factory->used == 0 && capability_count() == 0, "nothing is left of it");
}

/* Each factory is out of the one before, and only the last one has a capability. */
static void test_factory_chain(void)
{
    struct capability holders[2];
    struct factory *parent = factory;
    uint64_t limit = QUOTA - sizeof(struct factory) * 4, pieces = host_pieces_used();
    for (int i = 0; i < CHAIN; i++) {
        struct hot_slots slots = {1, 1};
        struct factory *child = factory_create(parent, limit -= sizeof(struct factory), &slots, &error);
        if (!child)
            break;
        hold(&holders[i % 2], &child->object);
        if (i > 0)
            hold_end(&holders[(i - 1) % 2]);
        parent = child;
    }
    host_ok(host_pieces_used() == pieces + CHAIN, "a chain of %u factories", CHAIN);
    hold_end(&holders[(CHAIN - 1) % 2]);
    host_ok(factory->used == 0 && factory->references == 1 && host_pieces_used() == pieces,
            "it falls with its last capability");
}

/* A chain of tasks, each of which holds the last capability of the next. */
static void test_task_chain(void)
{
    struct capability holder;
    struct task *first = task_create(factory, &error), *last = first;
    hold(&holder, &first->object);
    for (int i = 0; i < 500; i++) {
        struct task *next = task_create(factory, &error);
        give(last, &next->object);
        last = next;
    }
    host_ok(task_count() == 501, "a chain of 501 tasks");
    hold_end(&holder);
    host_ok(task_count() == 0 && factory->used == 0, "it falls with its first one");
}

/* ---- Random: tasks hold each other, their threads, endpoints and memory ------------------------------------------ */

static struct object *random_object(struct task *const *tasks, uint64_t *state)
{
    struct task *task = tasks[host_random(state) % TASKS];
    switch (host_random(state) % 4) {
    case 0:
        return &task->object;
    case 1:
        return &thread_create(factory, task, &error)->object;
    case 2:
        return &endpoint_create(factory, &error)->object;
    default:
        return &memory_create(factory, 1 + host_random(state) % 3, &error)->object;
    }
}

static void map_somewhere(struct object *object, struct task *task, uint64_t *state)
{
    if (object->type == OBJECT_MEMORY)
        memory_map((struct memory *)object, task, USER_START + host_random(state) % 64 * PAGE_SIZE, 0, 1, RIGHT_READ);
}

static bool random_round(uint64_t *state, uint64_t frames, uint64_t pieces)
{
    struct task *tasks[TASKS];
    struct capability holders[TASKS];
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = task_create(factory, &error);
        hold(&holders[i], &tasks[i]->object);
    }
    for (int i = 0; i < OBJECTS; i++) {
        struct object *object = random_object(tasks, state);
        map_somewhere(object, tasks[host_random(state) % TASKS], state);
        for (uint64_t copies = 1 + host_random(state) % 3; copies > 0; copies--)
            give(tasks[host_random(state) % TASKS], object);
    }
    for (int i = 0; i < TASKS; i++)
        hold_end(&holders[i]);
    while (host_delete_something() || object_destroy_piece())
        continue;
    return all_back(frames, pieces);
}

static void test_random(void)
{
    uint64_t state = SEED, frames = host_frames_used(), pieces = host_pieces_used();
    int round = 0;
    while (round < ROUNDS && random_round(&state, frames, pieces))
        round++;
    host_ok(round == ROUNDS, "%d of %d random nets of objects die and leave nothing behind (seed %#lx)", round, ROUNDS,
            SEED);
}

int main(void)
{
    host_kernel_start();
    factory = host_first_factory(QUOTA);
    test_task_before_its_thread();
    test_thread_before_its_task();
    test_dead_capabilities();
    test_factory_chain();
    test_task_chain();
    test_random();
    return host_done();
}
