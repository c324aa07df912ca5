/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of real devices, as their drivers see them: the 8254 and the real-time clock signal notifications, stay
 * masked until they are acknowledged, belong to one owner, and are free again when it dies. Nothing depends on how long
 * a tick takes; where none must come, the test waits for many.
 */
#include <salto/startup.h>

#include "../common/worker.h"
#include "devices.h"
#include "idl/clock.h"
#include "idl/interrupt.h"
#include "idl/notification.h"
#include "idl/ports.h"

#define BADGE 0x5a0UL
#define COUNT_SHORT 1193 /* about a millisecond */
#define TICKS 20
#define TICKS_AFTER_STOP 2
#define PATIENCE_NANOSECONDS 20000000000UL /* the machine may be slow */
#define SILENCE_NANOSECONDS 30000000UL     /* many ticks */
#define LONG_SLICE 3000000000000UL
#define USUAL_SLICE 10000000UL
#define LOW_PRIORITY 50
#define HIGH_PRIORITY 100

/* A driver's part in values[] of its area. */
#define VALUE_INTERRUPT 0
#define VALUE_NOTIFICATION 1
#define VALUE_CLOCK 2 /* is it the real-time clock's driver? */

static kernel_interrupt_control_t control;
static kernel_ports_t timer_ports, clock_ports;
static kernel_clock_t clock_object;

static uint64_t now(void)
{
    uint64_t nanoseconds = 0;
    EXPECT_EQUAL(kernel_clock_now(clock_object, &nanoseconds), 0);
    return nanoseconds;
}

static kernel_interrupt_t interrupt_of(uint32_t line)
{
    kernel_interrupt_t interrupt = {0};
    EXPECT_EQUAL(kernel_interrupt_control_create(control, own_factory, line, &interrupt), 0);
    return interrupt;
}

static kernel_notification_t new_notification(void)
{
    kernel_notification_t notification = {0};
    EXPECT_EQUAL(kernel_factory_create_notification(own_factory, &notification), 0);
    return notification;
}

/* Binds the line to the notification, with a badge. */
static void bind(kernel_interrupt_t interrupt, kernel_notification_t notification, uint64_t badge)
{
    uint32_t badged = 0;
    EXPECT_EQUAL(kernel_task_mint(own_task, notification.handle, own_task, RIGHT_WRITE, badge, &badged), 0);
    EXPECT_EQUAL(kernel_interrupt_bind(interrupt, (kernel_notification_t){badged}), 0);
    guest_delete(badged);
}

/* Waits for a signal, at most so long; the bits that came, or 0. */
static uint64_t wait_signal(kernel_notification_t notification, uint64_t nanoseconds)
{
    struct ipc_message message = {0};
    ipc_utcb()->receive_deadline = now() + nanoseconds;
    uint64_t tag = ipc_transfer(message_tag(MESSAGE_RECEIVE, 0, 0) | TAG_DEADLINE, notification.handle, &message);
    if (tag == ERROR_TIMEOUT)
        return 0;
    EXPECT_EQUAL(tag, message_tag(MESSAGE_SIGNAL, 1, 0));
    return message.words[0];
}

/* A notification that this thread waits on, with the line bound to it. */
static kernel_notification_t listen(kernel_interrupt_t interrupt)
{
    kernel_notification_t notification = new_notification();
    EXPECT_EQUAL(kernel_notification_bind(notification, own_thread), 0);
    bind(interrupt, notification, BADGE);
    return notification;
}

static void one_at_a_time(void)
{
    kernel_interrupt_t interrupt = interrupt_of(TIMER_LINE);
    kernel_notification_t notification = listen(interrupt);
    for (int i = 0; i < TICKS; i++) {
        timer_start(TIMER_COMMAND_ONCE, COUNT_SHORT);
        EXPECT_EQUAL(wait_signal(notification, PATIENCE_NANOSECONDS), BADGE);
        EXPECT_EQUAL(kernel_interrupt_acknowledge(interrupt), 0);
    }
    EXPECT_EQUAL(wait_signal(notification, SILENCE_NANOSECONDS), 0);
    timer_stop();
    guest_delete(interrupt.handle);
    guest_delete(notification.handle);
}

