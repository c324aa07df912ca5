/* SPDX-License-Identifier: BSD-2-Clause */
/* How the two phases of an IPC end and follow each other: what all paths off the trampoline have in common. */
#ifndef SALTO_IPC_PHASES_H
#define SALTO_IPC_PHASES_H

#include "ipc/message.h"
#include "ipc/wait.h"
#include "thread/schedule.h"
#include "x86/timer.h"

/* A system call that ends with an error before anything was sent: the words are the caller's own still. */
static inline void fail(struct thread *self, enum error error)
{
    self->call.tag = error;
    self->call.handle = PHASE_SEND;
}

/* The same for a receive phase. */
static inline void fail_to_receive(struct thread *self, enum error error)
{
    self->call.tag = error;
    self->call.handle = PHASE_RECEIVE;
}

/* The answer to a send or reply that succeeded: as if an empty answer had come. */
static inline void succeed(struct thread *thread)
{
    thread->call = (struct kernel_call){.tag = message_tag(MESSAGE_REPLY_AND_WAIT, 0, 0)};
}

/* Arms the deadline of the phase that begins, if the tag asks for it. */
static inline void arm_deadline(struct thread *thread, uint32_t low, uint64_t nanoseconds)
{
    if (low & TAG_DEADLINE)
        schedule_add_deadline(thread, timer_at(nanoseconds));
}

/* `thread` stands at the end of the current chain: it goes on at once, if it can. */
static inline void switch_to(struct thread *thread)
{
    if (thread_can_run(thread))
        schedule_switch_to(thread);
    else
        schedule_request();
}

/* `caller`, whose request `receiver` has, waits for the answer. */
static inline void begin_answer_phase(struct thread *caller, struct thread *receiver, uint32_t low)
{
    arm_deadline(caller, low, thread_utcb(caller)->receive_deadline);
    wait_for_answer(caller, receiver);
}

/* Where a send-and-wait receives. */
static inline uint64_t wait_handle(const struct kernel_call *call)
{
    return call->handle >> WAIT_HANDLE_SHIFT;
}

/* `thread`, if there is one, waits no longer. */
static inline void wake(struct thread *thread)
{
    if (thread && thread_can_run(thread))
        schedule_wake(thread);
}

#endif
