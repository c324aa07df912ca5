/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on capability tables (Task.copy, mint, move, delete, inspect): every kind of handle in every place of
 * every operation, rights and badges, a full table, and tasks that do it to themselves.
 */
#include <salto/startup.h>

#include "../common/worker.h"
#include "abi/addresses.h"

#define BADGE 0xfedcba9876543210UL
#define MOST (MAX_CAPABILITIES - 1) /* handle 0 is none */
#define TYPE_FACTORY 1
#define TYPE_TASK 2
#define TYPE_THREAD 3
#define TYPE_ENDPOINT 4
#define TYPE_MEMORY 5
#define TYPE_CONSOLE 6
#define TYPE_CLOCK 7
#define TYPE_DEBUG 9

/* Handles behind which nothing can be; the last ones only fit a whole word. */
static const uint64_t no_handles[] = {
    0,          5000,      65535,           65536,           65537,           0x7fffffff, 0x80000000,
    0xffffffff, 1UL << 32, (1UL << 32) + 1, (1UL << 48) + 1, (1UL << 63) + 1, 1UL << 63,  ~0UL,
};

#define NO_HANDLES (sizeof(no_handles) / sizeof(no_handles[0]))

/* A call with these words; answers 0 or the negated error. */
static int call(uint64_t request, uint64_t handle, uint64_t word0, uint64_t word1, uint64_t word2, uint64_t word3)
{
    uint64_t words[6] = {word0, word1, word2, word3, 0, 0};
    uint64_t tag = ipc_call(request, handle, words);
    if (!message_is_tag(tag))
        return -(int)(uint32_t)tag;
    return (int)message_label(tag);
}

static const uint64_t requests[] = {KERNEL_TASK_COPY_REQUEST, KERNEL_TASK_MINT_REQUEST, KERNEL_TASK_MOVE_REQUEST,
                                    KERNEL_TASK_DELETE_REQUEST, KERNEL_TASK_INSPECT_REQUEST};

#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

/* The words of an operation: its source, its target if it has one, and rights if it takes them. */
static int operate(uint64_t request, uint64_t task, uint64_t source, uint64_t to)
{
    bool copies = request == KERNEL_TASK_COPY_REQUEST || request == KERNEL_TASK_MINT_REQUEST;
    bool has_target = copies || request == KERNEL_TASK_MOVE_REQUEST;
    return call(request, task, source, has_target ? to : 0, copies ? RIGHTS_ALL : 0, 0);
}

/* ---- handles ----------------------------------------------------------------------------------------------------- */

/* As source: a word that is no 32-bit number is refused as an argument. Inspecting nothing is no error. */
static void no_source(void)
{
    for (unsigned i = 0; i < NO_HANDLES; i++) {
        for (unsigned j = 0; j < REQUESTS; j++) {
            bool inspects = requests[j] == KERNEL_TASK_INSPECT_REQUEST;
            int expected = no_handles[i] >> 32 ? -ERROR_BAD_ARGUMENT : inspects ? 0 : -ERROR_BAD_HANDLE;
            EXPECT_EQUAL(operate(requests[j], own_task.handle, no_handles[i], own_task.handle), expected);
        }
    }
}

static void no_target(void)
{
    uint32_t memory = guest_memory(1);
    for (unsigned i = 0; i < NO_HANDLES; i++) {
        EXPECT_ERROR(operate(KERNEL_TASK_COPY_REQUEST, own_task.handle, memory, no_handles[i]), BAD_HANDLE);
        EXPECT_ERROR(operate(KERNEL_TASK_MINT_REQUEST, own_task.handle, memory, no_handles[i]), BAD_HANDLE);
        EXPECT_ERROR(operate(KERNEL_TASK_MOVE_REQUEST, own_task.handle, memory, no_handles[i]), BAD_HANDLE);
    }
    EXPECT_EQUAL(guest_type(memory), TYPE_MEMORY);
    guest_delete(memory);
}

static void no_task(void)
{
    uint32_t memory = guest_memory(1);
    for (unsigned i = 0; i < NO_HANDLES; i++)
        for (unsigned j = 0; j < REQUESTS; j++)
            EXPECT_ERROR(operate(requests[j], no_handles[i], memory, own_task.handle), BAD_HANDLE);
    guest_delete(memory);
}

