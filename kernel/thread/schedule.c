/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling contexts: who runs, and for how long. See schedule.h. */
#include "thread/schedule.h"

#include "debug/console.h"
#include "debug/panic.h"
#include "debugger.h"
#include "ipc/ipc.h"
#include "ipc/wait.h"
#include "thread/alarm.h"
#include "thread/chain.h"
#include "thread/idle.h"
#include "thread/ready.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu.h"
#include "x86/timer.h"

#define DUE_AT_ONCE 2      /* timeouts handled in one interrupt; the timer comes again for the rest */
#define RELEASED_AT_ONCE 4 /* parked contexts that wake with the thread; the rest help when their own turn comes */

static struct context *current;
static struct thread *interrupted;      /* by the interrupt that is being handled; 0 while programs' requests are */
static uint64_t interrupted_generation; /* of chains, when it came */
struct thread *schedule_switch;

/* ---- Who competes ---------------------------------------------------------------------------------------------- */

/* When the timer must interrupt for the sake of the current context and those of its priority. */
static uint64_t end_of_turn(void)
{
    uint64_t when = TIMEOUT_NEVER;
    if (current->budget)
        when = current->started + current->remains;
    if (ready_is_anybody_at(current->priority) && current->started + current->left < when)
        when = current->started + current->left;
    return when;
}

static inline void enqueue(struct context *context, bool at_the_end)
{
    ready_enter(context, at_the_end);
    if (current && current->priority == context->priority)
        alarm_at(current->started + current->left);
}

static void park(struct context *context, struct thread *thread)
{
    assert(context->place == CONTEXT_IDLE);
    if (thread == context->owner)
        return;
    context->place = CONTEXT_PARKED;
    context->parked_at = thread;
    queue_insert(&thread->parked, &context->node, context->priority);
    thread->context.watched |= WATCHED_PARKED;
}

static void unpark(struct context *context)
{
    assert(context->place == CONTEXT_PARKED);
    struct thread *thread = context->parked_at;
    queue_remove(&thread->parked, &context->node);
    if (!thread->parked.first)
        thread->context.watched &= ~(uint64_t)WATCHED_PARKED;
    context->place = CONTEXT_IDLE;
}

/* The context competes, unless it does so already, or is exhausted. */
static void compete(struct context *context)
{
    if (context->place == CONTEXT_PARKED)
        unpark(context);
    if (context->place == CONTEXT_IDLE)
        enqueue(context, true);
}

static void request_if_better(void)
{
    const struct context *best = ready_best();
    if (current && best && best->priority > current->priority)
        schedule_request();
}

/* ---- Time ------------------------------------------------------------------------------------------------------ */

/* Charges the current context for the time since it was last charged. */
static void account(void)
{
    uint64_t now = rdtsc(), used = now - current->started;
    current->started = now;
    current->left -= used < current->left ? used : current->left;
    if (current->budget)
        current->remains -= used < current->remains ? used : current->remains;
}

static bool exhausted(const struct context *context)
{
    return context->budget && !context->remains;
}

static void refill(struct context *context)
{
    uint64_t now = rdtsc();
    context->period_start = now;
    context->remains = context->budget;
    if (context->place != CONTEXT_EXHAUSTED)
        return;
    context->place = CONTEXT_IDLE;
    enqueue(context, true);
}

static void exhaust(struct context *context)
{
    context->place = CONTEXT_EXHAUSTED;
    context->refill = (struct timeout){.kind = TIMEOUT_REFILL};
    alarm_add(&context->refill, context->period_start + context->period, context->priority);
}

/* Does a switch to `thread` need the barriers of guarded tasks? */
static bool needs_barriers(const struct thread *thread)
{
    return cpus[0].guarded || thread->task->guarded;
}

void schedule_switch_to(struct thread *thread)
{
    if (schedule_switch != SCHEDULE_BEST)
        schedule_switch = needs_barriers(thread) ? SCHEDULE_BEST : thread;
}

/* ---- Choosing -------------------------------------------------------------------------------------------------- */

/* The current context makes room: to the front of its level, unless its slice is over or its owner waits. */
static void put_away(bool yields)
{
    struct context *context = current;
    if (!context)
        return;
    account();
    current = 0;
    context->place = CONTEXT_IDLE;
    if (exhausted(context))
        return exhaust(context);
    bool over = yields || !context->left;
    if (over)
        context->left = context->slice;
    if (!chain_waits_for_event(context->owner))
        enqueue(context, over);
}

