/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of those parts of the kernel that tests of its objects leave out: devices, boot, its address space. */
#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/dispatch.h"
#include "ipc/hot.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/kernel_space.h"
#include "mem/space.h"
#include "thread/schedule.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/timer.h"

uint64_t shared_directory, page_of_zeros, page_of_ones;
struct features features = {.pcid = true};
struct cpu cpus[MAX_CPUS];

static struct gate gate;

void cpu_wait_for_interrupt(void)
{
    panic("nobody is ready, and no interrupt comes");
}

void interrupts_disable(void)
{
}

void timer_arm(uint64_t nanoseconds)
{
    assert(nanoseconds > 0);
}

static void answer_nothing(struct kernel_call *call, const struct capability *capability)
{
    (void)capability;
    *call = (struct kernel_call){.tag = message_tag(MESSAGE_REPLY_AND_WAIT, 0, 0)};
}

void console_dispatch(struct kernel_call *call, const struct capability *capability)
{
    answer_nothing(call, capability);
}

void clock_dispatch(struct kernel_call *call, const struct capability *capability)
{
    answer_nothing(call, capability);
}

void power_dispatch(struct kernel_call *call, const struct capability *capability)
{
    answer_nothing(call, capability);
}

void debug_dispatch(struct kernel_call *call, const struct capability *capability)
{
    answer_nothing(call, capability);
}

struct factory *host_first_factory(uint64_t limit)
{
    struct factory *factory = factory_create_first(limit);
    hot_reserve(UINT64_MAX, &factory->slots);
    return factory;
}

void host_kernel_start(void)
{
    enum error error;
    host_machine_start();
    shared_directory = frame_allocate();
    page_of_zeros = frame_allocate();
    page_of_ones = frame_allocate();
    __builtin_memset(physical_to_virtual(page_of_ones), 0xff, PAGE_SIZE);
    hot_initialise();
    cpus[0].gate = &gate;
    cpus[0].idle_line = hot_thread_allocate(0, &error);
    cpus[0].idle_line->gate = &gate;
    gate.cpu = &cpus[0];
    write_gs_base((uint64_t)cpus[0].idle_line);
}
