/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways into the kernel that are no native call: reflected Linux calls, ticks, faults, the trap flag. */
#include <string.h>

#include "abi/addresses.h"
#include "idl/supervisor.h"
#include "markers.h"

#define LINUX_GETPID 39
#define LINUX_ENOSYS 38
#define FLAG_TRAP 0x100UL
#define FLAG_DIRECTION 0x400UL
#define EXCEPTION_DEBUG 1
#define LONG_SLICE 3000000000000UL /* nanoseconds */

/* ---- Linux calls ------------------------------------------------------------------------------------------------- */

static void make_linux_call(struct worker *worker, uint64_t kept)
{
    struct call *call = add_call(worker, LINUX_GETPID, 0, kept, kept);
    call->before.rdi = kept;
    worker_start(worker, make_calls);
    worker_wait(worker, 1);
    marks_expect_nowhere("Linux call", kept, worker->task);
}

/* The handler is the instruction behind the call: it sees what Linux' handler sees, and may compare. The slice does not
 * end meanwhile: with a tick, GS base would be the UTCB again. */
void linux_call(void)
{
    struct worker worker;
    uint64_t kept = marks_fresh();
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_task_set_linux_handler(worker.task, (uint64_t)registers_return), 0);
    EXPECT_EQUAL(kernel_thread_set_times(worker.thread, LONG_SLICE, 0, 0), 0);
    make_linux_call(&worker, kept);
    struct registers before = calls_of(worker.area)[0].before, after = calls_of(worker.area)[0].after;
    EXPECT_EQUAL(after.rcx, registers_return);
    EXPECT_EQUAL(after.r11, before.flags);
    before.rcx = after.rcx;
    before.r11 = after.r11;
    EXPECT(memcmp(before.general, after.general, sizeof(before.general)) == 0);
    EXPECT_EQUAL(after.rsp, after.rsp_before);
    EXPECT_EQUAL(after.flags, before.flags);
    EXPECT_EQUAL(after.fs_base, before.fs_base);
    EXPECT_EQUAL(after.gs_base, before.gs_base);
    marks_expect_same_vectors("Linux call", &before, &after);
    worker_destroy(&worker);
}

void linux_call_without_handler(void)
{
    struct worker worker;
    uint64_t kept = marks_fresh();
    worker_create(&worker, true);
    make_linux_call(&worker, kept);
    struct registers before = calls_of(worker.area)[0].before, after = calls_of(worker.area)[0].after;
    EXPECT_EQUAL(after.rax, -LINUX_ENOSYS);
    expect_returned("Linux call", &before, &after);
    before.rax = after.rax;
    before.rcx = after.rcx;
    before.r11 = after.r11;
    EXPECT(memcmp(before.general, after.general, sizeof(before.general)) == 0);
    worker_destroy(&worker);
}

/* ---- Ticks ------------------------------------------------------------------------------------------------------- */

#define FLAG(area) ((area)->values[0])

static void spin(struct area *area)
{
    registers_spin(&calls_of(area)->before, &calls_of(area)->after, &FLAG(area));
    area->done = 1;
}

/* This program comes back from a call by a tick in the worker. */
static void expect_yield_clean(uint64_t kept)
{
    struct call call = {0};
    uint64_t own = marks_fresh();
    marks_fill(&call.before, own);
    call.before.rax = KERNEL_THREAD_YIELD_REQUEST;
    call.before.rdi = own_thread.handle;
    registers_system_call(&call.before, &call.after);
    EXPECT_EQUAL(marks_count(&call.after, sizeof(call.after), kept), 0);
    expect_caller_kept("yield", &call, own, 0);
}

static void expect_all_kept(const struct call *call, uint64_t kept)
{
    const struct registers *before = &call->before, *after = &call->after;
    EXPECT(memcmp(before->general, after->general, sizeof(before->general)) == 0);
    EXPECT_EQUAL(marks_count(after, sizeof(*after), kept), MARKS_IN_REGISTERS);
    EXPECT_EQUAL(after->rsp, after->rsp_before);
    EXPECT_EQUAL(after->flags & FLAG_DIRECTION, FLAG_DIRECTION);
    EXPECT_EQUAL(after->fs_base, before->fs_base);
    marks_expect_same_vectors("tick", before, after);
}