/* Arms the timer for what matters while the current context runs. */
static void arm_turn(void)
{
    alarm_at(end_of_turn());
    if (alarm_puts_off(current->priority))
        alarm_for(current->priority);
}

static void run(struct context *context, struct thread *thread)
{
    context->place = CONTEXT_RUNNING;
    context->started = rdtsc();
    thread->ran_on = context;
    current = context;
    if (context->budget || ready_count)
        arm_turn();
}

/* From the context of a thread that just began to wait to that of one that waited, where nobody else competes. */
static inline bool hand_over_at_once(struct thread *from, struct thread *to)
{
    struct context *context = &to->context;
    if (current != &from->context || context->place != CONTEXT_IDLE || ready_count)
        return false;
    if ((current->watched | context->watched) || schedule_switch || to->stopped)
        return false;
    uint64_t now = rdtsc(), used = now - current->started;
    current->left = used < current->left ? current->left - used : current->slice;
    current->place = CONTEXT_IDLE;
    context->place = CONTEXT_RUNNING;
    context->started = now;
    to->ran_on = context;
    current = context;
    schedule_switch = to;
    return true;
}

void schedule_take_back(struct thread *lender, struct thread *thread)
{
    if (!hand_over_at_once(lender, thread))
        schedule_go_on(thread);
}

void schedule_hand_over(struct thread *from, struct thread *to)
{
    if (hand_over_at_once(from, to))
        return;
    if (!to->stopped)
        schedule_wake(to);
    schedule_request();
}

/* Is the context a reserve that is not used now, because somebody lends to its owner, whose context competes? Where the
 * chain is too long to see who that is, it is used. */
static bool is_unused_reserve(const struct context *context)
{
    const struct thread *lender = chain_lender(context->owner);
    return lender != context->owner && !wait_caller(lender);
}

void schedule_answered(struct thread *from, struct thread *to)
{
    if (to->stopped)
        return schedule_request();
    if (to->restarting) /* it waited for a page, and is not through with its system call */
        return schedule_wake(to), schedule_request();
    if (current == &to->context)
        return schedule_switch_to(to);
    if (!wait_caller(to) && hand_over_at_once(from, to))
        return;
    schedule_wake(to);
    schedule_request();
}

/* Who ran on the context when it was preempted, if that still is the end of its chain. */
static struct thread *remembered(const struct context *context)
{
    if (!context->runner || context->generation != chain_generation || context->runner->ran_on != context)
        return 0;
    return context->runner;
}

/* Who is at the end of the chain of the best context, which runs now; 0 if that leads nowhere, or there is none: then
 * something has changed, and will again. */
static struct thread *try_to_choose(void)
{
    bool destroyed = object_destroy_piece(); /* what died with whoever destroyed it */
    if (destroyed)
        (void)preemption_due();
    while (console_queue_piece()) /* as far as the transmitter has room */
        (void)preemption_due();
    struct context *context = ready_best();
    if (!context)
        return idle(destroyed || console_queue_waits()), (struct thread *)0;
    struct thread *thread = remembered(context);
    if (!thread)
        thread = chain_end(context->owner);
    if (!thread || ready_best() != context)
        return 0; /* interrupts were let in, and changed something */
    ready_leave(context);
    context->runner = 0;
    if (is_unused_reserve(context))
        return 0;
    if (!thread_can_run(thread))
        return park(context, thread), (struct thread *)0;
    if (thread->task->ended) /* and was not stopped yet */
        return thread_end(thread), (struct thread *)0;
    run(context, thread);
    return thread;
}

static struct thread *choose(void)
{
    struct thread *thread;
    while (!(thread = try_to_choose()))
        (void)preemption_due();
    return thread;
}

/* Carries on with what stopped at a preemption point. */
static void restart(struct thread *thread)
{
    if (thread->restarting == RESTARTS_TRANSFER)
        return transfer_go_on(thread);
    thread->restarting = RESTARTS_NOTHING;
    thread->call = thread->message;
    system_call(thread);
    if (!thread->restarting) /* it may have been refused now */
        thread_forget_operation(thread);
}