/* A handle is empty again at once when its capability is gone, by whichever way it went. */
static void stale_handles(void)
{
    uint32_t memory = guest_memory(1), copy = guest_copy(memory, RIGHTS_ALL), moved = 0;
    guest_delete(memory);
    EXPECT_EQUAL(guest_type(memory), 0);
    EXPECT_ERROR(kernel_task_delete(own_task, memory), BAD_HANDLE);
    EXPECT_EQUAL(kernel_task_move(own_task, copy, own_task, &moved), 0);
    EXPECT(moved != copy);
    for (unsigned j = 0; j < REQUESTS; j++)
        EXPECT_EQUAL(operate(requests[j], own_task.handle, copy, own_task.handle),
                     requests[j] == KERNEL_TASK_INSPECT_REQUEST ? 0 : -ERROR_BAD_HANDLE);
    guest_delete(moved);
}

/* Any object but a task, invoked with a task's operation or named as target. Endpoints are left out as invoked ones: a
 * call to one is a message. */
static void other_types(void)
{
    uint32_t memory = guest_memory(1), endpoint = guest_endpoint();
    const uint32_t others[] = {own_factory.handle, own_thread.handle,        memory,
                               debug.handle,       salto_require("console"), salto_require("clock")};
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        for (unsigned j = 0; j < REQUESTS; j++)
            EXPECT_ERROR(operate(requests[j], others[i], memory, own_task.handle), BAD_OPERATION);
        EXPECT_ERROR(operate(KERNEL_TASK_COPY_REQUEST, own_task.handle, memory, others[i]), WRONG_TYPE);
        EXPECT_ERROR(operate(KERNEL_TASK_MINT_REQUEST, own_task.handle, memory, others[i]), WRONG_TYPE);
        EXPECT_ERROR(operate(KERNEL_TASK_MOVE_REQUEST, own_task.handle, memory, others[i]), WRONG_TYPE);
    }
    EXPECT_ERROR(operate(KERNEL_TASK_MOVE_REQUEST, own_task.handle, memory, endpoint), WRONG_TYPE);
    guest_delete(endpoint);
    guest_delete(memory);
}

static void types_are_shown(void)
{
    uint32_t memory = guest_memory(1), endpoint = guest_endpoint();
    EXPECT_EQUAL(guest_type(own_factory.handle), TYPE_FACTORY);
    EXPECT_EQUAL(guest_type(own_task.handle), TYPE_TASK);
    EXPECT_EQUAL(guest_type(own_thread.handle), TYPE_THREAD);
    EXPECT_EQUAL(guest_type(endpoint), TYPE_ENDPOINT);
    EXPECT_EQUAL(guest_type(memory), TYPE_MEMORY);
    EXPECT_EQUAL(guest_type(salto_require("console")), TYPE_CONSOLE);
    EXPECT_EQUAL(guest_type(salto_require("clock")), TYPE_CLOCK);
    EXPECT_EQUAL(guest_type(debug.handle), TYPE_DEBUG);
    EXPECT_EQUAL(guest_rights(5000), 0);
    guest_delete(endpoint);
    guest_delete(memory);
}

/* ---- rights and badges ------------------------------------------------------------------------------------------- */

/* Each set of rights, copied and minted with each other one: the intersection, if copying is allowed at all. */
static void rights_of_copies(uint32_t object)
{
    for (uint32_t has = 0; has <= RIGHTS_ALL; has++) {
        uint32_t source = guest_copy(object, has), copy = 0, minted = 0;
        EXPECT_EQUAL(guest_rights(source), has);
        for (uint32_t asked = 0; asked <= RIGHTS_ALL; asked++) {
            int expected = has & RIGHT_COPY ? 0 : -ERROR_NO_RIGHT;
            EXPECT_EQUAL(kernel_task_copy(own_task, source, own_task, asked, &copy), expected);
            EXPECT_EQUAL(kernel_task_mint(own_task, source, own_task, asked, BADGE, &minted), expected);
            if (expected != 0)
                continue;
            EXPECT_EQUAL(guest_rights(copy), has & asked);
            EXPECT_EQUAL(guest_rights(minted), has & asked);
            guest_delete(copy);
            guest_delete(minted);
        }
        guest_delete(source);
    }
}

static void rights_of_every_copy(void)
{
    uint32_t memory = guest_memory(1), endpoint = guest_endpoint();
    rights_of_copies(memory);
    rights_of_copies(endpoint);
    guest_delete(endpoint);
    guest_delete(memory);
}

