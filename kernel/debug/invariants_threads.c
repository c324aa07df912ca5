/* SPDX-License-Identifier: BSD-2-Clause */
/* Invariants of threads, and of the endpoints and contexts that they stand at. See invariants.h. */
#include "debug/invariants.h"

#include "cap/capability.h"
#include "ipc/endpoint.h"
#include "ipc/hot.h"
#include "ipc/notification.h"
#include "ipc/reply.h"
#include "ipc/wait.h"
#include "mem/memory.h"
#include "thread/chain.h"
#include "thread/ready.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"

static const struct thread *thread_of(const struct queue_node *node)
{
    return (const struct thread *)((const char *)node - __builtin_offsetof(struct thread, node));
}

static const struct context *context_of(const struct queue_node *node)
{
    return (const struct context *)((const char *)node - __builtin_offsetof(struct context, node));
}

static bool stands_in(const struct queue_node *node, const struct queue_node *first)
{
    while (first && first != node)
        first = first->next;
    return first;
}

/* ---- Queues ------------------------------------------------------------------------------------------------------ */

static void check_queue(struct inspection *inspection, const struct priority_queue *queue)
{
    const struct queue_node *level = queue->first;
    invariant(inspection, !level || !level->previous, "the first in a queue has nobody before");
    for (const struct queue_node *node = queue->first; node && !inspection->broken; node = node->next) {
        invariant(inspection, !node->next || node->next->previous == node, "neighbours in a queue know each other");
        invariant(inspection, !node->next || node->next->priority <= node->priority, "queues go by priority");
        if (node == level)
            invariant(inspection,
                      level->last->priority == level->priority &&
                          (!level->last->next || level->last->next->priority < level->priority),
                      "levels of a queue know their ends");
        if (node == level->last) {
            invariant(inspection, level->lower == node->next, "levels of a queue know the next one");
            level = node->next;
        }
    }
}

void invariants_endpoint(struct inspection *inspection, const struct endpoint *endpoint)
{
    const struct hot_thread *waiter = endpoint->hot->waiter, *nobody = (const struct hot_thread *)NOBODY_LINE;
    if (!invariant(inspection, waiter, "an endpoint always names a waiter"))
        return;
    invariant(inspection, waiter == nobody || (waiter->thread && waiter->thread->hot == waiter),
              "a waiter word names a thread");
    invariant(inspection, waiter == nobody || waiter->receive_endpoint == endpoint->offset,
              "a waiter word names a thread that waits there, or serves what it received there");
    if (endpoint->senders.first)
        invariant(inspection, (waiter->waits & ~WAIT_KERNEL) != endpoint->offset && !endpoint->receivers.first,
                  "nobody waits where senders are queued");
    check_queue(inspection, &endpoint->senders);
    check_queue(inspection, &endpoint->receivers);
    for (const struct queue_node *node = endpoint->senders.first; node && !inspection->broken; node = node->next)
        invariant(inspection, thread_of(node)->state == THREAD_SENDING && thread_of(node)->endpoint == endpoint,
                  "who is queued to send knows where");
    for (const struct queue_node *node = endpoint->receivers.first; node && !inspection->broken; node = node->next)
        invariant(inspection,
                  thread_of(node)->state == THREAD_RECEIVING && thread_of(node)->endpoint == endpoint &&
                      thread_of(node)->hot != waiter,
                  "who is queued to receive knows where");
}

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

/* A thread that sends or receives stands in the one queue that it names, and others name none. */
static void check_place(struct inspection *inspection, const struct thread *thread)
{
    bool sends = thread->state == THREAD_SENDING, receives = thread->state == THREAD_RECEIVING;
    if (sends)
        invariant(inspection, thread->endpoint && stands_in(&thread->node, thread->endpoint->senders.first),
                  "who sends stands in the queue of an endpoint");
    if (receives && thread->endpoint)
        invariant(inspection, stands_in(&thread->node, thread->endpoint->receivers.first),
                  "who receives stands in the queue of an endpoint");
    invariant(inspection, sends || receives || !thread->endpoint, "who does not wait in a queue names none");
    invariant(inspection, thread->state == THREAD_ACTIVE || (!thread->hot->waits && !thread->hot->partner),
              "a thread waits in one place");
    invariant(inspection, !thread->hot->waits || !thread->hot->partner, "a thread waits for one thing");
}

