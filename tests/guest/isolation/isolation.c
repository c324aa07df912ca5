/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces hold exactly what the kernel's inventory says, and the walk of all page tables that says so reports
 * whatever is planted. What registers leave behind is the test set `markers`.
 */
#include "../common/worker.h"
#include "abi/addresses.h"
#include "plants.h"

#define TASKS 8
#define THREADS 70       /* more than one page of the save area holds */
#define CAPABILITIES 300 /* more than one page of slots holds */

static uint64_t supervisor_pages(void)
{
    uint64_t tables, pages = 0, wrong;
    EXPECT_EQUAL(kernel_debug_walk(debug, &tables, &pages, &wrong), 0);
    return pages;
}

static void walk_crowd(void)
{
    kernel_task_t tasks[TASKS];
    kernel_thread_t threads[THREADS];
    uint64_t before = supervisor_pages();
    uint32_t endpoint = guest_endpoint(), number, copy;
    EXPECT_EQUAL(walk_wrong_pages(), 0);
    for (int i = 0; i < TASKS; i++)
        tasks[i] = guest_new_task();
    for (int i = 0; i < THREADS; i++)
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, tasks[0], &threads[i], &number), 0);
    for (int i = 0; i < CAPABILITIES; i++)
        EXPECT_EQUAL(kernel_task_copy(own_task, endpoint, tasks[1], KERNEL_RIGHTS_WRITE, &copy), 0);
    EXPECT_EQUAL(walk_wrong_pages(), 0);
    EXPECT(supervisor_pages() >= before + TASKS * 100);
    for (int i = 0; i < THREADS; i++)
        guest_delete(threads[i].handle);
    for (int i = 0; i < TASKS; i++)
        guest_delete(tasks[i].handle);
    guest_delete(endpoint);
}

static void last_page_of_user_half(void)
{
    kernel_memory_t memory = {guest_memory(1)};
    EXPECT_ERROR(kernel_memory_map(memory, own_task, USER_END, 0, 1, KERNEL_RIGHTS_READ), BAD_ADDRESS);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, SHARED_BASE, 0, 1, KERNEL_RIGHTS_READ), BAD_ADDRESS);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, PRIVATE_BASE, 0, 1, KERNEL_RIGHTS_READ), BAD_ADDRESS);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, UTCB_BASE, 0, 1, KERNEL_RIGHTS_READ), BAD_ADDRESS);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, USER_END - PAGE_SIZE, 0, 1, KERNEL_RIGHTS_READ), 0);
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, USER_END - PAGE_SIZE, 1), 0);
    guest_delete(memory.handle);
}

static void other_cpus(void)
{
    for (int i = 0; i < 5; i++) {
        uint32_t started = 0, answered = ~0U;
        EXPECT_EQUAL(kernel_debug_interrupt_cpus(debug, &started, &answered), 0);
        EXPECT(started >= 1);
        EXPECT_EQUAL(answered, started - 1);
    }
}

static const struct guest_test tests[] = {
    {"page tables are what the inventory says", walk_crowd},
    {"the walk reports a wrong page of each kind", walk_reports_plants},
    {"the walk reports a private page that two tasks map", walk_reports_second_user},
    {"no entry is read or planted where no table is", entries_that_are_not_there},
    {"nothing is mapped at the end of the user half or above", last_page_of_user_half},
    {"every other CPU answers an interrupt", other_cpus},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
