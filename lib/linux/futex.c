/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: threads of a program that wait for a word of its memory, and those that wake them. Who waits stands in one
 * list, in the order of coming, and waits for a notification of his own. `woken` says whether he may go on; a bit of
 * the notification says only that he should look.
 *
 * A futex is known by its address, so it works between the threads of one process, and not between processes. A thread
 * that has no notification (there was no memory for it, or it was not made by clone) sleeps a little and comes back as
 * if woken: who waits for a futex looks at the word again, as Linux demands.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <time.h>

#include "abi/message.h"
#include "threads.h"

/* Linux' linux/futex.h. */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_FLAGS (128 | 256) /* private, and which clock: there is one */
#define ALL_BITS 0xffffffff

#define NANOSECONDS 1000000000L
#define NAP 100000UL /* nanoseconds between two looks at what cannot be waited for */
#define YIELDS 4     /* before the first nap */

static uint32_t table_lock;
static struct linux_thread *first_waiter;

void linux_lock_spinning(uint32_t *lock)
{
    for (unsigned tries = 0; __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0; tries++) {
        if (tries < YIELDS)
            ipc_yield();
        else
            ipc_sleep(linux_nanoseconds() + NAP);
    }
}

void futex_prepare(void)
{
    table_lock = 0;
    first_waiter = NULL;
}

static void unlock_table(void)
{
    __atomic_store_n(&table_lock, 0, __ATOMIC_RELEASE);
}

/* Has the thread what it waits with? */
static bool can_wait(struct linux_thread *self)
{
    if (self->notification == 0 && self->thread != 0)
        return ipc_create_notification(self->thread, &self->notification) == 0;
    return self->notification != 0;
}

static void append(struct linux_thread *self)
{
    struct linux_thread **place = &first_waiter;
    while (*place)
        place = &(*place)->next;
    self->next = NULL;
    *place = self;
}

static void take_out(const struct linux_thread *self)
{
    struct linux_thread **place = &first_waiter;
    while (*place && *place != self)
        place = &(*place)->next;
    if (*place)
        *place = self->next;
}

/* Stands in the list, if the word still has the value. First it stands there, then it looks: who changes the word and
 * finds nobody in the list needs no lock. */
static bool begin_waiting(struct linux_thread *self, uint64_t address, uint32_t value, uint32_t bits)
{
    linux_lock_spinning(&table_lock);
    self->waits_for = address;
    self->bits = bits;
    __atomic_store_n(&self->woken, 0, __ATOMIC_RELAXED);
    append(self);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool waits = __atomic_load_n((const uint32_t *)address, __ATOMIC_RELAXED) == value;
    if (!waits)
        take_out(self);
    unlock_table();
    return waits;
}

/* Was it woken, after all? Does not stand in the list any more. */
static bool end_waiting(struct linux_thread *self)
{
    linux_lock_spinning(&table_lock);
    bool woken = __atomic_load_n(&self->woken, __ATOMIC_RELAXED);
    if (!woken)
        take_out(self);
    unlock_table();
    return woken;
}

static int64_t wait_for(uint64_t address, uint32_t value, uint64_t deadline, uint32_t bits)
{
    struct linux_thread *self = linux_self();
    if (!can_wait(self)) {
        if (__atomic_load_n((const uint32_t *)address, __ATOMIC_SEQ_CST) != value)
            return -EAGAIN;
        ipc_sleep(linux_nanoseconds() + NAP);
        return deadline <= linux_nanoseconds() ? -ETIMEDOUT : 0;
    }
    if (!begin_waiting(self, address, value, bits))
        return -EAGAIN;
    while (!__atomic_load_n(&self->woken, __ATOMIC_ACQUIRE) && linux_nanoseconds() < deadline)
        ipc_wait_signal(self->notification, deadline);
    return end_waiting(self) ? 0 : -ETIMEDOUT;
}

/* Wakes up to `wakes` of those who wait for `address`, and has up to `moves` of the others wait for `other`. Answers
 * how many were woken, and adds to `*moved`. */
static uint32_t wake_and_move(uint64_t address, uint32_t wakes, uint32_t bits, uint64_t other, uint32_t moves,
                              uint32_t *moved)
{
    uint32_t woken = 0;
    struct linux_thread **place = &first_waiter;
    while (*place && (woken < wakes || *moved < moves)) {
        struct linux_thread *waiter = *place;
        if (waiter->waits_for != address || !(waiter->bits & bits)) {
            place = &waiter->next;
        } else if (woken < wakes) {
            *place = waiter->next;
            woken++;
            __atomic_store_n(&waiter->woken, 1, __ATOMIC_RELEASE);
            ipc_signal_thread(waiter->notification);
        } else {
            waiter->waits_for = other;
            ++*moved;
            place = &waiter->next;
        }
    }
    return woken;
}