static void rights_that_are_none(void)
{
    static const uint64_t bad[] = {0x10, 0x1f, 0x80000000, 0xffffffff, 1UL << 32, (1UL << 63) | 1};
    uint32_t memory = guest_memory(1);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint32_t own = own_task.handle;
        EXPECT_ERROR(call(KERNEL_TASK_COPY_REQUEST, own, memory, own, bad[i], 0), BAD_ARGUMENT);
        EXPECT_ERROR(call(KERNEL_TASK_MINT_REQUEST, own, memory, own, bad[i], BADGE), BAD_ARGUMENT);
    }
    guest_delete(memory);
}

/* Moving needs no right, not even to copy, and keeps rights and badge: what was minted cannot be minted from again. */
static void move_keeps_all(void)
{
    kernel_task_t task = guest_new_task();
    uint32_t endpoint = guest_endpoint(), minted = 0, there = 0, back = 0, again = 0;
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, RIGHT_WRITE | RIGHT_COPY, BADGE, &minted), 0);
    EXPECT_EQUAL(kernel_task_move(own_task, minted, task, &there), 0);
    EXPECT_EQUAL(guest_type(minted), 0);
    EXPECT_EQUAL(kernel_task_move(task, there, own_task, &back), 0);
    EXPECT_EQUAL(guest_rights(back), RIGHT_WRITE | RIGHT_COPY);
    EXPECT_ERROR(kernel_task_mint(own_task, back, own_task, RIGHT_WRITE, BADGE, &again), NO_RIGHT);
    uint32_t none = guest_copy(back, 0);
    EXPECT_EQUAL(kernel_task_move(own_task, none, task, &there), 0);
    guest_delete(back);
    guest_delete(endpoint);
    guest_delete(task.handle);
}

/* A badge of 0 is none: what is minted with it can be minted from. */
static void badge_of_zero(void)
{
    uint32_t endpoint = guest_endpoint(), first = 0, second = 0, third = 0;
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, RIGHTS_ALL, 0, &first), 0);
    EXPECT_EQUAL(kernel_task_mint(own_task, first, own_task, RIGHTS_ALL, 1UL << 63, &second), 0);
    EXPECT_ERROR(kernel_task_mint(own_task, second, own_task, RIGHTS_ALL, 1UL << 63, &third), NO_RIGHT);
    guest_delete(second);
    guest_delete(first);
    guest_delete(endpoint);
}

/* The right to manage the table is needed of the task and of the target; the right to read, to inspect. */
static void rights_of_the_task(void)
{
    kernel_task_t task = guest_new_task();
    uint32_t memory = guest_memory(1), there = 0, type;
    kernel_rights_t rights;
    EXPECT_EQUAL(kernel_task_copy(own_task, memory, task, RIGHTS_ALL, &there), 0);
    for (uint32_t has = 0; has <= RIGHTS_ALL; has++) {
        kernel_task_t held = {guest_copy(task.handle, has)};
        bool manages = has & RIGHT_EXECUTE;
        uint32_t handle = 0;
        EXPECT_EQUAL(kernel_task_copy(held, there, task, RIGHTS_ALL, &handle), manages ? 0 : -ERROR_NO_RIGHT);
        EXPECT_EQUAL(kernel_task_copy(task, there, task, RIGHTS_ALL, &handle), 0);
        EXPECT_EQUAL(kernel_task_copy(own_task, memory, held, RIGHTS_ALL, &handle), manages ? 0 : -ERROR_NO_RIGHT);
        EXPECT_EQUAL(kernel_task_mint(own_task, memory, held, RIGHTS_ALL, 1, &handle), manages ? 0 : -ERROR_NO_RIGHT);
        EXPECT_EQUAL(kernel_task_move(held, 0, task, &handle), manages ? -ERROR_BAD_HANDLE : -ERROR_NO_RIGHT);
        EXPECT_EQUAL(kernel_task_move(task, 0, held, &handle), manages ? -ERROR_BAD_HANDLE : -ERROR_NO_RIGHT);
        EXPECT_EQUAL(kernel_task_delete(held, 0), manages ? -ERROR_BAD_HANDLE : -ERROR_NO_RIGHT);
        EXPECT_EQUAL(kernel_task_inspect(held, 0, &type, &rights), has & RIGHT_READ ? 0 : -ERROR_NO_RIGHT);
        guest_delete(held.handle);
    }
    guest_delete(memory);
    guest_delete(task.handle);
}

/* ---- a full table ------------------------------------------------------------------------------------------------ */

#define FACTORY 0 /* places of values: what the worker is given, and what came of its tries */
#define TASK 1
#define RESULTS 2
#define QUOTA MEBIBYTE

