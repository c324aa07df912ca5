/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-off: every kind of wait ends with INTERRUPTED, in its phase; the thread goes on where it was, or at a new
 * address; what it waited for is gone as after any other end. Outside an IPC it moves a thread.
 */
#include "../common/waiting.h"
#include "abi/addresses.h"

#define LABEL 9
#define PATIENCE 100000   /* yields until a thread counts as one that does not run */
#define TRANSFER_SIZE 128 /* more than ipc_transfer() has */

/* Where threads are sent: they spin there with all registers as they came. */
__asm__(".pushsection .text\n.globl landing\nlanding:\n\tjmp landing\n"
        ".globl other_landing\nother_landing:\n\tjmp other_landing\n.popsection");
extern const char landing[], other_landing[];

static void spin(struct area *area)
{
    area->done = 1;
    for (;;)
        area->values[0]++;
}

/* Registers of a thread that runs, which is stopped for good. */
static struct kernel_registers stopped_registers(const struct worker *worker)
{
    struct kernel_registers registers = {0};
    EXPECT_EQUAL(kernel_thread_stop(worker->thread), 0);
    EXPECT_EQUAL(kernel_thread_registers(worker->thread, &registers), 0);
    return registers;
}

static void expect_in_transfer(uint64_t address)
{
    EXPECT(address > (uint64_t)ipc_transfer && address < (uint64_t)ipc_transfer + TRANSFER_SIZE);
}

static void on_all_kinds(void (*test)(enum wait_kind kind, bool separate))
{
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++) {
        test(kind, false);
        test(kind, true);
    }
}

/* ---- In an IPC --------------------------------------------------------------------------------------------------- */

static void goes_on(enum wait_kind kind, bool separate)
{
    struct waiter waiter;
    uint64_t old = 0;
    waiter_create(&waiter, kind, separate, NO_DEADLINE);
    waiter_expect_waiting(&waiter);
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, 0, &old), 0);
    expect_in_transfer(old);
    waiter_expect(&waiter, kind, ERROR_INTERRUPTED);
    waiter_destroy(&waiter);
}

static void all_go_on(void)
{
    on_all_kinds(goes_on);
}

static void is_sent_elsewhere(enum wait_kind kind, bool separate)
{
    struct waiter waiter;
    uint64_t old = 0;
    waiter_create(&waiter, kind, separate, NO_DEADLINE);
    worker_spins(&waiter.worker);
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, (uint64_t)landing, &old), 0);
    expect_in_transfer(old);
    guest_yield();
    struct kernel_registers registers = stopped_registers(&waiter.worker);
    EXPECT_EQUAL(registers.rip, (uint64_t)landing);
    EXPECT_EQUAL(registers.rax, ERROR_INTERRUPTED);
    EXPECT_EQUAL(registers.rdi, waiter_phase(kind));
    EXPECT_EQUAL(registers.rsi | registers.rdx | registers.r8 | registers.r9 | registers.r10 | registers.rbx, 0);
    if (kind >= WAIT_RECEIVE) /* as whoever receives, by whatever path it came to wait */
        EXPECT_EQUAL(registers.rbp | registers.r12 | registers.r13 | registers.r14 | registers.r15, 0);
    waiter_destroy(&waiter);
}

static void all_elsewhere(void)
{
    on_all_kinds(is_sent_elsewhere);
}

/* A deadline that was set is taken back with the wait. */
static void deadline_taken_back(enum wait_kind kind, bool separate)
{
    struct waiter waiter;
    uint64_t old = 0, deadline = time_now() + 4 * MILLISECOND;
    waiter_create(&waiter, kind, separate, deadline);
    EXPECT_EQUAL(kernel_thread_stop(waiter.worker.thread), 0);
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, 0, &old), 0);
    struct kernel_registers registers = {0};
    EXPECT_EQUAL(kernel_thread_registers(waiter.worker.thread, &registers), 0);
    /* The machine may be slow: then the deadline passed, and a later wait was broken off, if any. */
    bool in_time = registers.rax == ERROR_INTERRUPTED && waiter.worker.area->done < waiter.worker.area->count;
    sleep_for(5 * MILLISECOND);
    EXPECT_EQUAL(kernel_thread_resume(waiter.worker.thread, false), 0);
    worker_wait(&waiter.worker, waiter.worker.area->count);
    EXPECT_EQUAL(waiter.step->result, in_time ? ERROR_INTERRUPTED : ERROR_TIMEOUT);
    waiter_destroy(&waiter);
}

