/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the kernel, at sizes that programs use and some that they hardly do; see sweep.h. */
#include <salto/startup.h>

#include "idl/clock.h"
#include "idl/notification.h"
#include "idl/physical.h"
#include "idl/ports.h"
#include "sweep.h"

#define COARSE 64 /* for what takes long: the longest stretch begins at the system call, which the sweep hits exactly */
#define FINE 16
#define ADDRESS 0x300000000000UL
#define SOME_PAGES 64
#define MANY_PAGES 1024
#define MANY_COPIES 200
#define MANY_THREADS 64
#define MANY_ENDPOINTS 200
#define NOBODYS 0x4000001000UL /* physical addresses of nothing, nor a multiple of 2 MiB */

static kernel_clock_t clock_object;
static kernel_ports_t all_ports;
static kernel_physical_t physical;
static kernel_memory_t page, some_pages, many_pages, memory;
static kernel_task_t task, other;
static kernel_thread_t thread;
static kernel_endpoint_t endpoint;
static kernel_notification_t notification;
static uint32_t copy, number;

/* ---- One operation each: `clean_up` undoes it, `prepare` makes what it undoes ------------------------------------ */

static void none(void)
{
}

static void clock_now(void)
{
    uint64_t nanoseconds;
    EXPECT_EQUAL(kernel_clock_now(clock_object, &nanoseconds), 0);
}

static void create_task(void)
{
    EXPECT_EQUAL(kernel_factory_create_task(own_factory, &task), 0);
}

static void delete_task(void)
{
    guest_delete(task.handle);
}

static void create_thread(void)
{
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, other, &thread, &number), 0);
}

static void delete_thread(void)
{
    guest_delete(thread.handle);
}

static void create_endpoint(void)
{
    EXPECT_EQUAL(kernel_factory_create_endpoint(own_factory, &endpoint), 0);
}

static void delete_endpoint(void)
{
    guest_delete(endpoint.handle);
}

static void create_notification(void)
{
    EXPECT_EQUAL(kernel_factory_create_notification(own_factory, &notification), 0);
}

static void delete_notification(void)
{
    guest_delete(notification.handle);
}

static void create_page(void)
{
    EXPECT_EQUAL(kernel_factory_create_memory(own_factory, 1, &memory), 0);
}

static void create_some_pages(void)
{
    EXPECT_EQUAL(kernel_factory_create_memory(own_factory, SOME_PAGES, &memory), 0);
}

static void create_many_pages(void)
{
    EXPECT_EQUAL(kernel_factory_create_memory(own_factory, MANY_PAGES, &memory), 0);
}

/* Not at a multiple of 2 MiB, where it would take no tables. */
static void create_contiguous(void)
{
    uint64_t address;
    EXPECT_EQUAL(
        kernel_physical_contiguous(physical, own_factory, MANY_PAGES, PAGE_SIZE, UINT64_MAX, &memory, &address), 0);
}

static void create_device(void)
{
    EXPECT_EQUAL(kernel_physical_device(physical, own_factory, NOBODYS, MANY_PAGES, KERNEL_CACHE_UNCACHED, &memory), 0);
}

static void delete_memory(void)
{
    guest_delete(memory.handle);
}

static void map_page(void)
{
    EXPECT_EQUAL(kernel_memory_map(page, own_task, ADDRESS, 0, 1, KERNEL_RIGHTS_READ), 0);
}

static void unmap_page(void)
{
    EXPECT_EQUAL(kernel_memory_unmap(page, own_task, ADDRESS, 1), 0);
}

static void map_some_pages(void)
{
    EXPECT_EQUAL(kernel_memory_map(some_pages, own_task, ADDRESS, 0, SOME_PAGES, KERNEL_RIGHTS_READ), 0);
}

static void unmap_some_pages(void)
{
    EXPECT_EQUAL(kernel_memory_unmap(some_pages, own_task, ADDRESS, SOME_PAGES), 0);
}

/* Where no large page can be. */
static void map_many_pages(void)
{
    EXPECT_EQUAL(kernel_memory_map(many_pages, own_task, ADDRESS + PAGE_SIZE, 0, MANY_PAGES, KERNEL_RIGHTS_READ), 0);
}

static void unmap_many_pages(void)
{
    EXPECT_EQUAL(kernel_memory_unmap(many_pages, own_task, ADDRESS + PAGE_SIZE, MANY_PAGES), 0);
}

static void map_large_pages(void)
{
    EXPECT_EQUAL(kernel_memory_map(many_pages, own_task, ADDRESS, 0, MANY_PAGES, KERNEL_RIGHTS_READ), 0);
}

static void unmap_large_pages(void)
{
    EXPECT_EQUAL(kernel_memory_unmap(many_pages, own_task, ADDRESS, MANY_PAGES), 0);
}

static void copy_capability(void)
{
    EXPECT_EQUAL(kernel_task_copy(own_task, page.handle, own_task, RIGHTS_ALL, &copy), 0);
}

static void delete_capability(void)
{
    guest_delete(copy);
}

static void grant_ports(void)
{
    EXPECT_EQUAL(kernel_ports_grant(all_ports, task), 0);
}

