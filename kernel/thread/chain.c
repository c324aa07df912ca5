/* SPDX-License-Identifier: BSD-2-Clause */
/* Chains of waiting. See chain.h. */
#include "thread/chain.h"

#include "ipc/endpoint.h"
#include "ipc/wait.h"
#include "thread/schedule.h"
#include "thread/thread.h"

#define RAISED_AT_ONCE 4 /* with interrupts off; for each of them, a queue is searched twice */

uint64_t chain_generation;

struct thread *chain_next(const struct thread *thread)
{
    if (thread->state == THREAD_ACTIVE)
        return wait_partner(thread);
    if (thread->state == THREAD_SENDING)
        return thread->sends == SENDS_ONE_WAY ? 0 : endpoint_server(thread->endpoint);
    return thread->state == THREAD_TRANSFER ? thread->transfer_partner : 0;
}

bool chain_waits_for_event(const struct thread *thread)
{
    return !thread_can_run(thread) && !chain_next(thread);
}

struct thread *chain_end(struct thread *thread)
{
    uint64_t generation = chain_generation;
    struct thread *next;
    for (uint32_t steps = 1; (next = chain_next(thread)); steps++) {
        thread = next;
        if (steps % CHAIN_STEPS_AT_ONCE)
            continue;
        preemption_due();
        if (chain_generation != generation)
            return 0;
    }
    return thread;
}

bool chain_closes_cycle(const struct thread *thread, const struct thread *other)
{
    const struct thread *first = other;
    uint64_t generation = chain_generation;
    for (uint32_t steps = 1; steps <= CHAIN_LIMIT && other; steps++) {
        if (other == thread)
            return true;
        other = chain_next(other);
        if (steps % CHAIN_STEPS_AT_ONCE)
            continue;
        (void)preemption_due();
        if (chain_generation == generation)
            continue;
        generation = chain_generation; /* from the start: interrupts changed something */
        other = first;
        steps = 0;
    }
    return other;
}

void chain_raise(struct thread *thread, uint32_t priority)
{
    uint32_t raised = 0;
    for (int i = 0; i < CHAIN_STEPS_AT_ONCE && thread && raised < RAISED_AT_ONCE; i++) {
        if (thread->state == THREAD_SENDING && endpoint_raise_sender(thread, priority))
            raised++;
        if (schedule_raise_deadline(thread, priority))
            raised++;
        thread = chain_next(thread);
    }
}

struct thread *chain_lender(struct thread *thread)
{
    for (int i = 0; i < CHAIN_STEPS_AT_ONCE; i++) {
        struct thread *caller = wait_caller(thread);
        if (!caller)
            caller = transfer_client(thread);
        if (!caller)
            return thread;
        thread = caller;
    }
    return thread;
}
