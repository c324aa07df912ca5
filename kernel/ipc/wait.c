/* SPDX-License-Identifier: BSD-2-Clause */
/* Who waits for whom. See wait.h. */
#include "ipc/wait.h"

#include "debug/panic.h"
#include "debugger.h"
#include "ipc/endpoint.h"
#include "ipc/fault.h"
#include "ipc/hot.h"
#include "ipc/ipc.h"
#include "ipc/reply.h"
#include "thread/chain.h"
#include "thread/schedule.h"
#include "thread/task.h"

void wait_by_kernel_only(struct thread *thread)
{
    struct hot_thread *line = thread->hot;
    if (thread->state == THREAD_WAITING)
        thread->state = THREAD_RECEIVING;
    if (line->partner)
        line->partner = (struct hot_thread *)((uint64_t)line->partner | WAIT_KERNEL);
    if (line->waits)
        line->waits |= WAIT_KERNEL;
}

void wait_for_answer(struct thread *caller, struct thread *receiver)
{
    caller->hot->partner = receiver->hot;
    receiver->hot->caller = caller->hot;
    if (caller->deadline.rank || caller->stopped || caller->task->guarded ||
        receiver->hot->receive_handle == HANDLE_NONE)
        wait_by_kernel_only(caller);
}

void wait_end(struct thread *thread)
{
    if (thread->deadline.rank)
        timeout_remove(&thread->deadline);
    thread->hot->partner = 0;
    thread->hot->waits = 0;
    if (thread->state == THREAD_ACTIVE)
        return;
    if (thread->state == THREAD_KEPT)
        reply_forget(thread->reply);
    else if (thread->state == THREAD_TRANSFER)
        transfer_client_leaves(thread);
    else
        endpoint_leave(thread);
    thread->state = THREAD_ACTIVE;
}

bool wait_in_ipc(const struct thread *thread)
{
    switch (thread->state) {
    case THREAD_ACTIVE:
        return thread->hot->partner || thread->hot->waits;
    case THREAD_SENDING:
    case THREAD_RECEIVING:
    case THREAD_WAITING:
    case THREAD_KEPT:
    case THREAD_TRANSFER:
        return true;
    default:
        return false;
    }
}

/* Does it wait until its own message is received? */
static bool sends(const struct thread *thread)
{
    return thread->state == THREAD_SENDING || (thread->state == THREAD_TRANSFER && !thread->transfer.answers);
}

/* Does it wait to receive: on an endpoint, for signals, or for nothing? */
static bool receives(const struct thread *thread)
{
    return thread->hot->waits || thread->state == THREAD_RECEIVING || thread->state == THREAD_WAITING;
}

void wait_fail(struct thread *thread, enum error error)
{
    struct thread *next = chain_next(thread);
    bool sending = sends(thread), receiving = receives(thread);
    assert(wait_in_ipc(thread));
    debugger_note(EVENT_WAIT_FAILS, thread, 0, 0, error);
    wait_end(thread);
    if (thread->sends == SENDS_ONE_WAY) {
        ipc_end_kernel_message(thread);
    } else if (thread->sends == SENDS_FAULT) {
        fault_unheard(thread);
    } else if (thread->sends == SENDS_PAGE) {
        thread->sends = SENDS_OWN;
        transfer_page_refused(thread, error);
        schedule_chain_cut();
        schedule_wake(thread);
    } else {
        assert(!thread->interrupted);
        if (receiving)
            *thread->save = (struct save_slot){0}; /* as whoever receives gets it, by whatever path it came to wait */
        thread->call = (struct kernel_call){.tag = error, .handle = sending ? PHASE_SEND : PHASE_RECEIVE};
        schedule_chain_cut();
        schedule_wake(thread);
    }
    if (next)
        schedule_lender_lost(next);
}
