/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs next.
 *
 * What queues for the CPU is scheduling contexts: a priority with a time slice and, if wanted, a budget. Each thread
 * has one of its own. A context whose owner waits for an answer runs whoever stands at the end of that chain of
 * waiting: the server that works for the owner, or for the one that the owner's server waits for, and so on. So a call
 * carries its caller's context along without anything being written, and a caller that finds a server busy helps it to
 * finish. The context that a server owns is its reserve, used while nobody lends: for one-way messages and
 * notifications, and when whoever lent is gone.
 *
 * The queues are only a promise: who is at the end of a chain is found when a context is chosen. A context that leads
 * nowhere is put aside: PARKED with the thread at the end of its chain, or IDLE where that is its owner.
 * Invariant: each thread that can run stands at the end of the chain of the context that runs, or of a READY one, or of
 * one that is EXHAUSTED and will be READY. A reserve never runs while somebody lends to its owner (within
 * CHAIN_STEPS_AT_ONCE).
 *
 * The timer is armed only for what will need it: the end of a slice while somebody of the same priority is ready, the
 * end of a budget, a deadline that lets nobody of a lower priority run. A lone thread is never disturbed.
 */
#ifndef SALTO_THREAD_SCHEDULE_H
#define SALTO_THREAD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "thread/queue.h"
#include "thread/timeout.h"
#include "x86/cpu_state.h"

#define PRIORITIES 256
#define DEFAULT_PRIORITY 100
#define DEFAULT_SLICE_NANOSECONDS 10000000UL
#define CHAIN_LIMIT 256        /* a chain that is longer counts as a cycle to whoever would wait at its end */
#define CHAIN_STEPS_AT_ONCE 32 /* in a chain, with interrupts off */

struct thread;

enum context_place {
    CONTEXT_IDLE,      /* its owner waits for an event, or does not run at all */
    CONTEXT_READY,     /* on a ready queue */
    CONTEXT_RUNNING,   /* the current one */
    CONTEXT_PARKED,    /* with the thread, not its owner, at the end of its chain, which waits for an event */
    CONTEXT_EXHAUSTED, /* until its budget is refilled */
};

#define WATCHED_BUDGET 1
#define WATCHED_GUARDED 2 /* its owner's task is */
#define WATCHED_PARKED 4  /* contexts are parked with its owner, and compete when that wakes */

/* Times are in ticks of the time-stamp counter. */
struct context {
    union {
        struct queue_node node; /* READY, PARKED */
        struct timeout refill;  /* EXHAUSTED */
    };
    struct thread *owner;
    struct thread *parked_at;
    uint64_t started;         /* when it began to run, or was last accounted for */
    uint64_t slice, left;     /* of the slice */
    uint64_t budget, remains; /* in each period; 0: not limited */
    uint64_t watched;         /* WATCHED_*: reasons not to hand the CPU over to or from it in passing; 0 if none */
    uint64_t period, period_start;
    struct thread *runner; /* who ran when it was preempted: still the end of its chain if ... */
    uint64_t generation;   /* ... no chain was cut since */
    enum context_place place;
    uint32_t priority;
};

/* The CPU that we run on. The kernel's GS base is always a thread's line, whose gate names the CPU. */
static inline struct cpu *this_cpu(void)
{
    struct gate *gate;
    __asm__("mov %%gs:%c1, %0" : "=r"(gate) : "i"(HOT_GATE));
    return gate->cpu;
}

/* Sets up the context of a new thread. */
void schedule_initialise_context(struct thread *thread);

/* `thread` can run again, or the end of its chain can: its context, or its lender's, competes from now on. */
void schedule_wake(struct thread *thread);

/* As schedule_wake, for a thread that waited for an event alone: where an interrupt brought it, and it is better than
 * who runs, it is next without further ado. */
void schedule_wake_by_interrupt(struct thread *thread);

/* An interrupt of `thread`, a program's, is about to be handled. */
void schedule_before_interrupt(struct thread *thread);

