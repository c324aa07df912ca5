/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints: who waits, who queues. See endpoint.h. */
#include "ipc/endpoint.h"

#include "cap/capability.h"
#include "cap/factory.h"
#include "debug/panic.h"
#include "debugger.h"
#include "ipc/hot.h"
#include "ipc/wait.h"
#include "thread/chain.h"
#include "thread/schedule.h"
#include "thread/task.h"

#define FAILED_AT_ONCE 4

static uint32_t endpoints;
static struct endpoint *orphans; /* nobody may receive there any more, and senders are queued that have to be told */

static struct hot_thread *nobody(void)
{
    return (struct hot_thread *)NOBODY_LINE;
}

struct endpoint *endpoint_create(struct factory *payer, enum error *error)
{
    struct endpoint *endpoint = object_allocate(payer, OBJECT_ENDPOINT, sizeof(struct endpoint));
    if (!endpoint) {
        *error = ERROR_NO_MEMORY;
        return 0;
    }
    endpoint->hot = hot_endpoint_allocate(payer, error);
    if (!endpoint->hot) {
        object_free(&endpoint->object);
        return 0;
    }
    endpoint->offset = (uint64_t)endpoint->hot - HOT_ENDPOINTS;
    endpoints++;
    debugger_note(EVENT_CREATE, 0, 0, endpoint, 0);
    return endpoint;
}

/* Plain waits of whoever is the waiter go through the kernel from now on. */
static void end_plain_waits(struct endpoint *endpoint)
{
    if (endpoint->hot->waiter->receive_endpoint == endpoint->offset)
        endpoint_end_plain_waits(endpoint->hot->waiter->thread);
}

static bool is_waited_on(const struct endpoint *endpoint)
{
    return endpoint_waiter(endpoint) != 0;
}

/* Tells some of those who send here that the endpoint is dead. Are they all told? */
static bool fail_senders(struct endpoint *endpoint, uint32_t most)
{
    for (uint32_t i = 0; i < most && endpoint->senders.first; i++)
        wait_fail(endpoint_thread_of(endpoint->senders.first), ERROR_DEAD);
    return !endpoint->senders.first;
}

static void adopt_orphan(struct endpoint *endpoint)
{
    endpoint->orphan_next = orphans;
    if (orphans)
        orphans->orphan_previous = endpoint;
    orphans = endpoint;
    schedule_request(); /* the work begins when the kernel is left */
}

/* Also of one that is none. */
static void forget_orphan(struct endpoint *endpoint)
{
    if (endpoint->orphan_next)
        endpoint->orphan_next->orphan_previous = endpoint->orphan_previous;
    if (endpoint->orphan_previous)
        endpoint->orphan_previous->orphan_next = endpoint->orphan_next;
    else if (orphans == endpoint)
        orphans = endpoint->orphan_next;
    endpoint->orphan_next = endpoint->orphan_previous = 0;
}

bool endpoint_any_orphan(void)
{
    return orphans;
}

bool endpoint_orphan_piece(void)
{
    struct endpoint *endpoint = orphans;
    if (endpoint && fail_senders(endpoint, FAILED_AT_ONCE))
        forget_orphan(endpoint);
    return endpoint;
}

void endpoint_destroy_piece(struct endpoint *endpoint)
{
    if (!fail_senders(endpoint, FAILED_AT_ONCE))
        return;
    forget_orphan(endpoint);
    end_plain_waits(endpoint);
    if (is_waited_on(endpoint))
        wait_fail(endpoint->hot->waiter->thread, ERROR_DEAD);
    for (int i = 0; i < FAILED_AT_ONCE && endpoint->receivers.first; i++)
        wait_fail(endpoint_thread_of(endpoint->receivers.first), ERROR_DEAD);
    if (endpoint->receivers.first)
        return;
    hot_endpoint_free(endpoint->hot, endpoint->object.payer);
    endpoints--;
    object_free(&endpoint->object);
}

void endpoint_receive_right_added(struct endpoint *endpoint)
{
    if (endpoint->receive_rights++ == 0)
        debugger_note(EVENT_GRANT, 0, 0, endpoint, 0);
}

void endpoint_receive_right_removed(struct endpoint *endpoint, const struct capability *capability)
{
    const struct hot_thread *waiter = endpoint->hot->waiter;
    assert(endpoint->receive_rights > 0);
    if (waiter != nobody() && waiter->receive_handle == capability->handle && waiter->thread->task == capability->task)
        end_plain_waits(endpoint);
    if (--endpoint->receive_rights != 0)
        return;
    debugger_note(EVENT_REVOKE, 0, 0, endpoint, 0);
    if (!fail_senders(endpoint, 1))
        adopt_orphan(endpoint);
}

