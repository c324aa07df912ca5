/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that the trampoline leaves to the kernel: calls to kernel objects, and IPC whose partner is not waiting,
 * whose message carries items, or which is not a plain call or reply-and-wait.
 *
 * The sender's tag, handle and words stand in its `call`; its preserved registers in its save slot; instruction
 * pointer, stack pointer and FS base in its hot line. So a thread that waits here can be resumed by the trampoline
 * alone. Checks come in one order: tag, handle, type, right; then the partner. Nothing is changed before all have
 * passed.
 */
#include "ipc/ipc.h"

#include "cap/capability.h"
#include "debug/panic.h"
#include "debugger.h"
#include "ipc/dispatch.h"
#include "ipc/endpoint.h"
#include "ipc/fault.h"
#include "ipc/hot.h"
#include "ipc/later.h"
#include "ipc/long.h"
#include "ipc/message.h"
#include "ipc/notification.h"
#include "ipc/phases.h"
#include "ipc/reply.h"
#include "ipc/short.h"
#include "ipc/transfer.h"
#include "ipc/wait.h"
#include "thread/chain.h"
#include "thread/schedule.h"
#include "thread/task.h"

#define LINUX_ENOSYS 38

/* ---- Send phase ------------------------------------------------------------------------------------------------ */

static void wait_to_send(struct thread *self, const struct capability *capability, uint32_t low)
{
    struct endpoint *endpoint = (struct endpoint *)capability->object;
    if (chain_closes_cycle(self, endpoint_server(endpoint))) {
        debugger_note(EVENT_REFUSE, self, 0, endpoint, ERROR_DEADLOCK);
        return fail(self, ERROR_DEADLOCK);
    }
    self->badge = capability->badge;
    endpoint_queue_sender(endpoint, self);
    arm_deadline(self, low, thread_utcb(self)->send_deadline);
    debugger_note(EVENT_SEND, self, 0, 0, 0);
    schedule_help(endpoint_server(endpoint));
}

/* Sends the items of a message with strings or pages to `receiver`, which waits. True if the rest can follow. */
static bool send_long(struct thread *self, struct thread *receiver, uint64_t badge)
{
    struct transfer *transfer = &receiver->transfer;
    enum error error = read_long(transfer, self, receiver);
    bool done = error != ERROR_NONE || at_once(transfer, self, receiver, &error);
    if (error != ERROR_NONE)
        return fail(self, error), false;
    if (done) {
        transfer_deliver_items(self, receiver, transfer);
        return true;
    }
    uint32_t again = TAG_RECEIVE | (receiver->takes_signals ? 0 : TAG_CLOSED);
    again |= receiver->deadline.rank ? TAG_DEADLINE : 0;
    wait_end(receiver);
    self->badge = badge;
    transfer_request(self, receiver, again);
    return false;
}

/* Sends to an endpoint. True if the message was received, and not by a call; `*woken` can go on then. */
static bool send_request(struct thread *self, const struct capability *capability, uint32_t low, struct thread **woken)
{
    struct endpoint *endpoint = (struct endpoint *)capability->object;
    if (!(capability->rights & RIGHT_WRITE))
        return fail(self, ERROR_NO_RIGHT), false;
    struct thread *receiver = endpoint_receiver(endpoint);
    if (!receiver && !endpoint->receive_rights)
        return fail(self, ERROR_DEAD), false;
    if (!receiver && (low & TAG_POLL))
        return fail(self, ERROR_WOULD_BLOCK), false;
    if (!receiver)
        return wait_to_send(self, capability, low), false;
    if (transfer_is_needed(thread_utcb(self), tag_items(low))) {
        if (!send_long(self, receiver, capability->badge))
            return false;
    } else if (tag_items(low)) {
        message_transfer_items(self, receiver, tag_items(low));
    }
    wait_end(receiver);
    message_deliver_words(self, receiver, capability->badge);
    *woken = receiver;
    if (tag_operation(low) != MESSAGE_CALL) {
        debugger_note(EVENT_DELIVER_SEND, self, receiver, endpoint, 0);
        return true;
    }
    begin_answer_phase(self, receiver, low);
    debugger_note(EVENT_DELIVER_CALL, self, receiver, endpoint, 0);
    if (receiver->stopped)
        schedule_request();
    else
        schedule_switch_to(receiver);
    return false;
}