static void withdraw_ports(void)
{
    EXPECT_EQUAL(kernel_ports_withdraw(all_ports, task), 0);
}

static void create_task_with_ports(void)
{
    create_task();
    grant_ports();
}

/* ---- Tasks with much to lose ------------------------------------------------------------------------------------- */

static void create_task_with_capabilities(void)
{
    create_task();
    for (int i = 0; i < MANY_COPIES; i++)
        EXPECT_EQUAL(kernel_task_copy(own_task, page.handle, task, RIGHT_READ, &copy), 0);
}

static void create_task_with_endpoints(void)
{
    create_task();
    for (int i = 0; i < MANY_ENDPOINTS; i++) {
        create_endpoint();
        EXPECT_EQUAL(kernel_task_move(own_task, endpoint.handle, task, &copy), 0);
    }
}

static void create_task_with_memory(void)
{
    create_task();
    EXPECT_EQUAL(kernel_memory_map(some_pages, task, ADDRESS, 0, SOME_PAGES, KERNEL_RIGHTS_READ), 0);
}

static void create_task_with_threads(void)
{
    create_task();
    for (int i = 0; i < MANY_THREADS; i++) {
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
        EXPECT_EQUAL(kernel_task_move(own_task, thread.handle, task, &copy), 0);
    }
}

static void exit_task(void)
{
    EXPECT_EQUAL(kernel_task_exit(task, 0), 0);
}

const struct operation operations[] = {
    {"nothing", 0, none, 0, FINE},
    {"clock.now", 0, clock_now, 0, FINE},
    {"factory.create_task", 0, create_task, delete_task, FINE},
    {"delete of an empty task", create_task, delete_task, 0, FINE},
    {"factory.create_thread", 0, create_thread, delete_thread, FINE},
    {"delete of a thread", create_thread, delete_thread, 0, FINE},
    {"factory.create_endpoint", 0, create_endpoint, delete_endpoint, FINE},
    {"delete of an endpoint", create_endpoint, delete_endpoint, 0, FINE},
    {"factory.create_notification", 0, create_notification, delete_notification, FINE},
    {"factory.create_memory of a page", 0, create_page, delete_memory, FINE},
    {"factory.create_memory of 64 pages", 0, create_some_pages, delete_memory, COARSE},
    {"factory.create_memory of 1024 pages", 0, create_many_pages, delete_memory, 2 * COARSE},
    {"delete of memory of 1024 pages", create_many_pages, delete_memory, 0, 2 * COARSE},
    {"physical.contiguous of 1024 pages", 0, create_contiguous, delete_memory, 2 * COARSE},
    {"delete of contiguous memory", create_contiguous, delete_memory, 0, COARSE},
    {"physical.device of 1024 pages", 0, create_device, delete_memory, COARSE},
    {"delete of a device's memory", create_device, delete_memory, 0, COARSE},
    {"memory.map of a page", 0, map_page, unmap_page, FINE},
    {"memory.map of 64 pages", 0, map_some_pages, unmap_some_pages, COARSE},
    {"memory.map of 1024 pages", 0, map_many_pages, unmap_many_pages, 2 * COARSE},
    {"memory.map of 2 large pages", 0, map_large_pages, unmap_large_pages, COARSE},
    {"memory.unmap of a page", map_page, unmap_page, 0, FINE},
    {"memory.unmap of 64 pages", map_some_pages, unmap_some_pages, 0, COARSE},
    {"memory.unmap of 1024 pages", map_many_pages, unmap_many_pages, 0, 2 * COARSE},
    {"memory.unmap of 2 large pages", map_large_pages, unmap_large_pages, 0, COARSE},
    {"task.copy", 0, copy_capability, delete_capability, FINE},
    {"task.delete of a copy", copy_capability, delete_capability, 0, FINE},
    {"ports.grant of all", create_task, grant_ports, delete_task, FINE},
    {"ports.withdraw of all", create_task_with_ports, withdraw_ports, delete_task, FINE},
    {"delete of a task with 200 capabilities", create_task_with_capabilities, delete_task, 0, COARSE},
    {"delete of a task with 200 endpoints", create_task_with_endpoints, delete_task, 0, COARSE},
    {"delete of a task with 64 pages mapped", create_task_with_memory, delete_task, 0, COARSE},
    {"task.exit with 64 threads", create_task_with_threads, exit_task, delete_task, COARSE},
    {"delete of a task with 64 threads", create_task_with_threads, delete_task, 0, COARSE},
    {"delete of a notification", create_notification, delete_notification, 0, FINE},
};

const unsigned operations_count = sizeof(operations) / sizeof(operations[0]);

void operations_prepare(void)
{
    clock_object = (kernel_clock_t){salto_require("clock")};
    all_ports = (kernel_ports_t){salto_require("all")};
    physical = (kernel_physical_t){salto_require("physical")};
    page = (kernel_memory_t){guest_memory(1)};
    some_pages = (kernel_memory_t){guest_memory(SOME_PAGES)};
    many_pages = (kernel_memory_t){guest_memory(MANY_PAGES)};
    other = guest_new_task();
}
