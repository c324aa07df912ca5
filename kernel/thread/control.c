/* SPDX-License-Identifier: BSD-2-Clause */
/* Control of threads from outside. See control.h. */
#include "thread/control.h"

#include "debug/panic.h"
#include "ipc/message.h"
#include "ipc/wait.h"
#include "thread/schedule.h"
#include "x86/cpu.h"

void control_stop(struct thread *thread)
{
    thread->stopped = true;
    wait_by_kernel_only(thread);
    if (thread_is_current(thread))
        schedule_request();
}

/* The processor raises the debug exception after the next instruction of the program. */
static void step_once(struct thread *thread)
{
    thread->stepping = true;
    if (thread->interrupted)
        thread->frame.rflags |= RFLAGS_TF;
    else
        thread->hot->flags |= RFLAGS_TF;
}

void control_resume(struct thread *thread, bool step)
{
    if (thread->state == THREAD_FAULTED)
        thread->state = THREAD_ACTIVE;
    thread->stopped = false;
    if (step)
        step_once(thread);
    if (thread_can_run(thread))
        schedule_wake(thread);
}

uint64_t control_break_off(struct thread *thread, uint64_t address)
{
    if (wait_in_ipc(thread)) {
        wait_fail(thread, ERROR_INTERRUPTED);
    } else if (transfer_client(thread)) {
        transfer_break_off(thread);
    } else if (thread->restarting) {
        bool sent = tag_operation((uint32_t)thread->message.tag) == MESSAGE_RECEIVE;
        thread_forget_operation(thread);
        thread->call = (struct kernel_call){.tag = ERROR_INTERRUPTED, .handle = sent ? PHASE_RECEIVE : PHASE_SEND};
    }
    uint64_t *instruction = thread->interrupted ? &thread->frame.rip : &thread->hot->rip;
    uint64_t old = *instruction;
    if (address)
        *instruction = address;
    return old;
}
