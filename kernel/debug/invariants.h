/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of the kernel's structures whenever a system call enters it. A build for tests (kernel_checked.elf)
 * looks at each one, and panics with the name of what is broken; host tests use the same checks.
 *
 * The checks only read. They take a time that grows with what exists, up to its square: nothing for a kernel in use.
 */
#ifndef SALTO_DEBUG_INVARIANTS_H
#define SALTO_DEBUG_INVARIANTS_H

#include <stdbool.h>

struct endpoint;
struct thread;

/* What one inspection has found so far. */
struct inspection {
    const struct thread *running; /* who entered the kernel */
    const char *broken;           /* the first invariant that does not hold, or 0 */
};

/* Notes `name` where `condition` does not hold; answers the condition. */
static inline bool invariant(struct inspection *inspection, bool condition, const char *name)
{
    if (!condition && !inspection->broken)
        inspection->broken = name;
    return condition;
}

/* Threads: who waits for whom, queues, contexts. */
void invariants_threads(struct inspection *inspection);

/* An endpoint, its waiter and its queues. */
void invariants_endpoint(struct inspection *inspection, const struct endpoint *endpoint);

/* Capability tables, derivation forests, what objects count of them, hot slots, quotas. Looks at each endpoint too. */
void invariants_capabilities(struct inspection *inspection);

/* Mappings, and the trees in which they are found. */
void invariants_mappings(struct inspection *inspection);

/* Frames and page tables. */
void invariants_memory(struct inspection *inspection);

/* Whether this kernel looks at itself. If it does, invariants_check() is to be called at each system call of `running`,
 * and panics with the name of an invariant that is broken. It looks at threads each time, and at what takes longer once
 * in so many calls. */
#define INVARIANTS_CAPABILITIES_EVERY 100
#define INVARIANTS_MEMORY_EVERY 1000
extern const bool invariants_are_checked;
void invariants_check(const struct thread *running);

#endif