static void check_partner(struct inspection *inspection, const struct thread *thread)
{
    const struct hot_thread *line = thread->hot;
    const struct hot_thread *partner = (const struct hot_thread *)((uint64_t)line->partner & ~WAIT_KERNEL);
    if (partner)
        invariant(inspection, partner->thread && partner->thread->hot == partner && partner->caller == line,
                  "partner and caller agree");
    const struct hot_endpoint *waited_on = (const struct hot_endpoint *)(HOT_ENDPOINTS + (line->waits & ~WAIT_KERNEL));
    if (line->waits)
        invariant(inspection, waited_on->waiter == line, "an endpoint's waiter word names who waits there");
}

static void check_bonds(struct inspection *inspection, const struct thread *thread)
{
    invariant(inspection, !thread->notification || thread->notification->thread == thread,
              "notifications know their threads");
    invariant(inspection, !thread->notification || thread->state != THREAD_DEAD, "who is dead is bound to nothing");
    invariant(inspection, !thread->makes || (thread->makes->maker == thread && thread->restarting),
              "who makes an object is known to it, and goes on with that");
    invariant(inspection, (thread->state == THREAD_KEPT) == (thread->reply != 0), "who is kept knows where");
    invariant(inspection, !thread->reply || thread->reply->caller == thread, "reply objects know whom they keep");
}

/* Client and driver of a transfer name each other; nobody else names one. */
static void check_transfer(struct inspection *inspection, const struct thread *thread)
{
    const struct thread *other = thread->transfer_partner;
    bool waits = thread->state == THREAD_TRANSFER, drives = thread->restarting == RESTARTS_TRANSFER;
    invariant(inspection, (waits || drives) == (other != 0) && !(waits && drives),
              "who is in a transfer has a partner, and one part in it");
    if (!other || inspection->broken)
        return;
    invariant(inspection, other->transfer_partner == thread && (other->state == THREAD_TRANSFER) == drives,
              "client and driver of a transfer know each other");
    invariant(inspection, !thread->interrupted && thread->transfer.answers == other->transfer.answers,
              "a transfer goes on within system calls, in one direction");
}

static void check_deadline(struct inspection *inspection, const struct thread *thread)
{
    const struct hot_thread *line = thread->hot;
    if (!thread->deadline.rank)
        return;
    invariant(inspection, wait_in_ipc(thread), "who has a deadline waits");
    invariant(inspection,
              (!line->waits || line->waits & WAIT_KERNEL) && (!line->partner || (uint64_t)line->partner & WAIT_KERNEL),
              "a wait with a deadline is the kernel's to end");
}

/* What lets a thread wait plainly, without the kernel: a capability that allows it, and nobody queued. */
static void check_plain_wait(struct inspection *inspection, const struct thread *thread)
{
    const struct hot_thread *line = thread->hot;
    if (line->receive_handle == HANDLE_NONE) {
        const struct thread *caller = wait_caller(thread);
        invariant(inspection, !line->waits || line->waits & WAIT_KERNEL,
                  "who may not wait plainly is the kernel's to wake");
        invariant(inspection, !caller || (uint64_t)caller->hot->partner & WAIT_KERNEL,
                  "the caller of who may not wait plainly is the kernel's to answer");
        return;
    }
    const struct capability *capability = capability_find(&thread->task->table, line->receive_handle);
    if (!invariant(inspection,
                   capability && capability->object->type == OBJECT_ENDPOINT && (capability->rights & RIGHT_READ),
                   "plain waits need the right to receive"))
        return;
    const struct endpoint *endpoint = (const struct endpoint *)capability->object;
    invariant(inspection,
              endpoint->offset == line->receive_endpoint && endpoint->hot->waiter == line && !endpoint->senders.first,
              "plain waits need the waiter's place, and no sender queued");
}

/* The trampoline passes by guarded tasks: their slots are empty, and none of their waits is its to end. */
static void check_guarded(struct inspection *inspection, const struct thread *thread)
{
    const struct hot_thread *line = thread->hot;
    invariant(inspection,
              line->receive_handle == HANDLE_NONE && (!line->waits || line->waits & WAIT_KERNEL) &&
                  (!line->partner || (uint64_t)line->partner & WAIT_KERNEL),
              "the waits of guarded tasks are the kernel's to end");
}

/* ---- Scheduling -------------------------------------------------------------------------------------------------- */