/* Tries to create one of each kind, with a full table. */
static void create_each(struct area *area)
{
    kernel_factory_t factory = {(uint32_t)area->values[FACTORY]};
    kernel_task_t task = {(uint32_t)area->values[TASK]};
    uint32_t number;
    volatile uint64_t *result = &area->values[RESULTS];
    *result++ = (uint64_t)kernel_factory_create_factory(factory, PAGE_SIZE, &(kernel_factory_t){0});
    *result++ = (uint64_t)kernel_factory_create_task(factory, &(kernel_task_t){0});
    *result++ = (uint64_t)kernel_factory_create_thread(factory, task, &(kernel_thread_t){0}, &number);
    *result++ = (uint64_t)kernel_factory_create_endpoint(factory, &(kernel_endpoint_t){0});
    *result++ = (uint64_t)kernel_factory_create_memory(factory, 1, &(kernel_memory_t){0});
    area->done = 1;
}

/* What was created for a program that has no handle left is gone again. */
static void expect_nothing_created(const struct worker *worker, kernel_factory_t factory)
{
    struct totals before = totals_now();
    uint64_t limit, used_before = 0, used = 0;
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used_before), 0);
    worker_start(worker, create_each);
    worker_wait(worker, 1);
    for (int i = 0; i < 5; i++)
        EXPECT_ERROR(worker->area->values[RESULTS + i], NO_SLOT);
    struct totals after = totals_now();
    EXPECT(totals_equal(&before, &after));
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    EXPECT_EQUAL(used, used_before);
}

/* Copies `source` into the task until it is refused; answers how often, and the highest handle. */
static uint32_t fill_table(kernel_task_t task, uint32_t source, uint32_t *highest)
{
    uint32_t made = 0, handle = 0;
    int result;
    *highest = 0;
    while ((result = kernel_task_copy(own_task, source, task, RIGHTS_ALL, &handle)) == 0 && made <= MOST) {
        made++;
        *highest = handle > *highest ? handle : *highest;
    }
    EXPECT_ERROR(result, NO_SLOT);
    return made;
}

/* All 65,535 handles of a task are in use. Nothing more goes in, and what was to be moved stays. */
static void full_table(void)
{
    struct worker worker;
    kernel_factory_t factory = {0};
    uint32_t memory = guest_memory(1), handle = 0, highest;
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, QUOTA, &factory), 0);
    worker.area->values[FACTORY] = worker_give(&worker, factory.handle, RIGHTS_ALL);
    worker.area->values[TASK] = worker_give(&worker, worker.task.handle, RIGHTS_ALL);
    uint32_t held = 3; /* and where it parks */
    EXPECT_EQUAL(fill_table(worker.task, memory, &highest), MOST - held);
    EXPECT_EQUAL(highest, MOST);
    EXPECT_ERROR(kernel_task_mint(own_task, memory, worker.task, RIGHTS_ALL, 1, &handle), NO_SLOT);
    EXPECT_ERROR(kernel_task_move(own_task, memory, worker.task, &handle), NO_SLOT);
    EXPECT_EQUAL(guest_type(memory), TYPE_MEMORY);
    expect_nothing_created(&worker, factory);
    EXPECT_EQUAL(kernel_task_delete(worker.task, MOST), 0);
    EXPECT_EQUAL(kernel_task_move(own_task, memory, worker.task, &handle), 0);
    EXPECT_EQUAL(handle, MOST);
    EXPECT_ERROR(kernel_task_move(worker.task, MOST, worker.task, &handle), NO_SLOT);
    EXPECT_EQUAL(kernel_task_delete(worker.task, (uint32_t)worker.area->values[TASK]), 0); /* else it keeps itself */
    guest_delete(factory.handle);
    worker_destroy(&worker);
}

/* ---- itself ------------------------------------------------------------------------------------------------------ */

/* A task moves the capability to itself within its table, by that very capability, and then deletes it by itself. */
static void do_it_to_itself(struct area *area)
{
    kernel_task_t old = {(uint32_t)area->values[0]}, new = {0};
    uint32_t type;
    kernel_rights_t rights;
    area->values[1] = (uint64_t)kernel_task_move(old, old.handle, old, &new.handle);
    area->values[2] = (uint64_t)kernel_task_inspect(old, new.handle, &type, &rights);
    area->values[3] = (uint64_t)kernel_task_inspect(new, new.handle, &type, &rights);
    area->values[4] = (uint64_t)kernel_task_delete(new, new.handle);
    area->values[5] = (uint64_t)kernel_task_inspect(new, new.handle, &type, &rights);
    area->done = 1;
}

