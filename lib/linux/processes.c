/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's calls on several processes: fork, waiting for children, and ending others. Each is an operation of
 * idl/process.idl; a program that was not started by the process server is alone in its world, as process 1.
 *
 * A forked process begins in the middle of its parent's call: its memory is a copy, this handler's variables and the
 * stack included, so it finds there what it needs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "idl/process_service.h"
#include "threads.h"

#define ALONE 1 /* number of a process without others */
#define STATUS_SIGNAL 128
#define SIGNALS 64
#define NAP 1000000UL    /* nanoseconds between two looks */
#define SIGNAL_MASK 0xff /* of clone's flags: what the parent gets when the child ends */
/* Of memory that is a copy it does not matter whether it was to be the same, if the parent was to wait for the child
 * anyway. */
#define FORK_FLAGS                                                                                    \
    (SIGNAL_MASK | CLONE_VM | CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | \
     CLONE_CHILD_CLEARTID)

static uint32_t own_number, own_parent;
static bool parent_known;
static uint32_t wait_lock; /* one thread can wait at the process server; who has not got it does not wait for it */

void linux_set_process(uint32_t number, uint32_t parent)
{
    own_number = number;
    own_parent = parent;
    parent_known = number != 0;
    wait_lock = 0;
}

void linux_process_begins_anew(void)
{
    wait_lock = 0;
}

uint32_t linux_process_number(void)
{
    if (own_number == 0 && linux_grants.process != 0)
        own_number = linux_startup_table()->process;
    return own_number ? own_number : ALONE;
}

/* getpid() */
int64_t linux_getpid(const struct linux_frame *frame)
{
    (void)frame;
    return linux_process_number();
}

/* getppid() */
int64_t linux_getppid(const struct linux_frame *frame)
{
    (void)frame;
    if (!parent_known && linux_grants.process != 0)
        parent_known = ipc_process_parent(&own_parent) == 0;
    return own_parent;
}

/* What Linux answers where the process server answers `result`. */
static int64_t linux_error(int result)
{
    switch (result) {
    case 0:
        return 0;
    case PROCESS_ERROR_TOO_MANY:
        return -EAGAIN;
    case PROCESS_ERROR_NO_CHILD:
        return -ECHILD;
    case PROCESS_ERROR_NOT_ALLOWED:
        return -EPERM;
    case PROCESS_ERROR_GONE:
        return -ESRCH;
    default:
        return -ENOMEM;
    }
}

/* ---- Forking ----------------------------------------------------------------------------------------------------- */