/* The last thread of a chain, however long; 0 where it does not end. */
static const struct thread *end_of(const struct thread *thread)
{
    const struct thread *next = chain_next(thread);
    for (uint32_t steps = 0; next && steps <= thread_count(); steps++) {
        thread = next;
        next = chain_next(thread);
    }
    return next ? 0 : thread;
}

/* Is `thread` at the end of the chain of a context that competes? */
static bool is_reachable(const struct thread *thread, bool running)
{
    for (struct task *task = task_first(); task; task = task->next)
        for (struct thread *owner = task->threads; owner; owner = owner->task_next) {
            enum context_place place = owner->context.place;
            bool competes = running ? place == CONTEXT_RUNNING : place != CONTEXT_IDLE && place != CONTEXT_PARKED;
            if (competes && end_of(owner) == thread)
                return true;
        }
    return false;
}

static void check_reachable(struct inspection *inspection, struct thread *thread)
{
    if (thread == inspection->running)
        invariant(inspection, is_reachable(thread, true), "the running context leads to the running thread");
    else if (thread_can_run(thread))
        invariant(inspection, is_reachable(thread, false),
                  "whoever can run stands at the end of a context that competes");
}

static void check_context(struct inspection *inspection, const struct thread *thread)
{
    const struct context *context = &thread->context;
    invariant(inspection, context->owner == thread, "a context belongs to its thread");
    invariant(inspection, context->place != CONTEXT_RUNNING || !wait_caller(thread),
              "a reserve does not run while its owner is lent to");
    if (context->place == CONTEXT_READY)
        invariant(inspection, stands_in(&context->node, ready_first(context->priority)),
                  "a context that is ready stands in the queue of its priority");
    if (context->place == CONTEXT_PARKED)
        invariant(inspection, stands_in(&context->node, context->parked_at->parked.first),
                  "a context that is parked stands with the thread where it is");
    if (context->place == CONTEXT_EXHAUSTED)
        invariant(inspection, context->refill.rank != 0, "a context that is exhausted will be refilled");
    check_queue(inspection, &thread->parked);
    invariant(inspection, !thread->parked.first == !(thread->context.watched & WATCHED_PARKED),
              "a thread with parked contexts is watched");
}

static void check_ready_queues(struct inspection *inspection)
{
    for (uint32_t priority = 0; priority < PRIORITIES; priority++)
        for (const struct queue_node *node = ready_first(priority); node && !inspection->broken; node = node->next)
            invariant(inspection,
                      context_of(node)->place == CONTEXT_READY && context_of(node)->priority == priority &&
                          (!node->next || node->next->previous == node),
                      "a ready queue holds contexts that are ready");
}

static void check_thread(struct inspection *inspection, struct thread *thread)
{
    const struct task *task = thread->task;
    check_place(inspection, thread);
    check_partner(inspection, thread);
    check_bonds(inspection, thread);
    check_transfer(inspection, thread);
    check_deadline(inspection, thread);
    check_plain_wait(inspection, thread);
    if (task->guarded)
        check_guarded(inspection, thread);
    invariant(inspection, end_of(thread), "chains of waiting end");
    check_context(inspection, thread);
    if (!inspection->broken)
        check_reachable(inspection, thread);
    invariant(inspection,
              !task->ended || task->to_end || thread->state == THREAD_DEAD || thread->sends == SENDS_ONE_WAY,
              "the threads of an ended task have ended");
    invariant(inspection,
              thread->hot->thread == thread && thread->hot->cr3 == task->space.cr3 &&
                  (thread->hot->reflect == task->linux_handler || task->to_tell),
              "hot lines repeat thread, address space and Linux-call handler");
}

void invariants_threads(struct inspection *inspection)
{
    uint32_t threads = 0, running = 0;
    for (const struct task *task = task_first(); task; task = task->next)
        for (struct thread *thread = task->threads; thread && !inspection->broken; thread = thread->task_next) {
            check_thread(inspection, thread);
            threads++;
            running += thread->context.place == CONTEXT_RUNNING;
        }
    check_ready_queues(inspection);
    if (inspection->broken)
        return;
    const struct task *task = inspection->running->task;
    invariant(inspection, running == 1, "one context runs");
    invariant(inspection, this_cpu()->guarded == (task->guarded ? task : 0),
              "the CPU knows which guarded task it runs");
    invariant(inspection, threads == thread_count(), "each thread is one of its task's");
}
