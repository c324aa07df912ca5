/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that the trampoline leaves to the kernel: calls to kernel objects, and IPC whose partner is not waiting,
 * whose message carries items, or which is not a plain call or reply-and-wait.
 *
 * The sender's tag, handle and words stand in its `call`; its preserved registers in its save slot; instruction pointer,
 * stack pointer and FS base in its hot line. So a thread that waits here can be resumed by the trampoline alone.
 * Checks come in one order: tag, handle, type, right; then the partner. Nothing is changed before all have passed.
 */
#include "ipc/ipc.h"

#include "cap/capability.h"
#include "debug/panic.h"
#include "ipc/dispatch.h"
#include "ipc/endpoint.h"
#include "ipc/message.h"
#include "thread/schedule.h"
#include "thread/task.h"

#define LINUX_ENOSYS 38

/* A system call that ends with an error: the words are the caller's own still. */
static void fail(struct thread *self, enum error error)
{
    self->call.tag = error;
    self->call.handle = 0;
}

/* The answer to a send or reply that succeeded: as if an empty answer had come. */
static void succeed(struct thread *thread)
{
    thread->call = (struct kernel_call){.tag = message_tag(MESSAGE_REPLY_AND_WAIT, 0, 0)};
}

/* `receiver` owes `caller` an answer. */
static void note_call(struct thread *caller, struct thread *receiver)
{
    caller->hot->partner = receiver->hot;
    receiver->hot->caller = caller->hot;
}

/* Whom `self` may answer, or 0. */
static struct thread *caller_of(struct thread *self)
{
    struct hot_thread *caller = self->hot->caller;
    return caller->partner == self->hot ? caller->thread : 0;
}

/* ---- Send phase ------------------------------------------------------------------------------------------------ */

static void send_request(struct thread *self, const struct capability *capability, uint32_t low)
{
    struct endpoint *endpoint = (struct endpoint *)capability->object;
    bool call = tag_operation(low) == MESSAGE_CALL;
    assert(self->state == THREAD_ACTIVE);
    if (!(capability->rights & RIGHT_WRITE))
        return fail(self, ERROR_NO_RIGHT);
    struct thread *receiver = endpoint_take_receiver(endpoint);
    if (!receiver && !endpoint->receive_rights)
        return fail(self, ERROR_DEAD);
    if (!receiver && (low & TAG_POLL))
        return fail(self, ERROR_WOULD_BLOCK);
    if (!receiver) {
        self->badge = capability->badge;
        endpoint_queue_sender(endpoint, self);
        return schedule_request();
    }
    message_deliver_request(self, receiver, capability->badge);
    if (call) {
        note_call(self, receiver);
        return schedule_switch_to(receiver);
    }
    succeed(self);
    schedule_ready(receiver);
}

/* ---- Receive phase --------------------------------------------------------------------------------------------- */

/* `self` takes the message of a sender that was queued. */
static void accept(struct thread *self, struct thread *sender)
{
    if (sender->kernel_message)
        sender->call = sender->message;
    bool call = tag_operation((uint32_t)sender->call.tag) == MESSAGE_CALL;
    message_deliver_request(sender, self, sender->badge);
    if (sender->kernel_message) {
        sender->kernel_message = false;
        sender->state = sender->task->ended ? THREAD_DEAD : THREAD_FAULTED;
    } else if (call) {
        note_call(sender, self);
    } else {
        succeed(sender);
        schedule_ready(sender);
    }
}

static void receive(struct thread *self, const struct capability *capability, uint32_t low)
{
    struct endpoint *endpoint = (struct endpoint *)capability->object;
    struct thread *abandoned = caller_of(self), *sender = endpoint_take_sender(endpoint);
    if (!sender && (low & TAG_POLL))
        return fail(self, ERROR_WOULD_BLOCK);
    if (abandoned)
        thread_fail(abandoned, ERROR_ABANDONED);
    if (sender)
        return accept(self, sender);
    endpoint_wait(endpoint, self, capability->handle);
    schedule_request();
}

static void reply(struct thread *self)
{
    struct thread *caller = caller_of(self);
    if (!caller)
        return fail(self, ERROR_NO_CALLER);
    message_deliver_answer(self, caller);
    caller->hot->partner = 0;
    schedule_ready(caller);
    succeed(self);
}

/* May `self` still wait? An item of its own answer may have moved away the right to. */
static bool may_receive(const struct capability *capability, const struct endpoint *endpoint)
{
    return capability->object == &endpoint->object && (capability->rights & RIGHT_READ);
}