/* Gives `caller`, whose wait is over then, what stands in `self->call`; its items only if they are not there
 * already. */
static void answer(struct thread *self, struct thread *caller, bool items)
{
    debugger_note(caller->reply ? EVENT_ANSWER : EVENT_REPLY, self, caller, caller->reply, 0);
    if (caller->sends != SENDS_OWN)
        return fault_answer(self, caller);
    if (items)
        message_deliver_answer(self, caller);
    else
        message_deliver_answer_words(self, caller);
    wait_end(caller);
}

/* How far an answer has got. */
enum answered {
    ANSWER_PLAIN,     /* it has neither strings nor pages */
    ANSWER_HAS_ITEMS, /* its items are there, and the rest is to follow */
    ANSWER_NO_MORE,   /* it has failed, or goes on in pieces */
};

/* Answers `caller`, if the answer has strings or pages. */
static __attribute__((noinline)) enum answered answer_long(struct thread *self, struct thread *caller)
{
    struct transfer *transfer = &self->transfer;
    enum error error = read_long(transfer, self, caller);
    bool done = error != ERROR_NONE || at_once(transfer, self, caller, &error);
    if (error != ERROR_NONE)
        return fail(self, error), ANSWER_NO_MORE;
    if (done) {
        transfer_deliver_items(self, caller, transfer);
        message_drop_unplaced(self, caller);
        return ANSWER_HAS_ITEMS;
    }
    transfer_answer(self, caller);
    return ANSWER_NO_MORE;
}

static enum answered answer_items(struct thread *self, struct thread *caller, uint32_t low)
{
    if (!transfer_is_needed(thread_utcb(self), tag_items(low)))
        return ANSWER_PLAIN;
    if (caller->sends == SENDS_OWN)
        return answer_long(self, caller);
    enum error error = fault_map_pages(self, caller);
    return error == ERROR_NONE ? ANSWER_PLAIN : (fail(self, error), ANSWER_NO_MORE);
}

/* Answers the caller that a reply object keeps. True if there was one. */
static bool send_answer(struct thread *self, const struct capability *capability, uint32_t low, struct thread **woken)
{
    struct thread *caller = ((struct reply *)capability->object)->caller;
    if (!(capability->rights & RIGHT_WRITE))
        return fail(self, ERROR_NO_RIGHT), false;
    if (!caller)
        return fail(self, ERROR_NO_CALLER), false;
    enum answered answered = answer_items(self, caller, low);
    if (answered == ANSWER_NO_MORE)
        return false;
    answer(self, caller, answered == ANSWER_PLAIN);
    *woken = caller;
    return true;
}

static bool send_signal(struct thread *self, const struct capability *capability, struct thread **woken)
{
    if (!(capability->rights & RIGHT_WRITE))
        return fail(self, ERROR_NO_RIGHT), false;
    *woken = notification_set((struct notification *)capability->object,
                              capability->badge ? capability->badge : self->call.words[0]);
    return true;
}

/* The send phase of send and send-and-wait. True if it is over, with success; `*woken`, if not 0, may go on then. */
static bool send(struct thread *self, const struct capability *capability, uint32_t low, struct thread **woken)
{
    switch (capability->object->type) {
    case OBJECT_ENDPOINT:
        return send_request(self, capability, low, woken);
    case OBJECT_REPLY:
        return send_answer(self, capability, low, woken);
    case OBJECT_NOTIFICATION:
        return send_signal(self, capability, woken);
    case OBJECT_DEAD:
        return fail(self, ERROR_DEAD), false;
    default:
        return fail(self, ERROR_BAD_TAG), false;
    }
}

