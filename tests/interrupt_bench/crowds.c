/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the kernel that take the longer the more there is of something: see sweep.h. */
#include <salto/startup.h>
#include <string.h>

#include "idl/console.h"
#include "sweep.h"

#define COARSE 128
#define FINE 32
#define MANY_COPIES 200
#define MANY_FACTORIES 64
#define MANY_THREADS 64
#define MANY_LINES 256
#define SENDERS 16
#define FACTORY_BYTES (4UL << 20)
#define FACTORY_KEEPS 8192UL /* of each factory's limit, when it makes the next */
#define LONG_TEXT 480
#define HANDLER_ADDRESS 0x400000UL
#define NOWHERE 0x500000000000UL /* where nothing is mapped */

static kernel_console_t console, debug_port;
static kernel_memory_t page;
static kernel_task_t task, crowd;
static kernel_endpoint_t queue;
static kernel_thread_t thread;
static kernel_factory_t factory;
static struct worker workers[SENDERS];
static uint8_t text[LONG_TEXT], log_text[LONG_TEXT]; /* lines of the log begin where the text ends */
static uint32_t endpoint, source, copy, number;

static void create_task(void)
{
    EXPECT_EQUAL(kernel_factory_create_task(own_factory, &task), 0);
}

static void delete_task(void)
{
    guest_delete(task.handle);
}

/* ---- Consoles ---------------------------------------------------------------------------------------------------- */

static void write_to_console(void)
{
    EXPECT_EQUAL(kernel_console_write_long(console, LONG_TEXT, text), 0);
}

static void write_to_debug_port(void)
{
    EXPECT_EQUAL(kernel_console_write_long(debug_port, LONG_TEXT, log_text), 0);
}

/* ---- What needs new pages ---------------------------------------------------------------------------------------- */

static void copy_to_task(void)
{
    EXPECT_EQUAL(kernel_task_copy(own_task, page.handle, task, RIGHT_READ, &copy), 0);
}

static void copy_endpoint_to_task(void)
{
    EXPECT_EQUAL(kernel_task_copy(own_task, endpoint, task, RIGHTS_ALL, &copy), 0);
}

static void create_thread_in_task(void)
{
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
}

static void delete_thread_and_task(void)
{
    guest_delete(thread.handle);
    delete_task();
}

/* A task whose table is empty waits for a message. */
static void create_receiver(void)
{
    worker_create(&workers[0], true);
    worker_add(&workers[0], TAG_RECEIVE, worker_give(&workers[0], endpoint, RIGHT_READ));
    worker_go(&workers[0]);
}

static void send_items(void)
{
    struct ipc_message message = {0};
    for (int i = 0; i < MESSAGE_MAX_ITEMS; i++)
        ipc_utcb()->items[i] = item_of(endpoint, RIGHT_WRITE, ITEM_COPY);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, MESSAGE_MAX_ITEMS), endpoint, &message), TAG_DONE);
}

static void destroy_receiver(void)
{
    worker_destroy(&workers[0]);
}

/* ---- Many -------------------------------------------------------------------------------------------------------- */

static void derive_many(void)
{
    create_task();
    EXPECT_EQUAL(kernel_task_copy(own_task, page.handle, own_task, RIGHTS_ALL, &source), 0);
    for (int i = 0; i < MANY_COPIES; i++)
        EXPECT_EQUAL(kernel_task_copy(own_task, source, task, RIGHT_READ, &copy), 0);
}

static void revoke_many(void)
{
    EXPECT_EQUAL(kernel_task_revoke(own_task, source), 0);
}

static void delete_source(void)
{
    guest_delete(source);
    delete_task();
}

/* Each factory is out of the one before, and only the last one has a capability. */
static void nest_factories(void)
{
    kernel_factory_t inner;
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, FACTORY_BYTES, &factory), 0);
    for (uint64_t i = 1; i < MANY_FACTORIES; i++, factory = inner) {
        EXPECT_EQUAL(kernel_factory_create_factory(factory, FACTORY_BYTES - i * FACTORY_KEEPS, &inner), 0);
        guest_delete(factory.handle);
    }
}

