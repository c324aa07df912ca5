/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ends more than an object whose last capability goes: a task that ends gives its capabilities back, and a factory
 * that is reclaimed takes all that it paid for along. guest_run() compares all totals after each test.
 */
#include "abi/addresses.h"

#include "../common/waiting.h"
#include "../common/worker.h"
#include "idl/supervisor.h"

#define QUOTA (8 * MEBIBYTE)
#define DEPTH 20
#define MANY 600
#define MAPPED_AT 0x40000000UL
#define STATUS 77

static kernel_factory_t new_factory(kernel_factory_t parent, uint64_t bytes)
{
    kernel_factory_t factory = {0};
    EXPECT_EQUAL(kernel_factory_create_factory(parent, bytes, &factory), 0);
    return factory;
}

static uint32_t give(kernel_task_t from, uint32_t handle, kernel_task_t to)
{
    uint32_t copy = 0;
    EXPECT_EQUAL(kernel_task_copy(from, handle, to, RIGHTS_ALL, &copy), 0);
    return copy;
}

static void expect_empty(kernel_factory_t factory)
{
    uint64_t limit = 0, used = 1;
    uint32_t threads, threads_used = 1, endpoints, endpoints_used = 1;
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    EXPECT_EQUAL(used, 0);
    EXPECT_EQUAL(kernel_factory_slots(factory, &threads, &threads_used, &endpoints, &endpoints_used), 0);
    EXPECT_EQUAL(threads_used, 0);
    EXPECT_EQUAL(endpoints_used, 0);
}

static void reclaim(kernel_factory_t factory)
{
    EXPECT_EQUAL(kernel_factory_reclaim(factory), 0);
    expect_empty(factory);
}

/* ---- Tasks that end ---------------------------------------------------------------------------------------------- */

/* Each holds itself and the other, and nobody else holds them: one that ends takes both along. */
static void holding_each_other(void)
{
    uint32_t before = totals_now().tasks;
    kernel_task_t one = guest_new_task(), other = guest_new_task();
    give(own_task, one.handle, one);
    give(own_task, one.handle, other);
    give(own_task, other.handle, one);
    give(own_task, other.handle, other);
    guest_delete(other.handle);
    EXPECT_EQUAL(kernel_task_exit(one, 0), 0);
    EXPECT_EQUAL(totals_now().tasks, before + 2); /* the other holds both */
    guest_delete(one.handle);
    EXPECT_EQUAL(totals_now().tasks, before + 2);
    kernel_task_t task = {0};
    uint32_t handles = 0;
    EXPECT_EQUAL(kernel_debug_task(debug, 0, &task, &handles), 0); /* the youngest */
    EXPECT_EQUAL(kernel_task_exit(task, 0), 0);
    guest_delete(task.handle);
    EXPECT_EQUAL(totals_now().tasks, before);
}

static void ended_is_empty(void)
{
    kernel_task_t task = guest_new_task();
    kernel_endpoint_t endpoint = {guest_endpoint()};
    kernel_memory_t memory = {guest_memory(4)};
    uint32_t type = 1, handle = give(own_task, endpoint.handle, task), copy;
    kernel_rights_t rights;
    give(own_task, memory.handle, task);
    EXPECT_EQUAL(kernel_memory_map(memory, task, MAPPED_AT, 0, 4, KERNEL_RIGHTS_READ), 0);
    guest_delete(memory.handle);
    EXPECT_EQUAL(kernel_task_exit(task, 0), 0);
    EXPECT_EQUAL(kernel_task_inspect(task, handle, &type, &rights), 0);
    EXPECT_EQUAL(type, 0);
    EXPECT_ERROR(kernel_task_copy(own_task, endpoint.handle, task, RIGHTS_ALL, &copy), DEAD);
    EXPECT_ERROR(kernel_task_move(own_task, endpoint.handle, task, &copy), DEAD);
    EXPECT_EQUAL(kernel_task_exit(task, 0), 0);
    guest_delete(task.handle);
    guest_delete(endpoint.handle);
}

