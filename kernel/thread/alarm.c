/* SPDX-License-Identifier: BSD-2-Clause */
/* When the timer interrupts. See alarm.h. */
#include "thread/alarm.h"

uint64_t alarm_time = TIMEOUT_NEVER;
uint32_t alarm_priority;

void alarm_for(uint32_t priority)
{
    alarm_at(timeout_earliest(priority));
    alarm_priority = priority;
    ready_count &= ~READY_PUT_OFF;
    if (timeout_any_below(priority))
        ready_count |= READY_PUT_OFF;
}