/* A device that ticks on while its driver has not acknowledged: one signal, then silence; and none of it is lost. */
static void masked_until_acknowledged(void)
{
    kernel_interrupt_t interrupt = interrupt_of(TIMER_LINE);
    kernel_notification_t notification = listen(interrupt);
    timer_start(TIMER_COMMAND_TICKS, COUNT_SHORT);
    EXPECT_EQUAL(wait_signal(notification, PATIENCE_NANOSECONDS), BADGE);
    EXPECT_EQUAL(wait_signal(notification, SILENCE_NANOSECONDS), 0);
    EXPECT_EQUAL(kernel_interrupt_acknowledge(interrupt), 0);
    EXPECT_EQUAL(wait_signal(notification, PATIENCE_NANOSECONDS), BADGE);
    timer_stop();
    /* A tick may have been noted before it stopped, and an emulated 8254 makes the one that it was counting for. */
    for (int i = 0; i < TICKS_AFTER_STOP; i++) {
        EXPECT_EQUAL(kernel_interrupt_acknowledge(interrupt), 0);
        wait_signal(notification, SILENCE_NANOSECONDS);
    }
    EXPECT_EQUAL(kernel_interrupt_acknowledge(interrupt), 0);
    EXPECT_EQUAL(wait_signal(notification, SILENCE_NANOSECONDS), 0);
    guest_delete(interrupt.handle);
    guest_delete(notification.handle);
}

static void masked_until_bound(void)
{
    kernel_interrupt_t interrupt = interrupt_of(TIMER_LINE);
    kernel_notification_t notification = new_notification();
    EXPECT_EQUAL(kernel_notification_bind(notification, own_thread), 0);
    timer_start(TIMER_COMMAND_TICKS, COUNT_SHORT);
    EXPECT_EQUAL(wait_signal(notification, SILENCE_NANOSECONDS), 0);
    EXPECT_EQUAL(kernel_interrupt_acknowledge(interrupt), 0);
    EXPECT_EQUAL(wait_signal(notification, SILENCE_NANOSECONDS), 0);
    bind(interrupt, notification, 0);
    EXPECT_EQUAL(wait_signal(notification, PATIENCE_NANOSECONDS), 1);
    timer_stop();
    guest_delete(interrupt.handle);
    guest_delete(notification.handle);
}

/* The real-time clock makes no further edge before its driver has read why: 20 ticks need 20 acknowledgements. */
static void real_time_clock(void)
{
    kernel_interrupt_t interrupt = interrupt_of(CLOCK_LINE);
    kernel_notification_t notification = listen(interrupt);
    clock_start();
    for (int i = 0; i < TICKS; i++) {
        EXPECT_EQUAL(wait_signal(notification, PATIENCE_NANOSECONDS), BADGE);
        clock_read(CLOCK_STATUS);
        EXPECT_EQUAL(kernel_interrupt_acknowledge(interrupt), 0);
    }
    clock_stop();
    guest_delete(interrupt.handle);
    guest_delete(notification.handle);
}

static void one_owner(void)
{
    kernel_interrupt_t interrupt = interrupt_of(TIMER_LINE), other = {0};
    EXPECT_ERROR(kernel_interrupt_control_create(control, own_factory, TIMER_LINE, &other), BUSY);
    kernel_interrupt_t clock = interrupt_of(CLOCK_LINE);
    guest_delete(interrupt.handle);
    EXPECT_ERROR(kernel_interrupt_control_create(control, own_factory, CLOCK_LINE, &other), BUSY);
    interrupt = interrupt_of(TIMER_LINE);
    guest_delete(interrupt.handle);
    guest_delete(clock.handle);
}

