/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cycles of waiting. The kernel refuses those that chains of single threads close (thread/chain.h). What is searched
 * for here are those that it cannot see: across a reply object, which any thread of its holders may use, and across an
 * endpoint on which several threads receive.
 *
 * Whoever might end a wait is a thread that the waiting one "waits for". A cycle is `certain` if nobody outside of it
 * can end it: each thread that might end one of its waits is stuck itself, waits in it or for it. Threads that wait to
 * receive, or until a deadline, are never stuck: others may free them.
 */
#include "cap/capability.h"
#include "debug/console.h"
#include "debugger/show.h"
#include "ipc/endpoint.h"
#include "ipc/reply.h"
#include "ipc/wait.h"
#include "thread/chain.h"
#include "thread/task.h"
#include "thread/thread.h"

#define THREADS_LOOKED_AT 1024

/* What is known of a thread during one search. */
struct found {
    const struct thread *thread;
    uint32_t from; /* how the search came here: the index of the thread that waits for this one, plus 1 */
    bool reached, stuck, shown;
};

static struct found threads_found[THREADS_LOOKED_AT];
static uint32_t threads_found_count;

static void find_threads(void)
{
    threads_found_count = 0;
    const struct thread *thread = 0;
    while (threads_found_count < THREADS_LOOKED_AT && (thread = thread_after(thread)))
        threads_found[threads_found_count++] = (struct found){.thread = thread};
    if (thread && thread_after(thread))
        console_printf("only the first %u threads are looked at\n", THREADS_LOOKED_AT);
}

/* Does `thread` wait for something that another thread must do, and that one alone? */
static bool waits_for_threads(const struct thread *thread)
{
    return thread->state == THREAD_KEPT || (thread->state == THREAD_SENDING && thread->sends != SENDS_ONE_WAY) ||
           thread->state == THREAD_TRANSFER || (thread->state == THREAD_ACTIVE && wait_partner(thread));
}

/* Might `other` end the wait of `thread`, which waits_for_threads()? */
static bool might_end(const struct thread *thread, const struct thread *other)
{
    const struct thread *next = chain_next(thread);
    if (next)
        return next == other;
    if (other == thread || other->state == THREAD_NEW || other->state == THREAD_DEAD)
        return false;
    if (thread->state == THREAD_KEPT)
        return task_holds(other->task, &thread->reply->object, RIGHT_WRITE);
    return thread->state == THREAD_SENDING && task_holds(other->task, &thread->endpoint->object, RIGHT_READ);
}

/* Can somebody who is not stuck end the wait of this one? */
static bool can_be_freed(const struct thread *thread)
{
    if (!waits_for_threads(thread) || thread->deadline.rank)
        return true;
    for (uint32_t i = 0; i < threads_found_count; i++)
        if (!threads_found[i].stuck && might_end(thread, threads_found[i].thread))
            return true;
    return false;
}

/* All that can be freed, and those whom they can free, and so on, are not stuck. */
static void find_stuck(void)
{
    bool changed = true;
    for (uint32_t i = 0; i < threads_found_count; i++)
        threads_found[i].stuck = true;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < threads_found_count; i++) {
            struct found *found = &threads_found[i];
            if (!found->stuck || !can_be_freed(found->thread))
                continue;
            found->stuck = false;
            changed = true;
        }
    }
}

/* Marks those for whom thread `index` waits. True if `goal` is one of them. */
static bool reach_from(uint32_t index, uint32_t goal)
{
    const struct thread *thread = threads_found[index].thread;
    if (!waits_for_threads(thread))
        return false;
    for (uint32_t i = 0; i < threads_found_count; i++) {
        struct found *found = &threads_found[i];
        if (found->reached || !might_end(thread, found->thread))
            continue;
        found->reached = true;
        found->from = index + 1;
        if (i == goal)
            return true;
    }
    return false;
}

/* Is there a way from thread `goal` along those whom it waits for, back to itself? */
static bool reaches_itself(uint32_t goal)
{
    uint64_t visited[THREADS_LOOKED_AT / 64] = {0};
    bool changed = true;
    for (uint32_t i = 0; i < threads_found_count; i++)
        threads_found[i].reached = false;
    if (reach_from(goal, goal))
        return true;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < threads_found_count; i++) {
            if (!threads_found[i].reached || (visited[i / 64] >> i % 64 & 1))
                continue;
            visited[i / 64] |= 1UL << i % 64;
            changed = true;
            if (reach_from(i, goal))
                return true;
        }
    }
    return false;
}

/* Prints the way that reaches_itself() found. It is stored from the end to the beginning, so it is turned round
 * first. */
static void show_cycle(uint32_t goal)
{
    uint32_t way[THREADS_LOOKED_AT / 4], length = 0, at = goal;
    bool certain = true;
    do {
        way[length++] = at;
        threads_found[at].shown = true;
        certain &= threads_found[at].stuck;
        at = threads_found[at].from - 1;
    } while (at != goal && length < THREADS_LOOKED_AT / 4);
    console_printf(certain ? "cycle, which nobody else can end:\n" : "cycle, which others may end:\n");
    for (uint32_t i = length; i > 0; i--) {
        const struct thread *thread = threads_found[way[i % length]].thread;
        console_printf("  ");
        print_thread(thread);
        console_printf(" waits ");
        print_wait(thread);
        console_printf("\n");
    }
}

void show_cycles(void)
{
    bool any = false;
    find_threads();
    find_stuck();
    for (uint32_t i = 0; i < threads_found_count; i++) {
        if (threads_found[i].shown || !reaches_itself(i))
            continue;
        show_cycle(i);
        any = true;
    }
    if (!any)
        console_printf("nobody waits for itself\n");
}