struct thread *endpoint_take_receiver(struct endpoint *endpoint)
{
    struct thread *receiver = endpoint_receiver(endpoint);
    if (receiver)
        wait_end(receiver);
    return receiver;
}

/* `line` is no longer the waiter of the endpoint that it last waited on. */
static void forget_waiter(struct hot_thread *line)
{
    struct hot_endpoint *endpoint = (struct hot_endpoint *)(HOT_ENDPOINTS + line->receive_endpoint);
    if (endpoint->waiter == line) {
        endpoint->waiter = nobody();
        schedule_chain_cut();
    }
    line->receive_endpoint = 0;
    line->receive_handle = HANDLE_NONE;
}

void endpoint_note_server(struct endpoint *endpoint, struct thread *thread)
{
    struct hot_thread *line = thread->hot, *waiter = endpoint->hot->waiter;
    if (line->receive_endpoint != endpoint->offset)
        forget_waiter(line);
    if (waiter != line && waiter != nobody()) {
        end_plain_waits(endpoint);
        endpoint->shared = true;
    }
    if (waiter != line)
        schedule_chain_cut();
    endpoint->hot->waiter = line;
    line->receive_endpoint = endpoint->offset;
}

/* Where another thread waits already, the trampoline sees that one. */
static void wait_in_queue(struct endpoint *endpoint, struct thread *thread)
{
    forget_waiter(thread->hot);
    endpoint->shared = true;
    thread->state = THREAD_RECEIVING;
    thread->endpoint = endpoint;
    queue_insert(&endpoint->receivers, &thread->node, 0);
}

void endpoint_wait(struct endpoint *endpoint, struct thread *thread, uint64_t handle)
{
    assert(!endpoint->senders.first && thread->state == THREAD_ACTIVE);
    if (is_waited_on(endpoint))
        return wait_in_queue(endpoint, thread);
    if (endpoint->hot->waiter != thread->hot || thread->hot->receive_endpoint != endpoint->offset)
        endpoint_note_server(endpoint, thread);
    thread->hot->receive_handle = thread->task->guarded ? HANDLE_NONE : handle;
    thread->hot->waits = endpoint->offset;
    if (thread->hot->receive_handle == HANDLE_NONE)
        wait_by_kernel_only(thread);
}

struct thread *endpoint_server(const struct endpoint *endpoint)
{
    const struct hot_thread *waiter = endpoint->hot->waiter;
    return endpoint->shared || waiter == nobody() ? 0 : waiter->thread;
}

void endpoint_queue_sender(struct endpoint *endpoint, struct thread *thread)
{
    end_plain_waits(endpoint);
    thread->state = THREAD_SENDING;
    thread->endpoint = endpoint;
    queue_insert(&endpoint->senders, &thread->node, schedule_priority(thread));
    if (thread->sends != SENDS_ONE_WAY)
        chain_raise(endpoint_server(endpoint), thread->node.priority);
}

bool endpoint_raise_sender(struct thread *thread, uint32_t priority)
{
    struct priority_queue *senders = &thread->endpoint->senders;
    if (thread->node.priority >= priority)
        return false;
    queue_remove(senders, &thread->node);
    queue_insert(senders, &thread->node, priority);
    debugger_note(EVENT_RAISE, thread, 0, 0, 0);
    return true;
}

struct thread *endpoint_take_sender(struct endpoint *endpoint)
{
    struct thread *sender = endpoint_thread_of(endpoint->senders.first);
    if (!sender)
        return 0;
    wait_end(sender);
    schedule_chain_cut();
    return sender;
}

void endpoint_leave(struct thread *thread)
{
    if (thread->state == THREAD_SENDING)
        queue_remove(&thread->endpoint->senders, &thread->node);
    if (thread->state == THREAD_RECEIVING && thread->endpoint)
        queue_remove(&thread->endpoint->receivers, &thread->node);
    thread->endpoint = 0;
}

void endpoint_end_plain_waits(struct thread *thread)
{
    struct thread *caller = wait_caller(thread);
    thread->hot->receive_handle = HANDLE_NONE;
    wait_by_kernel_only(thread);
    if (caller)
        wait_by_kernel_only(caller);
}

void endpoint_forget(struct thread *thread)
{
    assert(!thread->hot->waits && !thread->endpoint);
    forget_waiter(thread->hot);
}

uint32_t endpoint_count(void)
{
    return endpoints;
}
