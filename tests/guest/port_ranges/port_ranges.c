/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver reaches exactly the ports that it was granted: all 65,536 are tried from inside. And what makes the
 * difference: ranges, grants that overlap, withdrawals, deaths, errors.
 */
#include "../common/sandbox.h"
#include "idl/ports.h"
#include <salto/startup.h>

#define PORTS 65536
#define ROUNDS 2       /* guest_run() runs each test so often: half of the ports each time */
#define FREE 0x9000    /* nothing is there on the machines of the tests: reading and writing does no harm */
#define GRANTS_MOST 64 /* of a task */

SANDBOX_PROGRAM(in_byte, "movl %edi, %edx", "inb %dx, %al");
SANDBOX_PROGRAM(in_long, "movl %edi, %edx", "inl %dx, %eax");
SANDBOX_PROGRAM(out_byte, "movl %edi, %edx; movl %esi, %eax", "outb %al, %dx");

/* A driver's: interrupt controllers, clock, one at the border of the bitmap's pages, the last. Reading does no harm. */
static const struct {
    uint32_t first, count;
} holdings[] = {{0x21, 1}, {0x40, 4}, {0x70, 2}, {0x7ffe, 4}, {0x9000, 200}, {0xffff, 1}};

#define HOLDINGS (sizeof(holdings) / sizeof(holdings[0]))

static kernel_ports_t all;

static kernel_ports_t range(uint32_t first, uint32_t count)
{
    kernel_ports_t ports = {0};
    EXPECT_EQUAL(kernel_ports_range(all, own_factory, first, count, &ports), 0);
    return ports;
}

static bool is_held(uint32_t port)
{
    for (unsigned i = 0; i < HOLDINGS; i++)
        if (port >= holdings[i].first && port < holdings[i].first + holdings[i].count)
            return true;
    return false;
}

static bool is_open(const struct sandbox *sandbox, uint32_t port)
{
    struct fault fault = sandbox_run(sandbox, port, 0xff);
    return sandbox_ran(sandbox, &fault);
}

/* Makes a sandbox that holds what a driver holds. */
static void make_driver(struct sandbox *sandbox, kernel_ports_t ports[HOLDINGS])
{
    sandbox_create(sandbox);
    for (unsigned i = 0; i < HOLDINGS; i++) {
        ports[i] = range(holdings[i].first, holdings[i].count);
        EXPECT_EQUAL(kernel_ports_grant(ports[i], sandbox->task), 0);
    }
}

static void end_driver(struct sandbox *sandbox, const kernel_ports_t ports[HOLDINGS])
{
    sandbox_destroy(sandbox);
    for (unsigned i = 0; i < HOLDINGS; i++)
        guest_delete(ports[i].handle);
}

static void every_port_read(void)
{
    static uint32_t round;
    struct sandbox sandbox;
    kernel_ports_t ports[HOLDINGS];
    uint32_t wrong = 0;
    make_driver(&sandbox, ports);
    SANDBOX_LOAD(&sandbox, in_byte);
    for (uint32_t port = round++; port < PORTS; port += ROUNDS)
        wrong += is_open(&sandbox, port) != is_held(port);
    EXPECT_EQUAL(wrong, 0);
    end_driver(&sandbox, ports);
}

/* Writes where that does no harm: to ports that are refused, and to those at which nothing is. */
static void ports_written(void)
{
    struct sandbox sandbox;
    kernel_ports_t ports[HOLDINGS];
    uint32_t wrong = 0;
    make_driver(&sandbox, ports);
    SANDBOX_LOAD(&sandbox, out_byte);
    for (uint32_t port = 0; port < PORTS; port += port < FREE - 8 || port > FREE + 208 ? 61 : 1)
        if (!is_held(port) || (port >= FREE && port < PORTS - 1))
            wrong += is_open(&sandbox, port) != is_held(port);
    EXPECT_EQUAL(wrong, 0);
    end_driver(&sandbox, ports);
}

/* An access of four bytes needs all four ports. */
static void wide_access(void)
{
    struct sandbox sandbox;
    kernel_ports_t ports = range(FREE, 5);
    sandbox_create(&sandbox);
    EXPECT_EQUAL(kernel_ports_grant(ports, sandbox.task), 0);
    SANDBOX_LOAD(&sandbox, in_long);
    for (uint32_t port = FREE - 4; port < FREE + 6; port++)
        EXPECT_EQUAL(is_open(&sandbox, port), port == FREE || port == FREE + 1);
    guest_delete(ports.handle);
    sandbox_destroy(&sandbox);
}

