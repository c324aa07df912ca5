/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of interrupt lines: who owns them, when they are masked, what is signalled, and that no edge is lost. The
 * kernel's own files run over a machine of the host (kernel_parts/), whose I/O APIC is a model. Prints TAP.
 */
#include <stdlib.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "host_tap.h"
#include "ipc/notification.h"
#include "irq/line.h"
#include "kernel_parts/host_ioapic.h"
#include "kernel_parts/host_machine.h"
#include "thread/task.h"
#include "x86/acpi.h"

#define QUOTA (8UL << 20)
#define TIMER_LINE 0
#define TIMER_INPUT 2
#define EDGE 8
#define LEVEL 20
#define BADGE 0x50UL
#define SEED 0x5a171e7UL
#define ROUNDS 20000

static struct factory *factory;
static enum error error;

/* A driver: its line, and the notification that it looks at. */
struct driver {
    struct interrupt *interrupt;
    struct notification *notification;
    struct capability interrupt_holder, notification_holder;
};

static void hold(struct capability *holder, struct object *object, uint64_t badge)
{
    *holder = (struct capability){0};
    capability_attach(holder, object, RIGHTS_ALL, badge);
}

static struct driver driver_create(uint32_t line)
{
    struct driver driver = {.interrupt = interrupt_create(factory, line, &error),
                            .notification = notification_create(factory)};
    return driver;
}

static void driver_hold(struct driver *driver, uint64_t badge)
{
    hold(&driver->interrupt_holder, &driver->interrupt->object, 0);
    hold(&driver->notification_holder, &driver->notification->object, badge);
}

static void driver_end(struct driver *driver)
{
    capability_delete(&driver->notification_holder);
    capability_delete(&driver->interrupt_holder);
}

static uint64_t take(struct driver *driver)
{
    uint64_t bits = driver->notification->bits;
    driver->notification->bits = 0;
    return bits;
}

static void test_owners(void)
{
    struct driver timer = driver_create(TIMER_LINE);
    driver_hold(&timer, BADGE);
    host_ok(timer.interrupt->input == TIMER_INPUT, "line 0 is where the firmware leads it");
    host_ok(!interrupt_create(factory, TIMER_LINE, &error) && error == ERROR_BUSY, "a line has one object");
    host_ok(!interrupt_create(factory, TIMER_INPUT, &error) && error == ERROR_BUSY, "an input too, by whatever number");
    host_ok(!interrupt_create(factory, HOST_INPUTS, &error) && error == ERROR_BAD_ARGUMENT, "inputs end");
    host_ok(!interrupt_create(factory, UINT32_MAX, &error) && error == ERROR_BAD_ARGUMENT, "at any number");
    driver_end(&timer);
    struct driver again = driver_create(TIMER_LINE);
    host_ok(again.interrupt, "a line is free when its object is gone");
    driver_hold(&again, BADGE);
    driver_end(&again);
    struct driver level = driver_create(LEVEL);
    host_ok(host_inputs[LEVEL].level && host_inputs[LEVEL].low_active, "lines from 16 up are PCI's");
    driver_hold(&level, BADGE);
    driver_end(&level);
    host_ok(factory->used == 0, "nothing stays charged");
}

static void test_unbound(uint32_t line)
{
    struct driver driver = driver_create(line);
    unsigned before = host_interrupts;
    driver_hold(&driver, BADGE);
    host_raise(line);
    host_lower(line);
    interrupt_acknowledge(driver.interrupt);
    host_raise(line);
    host_lower(line);
    host_ok(host_interrupts == before && take(&driver) == 0, "line %u is masked until it is bound", line);
    interrupt_bind(driver.interrupt, &driver.notification_holder);
    host_raise(line);
    host_ok(host_interrupts == before + 1 && take(&driver) == BADGE, "then it signals the badge");
    driver_end(&driver);
    host_ok(!host_inputs[line].unmasked, "and is masked when its object is gone");
    host_lower(line);
    host_raise(line);
    host_lower(line);
    host_ok(host_interrupts == before + 1 && factory->used == 0, "for good");
}

static void test_level(void)
{
    struct driver driver = driver_create(LEVEL);
    driver_hold(&driver, BADGE);
    interrupt_bind(driver.interrupt, &driver.notification_holder);
    host_raise(LEVEL);
    host_ok(take(&driver) == BADGE && !host_inputs[LEVEL].unmasked, "a level is masked until it is acknowledged");
    host_lower(LEVEL);
    host_raise(LEVEL);
    host_ok(take(&driver) == 0, "and silent");
    interrupt_acknowledge(driver.interrupt);
    host_ok(host_inputs[LEVEL].unmasked && take(&driver) == 0, "then open");
    host_raise(LEVEL);
    host_ok(take(&driver) == BADGE, "to interrupt again");
    host_lower(LEVEL);
    driver_end(&driver);
}

