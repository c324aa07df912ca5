/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of threads: idl/kernel/thread.idl describes them. */
#include "idl/thread_kernel.h"
#include "ipc/dispatch.h"
#include "mem/space.h"
#include "thread/schedule.h"
#include "thread/thread.h"

static bool user_address(uint64_t address)
{
    return address >= USER_START && address < USER_END;
}

enum error kernel_thread_start(struct kernel_call *call, struct thread *self, uint64_t entry, uint64_t stack,
                               uint64_t argument, uint64_t second)
{
    (void)call;
    if (!user_address(entry) || !user_address(stack))
        return ERROR_BAD_ADDRESS;
    if (self->state != THREAD_NEW)
        return ERROR_BUSY;
    thread_start(self, entry, stack, argument, second);
    return ERROR_NONE;
}

enum error kernel_thread_registers(struct kernel_call *call, struct thread *self, struct kernel_registers *registers)
{
    const struct trap_frame *frame = &self->frame;
    (void)call;
    /* While its fault is on the way to the supervisor the thread is queued, but its registers stand still. */
    if (self->state != THREAD_NEW && self->state != THREAD_FAULTED && !self->kernel_message)
        return ERROR_BUSY;
    *registers = (struct kernel_registers){
        .rip = frame->rip,
        .rsp = frame->rsp,
        .rflags = frame->rflags,
        .fs_base = self->hot->fs_base,
        .rax = frame->rax,
        .rbx = frame->rbx,
        .rcx = frame->rcx,
        .rdx = frame->rdx,
        .rsi = frame->rsi,
        .rdi = frame->rdi,
        .rbp = frame->rbp,
        .r8 = frame->r8,
        .r9 = frame->r9,
        .r10 = frame->r10,
        .r11 = frame->r11,
        .r12 = frame->r12,
        .r13 = frame->r13,
        .r14 = frame->r14,
        .r15 = frame->r15,
    };
    return ERROR_NONE;
}

enum error kernel_thread_yield(struct kernel_call *call, struct thread *self)
{
    if (self != kernel_call_thread(call))
        return ERROR_BAD_ARGUMENT;
    schedule_ready(self);
    schedule_request();
    return ERROR_NONE;
}

enum error kernel_thread_end(struct kernel_call *call, struct thread *self)
{
    (void)call;
    thread_stop(self);
    return ERROR_NONE;
}

void thread_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_thread_dispatch(call, (struct thread *)capability->object, capability->rights);
}