/* Chooses, and carries on with operations that stopped at a preemption point. */
static struct thread *choose_and_restart(void)
{
    struct thread *thread = choose();
    while (thread->restarting) {
        schedule_switch = 0;
        if (preemption_due()) {
            put_away(false);
            thread = choose();
            if (!thread->restarting)
                break;
        }
        write_gs_base((uint64_t)thread->hot);
        schedule_switch = 0;
        restart(thread);
        if (schedule_switch == SCHEDULE_BEST) {
            put_away(false);
            thread = choose();
        } else if (schedule_switch) {
            thread = schedule_switch;
        }
    }
    schedule_switch = 0;
    thread_bury();
    task_enter(thread->task);
    return thread;
}

struct thread *schedule_resolve(void)
{
    struct thread *thread = schedule_switch;
    schedule_switch = 0;
    if (thread != SCHEDULE_BEST)
        return thread;
    (void)preemption_due();
    put_away(false);
    return choose_and_restart();
}

struct thread *schedule_first(void)
{
    alarm_at(debugger_next_look());
    return choose_and_restart();
}

void schedule_before_interrupt(struct thread *thread)
{
    interrupted = thread;
    interrupted_generation = chain_generation;
}

/* The current context remembers who ran on it when the interrupt came. */
static void remember_interrupted(void)
{
    interrupted->ran_on = current;
    current->runner = interrupted;
    current->generation = interrupted_generation;
}

struct thread *schedule_after_interrupt(struct thread *thread)
{
    if (schedule_switch == SCHEDULE_BEST && current)
        remember_interrupted();
    interrupted = 0; /* from here on, interrupts find the kernel */
    return schedule_switch ? schedule_resolve() : thread;
}

/* A better context than all others takes the place of the current one, which an interrupt found running. */
static bool preempt_at_once(struct thread *to)
{
    struct context *context = &to->context, *left = current;
    if (!interrupted || !left || context->place != CONTEXT_IDLE || context->priority <= left->priority)
        return false;
    if ((left->watched | context->watched) || schedule_switch)
        return false;
    const struct context *best = ready_best();
    if (best && best->priority >= context->priority)
        return false;
    account();
    remember_interrupted();
    left->place = CONTEXT_IDLE;
    bool over = !left->left;
    left->left = over ? left->slice : left->left;
    current = 0;
    enqueue(left, over);
    context->place = CONTEXT_RUNNING;
    context->started = left->started;
    to->ran_on = context;
    current = context;
    schedule_switch = to;
    return true;
}

void schedule_wake_by_interrupt(struct thread *thread)
{
    if (!preempt_at_once(thread))
        schedule_wake(thread);
}

void schedule_restart(struct thread *thread)
{
    thread->message = thread->call;
    thread->restarting = RESTARTS_OPERATION;
    schedule_request();
}

bool preemption_due(void)
{
    interrupts_enable();
    cpu_no_operation();
    interrupts_disable();
    return schedule_switch == SCHEDULE_BEST;
}

/* ---- What changes ---------------------------------------------------------------------------------------------- */

void schedule_initialise_context(struct thread *thread)
{
    struct context *context = &thread->context;
    context->owner = thread;
    context->priority = DEFAULT_PRIORITY;
    schedule_set_times(context, DEFAULT_SLICE_NANOSECONDS, 0, 0);
}

/* The best of the contexts that were put aside with `thread` compete from now on. */
static void release_parked(struct thread *thread)
{
    for (int i = 0; i < RELEASED_AT_ONCE && thread->parked.first; i++)
        compete(ready_context(thread->parked.first));
}

/* Contexts that lead to `thread` compete from now on: one of them surely, the best of those put aside too. */
static void release(struct thread *thread)
{
    compete(&chain_lender(thread)->context);
    release_parked(thread);
}

void schedule_wake(struct thread *thread)
{
    release(thread);
    request_if_better();
}

void schedule_help(struct thread *thread)
{
    if (!thread || schedule_switch || !current || !thread_can_run(thread) || thread->restarting || thread->task->ended)
        return schedule_request();
    thread->ran_on = current;
    schedule_switch_to(thread);
}

void schedule_received(struct thread *sender)
{
    release_parked(sender);
    request_if_better();
}

void schedule_go_on(struct thread *thread)
{
    struct context *context = &chain_lender(thread)->context;
    if (context == current)
        return;
    compete(context);
    schedule_request();
}

