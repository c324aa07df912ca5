/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of those parts of the kernel that tests of its objects leave out: devices, boot, its address space. */
#include "cap/factory.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "ipc/dispatch.h"
#include "ipc/hot.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/kernel_space.h"
#include "mem/memory.h"
#include "mem/space.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "x86/barriers.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/timer.h"

uint64_t shared_directory, page_of_zeros, page_of_ones;
struct features features = {.pcid = true};
struct cpu cpus[MAX_CPUS];

static struct gate gate;

unsigned host_preempt_every;
static unsigned preemption_points;

/* Time, in ticks that are nanoseconds, and when the timer will interrupt. */
static uint64_t now, timer = UINT64_MAX;

uint64_t rdtsc(void)
{
    return ++now;
}

void timer_arm_at(uint64_t when)
{
    timer = when;
}

uint64_t timer_ticks(uint64_t nanoseconds)
{
    return nanoseconds;
}

uint64_t timer_at(uint64_t nanoseconds)
{
    return nanoseconds;
}

void cpu_wait_for_interrupt(void)
{
    if (timer == UINT64_MAX)
        panic("nobody is ready, and no interrupt comes");
    now = timer > now ? timer : now;
    timer = UINT64_MAX;
    schedule_timer_expired();
}

/* An interrupt comes where the test wants one, and then also the timer's, if it is due. */
void interrupts_enable(void)
{
    if (host_preempt_every == 0 || ++preemption_points % host_preempt_every)
        return;
    cpus[0].kernel_interrupts++;
    schedule_request();
    if (timer > now)
        return;
    timer = UINT64_MAX;
    schedule_timer_expired();
}

void interrupts_disable(void)
{
}

void cpu_no_operation(void)
{
}

void barriers_issue(struct cpu *cpu)
{
    cpu->barriers.crossings++;
}

void console_printf(const char *format, ...)
{
    (void)format;
}

void console_report(const char *text, size_t size)
{
    (void)text, (void)size;
}

bool console_queue_piece(void)
{
    return false;
}

bool console_queue_waits(void)
{
    return false;
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

void physical_dispatch(struct kernel_call *call, const struct capability *capability)
{
    answer_nothing(call, capability);
}

void debug_dispatch(struct kernel_call *call, const struct capability *capability)
{
    answer_nothing(call, capability);
}

enum error host_unmap(struct memory *memory, struct task *task, uint64_t address, uint32_t pages)
{
    enum error error;
    do
        error = memory_unmap_piece(memory, task, &address, &pages);
    while (error == ERROR_NONE && pages > 0);
    return error;
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

bool host_delete_something(void)
{
    for (struct task *task = task_first(); task; task = task->next)
        for (uint32_t handle = 1; handle < task->table.limit; handle++) {
            struct capability *capability = capability_find(&task->table, handle);
            if (!capability)
                continue;
            capability_delete(capability);
            return true;
        }
    return false;
}