static void exit_itself(struct area *area)
{
    area->done = 1;
    area->values[1] = (uint64_t)kernel_task_exit((kernel_task_t){(uint32_t)area->values[0]}, 0);
    area->done = 2;
}

static void ends_itself(void)
{
    struct worker worker;
    struct ipc_message message;
    kernel_endpoint_t endpoint = {guest_endpoint()};
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_task_set_supervisor(worker.task, endpoint), 0);
    worker.area->values[0] = worker_give(&worker, worker.task.handle, RIGHTS_ALL);
    worker_start(&worker, exit_itself);
    EXPECT(message_is_tag(ipc_transfer(TAG_RECEIVE, endpoint.handle, &message)));
    EXPECT_EQUAL(worker.area->done, 1);
    worker_destroy(&worker);
    guest_delete(endpoint.handle);
}

/* Who is told may be busy until the task is empty: what it is told by must not be gone with what only the task itself
 * named. */
static void end_is_told_late(void)
{
    struct worker worker;
    struct ipc_message message = {0};
    kernel_thread_t youngest = {0};
    kernel_endpoint_t endpoint = {guest_endpoint()};
    uint32_t number, moved;
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_task_set_supervisor(worker.task, endpoint), 0);
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, worker.task, &youngest, &number), 0);
    EXPECT_EQUAL(kernel_task_move(own_task, youngest.handle, worker.task, &moved), 0);
    EXPECT_EQUAL(kernel_task_exit(worker.task, STATUS), 0);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE | TAG_POLL, endpoint.handle, &message), KERNEL_SUPERVISOR_EXITED_REQUEST);
    EXPECT_EQUAL(message.words[1], STATUS);
    worker_destroy(&worker);
    guest_delete(endpoint.handle);
}

/* ---- Factories that are reclaimed -------------------------------------------------------------------------------- */

static void fill(kernel_factory_t factory, uint32_t *handles)
{
    kernel_task_t task = {0};
    uint32_t number;
    EXPECT_EQUAL(kernel_factory_create_task(factory, &task), 0);
    handles[0] = task.handle;
    EXPECT_EQUAL(kernel_factory_create_thread(factory, task, (kernel_thread_t *)&handles[1], &number), 0);
    EXPECT_EQUAL(kernel_factory_create_endpoint(factory, (kernel_endpoint_t *)&handles[2]), 0);
    EXPECT_EQUAL(kernel_factory_create_memory(factory, 100, (kernel_memory_t *)&handles[3]), 0);
    EXPECT_EQUAL(kernel_factory_create_factory(factory, 16 * PAGE_SIZE, (kernel_factory_t *)&handles[4]), 0);
    EXPECT_EQUAL(kernel_memory_map((kernel_memory_t){handles[3]}, task, MAPPED_AT, 0, 100, KERNEL_RIGHTS_READ), 0);
}

/* Twice, since a factory that was reclaimed can be used again. */
static void each_kind_goes(void)
{
    kernel_factory_t factory = new_factory(own_factory, QUOTA);
    uint32_t handles[5];
    uint64_t words[6] = {0};
    for (int round = 0; round < 2; round++) {
        fill(factory, handles);
        uint32_t copy = guest_copy(handles[2], RIGHT_WRITE);
        reclaim(factory);
        EXPECT_EQUAL(ipc_exchange(tag_of(0, MESSAGE_CALL, 0, 0), copy, words), ERROR_DEAD);
        EXPECT_ERROR(kernel_memory_size((kernel_memory_t){handles[3]}, &(uint32_t){0}), DEAD);
        EXPECT_ERROR(kernel_factory_create_endpoint((kernel_factory_t){handles[4]}, &(kernel_endpoint_t){0}), DEAD);
        for (int i = 0; i < 5; i++) {
            EXPECT_EQUAL(guest_type(handles[i]), 0);
            guest_delete(handles[i]);
        }
        guest_delete(copy);
    }
    guest_delete(factory.handle);
}

