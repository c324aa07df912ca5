/* SPDX-License-Identifier: BSD-2-Clause */
/* Round robin. See schedule.h. */
#include "thread/schedule.h"

#include "debug/panic.h"
#include "ipc/endpoint.h"
#include "x86/cpu.h"
#include "x86/timer.h"

static struct thread_queue ready;
static bool timer_armed;
struct thread *schedule_switch;
#define WHOEVER ((struct thread *)-1L) /* in schedule_switch: the first of the ready queue */

static void arm_timer(void)
{
    if (timer_armed || !ready.head)
        return;
    timer_armed = true;
    timer_arm(TIME_SLICE_NANOSECONDS);
}

void schedule_ready(struct thread *thread)
{
    assert(thread->state == THREAD_ACTIVE);
    thread->state = THREAD_READY;
    queue_append(&ready, thread);
    arm_timer();
}

void schedule_remove(struct thread *thread)
{
    assert(thread->state == THREAD_READY);
    queue_remove(&ready, thread);
    thread->state = THREAD_ACTIVE;
}

void schedule_request(void)
{
    schedule_switch = WHOEVER;
}

struct thread *schedule_resolve(void)
{
    struct thread *thread = schedule_switch;
    schedule_switch = 0;
    return thread == WHOEVER ? schedule_next() : thread;
}

/* Nobody is ready: the GS base leaves the last thread's line, which may be freed, and the CPU waits. */
static void idle(void)
{
    write_gs_base((uint64_t)this_cpu()->idle_line);
    cpu_wait_for_interrupt();
    interrupts_disable();
}

struct thread *schedule_next(void)
{
    thread_bury();
    while (!ready.head)
        idle();
    struct thread *thread = ready.head;
    schedule_remove(thread);
    arm_timer();
    return thread;
}

void schedule_timer_expired(void)
{
    timer_armed = false;
}

struct thread *schedule_tick(struct thread *interrupted)
{
    if (!ready.head)
        return interrupted;
    schedule_ready(interrupted);
    return schedule_next();
}