/* ---- Receive phase --------------------------------------------------------------------------------------------- */

/* The same for a message with strings or pages; `again` is the tag of what `self` does. One that is refused is not
 * heard of. */
static void accept_long(struct thread *self, struct thread *sender, uint32_t again)
{
    enum error error = read_long(&self->transfer, sender, self);
    if (error == ERROR_NONE)
        return transfer_request(sender, self, again);
    fail(sender, error);
    schedule_wake(sender);
    transfer_receive_again(self, again);
    schedule_request();
}

/* `sender`, whose message is received, goes on. */
static void sent(struct thread *sender, uint32_t low)
{
    if (tag_operation(low) == MESSAGE_SEND_AND_WAIT)
        later_receive(sender, low, wait_handle(&sender->call)); /* it begins that itself, when it runs */
    else
        succeed(sender);
    schedule_wake(sender);
}

static void accept_own_message(struct thread *self, struct thread *sender, const struct endpoint *endpoint,
                               uint32_t again)
{
    uint32_t low = (uint32_t)sender->call.tag;
    if (transfer_is_needed(thread_utcb(sender), tag_items(low)))
        return accept_long(self, sender, again);
    message_deliver_request(sender, self, sender->badge);
    if (tag_operation(low) == MESSAGE_CALL) {
        begin_answer_phase(sender, self, low);
        (void)schedule_raise_deadline(sender, sender->node.priority); /* at which it queued: for others, it may be */
        return debugger_note(EVENT_DELIVER_CALL, sender, self, endpoint, 0);
    }
    debugger_note(EVENT_DELIVER_SEND, sender, self, endpoint, 0);
    sent(sender, low);
}

/* `self` takes the message of a sender that was queued. */
static void accept(struct thread *self, struct thread *sender, const struct endpoint *endpoint, uint32_t again)
{
    switch (sender->sends) {
    case SENDS_OWN:
        accept_own_message(self, sender, endpoint, again);
        break;
    case SENDS_FAULT:
    case SENDS_PAGE:
        fault_deliver(sender, self, sender->badge);
        wait_for_kernel_answer(sender, self);
        debugger_note(EVENT_DELIVER_CALL, sender, self, endpoint, 0);
        break;
    case SENDS_ONE_WAY:
        message_deliver_kernel_message(sender, self, sender->badge);
        ipc_end_kernel_message(sender);
        debugger_note(EVENT_DELIVER_KERNEL, sender, self, endpoint, 0);
    }
    if (sender->parked.first)
        schedule_received(sender);
    schedule_go_on(self);
}

/* May `self` wait on what the capability names? Nothing, by handle 0, is waited on only for what can come. */
static enum error receive_error(const struct thread *self, uint64_t handle, const struct capability *capability,
                                uint32_t low)
{
    if (handle == 0 && (self->notification || (low & TAG_DEADLINE)))
        return ERROR_NONE;
    if (!capability)
        return ERROR_BAD_HANDLE;
    switch (capability->object->type) {
    case OBJECT_ENDPOINT:
        return capability->rights & RIGHT_READ ? ERROR_NONE : ERROR_NO_RIGHT;
    case OBJECT_NOTIFICATION:
        if (!(capability->rights & RIGHT_READ))
            return ERROR_NO_RIGHT;
        return (struct notification *)capability->object == self->notification ? ERROR_NONE : ERROR_BUSY;
    case OBJECT_DEAD:
        return ERROR_DEAD;
    default:
        return ERROR_WRONG_TYPE;
    }
}

/* Whoever waits for an answer of `self` will not get one. */
static void abandon_caller(struct thread *self)
{
    struct thread *caller = wait_caller(self);
    if (caller)
        wait_fail(caller, ERROR_ABANDONED);
}

