/* SPDX-License-Identifier: BSD-2-Clause */
/* Which function carries out which Linux call, and what becomes of the others. docs/linux-calls.md lists them. */
#include <errno.h>
#include <sys/syscall.h>

#include "abi/addresses.h"
#include "linux.h"

#define NUMBERS 512 /* more than Linux has; numbers from here on share the notice of the last */

static linux_function *const calls[NUMBERS] = {
    [SYS_read] = linux_read,
    [SYS_write] = linux_write,
    [SYS_close] = linux_close,
    [SYS_lseek] = linux_lseek,
    [SYS_mmap] = linux_mmap,
    [SYS_mprotect] = linux_mprotect,
    [SYS_munmap] = linux_munmap,
    [SYS_brk] = linux_brk,
    [SYS_rt_sigaction] = linux_rt_sigaction,
    [SYS_rt_sigprocmask] = linux_rt_sigprocmask,
    [SYS_ioctl] = linux_ioctl,
    [SYS_readv] = linux_readv,
    [SYS_writev] = linux_writev,
    [SYS_sched_yield] = linux_sched_yield,
    [SYS_mremap] = linux_mremap,
    [SYS_madvise] = linux_madvise,
    [SYS_nanosleep] = linux_nanosleep,
    [SYS_getpid] = linux_getpid,
    [SYS_exit] = linux_exit,
    [SYS_execve] = linux_execve,
    [SYS_wait4] = linux_wait4,
    [SYS_kill] = linux_kill,
    [SYS_uname] = linux_uname,
    [SYS_gettimeofday] = linux_gettimeofday,
    [SYS_getuid] = linux_zero,
    [SYS_getgid] = linux_zero,
    [SYS_geteuid] = linux_zero,
    [SYS_getegid] = linux_zero,
    [SYS_getppid] = linux_getppid,
    [SYS_arch_prctl] = linux_arch_prctl,
    [SYS_gettid] = linux_gettid,
    [SYS_tkill] = linux_tkill,
    [SYS_time] = linux_time,
    [SYS_futex] = linux_futex,
    [SYS_set_tid_address] = linux_set_tid_address,
    [SYS_clock_gettime] = linux_clock_gettime,
    [SYS_clock_getres] = linux_clock_getres,
    [SYS_clock_nanosleep] = linux_clock_nanosleep,
    [SYS_exit_group] = linux_exit_group,
    [SYS_tgkill] = linux_tgkill,
    [SYS_waitid] = linux_waitid,
    [SYS_set_robust_list] = linux_set_robust_list,
    [SYS_prlimit64] = linux_prlimit,
    [SYS_getrandom] = linux_getrandom,
};

bool linux_pointer_is_plausible(uint64_t address, uint64_t length)
{
    return length == 0 || (address >= USER_START && address < USER_END && length <= USER_END - address);
}

/* A line for the console, cut where it is full. */
struct line {
    uint8_t text[IPC_CONSOLE_LONG];
    uint32_t length;
};

static void add_text(struct line *line, const char *text)
{
    while (*text && line->length < sizeof(line->text) - 1)
        line->text[line->length++] = (uint8_t)*text++;
}

static void add_number(struct line *line, uint64_t number)
{
    char digits[21];
    int at = sizeof(digits) - 1;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    add_text(line, digits + at);
}

/* Says, once for each number, that a call is not provided. */
static void notice(uint64_t number)
{
    static uint64_t said[NUMBERS / 64];
    uint64_t index = number < NUMBERS ? number : NUMBERS - 1;
    struct line line = {.length = 0};
    const uint64_t bit = 1UL << index % 64;
    if (linux_grants.console == 0 || __atomic_fetch_or(&said[index / 64], bit, __ATOMIC_RELAXED) & bit)
        return;
    add_text(&line, "linux: ");
    add_text(&line, linux_program_name);
    add_text(&line, ": call ");
    add_number(&line, number);
    add_text(&line, " is not provided\n");
    int result = ipc_console_write(line.text, line.length);
    (void)result; /* a notice that cannot be written has nowhere else to go */
}

int64_t linux_call(const struct linux_frame *frame)
{
    if (frame->number < NUMBERS && calls[frame->number])
        return calls[frame->number](frame);
    notice(frame->number);
    return -ENOSYS;
}
