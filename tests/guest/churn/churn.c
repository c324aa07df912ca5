/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 10,000 tasks are created and killed (guest_run() runs each test twice), and every frame comes back; also those of
 * tasks with so many page tables that the kernel has not noted where they are, and none with what stood in it before.
 */
#include "../common/worker.h"
#include "abi/addresses.h"

#define ROUNDS 4000
#define RUNNING_ROUNDS 1000
#define MAPPED_AT 0x40000000UL
#define LARGE_ROUNDS 20
#define GIBIBYTE (1024 * MEBIBYTE)
#define TOP_LEVEL_STEP (512 * GIBIBYTE)
#define PLACES_IN_ALL 3 /* far apart, */
#define PLACES_IN_EACH 4
#define TASKS_GONE 8
#define NEW_THREADS 32 /* more than the page tables that TASKS_GONE tasks leave at the top of their trees */

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

/* A page far from all others: it takes a page table for itself, a page directory, and one in so many a directory
 * above. */
static uint64_t lonely_address(uint64_t i, uint64_t j)
{
    return MAPPED_AT + i * TOP_LEVEL_STEP + j * GIBIBYTE + (i + j) * 2 * MEBIBYTE;
}

/* At other addresses each time: tables that are left behind might be taken for those of the next task. */
static void with_many_page_tables(void)
{
    kernel_memory_t memory = {guest_memory(1)};
    uint64_t before = 0;
    for (uint64_t round = 0; round < LARGE_ROUNDS; round++) {
        kernel_task_t task = guest_new_task();
        for (uint64_t i = 0; i < PLACES_IN_ALL; i++)
            for (uint64_t j = 0; j < PLACES_IN_EACH; j++)
                EXPECT_EQUAL(kernel_memory_map(memory, task, lonely_address(round * PLACES_IN_ALL + i, j), 0, 1,
                                               KERNEL_RIGHTS_READ),
                             0);
        guest_delete(task.handle);
        uint64_t after = totals_now().frames;
        EXPECT(round == 0 || after == before);
        before = after;
    }
    guest_delete(memory.handle);
}

/* Is there nothing in a new thread's UTCB but its own address? Its frame was zeroed, or taken for zeroed. */
static bool is_new(const struct utcb *utcb)
{
    const uint64_t *words = (const uint64_t *)utcb;
    uint64_t found = utcb->self ^ (uint64_t)utcb;
    for (uint32_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        found |= &words[i] == &utcb->self ? 0 : words[i];
    return found == 0;
}

static void zeroed_frames(void)
{
    kernel_task_t tasks[TASKS_GONE];
    kernel_thread_t threads[NEW_THREADS];
    uint32_t number;
    for (int i = 0; i < TASKS_GONE; i++)
        tasks[i] = guest_new_task();
    for (int i = 0; i < TASKS_GONE; i++)
        guest_delete(tasks[i].handle);
    for (int i = 0; i < NEW_THREADS; i++) {
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, own_task, &threads[i], &number), 0);
        EXPECT(is_new((const struct utcb *)(UTCB_BASE + (uint64_t)number * PAGE_SIZE)));
    }
    for (int i = 0; i < NEW_THREADS; i++)
        guest_delete(threads[i].handle);
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
    {"tasks with many page tables", with_many_page_tables},
    {"nothing is left in the frames of their page tables", zeroed_frames},
    {"tasks die while their thread is ready", die_while_ready},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
