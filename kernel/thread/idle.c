/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPU on which nobody can run. See idle.h. */
#include "thread/idle.h"

#include "thread/alarm.h"
#include "thread/ready.h"
#include "thread/schedule.h"
#include "thread/thread.h"
#include "x86/cpu.h"

/* The GS base leaves the last thread's line, which may be freed. */
void idle(bool busy)
{
    thread_bury();
    if (ready_count & READY_PUT_OFF)
        alarm_for(0);
    write_gs_base((uint64_t)cpus[0].idle_line);
    if (busy) {
        (void)preemption_due();
        return;
    }
    cpu_wait_for_interrupt();
    interrupts_disable();
}
