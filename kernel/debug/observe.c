/* SPDX-License-Identifier: BSD-2-Clause */
/* A look at each system call. See observe.h. */
#include "debug/observe.h"

#include "debug/invariants.h"
#include "ipc/fast_path.h"

extern const char kernel_system_call[], kernel_system_call_observed[];

static uint64_t observed_calls;

uint64_t observe_entry(void)
{
    bool observed = fast_path_is_observed() || invariants_are_checked;
    return (uint64_t)(observed ? kernel_system_call_observed : kernel_system_call);
}

void observe_system_call(struct thread *thread)
{
    observed_calls++;
    invariants_check(thread);
    fast_path_draw();
}

uint64_t observe_count(void)
{
    return observed_calls;
}
