/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's clocks, from the time-stamp counter and its frequency in the start-up table, without IPC. All of them count
 * from the machine's start: nothing knows the time of day yet, so CLOCK_REALTIME says that it is early in 1970.
 */
#include <errno.h>
#include <sys/time.h>
#include <time.h>

#include "linux.h"
#include "threads.h"

#define NANOSECONDS 1000000000UL

/* Nanoseconds for ticks of the time-stamp counter. The remainder is below 2^34 (a counter of 17 GHz), so the product
 * fits in 64 bits. */
static uint64_t nanoseconds_of(uint64_t ticks)
{
    uint64_t hertz = linux_startup_table()->tsc_hertz;
    return hertz ? ticks / hertz * NANOSECONDS + ticks % hertz * NANOSECONDS / hertz : 0;
}

static struct timespec time_now(void)
{
    uint64_t now = nanoseconds_of(linux_tsc());
    return (struct timespec){.tv_sec = (time_t)(now / NANOSECONDS), .tv_nsec = (long)(now % NANOSECONDS)};
}

uint64_t linux_nanoseconds(void)
{
    return nanoseconds_of(linux_tsc() - linux_startup_table()->tsc_start);
}

uint64_t linux_boot_time(uint64_t time)
{
    uint64_t before = nanoseconds_of(linux_startup_table()->tsc_start);
    return time > before ? time - before : 0;
}

/* The clocks that count time as it passes; not those of a process's or thread's own time. */
static bool is_known(uint64_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        return true;
    default:
        return false;
    }
}

/* clock_gettime(clock, time) */
int64_t linux_clock_gettime(const struct linux_frame *frame)
{
    if (!is_known(frame->rdi))
        return -EINVAL;
    if (!linux_pointer_is_plausible(frame->rsi, sizeof(struct timespec)))
        return -EFAULT;
    *(struct timespec *)frame->rsi = time_now();
    return 0;
}

/* clock_getres(clock, resolution or null) */
int64_t linux_clock_getres(const struct linux_frame *frame)
{
    if (!is_known(frame->rdi))
        return -EINVAL;
    if (frame->rsi == 0)
        return 0;
    if (!linux_pointer_is_plausible(frame->rsi, sizeof(struct timespec)))
        return -EFAULT;
    *(struct timespec *)frame->rsi = (struct timespec){.tv_nsec = 1};
    return 0;
}

/* gettimeofday(time or null, zone) */
int64_t linux_gettimeofday(const struct linux_frame *frame)
{
    struct timespec now = time_now();
    if (frame->rdi == 0)
        return 0;
    if (!linux_pointer_is_plausible(frame->rdi, sizeof(struct timeval)))
        return -EFAULT;
    *(struct timeval *)frame->rdi = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

/* time(seconds or null) */
int64_t linux_time(const struct linux_frame *frame)
{
    time_t now = time_now().tv_sec;
    if (frame->rdi != 0 && !linux_pointer_is_plausible(frame->rdi, sizeof(now)))
        return -EFAULT;
    if (frame->rdi != 0)
        *(time_t *)frame->rdi = now;
    return now;
}

static bool is_before(const struct timespec *left, const struct timespec *right)
{
    return left->tv_sec != right->tv_sec ? left->tv_sec < right->tv_sec : left->tv_nsec < right->tv_nsec;
}

/* Where nobody told how fast the counter is, no time passes, and no sleep ends. */
static void wait_until(const struct timespec *end)
{
    uint64_t longest = (DEADLINE_NEVER - 1) / NANOSECONDS;
    uint64_t seconds = (uint64_t)end->tv_sec < longest ? (uint64_t)end->tv_sec : longest - 1;
    uint64_t deadline = linux_boot_time(seconds * NANOSECONDS + (uint64_t)end->tv_nsec);
    for (struct timespec now = time_now(); is_before(&now, end); now = time_now())
        ipc_sleep(deadline);
}

/* Sleeps for the time at `address`, or until it if that is `absolute`. */
static int64_t sleep_for(uint64_t address, bool absolute)
{
    if (!linux_pointer_is_plausible(address, sizeof(struct timespec)))
        return -EFAULT;
    struct timespec end = *(const struct timespec *)address;
    if (end.tv_sec < 0 || end.tv_nsec < 0 || end.tv_nsec >= (long)NANOSECONDS)
        return -EINVAL;
    if (!absolute) {
        struct timespec now = time_now();
        if (__builtin_add_overflow(end.tv_sec, now.tv_sec + 1, &end.tv_sec))
            return -EINVAL;
        end.tv_nsec += now.tv_nsec - (long)NANOSECONDS; /* the second that was added above */
        if (end.tv_nsec < 0) {
            end.tv_nsec += (long)NANOSECONDS;
            end.tv_sec--;
        }
    }
    wait_until(&end);
    return 0;
}

/* nanosleep(time, remaining): nothing interrupts it, so nothing remains. */
int64_t linux_nanosleep(const struct linux_frame *frame)
{
    return sleep_for(frame->rdi, false);
}

/* clock_nanosleep(clock, flags, time, remaining) */
int64_t linux_clock_nanosleep(const struct linux_frame *frame)
{
    if (!is_known(frame->rdi) || (frame->rsi & ~(uint64_t)TIMER_ABSTIME))
        return -EINVAL;
    return sleep_for(frame->rdx, frame->rsi == TIMER_ABSTIME);
}
