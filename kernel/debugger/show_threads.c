/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks, threads, endpoints and queues, as the debugger shows them. See show.h. */
#include "cap/capability.h"
#include "cap/factory.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "debugger/show.h"
#include "ipc/endpoint.h"
#include "ipc/notification.h"
#include "ipc/reply.h"
#include "ipc/wait.h"
#include "thread/chain.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu.h"
#include "x86/timer.h"

#define MICROSECONDS 1000000UL

static const char *const state_names[] = {
    [THREAD_NEW] = "new",
    [THREAD_ACTIVE] = "active",
    [THREAD_SENDING] = "sending",
    [THREAD_RECEIVING] = "receiving",
    [THREAD_WAITING] = "waiting",
    [THREAD_KEPT] = "kept",
    [THREAD_TRANSFER] = "in a transfer",
    [THREAD_FAULTED] = "faulted",
    [THREAD_DEAD] = "dead",
};

static const char *const place_names[] = {
    [CONTEXT_IDLE] = "idle",     [CONTEXT_READY] = "ready",         [CONTEXT_RUNNING] = "running",
    [CONTEXT_PARKED] = "parked", [CONTEXT_EXHAUSTED] = "exhausted",
};

/* ---- Going through all that exists ------------------------------------------------------------------------------- */

uint32_t thread_line_number(const struct thread *thread)
{
    return (uint32_t)(((uint64_t)thread->hot - HOT_THREADS) / HOT_THREAD_SIZE);
}

uint32_t endpoint_line_number(const struct endpoint *endpoint)
{
    return (uint32_t)(endpoint->offset / HOT_ENDPOINT_SIZE);
}

static struct thread *first_of(const struct task *task)
{
    while (task && !task->threads)
        task = task->next;
    return task ? task->threads : 0;
}

struct thread *thread_after(const struct thread *thread)
{
    if (!thread)
        return first_of(task_first());
    return thread->task_next ? thread->task_next : first_of(thread->task->next);
}

struct thread *thread_by_number(uint64_t number)
{
    struct thread *thread = 0;
    while ((thread = thread_after(thread)))
        if (thread_line_number(thread) == number)
            return thread;
    return 0;
}

/* The factory that pays, in the end, for all that tasks have. */
static struct factory *first_factory(void)
{
    struct factory *factory = task_first() ? task_first()->object.payer : 0;
    while (factory && factory->parent)
        factory = factory->parent;
    return factory;
}

struct object *object_after(const struct object *object)
{
    struct factory *factory = object ? object->payer : first_factory();
    struct object *next = !object ? factory ? factory->objects : 0 : object->next;
    if (object && object->type == OBJECT_FACTORY && ((const struct factory *)object)->objects)
        return ((const struct factory *)object)->objects;
    while (!next && factory && factory->parent) {
        next = factory->object.next;
        factory = factory->parent;
    }
    return next;
}

