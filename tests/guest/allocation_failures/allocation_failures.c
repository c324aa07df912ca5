/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation in the kernel fails once, in turn: a scenario that creates, maps, copies and sends is run with its
 * first allocation failing, then with its second, and so on until it passes. Each time just one operation reports it,
 * as NO_MEMORY or as an item that did not arrive, and when all that was made is gone again all totals are as before.
 */
#include <salto/startup.h>

#include "../common/worker.h"
#include "abi/addresses.h"
#include "idl/interrupt.h"
#include "idl/notification.h"
#include "idl/physical.h"
#include "idl/ports.h"
#include "idl/reply.h"
#include "pages.h"

#define COPIES 80 /* more than a page of a table, and than the first page of a new task's */
#define PAGES 600 /* more than one page of addresses */
#define MOST 40   /* objects in a scenario */
#define MAPPED_AT 0x40000000UL
#define QUOTA (8 * MEBIBYTE)
#define NOBODYS 0x4000000000UL /* physical addresses of nothing: a large page, and more */
#define LINE 8                 /* of the real-time clock, which is silent */
#define ATTEMPTS 5000
#define LEAST_ALLOCATIONS 10

static kernel_ports_t ports;
static kernel_physical_t physical;
static kernel_interrupt_control_t interrupts;
static uint32_t made[MOST], made_count;
static int result; /* of the first operation that failed */

/* Notes a result: did the operation succeed? */
static bool good(int outcome)
{
    if (outcome != 0 && result == 0)
        result = outcome;
    return outcome == 0;
}

/* The same for an operation that made an object, which is to go at the end. */
static bool keep(int outcome, const uint32_t *handle)
{
    if (outcome == 0 && EXPECT(made_count < MOST))
        made[made_count++] = *handle;
    return good(outcome);
}

static void clean_up(void)
{
    while (made_count > 0)
        guest_delete(made[--made_count]);
}

typedef void scenario_function(kernel_factory_t factory);

static void objects(kernel_factory_t parent)
{
    kernel_factory_t factory;
    kernel_task_t task;
    kernel_thread_t thread;
    kernel_endpoint_t endpoint;
    kernel_memory_t memory;
    uint32_t number;
    if (!keep(kernel_factory_create_factory(parent, QUOTA / 2, &factory), &factory.handle) ||
        !keep(kernel_factory_create_task(factory, &task), &task.handle) ||
        !keep(kernel_factory_create_thread(factory, task, &thread, &number), &thread.handle) ||
        !keep(kernel_factory_create_thread(parent, task, &thread, &number), &thread.handle) ||
        !keep(kernel_factory_create_endpoint(factory, &endpoint), &endpoint.handle) ||
        !keep(kernel_factory_create_memory(factory, PAGES, &memory), &memory.handle))
        return;
    good(kernel_task_set_supervisor(task, endpoint));
}

/* What the first scenario leaves out: objects that IPC and interrupts use, and what names them. */
static void helpers(kernel_factory_t factory)
{
    kernel_task_t task;
    kernel_thread_t thread;
    kernel_endpoint_t endpoint;
    kernel_reply_t reply;
    kernel_notification_t notification;
    kernel_interrupt_t interrupt;
    uint32_t number;
    if (!keep(kernel_factory_create_task(factory, &task), &task.handle) ||
        !keep(kernel_factory_create_thread(factory, task, &thread, &number), &thread.handle) ||
        !keep(kernel_factory_create_endpoint(factory, &endpoint), &endpoint.handle) ||
        !keep(kernel_factory_create_reply(factory, &reply), &reply.handle) ||
        !keep(kernel_factory_create_notification(factory, &notification), &notification.handle) ||
        !keep(kernel_interrupt_control_create(interrupts, factory, LINE, &interrupt), &interrupt.handle) ||
        !good(kernel_thread_set_fault_handler(thread, endpoint)) ||
        !good(kernel_notification_bind(notification, thread)) || !good(kernel_interrupt_bind(interrupt, notification)))
        return;
    good(kernel_thread_start(thread, MAPPED_AT, MAPPED_AT, 0, 0)); /* and faults: there is nothing */
}