static void deadlines_taken_back(void)
{
    on_all_kinds(deadline_taken_back);
}

/* The wait is over for others too: nothing is queued, nobody receives, there is nobody to be answered. */
static void wait_is_over(enum wait_kind kind, bool separate)
{
    struct waiter waiter;
    uint64_t old = 0;
    waiter_create(&waiter, kind, separate, NO_DEADLINE);
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, 0, &old), 0);
    waiter_expect_gone(&waiter, kind);
    if (kind == WAIT_BOUND || kind == WAIT_SIGNALS) {
        EXPECT_EQUAL(guest_signal(waiter.notification, 6), TAG_DONE);
        EXPECT_EQUAL(kernel_notification_collect(waiter.notification, &old), 0);
        EXPECT_EQUAL(old, 6);
    }
    waiter_expect(&waiter, kind, ERROR_INTERRUPTED);
    waiter_destroy(&waiter);
}

static void all_over(void)
{
    on_all_kinds(wait_is_over);
}

/* A queued send-and-wait whose message was just received has sent: what is broken off is its receive phase. */
static void between_the_phases(void)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    uint64_t old = 0;
    waiter_create(&waiter, WAIT_SEND_AND_WAIT, true, NO_DEADLINE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, waiter.endpoint, &message), tag_of(3, MESSAGE_SEND, 0, 0));
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, 0, &old), 0);
    expect_in_transfer(old);
    waiter_expect(&waiter, WAIT_BEHIND_QUEUED_SEND, ERROR_INTERRUPTED);
    waiter_destroy(&waiter);
}

/* A server that was broken off while it waited can be called when it waits again; the calls between have queued. */
static void serves_again(void)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    uint64_t old = 0;
    waiter_create(&waiter, WAIT_BEHIND_REPLY, true, NO_DEADLINE);
    struct area *area = waiter.worker.area;
    area->steps[2] = area->steps[0];
    area->steps[3] = area->steps[1];
    area->steps[3].tag = tag_of(LABEL, MESSAGE_REPLY, 0, 0);
    area->count = 4;
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, 0, &old), 0);
    EXPECT_EQUAL(ipc_transfer(tag_of(1, MESSAGE_CALL, 0, 0), waiter.endpoint, &message),
                 tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 0));
    worker_wait(&waiter.worker, 4);
    EXPECT_EQUAL(area->steps[1].result, ERROR_INTERRUPTED);
    waiter_destroy(&waiter);
}

/* Twice: the second one finds the thread outside its IPC. */
static void twice(void)
{
    struct waiter waiter;
    uint64_t old = 0, again = 0;
    waiter_create(&waiter, WAIT_RECEIVE, true, NO_DEADLINE);
    EXPECT_EQUAL(kernel_thread_stop(waiter.worker.thread), 0); /* so that it stays there */
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, (uint64_t)landing, &old), 0);
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, 0, &again), 0);
    EXPECT_EQUAL(again, (uint64_t)landing);
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, old, &again), 0);
    EXPECT_EQUAL(again, (uint64_t)landing);
    EXPECT_EQUAL(waiter.worker.area->done, 0);
    EXPECT_EQUAL(kernel_thread_resume(waiter.worker.thread, false), 0);
    waiter_expect(&waiter, WAIT_RECEIVE, ERROR_INTERRUPTED);
    waiter_destroy(&waiter);
}

/* ---- Outside an IPC ---------------------------------------------------------------------------------------------- */

