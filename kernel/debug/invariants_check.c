/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel that looks at itself. See invariants.h. */
#include "debug/invariants.h"

#include "debug/panic.h"
#include "thread/task.h"
#include "thread/thread.h"

const bool invariants_are_checked = true;

void invariants_check(const struct thread *running)
{
    static uint64_t checks;
    struct inspection inspection = {.running = running};
    invariants_threads(&inspection);
    if (checks % INVARIANTS_CAPABILITIES_EVERY == 0)
        invariants_capabilities(&inspection);
    if (checks % INVARIANTS_CAPABILITIES_EVERY == 0 && !inspection.broken)
        invariants_mappings(&inspection);
    if (checks++ % INVARIANTS_MEMORY_EVERY == 0)
        invariants_memory(&inspection);
    if (inspection.broken)
        panic("invariant broken: %s (thread %u of task \"%s\" entered)", inspection.broken, running->number,
              running->task->name);
}