static int64_t check_fork(const struct linux_frame *frame, uint64_t flags)
{
    const uint64_t word = sizeof(uint32_t);
    if ((flags & ~(uint64_t)FORK_FLAGS) || (flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
        return -EINVAL;
    if (((flags & CLONE_PARENT_SETTID) && !linux_pointer_is_plausible(frame->rdx, word)) ||
        ((flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) && !linux_pointer_is_plausible(frame->r10, word)))
        return -EFAULT;
    return (flags & CLONE_SETTLS) && frame->r8 >= USER_END ? -EPERM : 0;
}

/* What the child will find, in its copy of the memory. */
static void prepare_birth(struct linux_birth *birth, const struct linux_frame *frame, uint64_t flags)
{
    if (flags & CLONE_SETTLS)
        birth->fs_base = frame->r8;
    birth->tell = flags & CLONE_CHILD_SETTID ? frame->r10 : 0;
    birth->clear = flags & CLONE_CHILD_CLEARTID ? frame->r10 : 0;
    birth->mask = linux_self()->mask;
    birth->parent = linux_process_number();
}

/* Nobody holds a lock of the handler's meanwhile, so the copy is whole. */
static int fork_stopped(const struct linux_birth *birth, uint32_t *number)
{
    linux_lock(&linux_clone_lock);
    linux_memory_stop();
    int result = ipc_process_fork((uint64_t)linux_child, (uint64_t)birth, number);
    linux_memory_go_on();
    linux_unlock(&linux_clone_lock);
    return result;
}

int64_t linux_fork(struct linux_registers *registers)
{
    const struct linux_frame *frame = &registers->frame;
    uint64_t flags = frame->number == SYS_clone ? frame->rdi : 0, stack = frame->number == SYS_clone ? frame->rsi : 0;
    struct linux_birth here, *birth = &here;
    uint32_t number = 0;
    if (linux_grants.process == 0)
        return linux_call(frame);
    int64_t error = check_fork(frame, flags);
    if (error)
        return error;
    if (stack != 0)
        birth = linux_birth_place(stack, registers);
    else
        linux_birth_prepare(birth, registers);
    prepare_birth(birth, frame, flags);
    int result = fork_stopped(birth, &number);
    if (result)
        return linux_error(result);
    if (flags & CLONE_PARENT_SETTID)
        *(uint32_t *)frame->rdx = number;
    return number;
}

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

/* Waits at the process server. While another thread does, whose child may end later or never, it looks now and then. */
static int wait_or_look(uint32_t child, struct linux_ended *ended)
{
    while (__atomic_exchange_n(&wait_lock, 1, __ATOMIC_ACQUIRE) != 0) {
        int result = ipc_process_poll(child, ended);
        if (result != 0 || ended->number != 0)
            return result;
        ipc_sleep(linux_nanoseconds() + NAP);
    }
    int result = ipc_process_wait(child, ended);
    __atomic_store_n(&wait_lock, 0, __ATOMIC_RELEASE);
    return result;
}

/* Waits for a child, 0 for any. Answers its number, 0 where none has ended and `options` say not to wait. */
static int64_t wait_for(uint32_t child, uint64_t options, struct linux_ended *ended)
{
    *ended = (struct linux_ended){0};
    if (linux_grants.process == 0)
        return -ECHILD;
    int result = options & WNOHANG ? ipc_process_poll(child, ended) : wait_or_look(child, ended);
    return result ? linux_error(result) : ended->number;
}

/* The child that a number of wait4 stands for: there are no process groups, so all others stand for any. */
static int64_t child_of(int32_t number)
{
    return number > 0 ? number : 0;
}

static uint32_t signal_of(const struct linux_ended *ended)
{
    return ended->signalled ? ended->status - STATUS_SIGNAL : 0;
}

static void clear(uint64_t address, uint64_t bytes)
{
    for (uint64_t i = 0; address != 0 && i < bytes; i++)
        ((uint8_t *)address)[i] = 0;
}

/* wait4(process, status, options, usage): what a child used is told as nothing. */
int64_t linux_wait4(const struct linux_frame *frame)
{
    struct linux_ended ended;
    if (frame->rdx & ~(uint64_t)(WNOHANG | WUNTRACED | WCONTINUED))
        return -EINVAL;
    if ((frame->rsi != 0 && !linux_pointer_is_plausible(frame->rsi, sizeof(uint32_t))) ||
        (frame->r10 != 0 && !linux_pointer_is_plausible(frame->r10, sizeof(struct rusage))))
        return -EFAULT;
    int64_t result = wait_for((uint32_t)child_of((int32_t)frame->rdi), frame->rdx, &ended);
    if (result <= 0)
        return result;
    if (frame->rsi != 0)
        *(uint32_t *)frame->rsi = ended.signalled ? signal_of(&ended) : (ended.status & 0xff) << 8;
    clear(frame->r10, sizeof(struct rusage));
    return result;
}

static void tell_end(siginfo_t *info, const struct linux_ended *ended)
{
    clear((uint64_t)info, sizeof(*info));
    if (ended->number == 0)
        return;
    info->si_signo = SIGCHLD;
    info->si_code = ended->signalled ? CLD_KILLED : CLD_EXITED;
    info->si_pid = (int)ended->number;
    info->si_status = (int)(ended->signalled ? signal_of(ended) : ended->status & 0xff);
}

/* waitid(which, number, information, options, usage) */
int64_t linux_waitid(const struct linux_frame *frame)
{
    struct linux_ended ended;
    bool one = frame->rdi == P_PID;
    if ((frame->rdi != P_ALL && !one) || (one && (int32_t)frame->rsi <= 0) || !(frame->r10 & WEXITED) ||
        (frame->r10 & ~(uint64_t)(WNOHANG | WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    if ((frame->rdx != 0 && !linux_pointer_is_plausible(frame->rdx, sizeof(siginfo_t))) ||
        (frame->r8 != 0 && !linux_pointer_is_plausible(frame->r8, sizeof(struct rusage))))
        return -EFAULT;
    int64_t result = wait_for(one ? (uint32_t)frame->rsi : 0, frame->r10, &ended);
    if (result < 0)
        return result;
    if (frame->rdx != 0)
        tell_end((siginfo_t *)frame->rdx, &ended);
    clear(frame->r8, sizeof(struct rusage));
    return 0;
}

/* ---- Signals ----------------------------------------------------------------------------------------------------- */

/* kill(process, signal): another process ends by it, unless Linux ignores the signal by default. */
int64_t linux_kill(const struct linux_frame *frame)
{
    int32_t process = (int32_t)frame->rdi;
    if (frame->rsi > SIGNALS)
        return -EINVAL;
    if (process == (int32_t)linux_process_number())
        return linux_signal_self(frame->rsi);
    if (process <= 0 || linux_grants.process == 0)
        return -ESRCH;
    return linux_error(ipc_process_end((uint32_t)process, (uint32_t)frame->rsi));
}
