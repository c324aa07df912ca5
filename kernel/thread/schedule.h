/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs next: round robin among the ready threads of this CPU. The running thread is not on the queue. The timer is
 * armed only while somebody else is ready, so that a lone thread is never disturbed.
 */
#ifndef SALTO_THREAD_SCHEDULE_H
#define SALTO_THREAD_SCHEDULE_H

#include "thread/thread.h"
#include "x86/cpu_state.h"

#define TIME_SLICE_NANOSECONDS 10000000UL

/* The CPU that we run on. The kernel's GS base is always a thread's line, whose gate names the CPU. */
static inline struct cpu *this_cpu(void)
{
    struct gate *gate;
    __asm__("mov %%gs:%c1, %0" : "=r"(gate) : "i"(HOT_GATE));
    return gate->cpu;
}

/* Appends a thread to the ready queue. It must be on no queue. */
void schedule_ready(struct thread *thread);

/* Takes a READY thread off the queue. */
void schedule_remove(struct thread *thread);

/* The next thread to run; waits for interrupts while there is none. */
struct thread *schedule_next(void);

/* Who runs when the kernel is left: 0 for the thread that entered it, which is the rule. */
extern struct thread *schedule_switch;

/* `thread` runs when the kernel is left: it is on no queue, and whoever entered the kernel waits or is queued. */
static inline void schedule_switch_to(struct thread *thread)
{
    schedule_switch = thread;
}

/* The thread that entered the kernel cannot go on, or should not: whoever is next in the queue runs. */
void schedule_request(void);

/* The answer for entry.S where schedule_switch is not 0, which it is again afterwards: the thread that runs now. */
struct thread *schedule_resolve(void);

/* The timer ticked: it must be armed again for another slice. */
void schedule_timer_expired(void);

/* The time slice is over: the interrupted thread goes to the end of the queue if another is ready. Who runs now. */
struct thread *schedule_tick(struct thread *interrupted);

#endif