void timer_ticks(void)
{
    struct worker worker;
    uint64_t kept = marks_fresh();
    worker_create(&worker, true);
    marks_fill(&calls_of(worker.area)->before, kept);
    worker_start(&worker, spin);
    while (FLAG(worker.area) == 0)
        guest_yield();
    for (int i = 0; i < 3; i++) {
        expect_yield_clean(kept);
        marks_expect_nowhere("tick", kept, worker.task);
    }
    *(volatile uint64_t *)FLAG(worker.area) = 1;
    worker_wait(&worker, 1);
    expect_all_kept(calls_of(worker.area), kept);
    marks_expect_nowhere("return from a tick", kept, worker.task);
    worker_destroy(&worker);
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

struct fault {
    const char *name;
    const char *target;
    uint64_t vector, address;
};

static const struct fault faults[] = {
    {"page fault", registers_page_fault, 14, 0x1000},
    {"page fault at a supervisor page", registers_supervisor_page, 14, SHARED_BASE},
    {"undefined instruction", registers_undefined, 6, 0},
    {"privileged instruction", registers_protection, 13, 0},
    {"breakpoint", registers_breakpoint, 3, 0},
    {"division by zero", registers_divide, 0, 0},
    {"an interrupt that programs may not use", registers_interrupt, 13, 0},
};

static void enter(struct area *area)
{
    registers_enter(&calls_of(area)->before, (const char *)area->values[0]);
}

/* The registers stand still until the thread is gone: the marks were all there. */
static void expect_stopped(const char *what, const struct worker *worker)
{
    const struct registers *before = &calls_of(worker->area)->before;
    struct kernel_registers got = {0};
    EXPECT_EQUAL_IN(what, kernel_thread_registers(worker->thread, &got), 0);
    const uint64_t general[REGISTERS_GENERAL] = {got.rax, got.rbx, got.rcx, got.rdx, got.rsi, got.rdi, got.rbp, got.r8,
                                                 got.r9,  got.r10, got.r11, got.r12, got.r13, got.r14, got.r15};
    EXPECT_IN(what, memcmp(general, before->general, sizeof(general)) == 0);
    EXPECT_EQUAL_IN(what, got.fs_base, before->fs_base);
}

static void prepare_fault(struct worker *worker, const struct fault *fault, uint64_t kept)
{
    worker_create(worker, true);
    marks_fill(&calls_of(worker->area)->before, kept);
    worker->area->values[0] = (uint64_t)fault->target;
}

/* The supervisor receives a message with nothing of the program's registers but the instruction pointer. */
static void expect_told(const struct fault *fault, uint32_t endpoint, uint64_t kept)
{
    const char *what = fault->name;
    struct call call = {0};
    uint64_t own = marks_fresh();
    marks_fill(&call.before, own);
    call.before.rax = TAG_RECEIVE;
    call.before.rdi = endpoint;
    registers_system_call(&call.before, &call.after);
    EXPECT_EQUAL_IN(what, call.after.rax, KERNEL_SUPERVISOR_FAULT_REQUEST);
    EXPECT_EQUAL_IN(what, call.after.rdx, fault->vector);
    EXPECT_EQUAL_IN(what, call.after.r9, fault->address);
    call.after.r9 = 0; /* compared, and it may lie in the upper half */
    EXPECT_EQUAL_IN(what, marks_count(&call.after, sizeof(call.after), kept), 0);
    EXPECT_EQUAL_IN(what, marks_count(&call.after, sizeof(call.after), own), 0);
    EXPECT_EQUAL_IN(what, call.after.rbp | call.after.r12 | call.after.r13 | call.after.r14 | call.after.r15, 0);
    expect_returned(what, &call.before, &call.after);
}

static void heard_fault(const struct fault *fault)
{
    struct worker worker;
    uint32_t endpoint = guest_endpoint();
    uint64_t kept = marks_fresh();
    prepare_fault(&worker, fault, kept);
    EXPECT_EQUAL(kernel_task_set_supervisor(worker.task, (kernel_endpoint_t){endpoint}), 0);
    worker_start(&worker, enter);
    expect_told(fault, endpoint, kept);
    expect_stopped(fault->name, &worker);
    marks_expect_nowhere(fault->name, kept, worker.task);
    worker_destroy(&worker);
    guest_delete(endpoint);
}

void faults_that_are_heard(void)
{
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        heard_fault(&faults[i]);
}

void faults_that_nobody_hears(void)
{
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct worker worker;
        struct kernel_registers registers;
        uint64_t kept = marks_fresh();
        prepare_fault(&worker, &faults[i], kept);
        worker_start(&worker, enter);
        do
            guest_yield();
        while (kernel_thread_registers(worker.thread, &registers) == -ERROR_BUSY);
        expect_stopped(faults[i].name, &worker);
        marks_expect_nowhere(faults[i].name, kept, worker.task);
        worker_destroy(&worker);
    }
}

/* Where the trap strikes depends on the CPU: behind the call, or before that at the trampoline's first instruction, on
 * the stack of debug exceptions with all registers of the program's. */
void trap_at_system_call(void)
{
    static const struct fault trap = {"trap", 0, EXCEPTION_DEBUG, 0};
    struct worker worker;
    uint32_t endpoint = guest_endpoint();
    uint64_t kept = marks_fresh(), words = kept | MARK_FAMILY(1);
    worker_create(&worker, true);
    struct call *call = add_call(&worker, TAG_PLAIN_CALL, kept, kept, words);
    call->before.flags |= FLAG_TRAP;
    EXPECT_EQUAL(kernel_task_set_supervisor(worker.task, (kernel_endpoint_t){endpoint}), 0);
    worker_start(&worker, make_calls);
    expect_told(&trap, endpoint, kept);
    marks_expect_nowhere("trap", kept, worker.task);
    worker_destroy(&worker);
    guest_delete(endpoint);
}