static void running(bool separate)
{
    struct worker worker;
    uint64_t old = 0;
    worker_create(&worker, separate);
    worker_spins(&worker);
    worker_start(&worker, spin);
    worker_wait(&worker, 1);
    EXPECT_EQUAL(kernel_thread_break_off(worker.thread, 0, &old), 0); /* only tells where it is */
    EXPECT(old >= (uint64_t)spin && old < (uint64_t)spin + TRANSFER_SIZE);
    uint64_t count = worker.area->values[0];
    for (int i = 0; i < PATIENCE && worker.area->values[0] == count; i++)
        guest_yield();
    EXPECT(worker.area->values[0] != count);
    EXPECT_EQUAL(kernel_thread_break_off(worker.thread, (uint64_t)landing, &old), 0);
    EXPECT(old >= (uint64_t)spin && old < (uint64_t)spin + TRANSFER_SIZE);
    guest_yield();
    EXPECT_EQUAL(kernel_thread_break_off(worker.thread, (uint64_t)other_landing, &old), 0);
    EXPECT_EQUAL(old, (uint64_t)landing);
    guest_yield();
    EXPECT_EQUAL(stopped_registers(&worker).rip, (uint64_t)other_landing);
    worker_destroy(&worker);
}

static void running_here(void)
{
    running(false);
}

static void running_elsewhere(void)
{
    running(true);
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

static void addresses(void)
{
    const uint64_t bad[] = {
        1, USER_START - 1, USER_END, 0x800000000000, 0xffff800000000000, PRIVATE_BASE, TRAMPOLINE_TEXT, DEADLINE_NEVER};
    struct waiter waiter;
    uint64_t old = 1234;
    waiter_create(&waiter, WAIT_RECEIVE, true, NO_DEADLINE);
    for (unsigned i = 0; i < COUNT(bad); i++)
        EXPECT_ERROR(kernel_thread_break_off(waiter.worker.thread, bad[i], &old), BAD_ADDRESS);
    EXPECT_EQUAL(old, 1234);
    guest_yield();
    waiter_expect_waiting(&waiter);
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, USER_END - 1, &old), 0); /* it will fault there */
    guest_yield();
    waiter_destroy(&waiter);
}

static void states(void)
{
    struct worker worker;
    uint64_t old = 0;
    EXPECT_ERROR(kernel_thread_break_off(own_thread, 0, &old), BAD_ARGUMENT);
    worker_create(&worker, true);
    EXPECT_ERROR(kernel_thread_break_off(worker.thread, 0, &old), BUSY); /* not started */
    worker_spins(&worker);
    worker_start(&worker, spin);
    worker_wait(&worker, 1);
    EXPECT_EQUAL(kernel_thread_break_off(worker.thread, 0x123456789000, &old), 0); /* nothing is mapped there */
    guest_yield();
    EXPECT_ERROR(kernel_thread_break_off(worker.thread, 0, &old), BUSY); /* stands still by its fault */
    EXPECT_EQUAL(kernel_thread_end(worker.thread), 0);
    EXPECT_ERROR(kernel_thread_break_off(worker.thread, 0, &old), BUSY); /* ended */
    worker_destroy(&worker);
}

static void right(void)
{
    struct waiter waiter;
    uint64_t old = 0;
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    kernel_thread_t reader = {guest_copy(waiter.worker.thread.handle, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY)};
    EXPECT_ERROR(kernel_thread_break_off(reader, 0, &old), NO_RIGHT);
    guest_yield();
    waiter_expect_waiting(&waiter);
    guest_delete(reader.handle);
    waiter_destroy(&waiter);
}

static const struct guest_test tests[] = {
    {"every kind of wait ends with INTERRUPTED", all_go_on},
    {"and the thread goes on elsewhere, if that is asked for", all_elsewhere},
    {"deadlines are taken back", deadlines_taken_back},
    {"partners find nobody", all_over},
    {"between the phases of a send-and-wait", between_the_phases},
    {"a server that was broken off serves again", serves_again},
    {"twice", twice},
    {"a running thread of the own task", running_here},
    {"a running thread of another task", running_elsewhere},
    {"bad addresses are refused", addresses},
    {"threads that run no program are refused", states},
    {"it needs the right to write", right},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
