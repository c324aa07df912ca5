/* SPDX-License-Identifier: BSD-2-Clause */
/* See targets.h. */
#include "targets.h"

#include <salto/startup.h>

#include "../common/waiting.h"
#include "idl/console.h"
#include "idl/fault.h"
#include "idl/interrupt.h"
#include "idl/physical.h"
#include "idl/ports.h"
#include "idl/power.h"
#include "idl/serial_service.h"
#include "idl/specimen.h"
#include "idl/supervisor.h"

#define SPACE_PAGES 60
#define FACTORY_BYTES (256UL << 10)
#define CHILD_PAGES 400
#define CHILD_BYTES (512UL << 10)
#define NAME_SIZE 32

memory_space_t bank;
process_starter_t starter;

process_child_t make_child(void)
{
    static const uint8_t name[NAME_SIZE] = "child";
    process_child_t child = {0};
    EXPECT_EQUAL(process_starter_create(starter, name, CHILD_PAGES, CHILD_BYTES, &child), 0);
    return child;
}

/* The place of the target of an interface; EXPECTs that there is one. */
static uint32_t *place_of(struct targets *targets, uint32_t interface)
{
    unsigned i = 0;
    while (i < BROKEN_TARGETS - 1 && broken_targets[i] != interface)
        i++;
    EXPECT_EQUAL(broken_targets[i], interface);
    return &targets->handles[i];
}

static void granted(struct targets *targets, uint32_t interface, const char *name)
{
    *place_of(targets, interface) = salto_require(name);
}

static void made(struct targets *targets, uint32_t interface, uint32_t handle)
{
    *place_of(targets, interface) = handle;
    targets->made[targets->made_count++] = handle;
}

static void make_kernel_objects(struct targets *targets)
{
    kernel_factory_t factory = {0};
    kernel_thread_t thread = {0};
    kernel_task_t task = guest_new_task();
    uint32_t number;
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, FACTORY_BYTES, &factory), 0);
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
    made(targets, KERNEL_FACTORY_ID, factory.handle);
    made(targets, KERNEL_TASK_ID, task.handle);
    made(targets, KERNEL_THREAD_ID, thread.handle);
    made(targets, KERNEL_ENDPOINT_ID, guest_endpoint());
    made(targets, KERNEL_MEMORY_ID, guest_memory(2));
    made(targets, KERNEL_NOTIFICATION_ID, guest_notification().handle);
    made(targets, KERNEL_REPLY_ID, guest_reply().handle);
}

static void take_granted(struct targets *targets)
{
    granted(targets, KERNEL_CONSOLE_ID, "console");
    granted(targets, KERNEL_CLOCK_ID, "clock");
    granted(targets, KERNEL_POWER_ID, "power");
    granted(targets, KERNEL_DEBUG_ID, "debug");
    granted(targets, KERNEL_PORTS_ID, "ports");
    granted(targets, KERNEL_PHYSICAL_ID, "physical");
    granted(targets, KERNEL_INTERRUPT_ID, "line");
    granted(targets, KERNEL_INTERRUPT_CONTROL_ID, "interrupts");
    granted(targets, KERNEL_FAULT_HANDLER_ID, "specimen");
    granted(targets, SPECIMEN_ID, "specimen");
    granted(targets, MEMORY_INSPECTOR_ID, "inspector");
    granted(targets, SERIAL_LINE_ID, "serial");
    granted(targets, PROCESS_STARTER_ID, "process");
    granted(targets, KERNEL_SUPERVISOR_ID, "process"); /* which serves it on the same endpoint */
}

/* The pager is that of the spare task. */
static void make_clients(struct targets *targets)
{
    const kernel_task_t task = {*place_of(targets, KERNEL_TASK_ID)};
    kernel_pager_t pager = {0};
    memory_object_t object = {0};
    EXPECT_EQUAL(memory_space_divide(bank, SPACE_PAGES, &targets->space), 0);
    EXPECT_EQUAL(memory_space_adopt(targets->space, task, &pager), 0);
    EXPECT_EQUAL(memory_space_create(targets->space, 3, &object), 0);
    targets->child = make_child();
    made(targets, MEMORY_SPACE_ID, targets->space.handle);
    made(targets, MEMORY_OBJECT_ID, object.handle);
    made(targets, KERNEL_PAGER_ID, pager.handle);
    made(targets, PROCESS_CHILD_ID, targets->child.handle);
}

void targets_create(struct targets *targets)
{
    *targets = (struct targets){0};
    make_kernel_objects(targets);
    take_granted(targets);
    make_clients(targets);
    for (unsigned i = 0; i < BROKEN_TARGETS; i++)
        EXPECT(targets->handles[i] != 0);
}

/* Clients may have closed the space themselves, and released the child. */
void targets_destroy(struct targets *targets)
{
    int closed = memory_space_close(targets->space), released = process_child_release(targets->child);
    EXPECT(closed == 0 || closed == MEMORY_ERROR_GONE);
    EXPECT(released == 0 || released == PROCESS_ERROR_GONE);
    for (unsigned i = 0; i < targets->made_count; i++)
        guest_delete(targets->made[i]);
}

void targets_give(const struct targets *targets, const struct worker *worker, unsigned first)
{
    for (unsigned i = 0; i < BROKEN_TARGETS; i++) {
        uint64_t handle = worker_give(worker, targets->handles[i], RIGHTS_ALL);
        uint64_t powerless = worker_give(worker, targets->handles[i], 0);
        worker->area->values[first + i] = handle | powerless << 32;
    }
}
