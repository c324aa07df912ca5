/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints: who waits, who queues. See endpoint.h. */
#include "ipc/endpoint.h"

#include "cap/capability.h"
#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/hot.h"
#include "thread/task.h"

static uint32_t endpoints;

static struct hot_thread *nobody(void)
{
    return (struct hot_thread *)NOBODY_LINE;
}

void queue_append(struct thread_queue *queue, struct thread *thread)
{
    assert(!thread->next && !thread->previous && queue->head != thread);
    thread->previous = queue->tail;
    if (queue->tail)
        queue->tail->next = thread;
    else
        queue->head = thread;
    queue->tail = thread;
}

void queue_remove(struct thread_queue *queue, struct thread *thread)
{
    if (thread->next)
        thread->next->previous = thread->previous;
    else
        queue->tail = thread->previous;
    if (thread->previous)
        thread->previous->next = thread->next;
    else
        queue->head = thread->next;
    thread->next = thread->previous = 0;
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
    return endpoint;
}

/* Plain waits of whoever is the waiter go through the kernel from now on. */
static void end_plain_waits(struct endpoint *endpoint)
{
    if (endpoint->hot->waiter->receive_endpoint == endpoint->offset)
        endpoint->hot->waiter->receive_handle = HANDLE_NONE;
}

static void fail_senders(struct endpoint *endpoint)
{
    struct thread *sender;
    while ((sender = endpoint_take_sender(endpoint)))
        if (sender->kernel_message) {
            sender->kernel_message = false;
            sender->state = sender->task->ended ? THREAD_DEAD : THREAD_FAULTED;
        } else {
            thread_fail(sender, ERROR_DEAD);
        }
}

void endpoint_destroy(struct endpoint *endpoint)
{
    struct thread *receiver;
    fail_senders(endpoint);
    end_plain_waits(endpoint);
    while ((receiver = endpoint_take_receiver(endpoint)))
        thread_fail(receiver, ERROR_DEAD);
    hot_endpoint_free(endpoint->hot, endpoint->object.payer);
    endpoints--;
    object_free(&endpoint->object);
}

void endpoint_receive_right_added(struct endpoint *endpoint)
{
    endpoint->receive_rights++;
}

void endpoint_receive_right_removed(struct endpoint *endpoint, const struct capability *capability)
{
    const struct hot_thread *waiter = endpoint->hot->waiter;
    assert(endpoint->receive_rights > 0);
    if (waiter != nobody() && waiter->receive_handle == capability->handle && waiter->thread->task == capability->task)
        end_plain_waits(endpoint);
    if (--endpoint->receive_rights == 0)
        fail_senders(endpoint);
}

struct thread *endpoint_take_receiver(struct endpoint *endpoint)
{
    struct hot_thread *waiter = endpoint->hot->waiter;
    if (waiter->waits == endpoint->offset) {
        waiter->waits = 0;
        return waiter->thread;
    }
    struct thread *receiver = endpoint->receivers.head;
    if (receiver) {
        queue_remove(&endpoint->receivers, receiver);
        receiver->state = THREAD_ACTIVE;
    }
    return receiver;
}

/* `line` is no longer the waiter of the endpoint that it last waited on. */
static void forget_waiter(struct hot_thread *line)
{
    struct hot_endpoint *endpoint = (struct hot_endpoint *)(HOT_ENDPOINTS + line->receive_endpoint);
    if (endpoint->waiter == line)
        endpoint->waiter = nobody();
    line->receive_endpoint = 0;
    line->receive_handle = HANDLE_NONE;
}

void endpoint_wait(struct endpoint *endpoint, struct thread *thread, uint64_t handle)
{
    struct hot_thread *line = thread->hot, *waiter = endpoint->hot->waiter;
    assert(!endpoint->senders.head);
    if (line->receive_endpoint != endpoint->offset)
        forget_waiter(line);
    if (waiter != line && waiter->waits == endpoint->offset) {
        forget_waiter(line);
        thread->state = THREAD_RECEIVING;
        thread->endpoint = endpoint;
        queue_append(&endpoint->receivers, thread);
        return;
    }
    if (waiter != line)
        end_plain_waits(endpoint);
    endpoint->hot->waiter = line;
    line->receive_endpoint = endpoint->offset;
    line->receive_handle = handle;
    line->waits = endpoint->offset;
}

void endpoint_queue_sender(struct endpoint *endpoint, struct thread *thread)
{
    end_plain_waits(endpoint);
    thread->state = THREAD_SENDING;
    thread->endpoint = endpoint;
    queue_append(&endpoint->senders, thread);
}

struct thread *endpoint_take_sender(struct endpoint *endpoint)
{
    struct thread *sender = endpoint->senders.head;
    if (sender) {
        queue_remove(&endpoint->senders, sender);
        sender->state = THREAD_ACTIVE;
    }
    return sender;
}

void endpoint_forget(struct thread *thread)
{
    if (thread->state == THREAD_SENDING)
        queue_remove(&thread->endpoint->senders, thread);
    if (thread->state == THREAD_RECEIVING)
        queue_remove(&thread->endpoint->receivers, thread);
    thread->kernel_message = false;
    thread->hot->waits = 0;
    forget_waiter(thread->hot);
}

uint32_t endpoint_count(void)
{
    return endpoints;
}