static void delete_factory(void)
{
    guest_delete(factory.handle);
}

static void fill_factory(void)
{
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, FACTORY_BYTES, &factory), 0);
    EXPECT_EQUAL(kernel_factory_create_task(factory, &task), 0);
    for (int i = 0; i < MANY_THREADS; i++) {
        EXPECT_EQUAL(kernel_factory_create_thread(factory, task, &thread, &number), 0);
        EXPECT_EQUAL(kernel_task_move(own_task, thread.handle, task, &copy), 0);
    }
}

static void reclaim_factory(void)
{
    EXPECT_EQUAL(kernel_factory_reclaim(factory), 0);
}

static void delete_factory_and_task(void)
{
    delete_task();
    delete_factory();
}

/* Of a task with many threads, to another address each time. */
static void set_linux_handler(void)
{
    static uint64_t address = HANDLER_ADDRESS;
    address ^= PAGE_SIZE;
    EXPECT_EQUAL(kernel_task_set_linux_handler(crowd, address), 0);
}

/* ---- Waiting, and faults ----------------------------------------------------------------------------------------- */

/* Threads queue to send to an endpoint on which nobody receives. */
static void queue_senders(void)
{
    queue.handle = guest_endpoint();
    for (int i = 0; i < SENDERS; i++) {
        worker_create(&workers[i], false);
        worker_add(&workers[i], tag_of(0, MESSAGE_CALL, 0, 0), queue.handle);
        worker_go(&workers[i]);
    }
}

static void delete_queue(void)
{
    guest_delete(queue.handle);
}

static void destroy_senders(void)
{
    for (int i = 0; i < SENDERS; i++)
        worker_destroy(&workers[i]);
}

/* A thread that faults at once, of which nobody is told but who reads the console. */
static void prepare_fault(void)
{
    create_task();
    create_thread_in_task();
}

static void fault(void)
{
    EXPECT_EQUAL(kernel_thread_start(thread, NOWHERE, NOWHERE, 0, 0), 0);
}

const struct operation crowd_operations[] = {
    {"console.write_long of 480 characters", 0, write_to_console, 0, COARSE},
    {"console.write_long to the debug port", 0, write_to_debug_port, 0, FINE},
    {"task.copy to a new task", create_task, copy_to_task, delete_task, FINE},
    {"task.copy of an endpoint to a new task", create_task, copy_endpoint_to_task, delete_task, FINE},
    {"factory.create_thread in a new task", create_task, create_thread_in_task, delete_thread_and_task, FINE},
    {"message with 7 capabilities to a new task", create_receiver, send_items, destroy_receiver, COARSE},
    {"task.revoke of 200 copies", derive_many, revoke_many, delete_source, COARSE},
    {"delete of the last of 64 nested factories", nest_factories, delete_factory, 0, COARSE},
    {"factory.reclaim with 64 threads", fill_factory, reclaim_factory, delete_factory_and_task, COARSE},
    {"task.set_linux_handler with 256 threads", 0, set_linux_handler, 0, FINE},
    {"delete of an endpoint with 16 senders", queue_senders, delete_queue, destroy_senders, COARSE},
    {"fault that nobody handles", prepare_fault, fault, delete_thread_and_task, COARSE},
};

const unsigned crowd_operations_count = sizeof(crowd_operations) / sizeof(crowd_operations[0]);

void crowd_operations_prepare(void)
{
    console = (kernel_console_t){salto_require("console")};
    debug_port = (kernel_console_t){salto_require("log")};
    page = (kernel_memory_t){guest_memory(1)};
    endpoint = guest_endpoint();
    memset(text, '.', sizeof(text));
    memset(log_text, '\n', sizeof(log_text));
    crowd = guest_new_task();
    for (int i = 0; i < MANY_LINES; i++) {
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, crowd, &thread, &number), 0);
        EXPECT_EQUAL(kernel_task_move(own_task, thread.handle, crowd, &copy), 0);
    }
}
