/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's calls on the process itself: its end, its signals, its names. It is user 0. Signals are never delivered; one
 * that a program sends to itself ends it, unless Linux ignores that signal by default.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "abi/addresses.h"
#include "idl/process_service.h"
#include "linux.h"
#include "threads.h"

#define STATUS_MASK 0xff      /* what Linux keeps of an exit status */
#define STATUS_SIGNAL 128     /* what a shell adds to a signal's number */
#define SIGNAL_SET_SIZE 8     /* bytes of the kernel's sigset_t */
#define SIGNAL_ACTION_SIZE 32 /* bytes of the kernel's struct sigaction */
#define SIGNALS 64

/* Codes of arch_prctl; Linux' asm/prctl.h. */
#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

/* arch_prctl(code, address): FS is the program's (its C library keeps thread-local variables there), GS the
 * kernel's. */
int64_t linux_arch_prctl(const struct linux_frame *frame)
{
    uint64_t value;
    switch (frame->rdi) {
    case ARCH_SET_FS:
        if (frame->rsi >= USER_END)
            return -EPERM;
        __asm__ volatile("wrfsbase %0" : : "r"(frame->rsi));
        return 0;
    case ARCH_GET_FS:
        if (!linux_pointer_is_plausible(frame->rsi, sizeof(uint64_t)))
            return -EFAULT;
        __asm__ volatile("rdfsbase %0" : "=r"(value));
        *(uint64_t *)frame->rsi = value;
        return 0;
    case ARCH_SET_GS:
    case ARCH_GET_GS:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

/* getuid and its like: user and group 0. */
int64_t linux_zero(const struct linux_frame *frame)
{
    (void)frame;
    return 0;
}

/* exit_group(status) */
int64_t linux_exit_group(const struct linux_frame *frame)
{
    ipc_exit(frame->rdi & STATUS_MASK);
}

int64_t linux_sched_yield(const struct linux_frame *frame)
{
    (void)frame;
    ipc_yield();
    return 0;
}

/* rt_sigaction(signal, action, old, size): accepted, and the old one is always the default. */
int64_t linux_rt_sigaction(const struct linux_frame *frame)
{
    uint64_t signal = frame->rdi;
    if (frame->r10 != SIGNAL_SET_SIZE || signal == 0 || signal > SIGNALS)
        return -EINVAL;
    if (frame->rsi != 0 && (signal == SIGKILL || signal == SIGSTOP))
        return -EINVAL;
    if (frame->rdx == 0)
        return 0;
    if (!linux_pointer_is_plausible(frame->rdx, SIGNAL_ACTION_SIZE))
        return -EFAULT;
    uint64_t *old = (uint64_t *)frame->rdx;
    for (int i = 0; i < SIGNAL_ACTION_SIZE / 8; i++)
        old[i] = 0;
    return 0;
}

/* rt_sigprocmask(how, set, old, size): the mask is kept, for the program to read back. */
int64_t linux_rt_sigprocmask(const struct linux_frame *frame)
{
    uint64_t *mask = &linux_self()->mask, before = *mask;
    if (frame->r10 != SIGNAL_SET_SIZE)
        return -EINVAL;
    if ((frame->rsi != 0 && !linux_pointer_is_plausible(frame->rsi, SIGNAL_SET_SIZE)) ||
        (frame->rdx != 0 && !linux_pointer_is_plausible(frame->rdx, SIGNAL_SET_SIZE)))
        return -EFAULT;
    if (frame->rsi != 0) {
        uint64_t set = *(const uint64_t *)frame->rsi;
        if (frame->rdi > SIG_SETMASK)
            return -EINVAL;
        *mask = frame->rdi == SIG_SETMASK ? set : frame->rdi == SIG_BLOCK ? before | set : before & ~set;
    }
    if (frame->rdx != 0)
        *(uint64_t *)frame->rdx = before;
    return 0;
}

/* Whichever thread it is for, there are no handlers. */
int64_t linux_signal_self(uint64_t signal)
{
    const uint32_t signalled = linux_grants.process != 0 ? PROCESS_EXIT_SIGNALLED : 0;
    if (signal > SIGNALS)
        return -EINVAL;
    switch (signal) {
    case 0: /* asks whether the process is there */
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
        return 0;
    default:
        ipc_exit((STATUS_SIGNAL + (uint32_t)signal) | signalled);
    }
}

/* Has the process a thread of this number, as Linux has it? */
static bool is_thread(uint64_t thread)
{
    uint64_t number = thread >> LINUX_THREAD_SHIFT;
    return thread == linux_process_number() ||
           (number != LEADER && number < THREADS_MAX && linux_thread_number((uint32_t)number) == thread &&
            linux_threads[number].thread != 0);
}

/* tkill(thread, signal) */
int64_t linux_tkill(const struct linux_frame *frame)
{
    return is_thread(frame->rdi) ? linux_signal_self(frame->rsi) : -ESRCH;
}

/* tgkill(process, thread, signal) */
int64_t linux_tgkill(const struct linux_frame *frame)
{
    return frame->rdi == linux_process_number() && is_thread(frame->rsi) ? linux_signal_self(frame->rdx) : -ESRCH;
}

static void copy_name(char *to, const char *from)
{
    while ((*to++ = *from++)) {
    }
}

/* uname(names): C libraries read the release to learn what they may call; everything here was there in 5.10. */
int64_t linux_uname(const struct linux_frame *frame)
{
    if (!linux_pointer_is_plausible(frame->rdi, sizeof(struct utsname)))
        return -EFAULT;
    struct utsname *names = (struct utsname *)frame->rdi;
    for (size_t i = 0; i < sizeof(*names); i++)
        ((char *)names)[i] = 0;
    copy_name(names->sysname, "Linux");
    copy_name(names->nodename, "salto");
    copy_name(names->release, "5.10.0-salto");
    copy_name(names->version, "Salto");
    copy_name(names->machine, "x86_64");
    return 0;
}

/* prlimit64(process, resource, new, old): nothing is limited but by the quota, which is no such limit. */
int64_t linux_prlimit(const struct linux_frame *frame)
{
    if (frame->rdi != 0 && frame->rdi != linux_process_number())
        return -ESRCH;
    if (frame->rsi >= RLIM_NLIMITS)
        return -EINVAL;
    if (frame->rdx != 0)
        return -EPERM;
    if (!linux_pointer_is_plausible(frame->r10, sizeof(struct rlimit)))
        return -EFAULT;
    *(struct rlimit *)frame->r10 = (struct rlimit){.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    return 0;
}