void schedule_lender_lost(struct thread *thread)
{
    schedule_chain_cut();
    if (chain_waits_for_event(thread)) /* or is dead; who wakes it sees to the rest */
        return;
    release(thread);
    schedule_request();
}

void schedule_chain_cut(void)
{
    chain_generation++;
}

void schedule_forget(struct thread *thread)
{
    struct context *context = &thread->context;
    schedule_chain_cut();
    if (context->place == CONTEXT_EXHAUSTED)
        timeout_remove(&context->refill);
    if (context->place == CONTEXT_READY)
        ready_leave(context);
    if (context->place == CONTEXT_PARKED)
        unpark(context);
    if (context == current) {
        current = 0;
        schedule_request();
    }
    context->place = CONTEXT_IDLE;
    if (thread->parked.first)
        release_parked(thread);
}

bool schedule_forget_piece(struct thread *thread)
{
    release_parked(thread);
    return !thread->parked.first;
}

uint32_t schedule_priority(const struct thread *thread)
{
    return current && thread_is_current(thread) ? current->priority : thread->context.priority;
}

bool schedule_runs_for(const struct thread *lender)
{
    return current == &lender->context;
}

void schedule_set_priority(struct context *context, uint32_t priority)
{
    enum context_place place = context->place;
    if (place == CONTEXT_READY)
        ready_leave(context);
    if (place == CONTEXT_PARKED)
        unpark(context);
    context->priority = priority;
    if (place == CONTEXT_EXHAUSTED && timeout_raise(&context->refill, priority))
        alarm_at_priority(context->refill.when, priority);
    (void)schedule_raise_deadline(context->owner, priority);
    if (place == CONTEXT_READY || place == CONTEXT_PARKED)
        enqueue(context, true);
    request_if_better();
    if (current)
        arm_turn();
}

void schedule_set_times(struct context *context, uint64_t slice, uint64_t budget, uint64_t period)
{
    context->slice = context->left = timer_ticks(slice);
    context->watched = (context->watched & WATCHED_PARKED) | (budget ? WATCHED_BUDGET : 0) |
                       (context->owner->task->guarded ? WATCHED_GUARDED : 0);
    context->budget = context->remains = timer_ticks(budget);
    context->period = timer_ticks(period);
    context->period_start = rdtsc();
    if (context == current)
        context->started = context->period_start;
    if (context->place == CONTEXT_EXHAUSTED)
        timeout_remove(&context->refill);
    refill(context);
    request_if_better();
    if (current)
        alarm_at(end_of_turn());
}

void schedule_yield(void)
{
    put_away(true);
    schedule_request();
}

void schedule_add_deadline(struct thread *thread, uint64_t when)
{
    if (when != TIMEOUT_NEVER)
        alarm_add(&thread->deadline, when, schedule_priority(thread));
}

void schedule_add_own_deadline(struct thread *thread, uint64_t when)
{
    assert(current);
    if (when != TIMEOUT_NEVER)
        alarm_add(&thread->deadline, when, current->priority);
}

bool schedule_raise_deadline(struct thread *thread, uint32_t priority)
{
    if (!timeout_raise(&thread->deadline, priority))
        return false;
    alarm_at_priority(thread->deadline.when, priority);
    return true;
}

/* ---- The timer ------------------------------------------------------------------------------------------------- */

static void expire(struct timeout *timeout)
{
    if (timeout->kind == TIMEOUT_REFILL)
        refill((struct context *)((char *)timeout - __builtin_offsetof(struct context, refill)));
    else
        wait_fail((struct thread *)((char *)timeout - __builtin_offsetof(struct thread, deadline)), ERROR_TIMEOUT);
}

void schedule_timer_expired(void)
{
    alarm_rang();
    uint64_t now = rdtsc();
    uint32_t least = current ? current->priority : 0;
    struct timeout *due;
    for (int i = 0; i < DUE_AT_ONCE && (due = timeout_take_due(now, least)); i++)
        expire(due);
    if (current) {
        account();
        if (exhausted(current) || (!current->left && ready_is_anybody_at(current->priority)))
            schedule_request();
        request_if_better();
        /* A turn that is over must not interrupt again at once, and then for ever: whoever is chosen arms the timer. */
        if (schedule_switch != SCHEDULE_BEST)
            alarm_at(end_of_turn());
    }
    alarm_for(current ? current->priority : 0);
    debugger_look();
    alarm_at(debugger_next_look());
}