/* Port ranges in both halves of a task's I/O bitmap; a factory that is reclaimed. */
static void port_ranges(kernel_factory_t factory)
{
    kernel_factory_t child;
    kernel_task_t task;
    kernel_ports_t low, high;
    if (!keep(kernel_factory_create_factory_with_slots(factory, QUOTA / 2, 4, 4, &child), &child.handle) ||
        !keep(kernel_factory_create_task(child, &task), &task.handle) ||
        !keep(kernel_ports_range(ports, child, 8, 16, &low), &low.handle) ||
        !keep(kernel_ports_range(ports, factory, 0x9000, 1, &high), &high.handle) ||
        !good(kernel_ports_grant(low, task)) || !good(kernel_ports_grant(high, task)) ||
        !good(kernel_ports_withdraw(low, task)))
        return;
    good(kernel_factory_reclaim(child));
}

/* Contiguous memory, and a device's; the first with tables of its own, the second with a large page too. */
static void physical_memory(kernel_factory_t factory)
{
    kernel_task_t task;
    kernel_memory_t contiguous, device;
    uint64_t address;
    if (!keep(kernel_factory_create_task(factory, &task), &task.handle) ||
        !keep(kernel_physical_contiguous(physical, factory, PAGES, PAGE_SIZE, UINT64_MAX, &contiguous, &address),
              &contiguous.handle) ||
        !keep(kernel_physical_device(physical, factory, NOBODYS, 2 * PAGES, KERNEL_CACHE_UNCACHED, &device),
              &device.handle) ||
        !good(kernel_memory_map(contiguous, task, MAPPED_AT, 0, PAGES, KERNEL_RIGHTS_READ)))
        return;
    good(kernel_memory_map(device, task, 2 * MAPPED_AT, 0, 2 * PAGES, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE));
}

static void mappings(kernel_factory_t factory)
{
    kernel_task_t task;
    kernel_memory_t memory;
    if (!keep(kernel_factory_create_task(factory, &task), &task.handle) ||
        !keep(kernel_factory_create_memory(factory, 8, &memory), &memory.handle) ||
        !good(kernel_memory_map(memory, task, MAPPED_AT - 4 * PAGE_SIZE, 0, 8, KERNEL_RIGHTS_READ)) ||
        !good(kernel_memory_map(memory, task, 2 * MAPPED_AT, 0, 3, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE)) ||
        !good(kernel_memory_unmap(memory, task, MAPPED_AT - PAGE_SIZE, 2)))
        return;
    good(kernel_memory_unmap(memory, task, 2 * MAPPED_AT, 3));
}

static void capabilities(kernel_factory_t factory)
{
    kernel_task_t task;
    kernel_endpoint_t endpoint;
    uint32_t handle = 0, moved = 0;
    if (!keep(kernel_factory_create_task(factory, &task), &task.handle) ||
        !keep(kernel_factory_create_endpoint(factory, &endpoint), &endpoint.handle))
        return;
    for (int i = 0; i < COPIES; i++)
        if (!good(kernel_task_copy(own_task, endpoint.handle, task, RIGHTS_ALL, &handle)))
            return;
    if (!good(kernel_task_mint(own_task, endpoint.handle, task, RIGHT_WRITE, 7, &handle)))
        return;
    if (keep(kernel_task_move(task, handle, own_task, &moved), &moved))
        good(kernel_task_revoke(own_task, endpoint.handle)); /* it goes too */
    if (result == 0)
        made_count--;
}

