/* SPDX-License-Identifier: BSD-2-Clause */
/* 10,000 tasks are created and killed (guest_run() runs each test twice), and every frame comes back. */
#include "../common/worker.h"
#include "abi/addresses.h"

#define ROUNDS 4000
#define RUNNING_ROUNDS 1000
#define MAPPED_AT 0x40000000UL

static void come_and_go(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        kernel_task_t task = guest_new_task();
        kernel_memory_t memory = {guest_memory(2)};
        kernel_thread_t thread;
        uint32_t number, copy;
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
        EXPECT_EQUAL(kernel_memory_map(memory, task, MAPPED_AT, 0, 2, KERNEL_RIGHTS_WRITE), 0);
        EXPECT_EQUAL(kernel_task_copy(own_task, memory.handle, task, KERNEL_RIGHTS_READ, &copy), 0);
        guest_delete(memory.handle);
        guest_delete(task.handle);
        guest_delete(thread.handle);
    }
}

static void spin(struct area *area)
{
    for (;;)
        area->done++;
}

static void die_while_ready(void)
{
    for (int i = 0; i < RUNNING_ROUNDS; i++) {
        struct worker worker;
        worker_create(&worker, true);
        worker_start(&worker, spin);
        worker_destroy(&worker);
    }
}

static const struct guest_test tests[] = {
    {"tasks with memory and a thread come and go", come_and_go},
    {"tasks die while their thread is ready", die_while_ready},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