/* Waits for signals alone, or, closed, for nothing but the deadline. */
static void receive_signals(struct thread *self, uint32_t low)
{
    if (low & TAG_POLL)
        return fail_to_receive(self, ERROR_WOULD_BLOCK);
    abandon_caller(self);
    notification_wait(self, low & TAG_CLOSED);
    arm_deadline(self, low, thread_utcb(self)->receive_deadline);
    if (self->deadline.rank)
        wait_by_kernel_only(self);
    debugger_note(EVENT_RECEIVE, self, 0, 0, 0);
    schedule_request();
}

static void receive_message(struct thread *self, const struct capability *capability, uint32_t low)
{
    struct endpoint *endpoint = (struct endpoint *)capability->object;
    bool closed = low & TAG_CLOSED;
    if (!endpoint->senders.first && (low & TAG_POLL))
        return fail_to_receive(self, ERROR_WOULD_BLOCK);
    abandon_caller(self);
    self->wait_handle = capability->handle;
    struct thread *sender = endpoint_take_sender(endpoint);
    if (sender) {
        endpoint_note_server(endpoint, self);
        return accept(self, sender, endpoint, TAG_RECEIVE | (low & (TAG_POLL | TAG_DEADLINE | TAG_CLOSED)));
    }
    self->takes_signals = !closed;
    endpoint_wait(endpoint, self, closed ? HANDLE_NONE : capability->handle);
    arm_deadline(self, low, thread_utcb(self)->receive_deadline);
    if (self->deadline.rank)
        wait_by_kernel_only(self);
    debugger_note(EVENT_RECEIVE, self, 0, 0, 0);
    schedule_request();
}

/* The receive phase on a capability on which `self` may wait; 0: on nothing but the notification. */
static void receive(struct thread *self, const struct capability *capability, uint32_t low)
{
    if (!(low & TAG_CLOSED) && self->notification && self->notification->bits) {
        abandon_caller(self);
        notification_take(self);
        return;
    }
    if (!capability || capability->object->type == OBJECT_NOTIFICATION)
        return receive_signals(self, low);
    receive_message(self, capability, low);
}

static void receive_operation(struct thread *self, uint32_t low)
{
    const struct capability *capability = capability_find(&self->task->table, self->call.handle);
    enum error error = receive_error(self, self->call.handle, capability, low);
    if (error != ERROR_NONE)
        return fail_to_receive(self, error);
    receive(self, capability, low);
}

static void reply(struct thread *self, uint32_t low)
{
    struct thread *caller = wait_caller(self);
    if (!caller)
        return fail(self, ERROR_NO_CALLER);
    enum answered answered = answer_items(self, caller, low);
    if (answered == ANSWER_NO_MORE)
        return;
    answer(self, caller, answered == ANSWER_PLAIN);
    wake(caller);
    succeed(self);
    schedule_go_on(self);
}

/* Will nothing but a message end a wait on `handle`? Then HOT_RECEIVE_HANDLE has it, which says, as to the trampoline,
 * that this is the capability's handle still, with the right to receive, that nobody is queued and no signal is
 * pending. */
static bool can_wait_plainly(const struct thread *self, uint64_t handle, uint32_t low)
{
    return handle == self->hot->receive_handle && handle != HANDLE_NONE && !(low & (TAG_DEADLINE | TAG_CLOSED));
}

static void wait_plainly(struct thread *self)
{
    self->takes_signals = true;
    self->hot->waits = self->hot->receive_endpoint;
    debugger_note(EVENT_RECEIVE, self, 0, 0, 0);
}

/* The receive phase behind a send phase, whose items may have moved away the right to. */
static void receive_after(struct thread *self, uint64_t handle, uint32_t low)
{
    const struct capability *capability = capability_find(&self->task->table, handle);
    enum error error = receive_error(self, handle, capability, low);
    if (error == ERROR_NONE)
        return receive(self, capability, low);
    fail_to_receive(self, error);
}

