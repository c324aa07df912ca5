/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Task.map_list and Task.give (idl/kernel/task.idl): each part of a list is there as if it had been asked for alone, or
 * not at all, and none is behind one that is not.
 */
#include <string.h>

#include "../common/guest.h"
#include "../common/taker.h"
#include "abi/addresses.h"
#include "abi/capability.h"
#include "abi/errors.h"

#define MANY 80
#define RUNS KERNEL_LIST_LENGTH
#define FAR (1UL << 31) /* from one run to the next: each needs page tables of its own */
#define BADGE 77

/* ---- Pages ------------------------------------------------------------------------------------------------------- */

static struct kernel_run runs[RUNS];

/* One page each, in order at the source, and far from one another. */
static void prepare_runs(void)
{
    for (uint64_t i = 0; i < RUNS; i++)
        runs[i] = (struct kernel_run){HERE + i * PAGE_SIZE, THERE + i * FAR, 1, i % 2 ? RW : RIGHT_READ};
}

static uint32_t count_mapped(kernel_task_t task)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < RUNS; i++)
        count += page_is_mapped(task, runs[i].address);
    return count;
}

/* Asks until all is mapped, as it is meant to be done; answers the error that ends it. */
static int map_all(kernel_task_t task, uint32_t count, uint32_t *mapped)
{
    struct kernel_run left[RUNS] = {0};
    int result = 0;
    *mapped = 0;
    while (result == 0 && *mapped < count) {
        uint32_t some = 0;
        memcpy(left, runs + *mapped, (count - *mapped) * sizeof(*left));
        result = kernel_task_map_list(own_task, task, count - *mapped, left, &some);
        EXPECT(result != 0 || (some > 0 && some <= count - *mapped));
        *mapped += result == 0 ? some : 0;
    }
    return result;
}