static void errors(void)
{
    static const uint32_t lines[] = {127, 128, 255, 256, UINT32_MAX};
    kernel_interrupt_t interrupt = interrupt_of(TIMER_LINE), other = {0};
    kernel_interrupt_t unable = {guest_copy(interrupt.handle, RIGHT_READ | RIGHT_COPY)};
    kernel_notification_t notification = new_notification();
    kernel_notification_t readable = {guest_copy(notification.handle, RIGHT_READ)};
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        EXPECT_ERROR(kernel_interrupt_control_create(control, own_factory, lines[i], &other), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_interrupt_control_create(control, (kernel_factory_t){own_task.handle}, CLOCK_LINE, &other),
                 WRONG_TYPE);
    EXPECT_ERROR(kernel_interrupt_bind(unable, notification), NO_RIGHT);
    EXPECT_ERROR(kernel_interrupt_acknowledge(unable), NO_RIGHT);
    EXPECT_ERROR(kernel_interrupt_bind(interrupt, readable), NO_RIGHT);
    EXPECT_ERROR(kernel_interrupt_bind(interrupt, (kernel_notification_t){own_factory.handle}), WRONG_TYPE);
    EXPECT_ERROR(kernel_interrupt_bind(interrupt, (kernel_notification_t){60000}), BAD_HANDLE);
    EXPECT_EQUAL(kernel_interrupt_acknowledge(interrupt), 0);
    guest_delete(readable.handle);
    guest_delete(notification.handle);
    guest_delete(unable.handle);
    guest_delete(interrupt.handle);
}

/* ---- Drivers in tasks of their own ------------------------------------------------------------------------------- */

/* A driver: counts ticks in `done`. */
static void drive(struct area *area)
{
    kernel_interrupt_t interrupt = {(uint32_t)area->values[VALUE_INTERRUPT]};
    bool clock = area->values[VALUE_CLOCK];
    struct ipc_message message = {0};
    if (clock)
        clock_start();
    else
        timer_start(TIMER_COMMAND_TICKS, COUNT_SHORT);
    for (;;) {
        uint64_t tag = ipc_transfer(message_tag(MESSAGE_RECEIVE, 0, 0), area->values[VALUE_NOTIFICATION], &message);
        if (tag != message_tag(MESSAGE_SIGNAL, 1, 0) || message.words[0] != BADGE)
            __builtin_trap();
        if (clock)
            clock_read(CLOCK_STATUS);
        area->done++;
        if (kernel_interrupt_acknowledge(interrupt) != 0)
            __builtin_trap();
    }
}

/* Makes a driver that holds its device's ports and interrupt, which this task gives away. */
static void driver_create(struct worker *driver, bool clock, uint32_t priority)
{
    kernel_interrupt_t interrupt = interrupt_of(clock ? CLOCK_LINE : TIMER_LINE);
    kernel_notification_t notification = new_notification();
    worker_create(driver, true);
    EXPECT_EQUAL(kernel_ports_grant(clock ? clock_ports : timer_ports, driver->task), 0);
    EXPECT_EQUAL(kernel_notification_bind(notification, driver->thread), 0);
    bind(interrupt, notification, BADGE);
    driver->area->values[VALUE_INTERRUPT] = worker_give(driver, interrupt.handle, RIGHT_WRITE);
    driver->area->values[VALUE_NOTIFICATION] = worker_give(driver, notification.handle, RIGHT_READ);
    driver->area->values[VALUE_CLOCK] = clock;
    guest_delete(interrupt.handle);
    guest_delete(notification.handle);
    EXPECT_EQUAL(kernel_thread_set_priority(driver->thread, priority), 0);
    worker_start(driver, drive);
}

/* Waits, lets others run, until the driver has counted so many ticks. */
static void await_ticks(const struct worker *driver, uint32_t ticks)
{
    uint64_t end = now() + PATIENCE_NANOSECONDS;
    while (driver->area->done < ticks && now() < end)
        guest_yield();
    EXPECT(driver->area->done >= ticks);
}

