/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of threads: idl/kernel/thread.idl describes them. */
#include "idl/thread_kernel.h"
#include "ipc/dispatch.h"
#include "ipc/wait.h"
#include "mem/space.h"
#include "thread/control.h"
#include "thread/registers.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "thread/thread.h"

#define SHORTEST_TIME 10000UL /* nanoseconds */
#define LONGEST_TIME 3600000000000UL

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

/* Does it stand still, so that its registers mean something? */
static bool stands_still(const struct thread *thread)
{
    return thread->state == THREAD_NEW || thread->state == THREAD_FAULTED || thread->stopped ||
           thread->sends != SENDS_OWN;
}

/* Was it started, and not ended? */
static bool lives(const struct thread *thread)
{
    return thread->state != THREAD_NEW && thread->state != THREAD_DEAD && !thread->task->ended;
}

enum error kernel_thread_registers(struct kernel_call *call, struct thread *self, struct kernel_registers *registers)
{
    (void)call;
    if (!stands_still(self))
        return ERROR_BUSY;
    registers_read(self, registers);
    return ERROR_NONE;
}

enum error kernel_thread_set_registers(struct kernel_call *call, struct thread *self,
                                       const struct kernel_registers *registers)
{
    enum error error = registers_check(registers);
    (void)call;
    if (error != ERROR_NONE)
        return error;
    if (!lives(self) || !stands_still(self) || wait_in_ipc(self) || thread_is_current(self))
        return ERROR_BUSY;
    thread_forget_operation(self);
    registers_write(self, registers);
    return ERROR_NONE;
}

enum error kernel_thread_yield(struct kernel_call *call, struct thread *self)
{
    if (self != kernel_call_thread(call))
        return ERROR_BAD_ARGUMENT;
    schedule_yield();
    return ERROR_NONE;
}

enum error kernel_thread_end(struct kernel_call *call, struct thread *self)
{
    (void)call;
    thread_end(self);
    return ERROR_NONE;
}

enum error kernel_thread_stop(struct kernel_call *call, struct thread *self)
{
    (void)call;
    if (!lives(self))
        return ERROR_BUSY;
    control_stop(self);
    return ERROR_NONE;
}

enum error kernel_thread_resume(struct kernel_call *call, struct thread *self, bool step)
{
    (void)call;
    if (!lives(self) || (!self->stopped && self->state != THREAD_FAULTED))
        return ERROR_BUSY;
    control_resume(self, step);
    return ERROR_NONE;
}

enum error kernel_thread_set_priority(struct kernel_call *call, struct thread *self, uint32_t priority)
{
    if (priority >= PRIORITIES)
        return ERROR_BAD_ARGUMENT;
    if (priority > kernel_call_thread(call)->task->priority_limit)
        return ERROR_NO_RIGHT;
    schedule_set_priority(&self->context, priority);
    return ERROR_NONE;
}

enum error kernel_thread_set_times(struct kernel_call *call, struct thread *self, uint64_t slice, uint64_t budget,
                                   uint64_t period)
{
    (void)call;
    if (slice < SHORTEST_TIME || slice > LONGEST_TIME)
        return ERROR_BAD_ARGUMENT;
    if (budget && (budget < SHORTEST_TIME || budget > period || period > LONGEST_TIME))
        return ERROR_BAD_ARGUMENT;
    schedule_set_times(&self->context, slice, budget, period);
    return ERROR_NONE;
}

enum error kernel_thread_break_off(struct kernel_call *call, struct thread *self, uint64_t address, uint64_t *old)
{
    if (self == kernel_call_thread(call))
        return ERROR_BAD_ARGUMENT;
    if (address && !user_address(address))
        return ERROR_BAD_ADDRESS;
    if (!lives(self) || self->state == THREAD_FAULTED || (self->sends != SENDS_OWN && self->sends != SENDS_PAGE))
        return ERROR_BUSY;
    *old = control_break_off(self, address);
    return ERROR_NONE;
}

static enum error set_fault_handler(struct thread *thread, const struct capability *endpoint, bool paged)
{
    if (thread->fault_handler.object)
        return ERROR_BUSY;
    /* As with a supervisor, this does not keep the endpoint's right to receive alive. */
    capability_attach(&thread->fault_handler, endpoint->object, RIGHT_WRITE, endpoint->badge);
    thread->paged = paged;
    return ERROR_NONE;
}

enum error kernel_thread_set_fault_handler(struct kernel_call *call, struct thread *self, struct capability *endpoint)
{
    (void)call;
    return set_fault_handler(self, endpoint, false);
}

enum error kernel_thread_set_pager(struct kernel_call *call, struct thread *self, struct capability *endpoint)
{
    (void)call;
    return set_fault_handler(self, endpoint, true);
}

void thread_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_thread_dispatch(call, (struct thread *)capability->object, capability->rights);
}