static void reply_and_wait(struct thread *self, const struct capability *capability)
{
    struct endpoint *endpoint = (struct endpoint *)capability->object;
    struct thread *caller = caller_of(self);
    if (!caller)
        return fail(self, ERROR_NO_CALLER);
    message_deliver_answer(self, caller);
    caller->hot->partner = 0;
    if (!may_receive(capability, endpoint)) {
        schedule_ready(caller);
        return fail(self, ERROR_BAD_HANDLE);
    }
    struct thread *sender = endpoint_take_sender(endpoint);
    if (sender) {
        schedule_ready(caller);
        return accept(self, sender);
    }
    endpoint_wait(endpoint, self, capability->handle);
    schedule_switch_to(caller);
}

static void receive_operation(struct thread *self, const struct capability *capability, uint32_t low)
{
    if (capability->object->type != OBJECT_ENDPOINT)
        return fail(self, capability->object->type == OBJECT_DEAD ? ERROR_DEAD : ERROR_WRONG_TYPE);
    if (!(capability->rights & RIGHT_READ))
        return fail(self, ERROR_NO_RIGHT);
    if (tag_operation(low) == MESSAGE_RECEIVE)
        return receive(self, capability, low);
    return reply_and_wait(self, capability);
}

/* ---- Entry ----------------------------------------------------------------------------------------------------- */

static void dead_dispatch(struct kernel_call *call, const struct capability *capability)
{
    (void)capability;
    call->tag = ERROR_DEAD;
}

static void endpoint_dispatch(struct kernel_call *call, const struct capability *capability)
{
    send_request(kernel_call_thread(call), capability, (uint32_t)call->tag);
}

static kernel_dispatcher *const dispatchers[OBJECT_TYPES] = {
    [OBJECT_DEAD] = dead_dispatch,       [OBJECT_FACTORY] = factory_dispatch,   [OBJECT_TASK] = task_dispatch,
    [OBJECT_THREAD] = thread_dispatch,   [OBJECT_ENDPOINT] = endpoint_dispatch, [OBJECT_MEMORY] = memory_dispatch,
    [OBJECT_CONSOLE] = console_dispatch, [OBJECT_CLOCK] = clock_dispatch,       [OBJECT_POWER] = power_dispatch,
    [OBJECT_DEBUG] = debug_dispatch,     [OBJECT_PORTS] = ports_dispatch,
};

static void invoke(struct thread *self, const struct capability *capability)
{
    self->call.handle = 0;
    dispatchers[capability->object->type](&self->call, capability);
}

/* Not inlined: the way to kernel objects would pay for saving this one's registers. */
static __attribute__((noinline)) void not_plain_call(struct thread *self, uint32_t low)
{
    if ((int32_t)low >= 0 || low == UINT32_MAX) {
        self->call.tag = (uint64_t)-LINUX_ENOSYS;
        return;
    }
    if (!tag_well_formed(low))
        return fail(self, ERROR_BAD_TAG);
    if (tag_operation(low) == MESSAGE_REPLY)
        return reply(self);
    const struct capability *capability = capability_find(&self->task->table, self->call.handle);
    if (!capability)
        return fail(self, ERROR_BAD_HANDLE);
    if (tag_operation(low) == MESSAGE_RECEIVE || tag_operation(low) == MESSAGE_REPLY_AND_WAIT)
        return receive_operation(self, capability, low);
    if (capability->object->type == OBJECT_ENDPOINT)
        return send_request(self, capability, low);
    if (tag_operation(low) != MESSAGE_CALL || tag_items(low) != 0 || (low & TAG_POLL))
        return fail(self, ERROR_BAD_TAG);
    return invoke(self, capability);
}

void system_call(struct thread *self)
{
    uint32_t low = (uint32_t)self->call.tag;
    if (low - TAG_PLAIN_CALL > TAG_PLAIN_CALL_LAST - TAG_PLAIN_CALL)
        return not_plain_call(self, low);
    const struct capability *capability = capability_find(&self->task->table, self->call.handle);
    if (!capability)
        return fail(self, ERROR_BAD_HANDLE);
    invoke(self, capability);
}

bool ipc_send_kernel_message(struct thread *thread)
{
    const struct capability *supervisor = &thread->task->supervisor;
    struct endpoint *endpoint = (struct endpoint *)supervisor->object;
    if (!endpoint || endpoint->object.type != OBJECT_ENDPOINT || !endpoint->receive_rights)
        return false;
    struct thread *receiver = endpoint_take_receiver(endpoint);
    if (receiver) {
        message_deliver_request(thread, receiver, supervisor->badge);
        schedule_ready(receiver);
        return true;
    }
    thread->badge = supervisor->badge;
    thread->message = thread->call;
    thread->kernel_message = true;
    endpoint_queue_sender(endpoint, thread);
    return true;
}
