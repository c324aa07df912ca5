/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of port ranges: random grants and withdrawals in several tasks against a plain model, and every allocation
 * made to fail. The kernel's own files run over a machine of the host (kernel_parts/). Prints TAP.
 */
#include <stdlib.h>
#include <string.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "host_tap.h"
#include "irq/ports.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "thread/task.h"

#define QUOTA (32UL << 20)
#define SEED 0x5a170b17UL
#define ROUNDS 800
#define TASKS 3
#define RANGES 12
#define PORTS_PER_PAGE 32768

static struct factory *factory;
static enum error error;

static struct {
    struct ports *ports;
    struct capability holder;
    bool granted[TASKS];
} ranges[RANGES];

static struct task *tasks[TASKS];

/* As the processor sees it. */
static bool port_is_closed(const struct task *task, uint32_t port)
{
    uint64_t entry = task->space.private_table[(IO_BITMAP - PRIVATE_BASE) / PAGE_SIZE + port / PORTS_PER_PAGE];
    const uint8_t *page = physical_to_virtual(entry & PTE_ADDRESS);
    return page[port % PORTS_PER_PAGE / 8] & 1U << port % 8;
}

static bool model_is_closed(unsigned task, uint32_t port)
{
    for (unsigned i = 0; i < RANGES; i++)
        if (ranges[i].ports && ranges[i].granted[task] && port >= ranges[i].ports->first && port < ranges[i].ports->end)
            return false;
    return true;
}

static bool bitmap_is_right(unsigned task)
{
    for (uint32_t port = 0; port < PORTS_COUNT; port++)
        if (port_is_closed(tasks[task], port) != model_is_closed(task, port))
            return false;
    const uint8_t *behind =
        physical_to_virtual(tasks[task]->space.private_table[(IO_BITMAP - PRIVATE_BASE) / PAGE_SIZE + 2] & PTE_ADDRESS);
    return behind[0] == 0xff;
}

static void hold(struct capability *holder, struct object *object)
{
    *holder = (struct capability){0};
    capability_attach(holder, object, RIGHTS_ALL, 0);
}

/* Mostly small ranges close together, at the border of two pages; sometimes large ones. */
static void make_range(unsigned i, uint64_t *state)
{
    bool large = host_random(state) % 4 == 0;
    uint32_t first =
        (uint32_t)(large ? host_random(state) % PORTS_COUNT : PORTS_PER_PAGE - 300 + host_random(state) % 600);
    uint32_t most = large ? PORTS_COUNT - first : 200;
    memset(&ranges[i], 0, sizeof(ranges[i]));
    ranges[i].ports = ports_create(factory, ports_all(), first, 1 + (uint32_t)(host_random(state) % most), &error);
    hold(&ranges[i].holder, &ranges[i].ports->object);
}

static void step(uint64_t *state)
{
    unsigned i = (unsigned)(host_random(state) % RANGES), task = (unsigned)(host_random(state) % TASKS);
    if (!ranges[i].ports)
        return make_range(i, state);
    if (host_random(state) % 8 == 0) {
        capability_delete(&ranges[i].holder);
        ranges[i].ports = NULL;
    } else if (ranges[i].granted[task]) {
        ranges[i].granted[task] = ports_withdraw(ranges[i].ports, tasks[task]) != ERROR_NONE;
    } else {
        ranges[i].granted[task] = ports_grant(ranges[i].ports, tasks[task]) == ERROR_NONE;
    }
}

static void test_model(void)
{
    struct capability holders[TASKS];
    uint64_t state = SEED, frames = host_frames_used(), pieces = host_pieces_used();
    bool good = true;
    for (unsigned i = 0; i < TASKS; i++) {
        tasks[i] = task_create(factory, &error);
        hold(&holders[i], &tasks[i]->object);
    }
    for (unsigned round = 0; good && round < ROUNDS; round++) {
        step(&state);
        good = bitmap_is_right(round % TASKS);
    }
    host_ok(good, "%d random steps leave every task's bitmap as a model has it", ROUNDS);
    capability_delete(&holders[0]); /* some tasks before the ranges, some after */
    for (unsigned i = 0; i < RANGES; i++)
        if (ranges[i].ports)
            capability_delete(&ranges[i].holder);
    for (unsigned i = 1; i < TASKS; i++)
        capability_delete(&holders[i]);
    host_ok(factory->used == 0 && host_frames_used() == frames && host_pieces_used() == pieces,
            "everything comes back");
}

/* A grant that fails for want of memory, wherever, changes nothing but that a page may be there. */
static void test_no_memory(void)
{
    struct capability task_holder, ports_holder;
    struct task *task = task_create(factory, &error);
    struct ports *ports = ports_create(factory, ports_all(), PORTS_PER_PAGE - 1, 2, &error);
    long successes = 0;
    bool closed = true;
    hold(&task_holder, &task->object);
    hold(&ports_holder, &ports->object);
    for (;; successes++) {
        host_memory_fail_after(successes);
        if (ports_grant(ports, task) == ERROR_NONE)
            break;
        closed &= port_is_closed(task, PORTS_PER_PAGE - 1) && port_is_closed(task, PORTS_PER_PAGE);
        closed &= ports_withdraw(ports, task) == ERROR_BAD_ARGUMENT;
    }
    host_memory_fail_after(-1);
    host_ok(closed && successes > 0, "a grant without memory grants nothing (%ld ways)", successes);
    capability_delete(&ports_holder);
    capability_delete(&task_holder);
    host_ok(factory->used == 0, "and leaves nothing charged");
}

int main(void)
{
    host_kernel_start();
    factory = host_first_factory(QUOTA);
    host_memory_fail_after(-1);
    test_model();
    test_no_memory();
    return host_done();
}
