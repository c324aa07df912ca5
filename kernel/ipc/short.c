/* SPDX-License-Identifier: BSD-2-Clause */
/* Short messages. See short.h. */
#include "ipc/short.h"

#include "debugger.h"
#include "ipc/endpoint.h"
#include "ipc/hot.h"
#include "ipc/ipc.h"
#include "ipc/message.h"
#include "ipc/notification.h"
#include "ipc/pages.h"
#include "ipc/reply.h"
#include "ipc/wait.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "x86/timer.h"

/* At most six words and no items, and nothing special but a deadline: then the low bits say how many words. */
static bool is_short(uint32_t low, uint32_t operation)
{
    uint32_t plain = TAG_NATIVE | operation << TAG_OPERATION_SHIFT;
    return (low & ~TAG_DEADLINE) - plain <= MESSAGE_REGISTER_WORDS;
}

bool short_call(struct thread *self, const struct capability *capability, uint32_t low)
{
    const struct endpoint *endpoint = (struct endpoint *)capability->object;
    struct hot_thread *line = endpoint->hot->waiter;
    if (!is_short(low, MESSAGE_CALL) || !(capability->rights & RIGHT_WRITE))
        return false;
    if (line->waits != endpoint->offset) /* nobody waits, or one whom the kernel must wake with care */
        return false;
    /* ---- point of no return ---- */
    struct thread *receiver = line->thread;
    line->waits = 0;
    __builtin_memcpy(receiver->call.words, self->call.words, sizeof(receiver->call.words));
    receiver->call.tag = message_labelled_tag(message_label(self->call.tag), TAG_PLAIN_CALL + tag_words(low));
    receiver->call.handle = capability->badge;
    message_clear_preserved(receiver);
    if (low & TAG_DEADLINE)
        schedule_add_own_deadline(self, timer_at(thread_utcb(self)->receive_deadline));
    wait_for_answer(self, receiver);
    debugger_note(EVENT_DELIVER_CALL, self, receiver, endpoint, 0);
    schedule_switch_to(receiver);
    return true;
}

/* The thread that a message by `capability` (0: there is none) may be handed to, if it waits for just that; or 0. */
static inline struct thread *plain_receiver(const struct capability *capability)
{
    if (!capability || capability->object->type != OBJECT_ENDPOINT || !(capability->rights & RIGHT_WRITE))
        return 0;
    const struct endpoint *endpoint = (struct endpoint *)capability->object;
    const struct hot_thread *line = endpoint->hot->waiter;
    return line->waits == endpoint->offset ? line->thread : 0;
}

/* Not inlined: calls with other items would pay for saving this one's registers. */
static __attribute__((noinline)) void call_with_pages(struct thread *self)
{
    const struct capability *capability = capability_find(&self->task->table, self->call.handle);
    struct thread *receiver = plain_receiver(capability);
    if (!receiver || !pages_map_only(thread_utcb(self), self->task, thread_utcb(receiver), receiver->task))
        return ipc_call_with_item(self);
    /* ---- point of no return ---- */
    receiver->hot->waits = 0;
    receiver->call = self->call; /* with the tag: this one has one spelling */
    receiver->call.handle = capability->badge;
    message_clear_preserved(receiver);
    wait_for_answer(self, receiver);
    debugger_note(EVENT_DELIVER_CALL, self, receiver, capability->object, 0);
    schedule_switch_to(receiver);
}

void short_call_with_item(struct thread *self)
{
    if (pages_is_item(thread_utcb(self)->items[0]))
        return call_with_pages(self);
    ipc_call_with_item(self);
}

/* Is `handle` what the trampoline would take for a wait of this thread? */
static bool is_plain_wait(const struct hot_thread *line, uint64_t handle)
{
    return handle == line->receive_handle && handle != HANDLE_NONE;
}

/* Gives `caller` the answer in `self->call`, and makes `self` wait where it received before. */
static void answer_and_wait(struct thread *self, struct thread *caller, uint32_t low)
{
    __builtin_memcpy(caller->call.words, self->call.words, sizeof(caller->call.words));
    caller->call.tag = message_labelled_tag(message_label(self->call.tag), TAG_PLAIN_REPLY + tag_words(low));
    caller->call.handle = 0;
    if (caller->deadline.rank)
        timeout_remove(&caller->deadline);
    self->takes_signals = true;
    self->hot->waits = self->hot->receive_endpoint;
    debugger_note(EVENT_RECEIVE, self, 0, 0, 0);
    schedule_answered(self, caller);
}

bool short_reply(struct thread *self, struct thread *caller, uint64_t handle, uint32_t low)
{
    if (!is_short(low, MESSAGE_REPLY_AND_WAIT) || (low & TAG_DEADLINE))
        return false;
    if (!is_plain_wait(self->hot, handle) || caller->sends != SENDS_OWN)
        return false;
    /* ---- point of no return ---- */
    debugger_note(EVENT_REPLY, self, caller, 0, 0);
    caller->hot->partner = 0;
    answer_and_wait(self, caller, low);
    return true;
}

static bool late_reply(struct thread *self, const struct capability *capability, uint32_t low)
{
    struct reply *reply = (struct reply *)capability->object;
    struct thread *caller = reply->caller;
    if (!(capability->rights & RIGHT_WRITE) || !caller || caller->sends != SENDS_OWN)
        return false;
    if (!is_plain_wait(self->hot, self->call.handle >> WAIT_HANDLE_SHIFT))
        return false;
    /* ---- point of no return ---- */
    debugger_note(EVENT_ANSWER, self, caller, reply, 0);
    caller->reply = 0;
    reply->caller = 0;
    caller->state = THREAD_ACTIVE;
    answer_and_wait(self, caller, low);
    return true;
}

static bool signal(struct thread *self, const struct capability *capability)
{
    uint64_t bits = capability->badge ? capability->badge : self->call.words[0];
    struct thread *thread = ((struct notification *)capability->object)->thread;
    if (!(capability->rights & RIGHT_WRITE) || !bits || self->call.handle >> WAIT_HANDLE_SHIFT)
        return false;
    if (!thread || thread->state != THREAD_WAITING || !self->notification || self->notification->bits)
        return false;
    /* ---- point of no return ---- */
    debugger_note(EVENT_SIGNAL, 0, 0, capability->object, bits);
    notification_give(thread, bits);
    self->takes_signals = true;
    self->state = THREAD_WAITING;
    debugger_note(EVENT_RECEIVE, self, 0, 0, 0);
    schedule_hand_over(self, thread);
    return true;
}

void short_send_and_wait(struct thread *self)
{
    uint32_t low = (uint32_t)self->call.tag;
    const struct capability *capability = capability_find(&self->task->table, (uint32_t)self->call.handle);
    if (!capability || wait_caller(self))
        return ipc_general(self);
    if (capability->object->type == OBJECT_NOTIFICATION && signal(self, capability))
        return;
    if (capability->object->type == OBJECT_REPLY && late_reply(self, capability, low))
        return;
    ipc_general(self);
}