static void reply_and_wait(struct thread *self, uint32_t low)
{
    uint64_t handle = self->call.handle;
    struct thread *caller = wait_caller(self);
    if (caller && (short_reply(self, caller, handle, low) || fault_short_answer(self, caller, handle, low)))
        return;
    bool plain = can_wait_plainly(self, handle, low);
    enum error error =
        plain ? ERROR_NONE : receive_error(self, handle, capability_find(&self->task->table, handle), low);
    if (error != ERROR_NONE)
        return fail(self, error);
    if (!caller)
        return fail(self, ERROR_NO_CALLER);
    enum answered answered = answer_items(self, caller, low);
    if (answered == ANSWER_NO_MORE)
        return;
    answer(self, caller, answered == ANSWER_PLAIN);
    if (can_wait_plainly(self, handle, low)) { /* still: an item may have moved away the right to */
        wait_plainly(self);
        return caller->state == THREAD_ACTIVE ? schedule_answered(self, caller) : schedule_request();
    }
    wake(caller);
    if (later_receive_behind(self, caller, handle, low))
        return;
    receive_after(self, handle, low);
    if (thread_can_run(self))
        schedule_go_on(self);
}

static void send_operation(struct thread *self, const struct capability *capability, uint32_t low)
{
    struct thread *woken = 0;
    if (!send(self, capability, low, &woken))
        return;
    succeed(self);
    wake(woken);
}

/* Waits on what cannot be there yet: an endpoint where nobody is queued, or the own notification. */
static bool wait_at_once(struct thread *self, uint64_t handle, uint32_t low)
{
    if (wait_caller(self))
        return false;
    if (can_wait_plainly(self, handle, low)) {
        wait_plainly(self);
        return true;
    }
    if (handle || !self->notification || self->notification->bits || (low & (TAG_DEADLINE | TAG_CLOSED)))
        return false;
    notification_wait(self, false);
    debugger_note(EVENT_RECEIVE, self, 0, 0, 0);
    return true;
}

static void send_and_wait(struct thread *self, uint32_t low)
{
    uint64_t handle = wait_handle(&self->call);
    struct thread *woken = 0;
    const struct capability *target = capability_find(&self->task->table, (uint32_t)self->call.handle);
    const struct capability *source = handle ? capability_find(&self->task->table, handle) : 0;
    enum error error = receive_error(self, handle, source, low);
    if (!target)
        error = ERROR_BAD_HANDLE;
    if (error != ERROR_NONE)
        return fail(self, error);
    if (!send(self, target, low, &woken))
        return;
    if (woken && woken->state == THREAD_ACTIVE && wait_at_once(self, handle, low))
        return schedule_answered(self, woken);
    wake(woken);
    receive_after(self, handle, low);
}

/* ---- What was copied --------------------------------------------------------------------------------------------- */

void ipc_request_copied(struct thread *sender, struct thread *receiver)
{
    uint32_t low = (uint32_t)sender->call.tag;
    bool calls = tag_operation(low) == MESSAGE_CALL;
    transfer_deliver_items(sender, receiver, &receiver->transfer);
    message_deliver_words(sender, receiver, sender->badge);
    if (calls)
        begin_answer_phase(sender, receiver, low);
    else
        sent(sender, low);
    debugger_note(calls ? EVENT_DELIVER_CALL : EVENT_DELIVER_SEND, sender, receiver, 0, 0);
    if (!thread_is_current(sender))
        return schedule_go_on(receiver);
    if (calls)
        return switch_to(receiver);
    wake(receiver);
    if (sender->restarting)
        schedule_request();
}

/* What follows an answer that was given: the receive phase, if there is one. */
static void after_answer(struct thread *server)
{
    uint32_t low = (uint32_t)server->call.tag, operation = tag_operation(low);
    if (operation == MESSAGE_REPLY_AND_WAIT)
        return receive_after(server, server->call.handle, low);
    if (operation == MESSAGE_SEND_AND_WAIT)
        return receive_after(server, wait_handle(&server->call), low);
    succeed(server);
}