static void test_edges(void)
{
    struct driver driver = driver_create(EDGE);
    unsigned before = host_interrupts;
    driver_hold(&driver, 0);
    interrupt_bind(driver.interrupt, &driver.notification_holder);
    for (int i = 0; i < 100; i++) {
        host_raise(EDGE);
        host_lower(EDGE);
    }
    host_ok(host_interrupts == before + 2, "of 100 edges that nobody serves, two interrupt");
    host_ok(take(&driver) == 1, "the first is signalled, as bit 0 where there is no badge");
    interrupt_acknowledge(driver.interrupt);
    host_ok(take(&driver) == 1 && host_inputs[EDGE].unmasked, "at the acknowledgement, that more came");
    interrupt_acknowledge(driver.interrupt);
    host_ok(take(&driver) == 0, "and after the next, nothing");
    interrupt_acknowledge(driver.interrupt);
    host_ok(take(&driver) == 0 && host_inputs[EDGE].unmasked, "one more does nothing");
    driver_end(&driver);
}

static void test_rebound(void)
{
    struct driver driver = driver_create(EDGE);
    struct notification *other = notification_create(factory);
    struct capability other_holder;
    driver_hold(&driver, BADGE);
    hold(&other_holder, &other->object, BADGE << 1);
    interrupt_bind(driver.interrupt, &driver.notification_holder);
    interrupt_bind(driver.interrupt, &other_holder);
    host_raise(EDGE);
    host_lower(EDGE);
    host_ok(take(&driver) == 0 && other->bits == BADGE << 1, "who is bound last is signalled");
    capability_delete(&driver.notification_holder);
    capability_delete(&other_holder);
    interrupt_acknowledge(driver.interrupt);
    host_raise(EDGE);
    host_lower(EDGE);
    host_ok(other->bits == BADGE << 1, "a notification lives as long as a line signals it");
    capability_delete(&driver.interrupt_holder);
    host_ok(factory->used == 0, "and no longer");
}

/* A notification that is taken back by whoever gave it: silence, also for what was noted, until another is bound. */
static void test_revoked(uint32_t line)
{
    struct driver driver = driver_create(line);
    struct capability given = {0};
    driver_hold(&driver, BADGE);
    for (int i = 0; i < 3; i++) {
        capability_attach_derived(&given, &driver.notification_holder, RIGHT_WRITE);
        interrupt_bind(driver.interrupt, &given);
        for (int edge = 0; edge < i; edge++) {
            host_raise(line);
            host_lower(line);
        }
        take(&driver);
        capability_revoke(&driver.notification_holder, 10);
        host_raise(line);
        host_lower(line);
        interrupt_acknowledge(driver.interrupt);
        host_raise(line);
        host_lower(line);
        host_ok(take(&driver) == 0 && !host_inputs[line].unmasked, "line %u, revoked after %d interrupts: silent", line,
                i);
        interrupt_acknowledge(driver.interrupt);
    }
    interrupt_bind(driver.interrupt, &driver.notification_holder);
    interrupt_acknowledge(driver.interrupt);
    host_raise(line);
    host_lower(line);
    host_ok(take(&driver) == BADGE, "until another is bound");
    driver_end(&driver);
    host_ok(factory->used == 0, "nothing stays charged");
}

/* A device that wants service until the driver serves it, as an ISA device does, and a driver that serves at random
 * moments: however edges and acknowledgements fall, the driver is never left waiting for a device that wants
 * service. */
static void test_no_lost_edge(void)
{
    struct driver driver = driver_create(EDGE);
    uint64_t state = SEED;
    bool good = true, woken = false;
    driver_hold(&driver, BADGE);
    interrupt_bind(driver.interrupt, &driver.notification_holder);
    for (unsigned round = 0; good && round < ROUNDS; round++) {
        switch (host_random(&state) % 4) {
        case 0:
            host_raise(EDGE);
            break;
        case 1:
            woken |= take(&driver) != 0;
            break;
        case 2:
            if (woken)
                host_lower(EDGE);
            break;
        default:
            if (woken && !host_inputs[EDGE].active) {
                woken = false;
                interrupt_acknowledge(driver.interrupt);
            }
        }
        good = woken || driver.notification->bits || !host_inputs[EDGE].active;
    }
    host_ok(good, "in %d random steps no edge is lost", ROUNDS);
    driver_end(&driver);
    host_ok(factory->used == 0, "and everything comes back");
}

int main(void)
{
    host_kernel_start();
    host_memory_fail_after(-1);
    factory = factory_create_first(QUOTA);
    for (uint32_t i = 0; i < ACPI_ISA_INTERRUPTS; i++)
        acpi_info.isa_interrupts[i] = (struct acpi_isa_interrupt){.input = i};
    acpi_info.isa_interrupts[TIMER_LINE].input = TIMER_INPUT;
    test_owners();
    test_unbound(EDGE);
    test_unbound(LEVEL);
    test_level();
    test_edges();
    test_rebound();
    test_revoked(EDGE);
    test_revoked(LEVEL);
    test_no_lost_edge();
    return host_done();
}