/* What a factory paid for that nobody names any more, and that lives by what it paid for. */
static void nested_factories(void)
{
    kernel_factory_t top = new_factory(own_factory, QUOTA), inner = top;
    uint64_t bytes = QUOTA;
    for (int i = 0; i < DEPTH; i++) {
        kernel_factory_t next = new_factory(inner, bytes -= 16 * PAGE_SIZE);
        kernel_endpoint_t endpoint;
        EXPECT_EQUAL(kernel_factory_create_endpoint(next, &endpoint), 0);
        EXPECT_EQUAL(kernel_task_revoke(own_task, endpoint.handle), 0);
        if (i > 0 && i % 2)
            guest_delete(inner.handle);
        inner = next;
    }
    EXPECT_EQUAL(kernel_factory_reclaim(top), 0);
    expect_empty(top);
    uint32_t dead = 0;
    for (uint32_t handle = 1; handle < 1024; handle++) {
        uint32_t type = 1;
        kernel_rights_t rights = 0;
        EXPECT_EQUAL(kernel_task_inspect(own_task, handle, &type, &rights), 0);
        if (type != 0 || rights == 0)
            continue;
        guest_delete(handle);
        dead++;
    }
    EXPECT_EQUAL(dead, DEPTH + DEPTH / 2);
    guest_delete(top.handle);
}

/* Two tasks that hold each other, with nobody outside. */
static void reclaims_rings(void)
{
    uint32_t before = totals_now().tasks;
    kernel_factory_t factory = new_factory(own_factory, QUOTA);
    kernel_task_t one = {0}, other = {0};
    EXPECT_EQUAL(kernel_factory_create_task(factory, &one), 0);
    EXPECT_EQUAL(kernel_factory_create_task(factory, &other), 0);
    give(own_task, one.handle, other);
    give(own_task, other.handle, one);
    guest_delete(one.handle);
    guest_delete(other.handle);
    EXPECT_EQUAL(totals_now().tasks, before + 2);
    reclaim(factory);
    EXPECT_EQUAL(totals_now().tasks, before);
    guest_delete(factory.handle);
}

/* Those who wait on an endpoint that is killed are told; so is who calls it afterwards. */
static void waiting_on_it(void)
{
    kernel_factory_t factory = new_factory(own_factory, QUOTA);
    kernel_endpoint_t endpoint = {0}, called = {0};
    struct worker receiver, caller;
    EXPECT_EQUAL(kernel_factory_create_endpoint(factory, &endpoint), 0);
    EXPECT_EQUAL(kernel_factory_create_endpoint(factory, &called), 0);
    worker_create(&receiver, true);
    worker_create(&caller, true);
    worker_add(&receiver, TAG_RECEIVE, worker_give(&receiver, endpoint.handle, RIGHT_READ));
    uint32_t handle = worker_give(&caller, called.handle, RIGHT_WRITE);
    worker_add(&caller, tag_of(0, MESSAGE_CALL, 0, 0), handle);
    worker_add(&caller, tag_of(0, MESSAGE_CALL, 0, 0), handle);
    worker_go(&receiver);
    worker_go(&caller);
    reclaim(factory);
    worker_wait(&receiver, 1);
    worker_wait(&caller, 2);
    EXPECT_EQUAL(receiver.area->steps[0].result, ERROR_DEAD);
    EXPECT_EQUAL(caller.area->steps[0].result, ERROR_DEAD);
    EXPECT_EQUAL(caller.area->steps[1].result, ERROR_DEAD);
    worker_destroy(&caller);
    worker_destroy(&receiver);
    guest_delete(called.handle);
    guest_delete(endpoint.handle);
    guest_delete(factory.handle);
}