/* The thread that entered the kernel waits for `thread` now, or for nobody (0): if nobody better competes, and the
 * other one can run, it goes on at once, on the same context. */
void schedule_help(struct thread *thread);

/* The call of `sender`, which waited in a queue, is received: contexts that were put aside with it lead further now. */
void schedule_received(struct thread *sender);

/* `thread`, which can run, may have lost the context on which it ran: another one that leads to it competes, and
 * whoever is best goes on when the kernel is left. */
void schedule_go_on(struct thread *thread);

/* `lender` waits for an event now, and `thread`, which entered the kernel and ran for it, goes on without it. */
void schedule_take_back(struct thread *lender, struct thread *thread);

/* `from`, which entered the kernel, waits now, and `to` waits no longer: it goes on at once, if it may. Nobody waits
 * for an answer of `to`. */
void schedule_hand_over(struct thread *from, struct thread *to);

/* The same for a caller that was answered, and that others may have called. */
void schedule_answered(struct thread *from, struct thread *to);

/* `thread`, and with it the end of the chain that begins with it, lost a lender: another context that leads there
 * competes. */
void schedule_lender_lost(struct thread *thread);

/* A chain of waiting was cut in the middle: what contexts remember of their chains is void. */
void schedule_chain_cut(void);

/* `thread` will never run again: its context is taken away, and the best of those parked with it compete again. The
 * others stay where they are, as with a thread that waits for ever, until their owners wake or the thread is
 * destroyed. */
void schedule_forget(struct thread *thread);

/* A piece of making all contexts compete that are parked with a thread that is destroyed. Are there none left? */
bool schedule_forget_piece(struct thread *thread);

/* The priority at which `thread` runs now, or would. */
uint32_t schedule_priority(const struct thread *thread);

/* Is the current context that of `lender`? */
bool schedule_runs_for(const struct thread *lender);

/* Changes the parameters of a context. Nanoseconds; budget 0 means no limit. */
void schedule_set_priority(struct context *context, uint32_t priority);
void schedule_set_times(struct context *context, uint64_t slice, uint64_t budget, uint64_t period);

/* The current context goes behind all others of its priority. */
void schedule_yield(void);

/* Who runs when the kernel is left: 0 for the thread that entered it, which is the rule. */
extern struct thread *schedule_switch;
#define SCHEDULE_BEST ((struct thread *)-1L) /* in schedule_switch: whoever is best */

/* `thread` runs when the kernel is left, unless whoever is best must: it is at the end of the current chain. Where a
 * guarded task runs before or after, the switch is left to whoever issues the barriers between them. */
void schedule_switch_to(struct thread *thread);

/* The thread that entered the kernel cannot go on, or should not: whoever is best runs. */
static inline void schedule_request(void)
{
    schedule_switch = SCHEDULE_BEST;
}

/* The answer for entry.S where schedule_switch is not 0, which it is again afterwards: the thread that runs now. */
struct thread *schedule_resolve(void);

/* Chooses the first thread to run. */
struct thread *schedule_first(void);

/* The timer interrupted. */
void schedule_timer_expired(void);

/* Who runs after an interrupt of `thread`, which can go on. */
struct thread *schedule_after_interrupt(struct thread *thread);

/* Arms the deadline of `thread`. It strikes as soon as nobody of a higher priority runs than that at which the thread
 * runs now, or would: so nobody is disturbed by deadlines of those who could not run anyway. TIMEOUT_NEVER: none. */
void schedule_add_deadline(struct thread *thread, uint64_t when);

/* The same for the thread that entered the kernel. */
void schedule_add_own_deadline(struct thread *thread, uint64_t when);

/* Its deadline, if it has one, strikes at `priority` at least. True if that changed it. */
bool schedule_raise_deadline(struct thread *thread, uint32_t priority);

/* An operation stops here: the thread carries it out again when it runs next. `call` is still the request. */
void schedule_restart(struct thread *thread);

/* A preemption point: lets interrupts in. True if the operation should stop here, to be restarted. Nothing that a
 * deadline or an interrupt may change can be relied on afterwards. */
bool preemption_due(void);

#endif
