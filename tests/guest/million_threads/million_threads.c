/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A million threads asked for, of one task and of many, within a quota: it gets as many as the quota holds, and the
 * rest is refused; meanwhile another quota has all that it had; and everything comes back. guest_run() does each test
 * twice.
 */
#include "../common/worker.h"

#define REQUESTS 500000 /* twice, since each test runs twice */
#define SLOW_REQUESTS 20000
#define QUOTA (2 * MEBIBYTE)
#define SLOTS 1000
#define TASKS 16
#define MOST (TASKS * MAX_THREADS_PER_TASK)

static uint32_t made[MOST];
static uint32_t made_count, refused_count;

static void ask(kernel_factory_t factory, kernel_task_t task)
{
    kernel_thread_t thread;
    uint32_t number;
    int result = kernel_factory_create_thread(factory, task, &thread, &number);
    if (result != 0) {
        refused_count++;
        EXPECT(result == -ERROR_NO_MEMORY || result == -ERROR_NO_SLOT);
    } else if (EXPECT(made_count < MOST)) {
        made[made_count++] = thread.handle;
    }
}

static uint64_t used_of(kernel_factory_t factory)
{
    uint64_t limit, used = 0;
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    EXPECT(used <= limit);
    return used;
}

/* Another program's share, beside the flood: a task with a thread, which comes and goes. */
static void expect_share(kernel_factory_t share)
{
    kernel_task_t task;
    kernel_thread_t thread;
    uint32_t number;
    EXPECT_EQUAL(kernel_factory_create_task(share, &task), 0);
    EXPECT_EQUAL(kernel_factory_create_thread(share, task, &thread, &number), 0);
    guest_delete(thread.handle);
    guest_delete(task.handle);
}

static kernel_factory_t new_factory(uint32_t slots)
{
    kernel_factory_t factory = {0};
    EXPECT_EQUAL(kernel_factory_create_factory_with_slots(own_factory, QUOTA, slots, slots, &factory), 0);
    return factory;
}

/* Asks for threads of `count` tasks in turn; every one that was given is deleted at the end, the last one first. */
static void flood(uint32_t requests, uint32_t slots, unsigned count)
{
    kernel_factory_t factory = new_factory(slots), share = new_factory(1);
    kernel_task_t tasks[TASKS];
    made_count = refused_count = 0;
    for (unsigned i = 0; i < count; i++)
        EXPECT_EQUAL(kernel_factory_create_task(factory, &tasks[i]), 0);
    for (uint32_t i = 0; i < requests; i++) {
        ask(factory, tasks[i % count]);
        if (i % (requests / 8) == 0)
            expect_share(share);
    }
    EXPECT(made_count > 0 && made_count <= slots);
    EXPECT_EQUAL(made_count + refused_count, requests);
    uint64_t full = used_of(factory);
    while (made_count > 0)
        guest_delete(made[--made_count]);
    EXPECT(used_of(factory) < full);
    for (unsigned i = 0; i < count; i++)
        guest_delete(tasks[i].handle);
    EXPECT_EQUAL(used_of(factory), 0);
    guest_delete(share.handle);
    guest_delete(factory.handle);
}

/* Memory is what is used up. */
static void of_one_task(void)
{
    flood(REQUESTS, SLOTS, 1);
}

/* Hot lines are: that is found out last. */
static void of_many_tasks(void)
{
    flood(SLOW_REQUESTS, SLOTS / 10, TASKS);
}

static const struct guest_test tests[] = {
    {"a million threads of one task are asked for", of_one_task},
    {"threads of many tasks are asked for", of_many_tasks},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