/* Runs a scenario with one allocation failing; answers whether it did fail. */
static bool attempt(scenario_function *scenario, uint64_t number)
{
    kernel_factory_t factory = {0};
    uint64_t left = 0;
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, QUOTA, &factory), 0);
    struct totals before = totals_now();
    result = 0;
    EXPECT_EQUAL(kernel_debug_fail_allocation(debug, number, &left), 0);
    scenario(factory);
    EXPECT_EQUAL(kernel_debug_fail_allocation(debug, 0, &left), 0);
    bool failed = number > 0 && left == 0;
    EXPECT_EQUAL(result, failed ? -ERROR_NO_MEMORY : 0);
    clean_up();
    struct totals after = totals_now();
    guest_delete(factory.handle);
    return failed && EXPECT(totals_equal(&before, &after));
}

static void each_fails(scenario_function *scenario)
{
    uint64_t number = 1;
    attempt(scenario, 0); /* what is kept for ever is there then */
    while (number < ATTEMPTS && attempt(scenario, number))
        number++;
    EXPECT(number > LEAST_ALLOCATIONS && number < ATTEMPTS);
}

static void all_objects(void)
{
    each_fails(objects);
}

static void all_helpers(void)
{
    each_fails(helpers);
}

static void all_port_ranges(void)
{
    each_fails(port_ranges);
}

static void all_physical_memory(void)
{
    each_fails(physical_memory);
}

static void all_mappings(void)
{
    each_fails(mappings);
}

static void all_capabilities(void)
{
    each_fails(capabilities);
}

/* An item whose place in the receiver's table cannot be had does not arrive; the message does. */
static bool item_attempt(uint64_t number)
{
    struct worker worker;
    struct ipc_message message;
    uint64_t left = 0;
    uint32_t endpoint = guest_endpoint(), memory = guest_memory(1), copied[COPIES], count = 0;
    worker_create(&worker, true);
    struct step *step = worker_add(&worker, TAG_RECEIVE, worker_give(&worker, endpoint, RIGHT_READ));
    while (count < COPIES && kernel_task_copy(own_task, memory, worker.task, RIGHT_READ, &copied[count]) == 0 &&
           copied[count] % 64 != 63)
        count++; /* the next one needs a page */
    worker_go(&worker);
    EXPECT_EQUAL(kernel_debug_fail_allocation(debug, number, &left), 0);
    ipc_utcb()->items[0] = item_of(endpoint, RIGHT_WRITE, ITEM_COPY);
    EXPECT(message_is_tag(ipc_transfer(tag_of(1, MESSAGE_SEND, 0, 1), endpoint, &message)));
    EXPECT_EQUAL(kernel_debug_fail_allocation(debug, 0, &left), 0);
    bool failed = number > 0 && left == 0;
    worker_wait(&worker, 1);
    EXPECT_EQUAL(message_label(step->result), 1);
    EXPECT_EQUAL(step->items[0] == 0, failed);
    worker_destroy(&worker);
    guest_delete(memory);
    guest_delete(endpoint);
    return failed;
}

static void items(void)
{
    uint64_t number = 1;
    while (number < ATTEMPTS && item_attempt(number))
        number++;
    EXPECT_EQUAL(number, 3); /* a page of the table, and one of hot slots */
}

static const struct guest_test tests[] = {
    {"each allocation of new objects", all_objects},
    {"each allocation of what IPC and interrupts need", all_helpers},
    {"each allocation of port ranges", all_port_ranges},
    {"each allocation of contiguous memory and devices' memory", all_physical_memory},
    {"each allocation of mappings", all_mappings},
    {"each allocation of capabilities", all_capabilities},
    {"each allocation of an item's", items},
    {"each allocation of pages that are given", pages_given},
    {"of such that are mapped on without a message", pages_mapped_on},
    {"of such that are taken back", pages_taken_back},
    {"of answers to page faults", pages_answered},
};

int main(void)
{
    ports = (kernel_ports_t){salto_require("ports")};
    physical = (kernel_physical_t){salto_require("physical")};
    interrupts = (kernel_interrupt_control_t){salto_require("interrupts")};
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