uint32_t futex_wake(uint64_t address, uint32_t count, uint32_t bits)
{
    uint32_t moved = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&first_waiter, __ATOMIC_RELAXED))
        return 0;
    linux_lock_spinning(&table_lock);
    uint32_t woken = wake_and_move(address, count, bits, 0, 0, &moved);
    unlock_table();
    return woken;
}

static int64_t requeue(const struct linux_frame *frame, bool compares)
{
    uint32_t moved = 0;
    uint64_t other = frame->r8;
    if (!linux_pointer_is_plausible(other, sizeof(uint32_t)) || other % sizeof(uint32_t) != 0)
        return other % sizeof(uint32_t) ? -EINVAL : -EFAULT;
    if ((int32_t)frame->rdx < 0 || (int32_t)frame->r10 < 0)
        return -EINVAL;
    linux_lock_spinning(&table_lock);
    bool good = !compares || __atomic_load_n((const uint32_t *)frame->rdi, __ATOMIC_SEQ_CST) == (uint32_t)frame->r9;
    uint32_t woken =
        good ? wake_and_move(frame->rdi, (uint32_t)frame->rdx, ALL_BITS, other, (uint32_t)frame->r10, &moved) : 0;
    unlock_table();
    if (!good)
        return -EAGAIN;
    return compares ? woken + moved : woken;
}

/* The deadline in nanoseconds since boot; false if the time is none. */
static bool deadline_of(const struct timespec *time, bool absolute, uint64_t *deadline)
{
    *deadline = DEADLINE_NEVER;
    if (!time)
        return true;
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NANOSECONDS)
        return false;
    if (time->tv_sec < INT64_MAX / NANOSECONDS / 2) {
        *deadline = (uint64_t)time->tv_sec * NANOSECONDS + (uint64_t)time->tv_nsec;
        *deadline = absolute ? linux_boot_time(*deadline) : *deadline + linux_nanoseconds();
    }
    return true;
}

static int64_t wait_until(const struct linux_frame *frame, bool absolute, uint32_t bits)
{
    uint64_t deadline;
    if (bits == 0)
        return -EINVAL;
    if (frame->r10 != 0 && !linux_pointer_is_plausible(frame->r10, sizeof(struct timespec)))
        return -EFAULT;
    if (!deadline_of((const struct timespec *)frame->r10, absolute, &deadline))
        return -EINVAL;
    return wait_for(frame->rdi, (uint32_t)frame->rdx, deadline, bits);
}

/* futex(address, operation, value, time or value 2, address 2, value 3) */
int64_t linux_futex(const struct linux_frame *frame)
{
    uint64_t address = frame->rdi;
    if (address % sizeof(uint32_t) != 0)
        return -EINVAL;
    if (!linux_pointer_is_plausible(address, sizeof(uint32_t)) || address == 0)
        return -EFAULT;
    switch (frame->rsi & ~(uint64_t)FUTEX_FLAGS) {
    case FUTEX_WAIT:
        return wait_until(frame, false, ALL_BITS);
    case FUTEX_WAIT_BITSET:
        return wait_until(frame, true, (uint32_t)frame->r9);
    case FUTEX_WAKE:
        return futex_wake(address, (uint32_t)frame->rdx, ALL_BITS);
    case FUTEX_WAKE_BITSET:
        if ((uint32_t)frame->r9 == 0)
            return -EINVAL;
        return futex_wake(address, (uint32_t)frame->rdx, (uint32_t)frame->r9);
    case FUTEX_REQUEUE:
        return requeue(frame, false);
    case FUTEX_CMP_REQUEUE:
        return requeue(frame, true);
    default:
        return -ENOSYS;
    }
}

/* ---- The handler's own locks ------------------------------------------------------------------------------------- */

void linux_lock(uint32_t *lock)
{
    uint32_t expected = 0;
    if (__atomic_compare_exchange_n(lock, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE) != 0) {
        int64_t result = wait_for((uint64_t)lock, 2, DEADLINE_NEVER, ALL_BITS);
        (void)result; /* however it ended, the lock is tried again */
    }
}

void linux_unlock(uint32_t *lock)
{
    if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2)
        futex_wake((uint64_t)lock, 1, ALL_BITS);
}