bool task_holds(const struct task *task, const struct object *object, uint32_t rights)
{
    for (uint32_t handle = 0; handle < task->table.limit; handle++) {
        const struct capability *capability = capability_find(&task->table, handle);
        if (capability && capability->object == object && (capability->rights & rights) == rights)
            return true;
    }
    return false;
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

void print_thread(const struct thread *thread)
{
    console_printf("#%u %s/%u", thread_line_number(thread), thread->task->name, thread->number);
}

static void print_holders(const struct object *object, uint32_t rights)
{
    bool any = false;
    for (const struct task *task = task_first(); task; task = task->next) {
        if (!task_holds(task, object, rights))
            continue;
        console_printf("%s%s", any ? ", " : "", task->name);
        any = true;
    }
    console_printf("%s", any ? "" : "nobody");
}

static void print_sending(const struct thread *thread)
{
    const struct endpoint *endpoint = thread->endpoint;
    const struct thread *server = endpoint_server(endpoint);
    console_printf("%s on endpoint %u, ",
                   thread->sends == SENDS_FAULT     ? "for the handler of its fault"
                   : thread->sends == SENDS_ONE_WAY ? "for its supervisor"
                                                    : "to send",
                   endpoint_line_number(endpoint));
    if (server)
        return console_printf("to "), print_thread(server);
    console_printf(endpoint->shared ? "which several threads of these tasks may serve: "
                                    : "which nobody of these tasks serves: ");
    print_holders(&endpoint->object, RIGHT_READ);
}

static void print_active(const struct thread *thread)
{
    const struct thread *partner = wait_partner(thread);
    uint64_t waits = thread->hot->waits & ~WAIT_KERNEL;
    if (partner) {
        console_printf(thread->sends == SENDS_FAULT ? "for the handler of its fault, " : "for an answer from ");
        print_thread(partner);
    } else if (waits) {
        console_printf("to receive on endpoint %u", (uint32_t)(waits / HOT_ENDPOINT_SIZE));
    } else {
        console_printf("for nothing");
    }
}

static void print_receiving(const struct thread *thread)
{
    if (thread->endpoint)
        console_printf("to receive on endpoint %u, behind another thread", endpoint_line_number(thread->endpoint));
    else
        console_printf(thread->takes_signals ? "for signals" : "for its deadline");
}

static void print_kept(const struct thread *thread)
{
    console_printf("for an answer by reply object %lx, held by ", (uint64_t)thread->reply);
    print_holders(&thread->reply->object, RIGHT_WRITE);
}

void print_wait(const struct thread *thread)
{
    switch (thread->state) {
    case THREAD_ACTIVE:
        return print_active(thread);
    case THREAD_SENDING:
        return print_sending(thread);
    case THREAD_RECEIVING:
    case THREAD_WAITING:
        return print_receiving(thread);
    case THREAD_KEPT:
        return print_kept(thread);
    case THREAD_TRANSFER:
        console_printf("for its message to be copied by ");
        return print_thread(thread->transfer_partner);
    default:
        console_printf("for nobody: it is %s", state_names[thread->state]);
    }
}

/* Microseconds from now until the time-stamp counter is at `when`; 0 if it has been. */
static uint64_t microseconds_until(uint64_t when)
{
    uint64_t now = rdtsc();
    return when > now ? (when - now) / (tsc_hertz() / MICROSECONDS) : 0;
}

static void show_line_of(const struct thread *thread)
{
    const struct context *context = &thread->context;
    print_thread(thread);
    console_printf(": %s%s, priority %u, context %s; waits ", state_names[thread->state],
                   thread->stopped ? " (stopped)" : "", context->priority, place_names[context->place]);
    print_wait(thread);
    if (thread->deadline.rank)
        console_printf(", for %lu us more", microseconds_until(thread->deadline.when));
    console_printf("%s\n", (struct hot_thread *)read_gs_base() == thread->hot ? " <- ran last" : "");
}

void show_threads(void)
{
    for (const struct thread *thread = thread_after(0); thread; thread = thread_after(thread))
        show_line_of(thread);
}

static void show_context(const struct context *context)
{
    console_printf("  context %s, priority %u, slice %lu us, left %lu us", place_names[context->place],
                   context->priority, context->slice / (tsc_hertz() / MICROSECONDS),
                   context->left / (tsc_hertz() / MICROSECONDS));
    if (context->budget)
        console_printf(", budget %lu us, remains %lu us", context->budget / (tsc_hertz() / MICROSECONDS),
                       context->remains / (tsc_hertz() / MICROSECONDS));
    if (context->place == CONTEXT_PARKED)
        console_printf(", parked with "), print_thread(context->parked_at);
    console_printf("\n");
}

/* Whom the thread waits for, whom that one waits for, and so on. */
static void show_chain(const struct thread *thread)
{
    const struct thread *next = chain_next(thread);
    for (int i = 0; next && i < CHAIN_LIMIT; i++, next = chain_next(next)) {
        console_printf(i == 0 ? "  waits for " : ", which waits for ");
        print_thread(next);
    }
    console_printf(chain_next(thread) ? "\n" : "");
}

void show_thread(const struct thread *thread)
{
    const struct thread *caller = wait_caller(thread);
    show_line_of(thread);
    show_context(&thread->context);
    show_chain(thread);
    if (caller)
        console_printf("  may answer "), print_thread(caller), console_printf("\n");
    if (thread->notification)
        console_printf("  notification %lx, bits %lx\n", (uint64_t)thread->notification, thread->notification->bits);
    if (thread->interrupted)
        print_registers(&thread->frame);
    else
        console_printf("  in a system call: rip %lx rsp %lx, tag %lx, handle %lx\n", thread->hot->rip, thread->hot->rsp,
                       thread->call.tag, thread->call.handle);
}

void show_tasks(void)
{
    for (const struct task *task = task_first(); task; task = task->next) {
        uint32_t threads = 0;
        for (const struct thread *thread = task->threads; thread; thread = thread->task_next)
            threads++;
        console_printf("%s: %u threads, cr3 %lx, %u handles%s%s\n", task->name, threads, task->space.cr3,
                       task->table.limit, task->guarded ? ", guarded" : "", task->ended ? ", ended" : "");
    }
}

/* ---- Queues ------------------------------------------------------------------------------------------------------ */

static void show_queue(const char *name, const struct queue_node *node)
{
    if (!node)
        return;
    console_printf("  %s:", name);
    for (; node; node = node->next) {
        console_printf(" ");
        print_thread((const struct thread *)((const char *)node - __builtin_offsetof(struct thread, node)));
    }
    console_printf("\n");
}

static void show_endpoint(const struct endpoint *endpoint)
{
    const struct hot_thread *waiter = endpoint->hot->waiter;
    console_printf("endpoint %u: ", endpoint_line_number(endpoint));
    if (waiter == (const struct hot_thread *)NOBODY_LINE) {
        console_printf("nobody received last");
    } else {
        print_thread(waiter->thread);
        console_printf((waiter->waits & ~WAIT_KERNEL) == endpoint->offset ? " waits" : " received last");
    }
    console_printf("%s, %u may receive: ", endpoint->shared ? ", shared" : "", endpoint->receive_rights);
    print_holders(&endpoint->object, RIGHT_READ);
    console_printf("\n");
    show_queue("senders", endpoint->senders.first);
    show_queue("more receivers", endpoint->receivers.first);
}

void show_endpoints(void)
{
    for (const struct object *object = object_after(0); object; object = object_after(object))
        if (object->type == OBJECT_ENDPOINT)
            show_endpoint((const struct endpoint *)object);
}

/* All contexts of one place, the first of their queue first: only those that are READY stand in a queue of the
 * kernel. */
static bool show_level(uint32_t priority)
{
    bool any = false;
    for (const struct thread *thread = thread_after(0); thread; thread = thread_after(thread)) {
        const struct context *context = &thread->context;
        if (context->place != CONTEXT_READY || context->priority != priority || context->node.previous)
            continue;
        console_printf("ready at %u:", priority);
        for (; context; context = (const struct context *)context->node.next)
            console_printf(" "), print_thread(context->owner);
        console_printf("\n");
        any = true;
    }
    return any;
}

static bool show_place(enum context_place place)
{
    bool any = false;
    for (const struct thread *thread = thread_after(0); thread; thread = thread_after(thread)) {
        if (thread->context.place != place)
            continue;
        console_printf("%s: ", place_names[place]);
        print_thread(thread);
        if (place == CONTEXT_PARKED)
            console_printf(" with "), print_thread(thread->context.parked_at);
        console_printf("\n");
        any = true;
    }
    return any;
}

void show_queues(void)
{
    bool any = show_place(CONTEXT_RUNNING);
    for (int priority = PRIORITIES - 1; priority >= 0; priority--)
        any |= show_level((uint32_t)priority);
    any |= show_place(CONTEXT_PARKED);
    any |= show_place(CONTEXT_EXHAUSTED);
    if (!any)
        console_printf("nobody is ready, parked or exhausted\n");
}