static void two_drivers(void)
{
    struct worker timer, clock;
    driver_create(&timer, false, HIGH_PRIORITY);
    driver_create(&clock, true, HIGH_PRIORITY);
    await_ticks(&timer, TICKS);
    await_ticks(&clock, TICKS);
    worker_destroy(&timer);
    await_ticks(&clock, clock.area->done + TICKS);
    worker_destroy(&clock);
    clock_stop();
    timer_stop();
}

/* A driver that is killed while its device goes on: its line is free at once, masked, and works for the next one. */
static void driver_dies(void)
{
    for (int i = 0; i < 3; i++) {
        struct worker driver;
        driver_create(&driver, false, HIGH_PRIORITY);
        await_ticks(&driver, 3);
        worker_destroy(&driver);
        kernel_interrupt_t interrupt = interrupt_of(TIMER_LINE);
        kernel_notification_t notification = listen(interrupt);
        EXPECT_EQUAL(wait_signal(notification, PATIENCE_NANOSECONDS), BADGE);
        guest_delete(interrupt.handle);
        wait_signal(notification, SILENCE_NANOSECONDS);
        EXPECT_EQUAL(wait_signal(notification, SILENCE_NANOSECONDS), 0);
        guest_delete(notification.handle);
    }
    timer_stop();
}

/* This thread computes, with a slice that does not end, and never waits: only a driver of higher priority gets the
 * CPU. */
static bool ticks_while_computing(const struct worker *driver)
{
    uint64_t end = now() + PATIENCE_NANOSECONDS;
    uint32_t before = driver->area->done;
    while (driver->area->done < before + TICKS && now() < end)
        __asm__ volatile("pause");
    return driver->area->done >= before + TICKS;
}

static void drivers_preempt(void)
{
    struct worker driver;
    EXPECT_EQUAL(kernel_thread_set_times(own_thread, LONG_SLICE, 0, 0), 0);
    EXPECT_EQUAL(kernel_thread_set_priority(own_thread, LOW_PRIORITY), 0);
    driver_create(&driver, false, LOW_PRIORITY + 1);
    EXPECT(ticks_while_computing(&driver));
    worker_destroy(&driver);
    timer_stop();
    EXPECT_EQUAL(kernel_thread_set_priority(own_thread, HIGH_PRIORITY), 0);
    EXPECT_EQUAL(kernel_thread_set_times(own_thread, USUAL_SLICE, 0, 0), 0);
}

/* A driver of lower priority waits for whoever computes, and then gets what it missed, as one signal. */
static void drivers_wait_their_turn(void)
{
    struct worker driver;
    driver_create(&driver, true, LOW_PRIORITY);
    EXPECT_EQUAL(wait_signal((kernel_notification_t){0}, SILENCE_NANOSECONDS), 0);
    uint32_t before = driver.area->done;
    for (uint64_t end = now() + SILENCE_NANOSECONDS; now() < end;)
        __asm__ volatile("pause");
    EXPECT_EQUAL(driver.area->done, before);
    for (int i = 0; i < 100 && driver.area->done < before + 2; i++)
        wait_signal((kernel_notification_t){0}, SILENCE_NANOSECONDS);
    EXPECT(driver.area->done >= before + 2);
    worker_destroy(&driver);
    clock_stop();
}

static const struct guest_test tests[] = {
    {"a timer interrupts once each time it is told to", one_at_a_time},
    {"masked until acknowledged", masked_until_acknowledged},
    {"masked until bound", masked_until_bound},
    {"the real-time clock ticks", real_time_clock},
    {"a line has one owner", one_owner},
    {"errors", errors},
    {"two drivers", two_drivers},
    {"a driver dies while its device goes on", driver_dies},
    {"a driver preempts whoever computes below it", drivers_preempt},
    {"a driver waits for whoever computes above it", drivers_wait_their_turn},
};

int main(void)
{
    control = (kernel_interrupt_control_t){salto_require("interrupts")};
    timer_ports = (kernel_ports_t){salto_require("timer")};
    clock_ports = (kernel_ports_t){salto_require("rtc")};
    clock_object = (kernel_clock_t){salto_require("clock")};
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