/* More than fits between two preemption points. */
static void large(void)
{
    kernel_factory_t factory = new_factory(own_factory, 3 * QUOTA);
    kernel_endpoint_t endpoint = {0};
    kernel_memory_t memory = {0};
    kernel_task_t task = guest_new_task();
    EXPECT_EQUAL(kernel_factory_create_memory(factory, 2000, &memory), 0);
    for (uint64_t i = 0; i < 4; i++)
        EXPECT_EQUAL(kernel_memory_map(memory, task, MAPPED_AT + i * QUOTA, 0, 2000, KERNEL_RIGHTS_READ), 0);
    for (int i = 0; i < MANY; i++) {
        EXPECT_EQUAL(kernel_factory_create_endpoint(factory, &endpoint), 0);
        for (int copies = 0; copies < 4; copies++)
            give(own_task, endpoint.handle, task);
        guest_delete(endpoint.handle);
    }
    reclaim(factory);
    guest_delete(memory.handle);
    guest_delete(task.handle);
    guest_delete(factory.handle);
}

static void reclaim_itself(struct area *area)
{
    area->done = 1;
    area->values[1] = (uint64_t)kernel_factory_reclaim((kernel_factory_t){(uint32_t)area->values[0]});
    area->done = 2;
}

/* A thread that is among what its factory paid for. */
static void by_one_of_it(void)
{
    struct worker worker;
    kernel_factory_t factory = new_factory(own_factory, QUOTA);
    kernel_task_t task = {0};
    kernel_endpoint_t endpoint = {0};
    kernel_thread_t thread = {0};
    uint32_t number;
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_factory_create_task(factory, &task), 0);
    EXPECT_EQUAL(kernel_factory_create_endpoint(factory, &endpoint), 0);
    EXPECT_EQUAL(kernel_factory_create_thread(factory, worker.task, &thread, &number), 0);
    worker.area->values[0] = worker_give(&worker, factory.handle, RIGHTS_ALL);
    struct worker doomed = worker;
    doomed.thread = thread;
    worker_start(&doomed, reclaim_itself);
    worker_wait(&worker, 1);
    for (int i = 0; i < 10 && guest_type(endpoint.handle) != 0; i++)
        guest_yield();
    EXPECT_EQUAL(kernel_factory_reclaim(factory), 0);
    expect_empty(factory);
    EXPECT_EQUAL(worker.area->done, 1);
    guest_delete(thread.handle);
    guest_delete(endpoint.handle);
    guest_delete(task.handle);
    worker_destroy(&worker);
    guest_delete(factory.handle);
}

static void refused(void)
{
    kernel_factory_t factory = new_factory(own_factory, QUOTA), narrow = {guest_copy(factory.handle, RIGHT_READ)};
    kernel_endpoint_t endpoint = {0};
    EXPECT_EQUAL(kernel_factory_create_endpoint(factory, &endpoint), 0);
    EXPECT_ERROR(kernel_factory_reclaim(narrow), NO_RIGHT);
    EXPECT_EQUAL(guest_type(endpoint.handle), KERNEL_ENDPOINT_ID);
    guest_delete(endpoint.handle);
    guest_delete(narrow.handle);
    guest_delete(factory.handle);
}

static const struct guest_test tests[] = {
    {"tasks that hold each other end", holding_each_other},
    {"a task that has ended holds nothing, and gets nothing", ended_is_empty},
    {"a task ends itself", ends_itself},
    {"its end is told, however late its supervisor listens", end_is_told_late},
    {"each kind of object is reclaimed", each_kind_goes},
    {"factories within factories are reclaimed", nested_factories},
    {"tasks that hold each other are reclaimed", reclaims_rings},
    {"those who wait are told", waiting_on_it},
    {"many capabilities, mappings and frames", large},
    {"a thread reclaims what paid for it", by_one_of_it},
    {"reclaiming needs the right", refused},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
