/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds of irq.to_driver and of irq.latency.max; see sweep.h. Prints `sweep ID NAME` for each operation to the log. */
#include "sweep.h"

#include <salto/startup.h>
#include <salto/tap.h>

#include "../guest/interrupts/devices.h"
#include "idl/clock.h"
#include "idl/interrupt.h"
#include "idl/notification.h"
#include "idl/ports.h"

#define DRIVER_ROUNDS 1000
#define DRIVER_PRIORITY 100
#define LOW_PRIORITY 50
#define TIMER_COUNT 10   /* of the timer, 838 ns each: how long before it interrupts */
#define SPAN 8600        /* instructions: a little more than that */
#define PATIENCE 1000000 /* polls until the interrupt counts as lost */

static kernel_interrupt_control_t control;
static kernel_ports_t timer_ports;

static kernel_interrupt_t make_interrupt(kernel_notification_t *notification)
{
    kernel_interrupt_t interrupt = {0};
    EXPECT_EQUAL(kernel_interrupt_control_create(control, own_factory, TIMER_LINE, &interrupt), 0);
    EXPECT_EQUAL(kernel_factory_create_notification(own_factory, notification), 0);
    EXPECT_EQUAL(kernel_interrupt_bind(interrupt, *notification), 0);
    return interrupt;
}

/* ---- irq.to_driver ----------------------------------------------------------------------------------------------- */

/* A driver in a task of its own: starts the timer, and waits for it. */
static void drive(struct area *area)
{
    kernel_interrupt_t interrupt = {(uint32_t)area->values[0]};
    while (area->done < DRIVER_ROUNDS) {
        timer_start(TIMER_COMMAND_ONCE, TIMER_COUNT);
        wait_and_mark(area->values[1]);
        area->done++;
        if (kernel_interrupt_acknowledge(interrupt) != 0)
            __builtin_trap();
    }
}

/* This thread computes, and the driver takes the CPU from it. */
static void measure_driver(void)
{
    struct worker driver;
    kernel_notification_t notification;
    kernel_interrupt_t interrupt = make_interrupt(&notification);
    worker_create(&driver, true);
    EXPECT_EQUAL(kernel_ports_grant(timer_ports, driver.task), 0);
    EXPECT_EQUAL(kernel_notification_bind(notification, driver.thread), 0);
    driver.area->values[0] = worker_give(&driver, interrupt.handle, RIGHT_WRITE);
    driver.area->values[1] = worker_give(&driver, notification.handle, RIGHT_READ);
    EXPECT_EQUAL(kernel_thread_set_priority(driver.thread, DRIVER_PRIORITY), 0);
    worker_start(&driver, drive);
    while (driver.area->done < DRIVER_ROUNDS)
        __asm__ volatile("pause");
    worker_destroy(&driver);
    guest_delete(notification.handle);
    guest_delete(interrupt.handle);
}

/* ---- irq.latency.max --------------------------------------------------------------------------------------------- */

/* Starts the timer, and then the round: a marker's id is part of its instruction, so each has a routine of its own. */
static void start_round(unsigned id)
{
    void (*mark)(void) = (void (*)(void))(sweep_marks + id * SWEEP_MARK_SIZE);
    timer_start(TIMER_COMMAND_ONCE, TIMER_COUNT);
    mark();
}

/* Executes about `instructions` of them: two a round. */
static void spin(uint32_t instructions)
{
    uint32_t rounds = instructions / 2 + 1;
    __asm__ volatile("1: decl %0\n\tjnz 1b" : "+r"(rounds) : : "cc");
}

/* Has the interrupt been signalled? Takes it. */
static bool interrupted(kernel_notification_t notification)
{
    struct ipc_message message = {0};
    for (int i = 0; i < PATIENCE; i++)
        if (ipc_transfer(TAG_RECEIVE_NOW, notification.handle, &message) != ERROR_WOULD_BLOCK)
            return message.words[0] == 1;
    return false;
}

static void sweep(unsigned id, const struct operation *operation, kernel_interrupt_t interrupt,
                  kernel_notification_t notification)
{
    tap_note("sweep %u %s", MARKER_SWEEP + id, operation->name);
    for (uint32_t offset = 0; offset < SPAN; offset += operation->step) {
        if (operation->prepare)
            operation->prepare();
        start_round(id);
        spin(offset);
        operation->run();
        if (!EXPECT(interrupted(notification)))
            return;
        EXPECT_EQUAL(kernel_interrupt_acknowledge(interrupt), 0);
        if (operation->clean_up)
            operation->clean_up();
    }
}

static void measure_latency(void)
{
    kernel_notification_t notification;
    kernel_interrupt_t interrupt = make_interrupt(&notification);
    EXPECT_EQUAL(kernel_notification_bind(notification, own_thread), 0);
    EXPECT(operations_count + crowd_operations_count <= SWEEPS_MOST);
    for (unsigned i = 0; i < operations_count; i++)
        sweep(i, &operations[i], interrupt, notification);
    for (unsigned i = 0; i < crowd_operations_count; i++)
        sweep(operations_count + i, &crowd_operations[i], interrupt, notification);
    timer_stop();
    guest_delete(interrupt.handle);
    guest_delete(notification.handle);
}

static const struct guest_test tests[] = {
    {"interrupts to a waiting driver", measure_driver},
    {"interrupts at each moment of each operation", measure_latency},
};

int main(void)
{
    control = (kernel_interrupt_control_t){salto_require("interrupts")};
    timer_ports = (kernel_ports_t){salto_require("timer")};
    EXPECT_EQUAL(kernel_thread_set_priority((kernel_thread_t){salto_require("thread")}, LOW_PRIORITY), 0);
    own_factory = (kernel_factory_t){salto_require("factory")};
    own_task = (kernel_task_t){salto_require("task")};
    operations_prepare();
    crowd_operations_prepare();
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