static void pages_arrive(void)
{
    uint32_t mapped;
    kernel_memory_t memory = taker_map_here(MANY, RW);
    kernel_task_t task = guest_new_task();
    prepare_runs();
    runs[2].pages = KERNEL_RUN_PAGES;
    EXPECT_EQUAL(map_all(task, RUNS, &mapped), 0);
    EXPECT_EQUAL(mapped, RUNS);
    for (uint32_t i = 0; i < RUNS; i++)
        EXPECT(page_is_mapped(task, runs[i].address) &&
               page_is_writable(task, runs[i].address) == ((runs[i].rights & RIGHT_WRITE) != 0));
    EXPECT(page_is_mapped(task, runs[2].address + (KERNEL_RUN_PAGES - 1) * PAGE_SIZE) &&
           !page_is_mapped(task, runs[2].address + KERNEL_RUN_PAGES * PAGE_SIZE));
    taker_revoke(HERE, MANY, RIGHT_READ);
    EXPECT_EQUAL(count_mapped(task), 0);
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

/* Run `bad` cannot be mapped: those before it are, the others are not. */
static void check_bad_run(kernel_task_t task, uint32_t bad, const struct kernel_run *run, int error)
{
    uint32_t mapped;
    prepare_runs();
    runs[bad] = *run;
    EXPECT_EQUAL(map_all(task, RUNS, &mapped), error);
    EXPECT_EQUAL(mapped, bad);
    for (uint32_t i = 0; i < bad; i++)
        EXPECT_EQUAL(kernel_task_unmap(task, THERE + i * FAR, 1), 0);
    for (uint32_t i = 0; i < RUNS; i++)
        EXPECT(!page_is_mapped(task, THERE + i * FAR));
}

static void bad_runs(void)
{
    const struct {
        struct kernel_run run;
        int error;
    } bad[] = {
        {{HERE, THERE, 0, RW}, -ERROR_BAD_ARGUMENT},
        {{HERE, THERE + FAR, KERNEL_RUN_PAGES + 1, RW}, -ERROR_BAD_ARGUMENT},
        {{HERE, THERE + FAR, 1, RIGHT_READ | RIGHT_COPY}, -ERROR_BAD_ARGUMENT},
        {{HERE, THERE + FAR, 1, RIGHT_READ | RIGHT_EXECUTE}, -ERROR_NO_RIGHT},
        {{HERE + 1, THERE + FAR, 1, RW}, -ERROR_BAD_ADDRESS},
        {{HERE, THERE + FAR + 1, 1, RW}, -ERROR_BAD_ADDRESS},
        {{HERE, UTCB_BASE, 1, RW}, -ERROR_BAD_ADDRESS},
        {{HERE, USER_END, 1, RW}, -ERROR_BAD_ADDRESS},
        {{HERE + MANY * PAGE_SIZE, THERE + FAR, 1, RW}, -ERROR_BAD_ADDRESS},
        {{HERE + (MANY - 1) * PAGE_SIZE, THERE + FAR, 2, RW}, -ERROR_BAD_ADDRESS},
        {{UINT64_MAX - PAGE_SIZE + 1, THERE + FAR, 1, RW}, -ERROR_BAD_ADDRESS},
    };
    kernel_memory_t memory = taker_map_here(MANY, RW);
    kernel_task_t task = guest_new_task();
    for (uint32_t i = 0; i < COUNT(bad); i++)
        for (uint32_t at = 0; at < RUNS; at += RUNS - 1)
            check_bad_run(task, at, &bad[i].run, bad[i].error);
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

static void occupied(void)
{
    kernel_memory_t memory = taker_map_here(MANY, RW);
    kernel_task_t task = guest_new_task();
    const struct kernel_run twice = {HERE, THERE, 2, RW};
    check_bad_run(task, RUNS - 1, &twice, -ERROR_OCCUPIED);
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

static void bad_lists(void)
{
    uint32_t mapped = 0, handle = guest_copy(own_task.handle, RIGHTS_ALL);
    kernel_memory_t memory = taker_map_here(MANY, RW);
    kernel_task_t task = guest_new_task(), weak = {guest_copy(task.handle, RIGHT_READ | RIGHT_EXECUTE)};
    prepare_runs();
    EXPECT_ERROR(kernel_task_map_list(own_task, task, 0, runs, &mapped), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_task_map_list(own_task, task, RUNS + 1, runs, &mapped), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_task_map_list(own_task, task, UINT32_MAX, runs, &mapped), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_task_map_list(own_task, weak, RUNS, runs, &mapped), NO_RIGHT);
    EXPECT_ERROR(kernel_task_map_list(weak, task, RUNS, runs, &mapped), NO_RIGHT);
    EXPECT_EQUAL(count_mapped(task), 0);
    if (handle)
        guest_delete(handle);
    guest_delete(weak.handle);
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

/* Each allocation fails once: what is mapped is what the answer says. */
static void no_memory_for_pages(void)
{
    kernel_memory_t memory = taker_map_here(MANY, RW);
    bool failed = true;
    for (uint64_t number = 1; failed && number < 100; number++) {
        kernel_task_t task = guest_new_task();
        uint32_t mapped;
        uint64_t left;
        prepare_runs();
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, number, &left), 0);
        int result = kernel_task_map_list(own_task, task, RUNS, runs, &mapped);
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, 0, &left), 0);
        failed = left == 0;
        EXPECT(result == 0 || (failed && result == -ERROR_NO_MEMORY));
        EXPECT_EQUAL(count_mapped(task), result == 0 ? mapped : 0);
        guest_delete(task.handle);
    }
    EXPECT(!failed);
    guest_delete(memory.handle);
}

/* ---- Capabilities ------------------------------------------------------------------------------------------------ */

static struct kernel_gift gifts[RUNS];
static uint32_t handles[RUNS];

/* Gives `count` copies of an endpoint, each second one with a badge. */
static void prepare_gifts(uint32_t endpoint)
{
    for (uint32_t i = 0; i < RUNS; i++)
        gifts[i] = (struct kernel_gift){i % 2 ? BADGE + i : 0, endpoint, i % 3 ? RIGHT_WRITE : RIGHTS_ALL};
}

static void gifts_arrive(void)
{
    uint32_t endpoint = guest_endpoint();
    prepare_gifts(endpoint);
    EXPECT_EQUAL(kernel_task_give(own_task, own_task, RUNS, gifts, handles), 0);
    for (uint32_t i = 0; i < RUNS; i++) {
        uint64_t badge = 0;
        EXPECT_EQUAL(guest_rights(handles[i]), i % 3 ? RIGHT_WRITE : RIGHTS_ALL);
        EXPECT_EQUAL(kernel_task_identify(own_task, handles[i], (kernel_endpoint_t){endpoint}, &badge), 0);
        EXPECT_EQUAL(badge, i % 2 ? BADGE + i : 0);
    }
    EXPECT_EQUAL(kernel_task_revoke(own_task, endpoint), 0); /* all are derived from it */
    for (uint32_t i = 0; i < RUNS; i++)
        EXPECT_EQUAL(guest_type(handles[i]), 0);
    guest_delete(endpoint);
}