/* Are exactly the ports from FREE on open whose bit in `map` is set? Looks at 16, and one on each side. */
static void expect_open(const struct sandbox *sandbox, uint32_t map)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < 16; i++)
        found |= (uint32_t)is_open(sandbox, FREE + i) << i;
    EXPECT_EQUAL(found, map);
    EXPECT(!is_open(sandbox, FREE - 1) && !is_open(sandbox, FREE + 16));
}

/* A port stays open until the last of the grants that cover it is gone, by whichever way. */
static void overlapping_grants(void)
{
    struct sandbox sandbox;
    kernel_ports_t low = range(FREE, 8), middle = range(FREE + 4, 8), inner = range(FREE + 5, 2);
    sandbox_create(&sandbox);
    SANDBOX_LOAD(&sandbox, in_byte);
    EXPECT_EQUAL(kernel_ports_grant(middle, sandbox.task), 0);
    expect_open(&sandbox, 0x0ff0);
    EXPECT_EQUAL(kernel_ports_grant(low, sandbox.task), 0);
    EXPECT_EQUAL(kernel_ports_grant(inner, sandbox.task), 0);
    expect_open(&sandbox, 0x0fff);
    EXPECT_EQUAL(kernel_ports_withdraw(middle, sandbox.task), 0);
    expect_open(&sandbox, 0x00ff);
    guest_delete(low.handle);
    expect_open(&sandbox, 0x0060);
    EXPECT_EQUAL(kernel_ports_grant(middle, sandbox.task), 0);
    guest_delete(inner.handle);
    expect_open(&sandbox, 0x0ff0);
    guest_delete(middle.handle);
    expect_open(&sandbox, 0);
    sandbox_destroy(&sandbox);
}

/* The ports are the task's, not the capability's: another task with the same capability has none. */
static void tasks_are_apart(void)
{
    struct sandbox sandbox;
    kernel_ports_t ports = range(FREE, 16);
    kernel_task_t other = guest_new_task();
    uint32_t copy = 0;
    EXPECT_EQUAL(kernel_ports_grant(ports, other), 0);
    sandbox_create(&sandbox);
    SANDBOX_LOAD(&sandbox, in_byte);
    EXPECT_EQUAL(kernel_task_copy(own_task, ports.handle, sandbox.task, RIGHTS_ALL, &copy), 0);
    expect_open(&sandbox, 0);
    EXPECT_EQUAL(kernel_ports_grant(ports, sandbox.task), 0);
    EXPECT_EQUAL(kernel_ports_withdraw(ports, other), 0);
    expect_open(&sandbox, 0xffff);
    guest_delete(ports.handle);
    expect_open(&sandbox, 0xffff); /* the task's own capability keeps the object alive */
    EXPECT_EQUAL(kernel_task_delete(sandbox.task, copy), 0);
    expect_open(&sandbox, 0);
    sandbox_destroy(&sandbox);
    guest_delete(other.handle);
}

static void bounds(void)
{
    static const struct {
        uint32_t first, count;
    } bad[] = {{8, 0}, {7, 1}, {16, 1}, {8, 9}, {15, 2}, {8, UINT32_MAX}, {UINT32_MAX, 1}, {UINT32_MAX, UINT32_MAX}};
    uint32_t first = 0, count = 0;
    kernel_ports_t middle = range(8, 8), inner = {0}, none = {0};
    EXPECT_EQUAL(kernel_ports_bounds(all, &first, &count), 0);
    EXPECT(first == 0 && count == PORTS);
    EXPECT_ERROR(kernel_ports_range(all, own_factory, PORTS, 1, &none), BAD_ARGUMENT);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EXPECT_ERROR(kernel_ports_range(middle, own_factory, bad[i].first, bad[i].count, &none), BAD_ARGUMENT);
    EXPECT_EQUAL(kernel_ports_range(middle, own_factory, 15, 1, &inner), 0);
    guest_delete(middle.handle);
    EXPECT_EQUAL(kernel_ports_bounds(inner, &first, &count), 0);
    EXPECT(first == 15 && count == 1);
    guest_delete(inner.handle);
}