static void by_itself(void)
{
    struct worker worker;
    worker_create(&worker, true);
    worker.area->values[0] = worker_give(&worker, worker.task.handle, RIGHT_READ | RIGHT_EXECUTE);
    worker_start(&worker, do_it_to_itself);
    worker_wait(&worker, 1);
    EXPECT_EQUAL(worker.area->values[1], 0);
    EXPECT_ERROR(worker.area->values[2], BAD_HANDLE);
    EXPECT_EQUAL(worker.area->values[3], 0);
    EXPECT_EQUAL(worker.area->values[4], 0);
    EXPECT_ERROR(worker.area->values[5], BAD_HANDLE);
    worker_destroy(&worker);
}

/* What a program is given of its own cannot be copied, so it cannot be given away but by moving it. */
static void own_cannot_be_copied(void)
{
    const uint32_t own[] = {own_task.handle, own_thread.handle, own_factory.handle};
    uint32_t copy;
    for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        EXPECT_ERROR(kernel_task_copy(own_task, own[i], own_task, RIGHTS_ALL, &copy), NO_RIGHT);
        EXPECT_ERROR(kernel_task_mint(own_task, own[i], own_task, RIGHTS_ALL, 1, &copy), NO_RIGHT);
    }
}

/* Two tasks that hold each other: each dies with its last capability, wherever that is. */
static void each_other(void)
{
    kernel_task_t first = guest_new_task(), second = guest_new_task();
    uint32_t in_first, in_second;
    EXPECT_EQUAL(kernel_task_copy(own_task, second.handle, first, RIGHTS_ALL, &in_first), 0);
    EXPECT_EQUAL(kernel_task_copy(own_task, first.handle, second, RIGHTS_ALL, &in_second), 0);
    guest_delete(second.handle);
    EXPECT_EQUAL(kernel_task_delete(first, in_first), 0);
    guest_delete(first.handle);
}

/* A server learns which of its capabilities came back, and nothing about those of others. */
static void recognized(void)
{
    uint32_t endpoint = guest_endpoint(), other = guest_endpoint(), badged = 0;
    uint32_t no_receive = guest_copy(endpoint, RIGHT_WRITE);
    uint64_t badge = 1;
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, 0, 0xfedcba9876543210, &badged), 0);
    EXPECT_EQUAL(kernel_task_identify(own_task, badged, (kernel_endpoint_t){endpoint}, &badge), 0);
    EXPECT_EQUAL(badge, 0xfedcba9876543210);
    EXPECT_EQUAL(kernel_task_identify(own_task, no_receive, (kernel_endpoint_t){endpoint}, &badge), 0);
    EXPECT_EQUAL(badge, 0);
    EXPECT_ERROR(kernel_task_identify(own_task, badged, (kernel_endpoint_t){other}, &badge), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_task_identify(own_task, own_task.handle, (kernel_endpoint_t){endpoint}, &badge), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_task_identify(own_task, badged, (kernel_endpoint_t){no_receive}, &badge), NO_RIGHT);
    EXPECT_ERROR(kernel_task_identify(own_task, badged, (kernel_endpoint_t){own_task.handle}, &badge), WRONG_TYPE);
    EXPECT_ERROR(kernel_task_identify(own_task, 0, (kernel_endpoint_t){endpoint}, &badge), BAD_HANDLE);
    guest_delete(badged);
    EXPECT_ERROR(kernel_task_identify(own_task, badged, (kernel_endpoint_t){endpoint}, &badge), BAD_HANDLE);
    guest_delete(no_receive);
    guest_delete(endpoint);
    guest_delete(other);
}

static const struct guest_test tests[] = {
    {"sources that name nothing", no_source},
    {"targets that name nothing", no_target},
    {"tasks that name nothing", no_task},
    {"handles whose capability went", stale_handles},
    {"objects of another type", other_types},
    {"types and rights are shown", types_are_shown},
    {"a copy has the rights that both sides allow", rights_of_every_copy},
    {"rights that do not exist", rights_that_are_none},
    {"moving keeps rights and badge, and needs no right", move_keeps_all},
    {"a badge of zero is none", badge_of_zero},
    {"rights to the task, and to the target", rights_of_the_task},
    {"a full table takes no more, and nothing is created", full_table},
    {"a task moves and deletes the capability to itself", by_itself},
    {"a program's own capabilities cannot be copied", own_cannot_be_copied},
    {"tasks that hold each other", each_other},
    {"a server recognizes its own capabilities", recognized},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