/* Gift `bad` cannot be given: those before it are, the others are not. */
static void check_bad_gift(uint32_t bad, uint32_t endpoint, struct kernel_gift gift, int error)
{
    prepare_gifts(endpoint);
    gifts[bad] = gift;
    int result = kernel_task_give(own_task, own_task, RUNS, gifts, handles);
    EXPECT_EQUAL(result, bad ? 0 : error);
    for (uint32_t i = 0; result == 0 && i < RUNS; i++)
        EXPECT_EQUAL(guest_type(handles[i]), i < bad ? KERNEL_ENDPOINT_ID : 0);
    for (uint32_t i = 0; result == 0 && i < bad; i++)
        guest_delete(handles[i]);
}

static void bad_gifts(void)
{
    uint32_t endpoint = guest_endpoint(), weak = guest_copy(endpoint, RIGHT_WRITE), badged = 0;
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, RIGHTS_ALL, BADGE, &badged), 0);
    for (uint32_t at = 0; at < RUNS; at += RUNS - 1) {
        check_bad_gift(at, endpoint, (struct kernel_gift){0, 0, RIGHT_WRITE}, -ERROR_BAD_HANDLE);
        check_bad_gift(at, endpoint, (struct kernel_gift){0, UINT32_MAX, RIGHT_WRITE}, -ERROR_BAD_HANDLE);
        check_bad_gift(at, endpoint, (struct kernel_gift){0, weak, RIGHT_WRITE}, -ERROR_NO_RIGHT);
        check_bad_gift(at, endpoint, (struct kernel_gift){BADGE + 1, badged, RIGHT_WRITE}, -ERROR_NO_RIGHT);
    }
    EXPECT_ERROR(kernel_task_give(own_task, own_task, 0, gifts, handles), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_task_give(own_task, own_task, RUNS + 1, gifts, handles), BAD_ARGUMENT);
    guest_delete(badged);
    guest_delete(weak);
    guest_delete(endpoint);
}

static void gifts_of_others(void)
{
    uint32_t endpoint = guest_endpoint(), given = 0;
    kernel_task_t task = guest_new_task(), weak = {guest_copy(task.handle, RW)};
    prepare_gifts(endpoint);
    EXPECT_ERROR(kernel_task_give(own_task, weak, RUNS, gifts, handles), NO_RIGHT);
    EXPECT_ERROR(kernel_task_give(weak, task, RUNS, gifts, handles), NO_RIGHT);
    EXPECT_EQUAL(kernel_task_give(own_task, task, 1, gifts, handles), 0);
    gifts[0].source = handles[0];
    EXPECT_EQUAL(kernel_task_give(task, own_task, 1, gifts, handles), 0);
    given = handles[0];
    EXPECT_EQUAL(guest_type(given), KERNEL_ENDPOINT_ID);
    EXPECT_EQUAL(handles[1], 0);
    guest_delete(given);
    EXPECT_EQUAL(kernel_task_exit(task, 0), 0);
    prepare_gifts(endpoint);
    EXPECT_ERROR(kernel_task_give(own_task, task, 1, gifts, handles), DEAD);
    guest_delete(weak.handle);
    guest_delete(task.handle);
    guest_delete(endpoint);
}

/* Each allocation fails once: the handles that are answered are those that there are. */
static void no_memory_for_gifts(void)
{
    uint32_t endpoint = guest_endpoint();
    bool failed = true;
    for (uint64_t number = 1; failed && number < 100; number++) {
        kernel_task_t task = guest_new_task();
        uint64_t left;
        prepare_gifts(endpoint);
        memset(handles, 0, sizeof(handles));
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, number, &left), 0);
        int result = kernel_task_give(own_task, task, RUNS, gifts, handles);
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, 0, &left), 0);
        failed = left == 0;
        EXPECT(result == 0 || (failed && result == -ERROR_NO_MEMORY));
        for (uint32_t i = 0; result == 0 && i < RUNS && handles[i]; i++)
            EXPECT_EQUAL(kernel_task_delete(task, handles[i]), 0);
        guest_delete(task.handle);
    }
    EXPECT(!failed);
    guest_delete(endpoint);
}

static const struct guest_test tests[] = {
    {"runs of pages arrive, and are taken back", pages_arrive},
    {"runs that cannot be mapped, first and last", bad_runs},
    {"a run where something is mapped", occupied},
    {"lists of no length, and too long ones, and rights", bad_lists},
    {"no memory, at each allocation for pages", no_memory_for_pages},
    {"gifts arrive, and are derived", gifts_arrive},
    {"gifts that cannot be given, first and last", bad_gifts},
    {"rights to both tasks, and a task that has ended", gifts_of_others},
    {"no memory, at each allocation for gifts", no_memory_for_gifts},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