void ipc_answer_copied(struct thread *server, struct thread *caller)
{
    uint32_t operation = tag_operation((uint32_t)server->call.tag);
    bool answers_partner = operation == MESSAGE_REPLY || operation == MESSAGE_REPLY_AND_WAIT;
    transfer_deliver_items(server, caller, &server->transfer);
    message_drop_unplaced(server, caller);
    message_deliver_answer_words(server, caller);
    debugger_note(answers_partner ? EVENT_REPLY : EVENT_ANSWER, server, caller, 0, 0);
    wake(caller);
    after_answer(server);
    if (thread_can_run(server))
        schedule_go_on(server);
}

void ipc_answer_counts(struct thread *server)
{
    uint32_t low = (uint32_t)server->call.tag, operation = tag_operation(low);
    if (operation == MESSAGE_SEND || operation == MESSAGE_REPLY)
        return succeed(server);
    server->wait_handle = operation == MESSAGE_REPLY_AND_WAIT ? server->call.handle : wait_handle(&server->call);
    transfer_receive_again(server, TAG_RECEIVE | (low & (TAG_DEADLINE | TAG_CLOSED)));
}

/* ---- Entry ----------------------------------------------------------------------------------------------------- */

void endpoint_dispatch(struct kernel_call *call, const struct capability *capability)
{
    struct thread *self = kernel_call_thread(call), *receiver;
    call->tag += MESSAGE_CALL << TAG_OPERATION_SHIFT; /* plain calls alone come here: tag_general() */
    if (short_call(self, capability, (uint32_t)call->tag))
        return;
    send_request(self, capability, (uint32_t)call->tag, &receiver);
}

static void invoke(struct thread *self, const struct capability *capability)
{
    dispatchers[capability->object->type](&self->call, capability);
}

static inline __attribute__((always_inline)) void send_or_call(struct thread *self, uint32_t low)
{
    const struct capability *capability = capability_find(&self->task->table, self->call.handle);
    if (!capability)
        return fail(self, ERROR_BAD_HANDLE);
    if (tag_operation(low) == MESSAGE_SEND)
        return send_operation(self, capability, low);
    struct thread *receiver;
    if (capability->object->type == OBJECT_ENDPOINT)
        return (void)((tag_items(low) == 0 && short_call(self, capability, low)) ||
                      send_request(self, capability, low, &receiver));
    if (tag_items(low) != 0 || (low & (TAG_POLL | TAG_DEADLINE)))
        return fail(self, ERROR_BAD_TAG);
    invoke(self, capability);
}

/* The tag has the general form as it comes. */
void ipc_call_with_item(struct thread *self)
{
    send_or_call(self, (uint32_t)self->call.tag);
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
    low = tag_general(low);
    self->call.tag = message_labelled_tag(message_label(self->call.tag), low);
    switch (tag_operation(low)) {
    case MESSAGE_REPLY:
        return reply(self, low);
    case MESSAGE_RECEIVE:
        return receive_operation(self, low);
    case MESSAGE_REPLY_AND_WAIT:
        return reply_and_wait(self, low);
    case MESSAGE_SEND_AND_WAIT:
        return send_and_wait(self, low);
    default:
        return send_or_call(self, low);
    }
}

void ipc_general(struct thread *self)
{
    not_plain_call(self, (uint32_t)self->call.tag);
}

void system_call(struct thread *self)
{
    uint32_t low = (uint32_t)self->call.tag;
    debugger_note(EVENT_SYSTEM_CALL, self, 0, 0, 0);
    if (low - TAG_SEND_AND_WAIT <= MESSAGE_REGISTER_WORDS)
        return short_send_and_wait(self);
    if (low - TAG_PLAIN_CALL > TAG_PLAIN_CALL_LAST - TAG_PLAIN_CALL) {
        if (low - TAG_CALL_WITH_ITEM <= MESSAGE_REGISTER_WORDS)
            return short_call_with_item(self);
        return not_plain_call(self, low);
    }
    const struct capability *capability = capability_find(&self->task->table, self->call.handle);
    if (!capability)
        return fail(self, ERROR_BAD_HANDLE);
    invoke(self, capability);
}