static void errors(void)
{
    kernel_task_t task = guest_new_task();
    kernel_ports_t ports = range(FREE, 1), readable = {guest_copy(ports.handle, RIGHT_READ)}, none = {0};
    kernel_ports_t writable = {guest_copy(ports.handle, RIGHT_WRITE)};
    kernel_task_t inspectable = {guest_copy(task.handle, RIGHT_READ)};
    uint32_t first, count;
    EXPECT_ERROR(kernel_ports_withdraw(ports, task), BAD_ARGUMENT);
    EXPECT_EQUAL(kernel_ports_grant(writable, task), 0);
    EXPECT_ERROR(kernel_ports_grant(ports, task), OCCUPIED);
    EXPECT_ERROR(kernel_ports_grant(readable, task), NO_RIGHT);
    EXPECT_ERROR(kernel_ports_withdraw(readable, task), NO_RIGHT);
    EXPECT_ERROR(kernel_ports_range(readable, own_factory, FREE, 1, &none), NO_RIGHT);
    EXPECT_ERROR(kernel_ports_bounds(writable, &first, &count), NO_RIGHT);
    EXPECT_ERROR(kernel_ports_withdraw(ports, inspectable), NO_RIGHT);
    EXPECT_ERROR(kernel_ports_grant(ports, (kernel_task_t){ports.handle}), WRONG_TYPE);
    EXPECT_ERROR(kernel_ports_range(ports, (kernel_factory_t){task.handle}, FREE, 1, &none), WRONG_TYPE);
    guest_delete(readable.handle);
    guest_delete(writable.handle);
    guest_delete(inspectable.handle);
    guest_delete(ports.handle);
    guest_delete(task.handle);
}

static void as_many_as_allowed(void)
{
    kernel_task_t task = guest_new_task();
    kernel_ports_t ports[GRANTS_MOST + 1];
    for (uint32_t i = 0; i < GRANTS_MOST; i++) {
        ports[i] = range((i * 37) % 64, 900 * i + 1);
        EXPECT_EQUAL(kernel_ports_grant(ports[i], task), 0);
    }
    ports[GRANTS_MOST] = range(FREE, 1);
    EXPECT_ERROR(kernel_ports_grant(ports[GRANTS_MOST], task), NO_SLOT);
    EXPECT_EQUAL(kernel_ports_withdraw(ports[7], task), 0);
    EXPECT_EQUAL(kernel_ports_grant(ports[GRANTS_MOST], task), 0);
    guest_delete(task.handle); /* before the objects that were granted to it */
    for (uint32_t i = 0; i <= GRANTS_MOST; i++)
        guest_delete(ports[i].handle);
}

/* Record and bitmap pages are charged to the task's quota: too small a one, byte by byte, leaves nothing behind. */
static void paid_by_the_task(void)
{
    kernel_ports_t ports = range(0x7fff, 2);
    unsigned refused = 0;
    int result = -ERROR_NO_MEMORY;
    for (uint64_t bytes = PAGE_SIZE * 4; result == -ERROR_NO_MEMORY; bytes += PAGE_SIZE / 2) {
        kernel_factory_t factory = {0};
        kernel_task_t task = {0};
        EXPECT_EQUAL(kernel_factory_create_factory(own_factory, bytes, &factory), 0);
        if (kernel_factory_create_task(factory, &task) == 0) {
            result = kernel_ports_grant(ports, task);
            refused += result == -ERROR_NO_MEMORY;
            guest_delete(task.handle);
        }
        guest_delete(factory.handle);
    }
    EXPECT_EQUAL(result, 0);
    EXPECT(refused > 2);
    guest_delete(ports.handle);
}

static const struct guest_test tests[] = {
    {"reading opens exactly what was granted", every_port_read},
    {"so does writing", ports_written},
    {"a wide access needs all of its ports", wide_access},
    {"overlapping grants", overlapping_grants},
    {"ports are granted to tasks", tasks_are_apart},
    {"ranges stay within their parents", bounds},
    {"errors", errors},
    {"64 grants, and no more", as_many_as_allowed},
    {"records and pages are the task's to pay", paid_by_the_task},
};

int main(void)
{
    all = (kernel_ports_t){salto_require("all")};
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
