/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control of threads: stopped and resumed in every state; registers read and written, and those refused with which the
 * kernel could not let a thread go on; single steps, over system calls too.
 */
#include "../common/waiting.h"
#include "abi/addresses.h"
#include "idl/supervisor.h"

#define LABEL 9
#define PATIENCE 100000 /* yields until a thread counts as one that does not run */
#define FLAGS_FIXED 0x202UL
#define FLAG_TRAP 0x100UL
#define FLAGS_PROGRAM 0x240dd5UL /* those that a program may change: Intel SDM volume 1, 3.4.3 */
#define ENOSYS 38
#define ONCE 1UL
#define VECTOR_DEBUG 1

/* `landing` spins with all registers as they came. `stepped` has one label an instruction; rdi holds a handle to
 * call. */
__asm__(".pushsection .text\n"
        "landing: jmp landing\n"
        "stepped: nop\n"
        "step1: movl $7, %ecx\n"
        "step2: pushq %rcx\n"
        "step3: popq %rdx\n"
        "step4: xorl %esi, %esi\n"
        "step5: movl $0x80000000, %eax\n" /* a plain call of no words */
        "step6: syscall\n"
        "step7: movl $39, %eax\n" /* a Linux call, which nobody handles */
        "step8: syscall\n"
        "step9: movl $0x80000700, %eax\n" /* a native call that is malformed */
        "step10: syscall\n"
        "step11: nop\n"
        "step12: jmp landing\n"
        ".popsection");
extern const char landing[], stepped[], step1[], step2[], step3[], step4[], step5[], step6[], step7[], step8[], step9[],
    step10[], step11[], step12[];

static void spin(struct area *area)
{
    area->done = 1;
    for (;;)
        area->values[0]++;
}

/* ---- Stop and resume --------------------------------------------------------------------------------------------- */

/* Does the spinning thread run within `turns`? */
static bool counts(const struct worker *worker, int turns)
{
    uint64_t before = worker->area->values[0];
    for (int i = 0; i < turns && worker->area->values[0] == before; i++)
        guest_yield();
    return worker->area->values[0] != before;
}

static void running(bool separate)
{
    struct worker worker;
    worker_create(&worker, separate);
    worker_spins(&worker);
    worker_start(&worker, spin);
    worker_wait(&worker, 1);
    EXPECT_ERROR(kernel_thread_resume(worker.thread, false), BUSY);
    for (int i = 0; i < 3; i++) {
        EXPECT(counts(&worker, PATIENCE));
        EXPECT_EQUAL(kernel_thread_stop(worker.thread), 0);
        EXPECT_EQUAL(kernel_thread_stop(worker.thread), 0); /* again: nothing happens */
        EXPECT(!counts(&worker, 50));
        EXPECT_EQUAL(kernel_thread_resume(worker.thread, false), 0);
        EXPECT_ERROR(kernel_thread_resume(worker.thread, false), BUSY);
    }
    worker_destroy(&worker);
}

static void running_threads(void)
{
    running(false);
    running(true);
}

/* What a stopped thread waits for comes all the same; it learns it when it is resumed. */
static void end_wait(struct waiter *waiter, enum wait_kind kind)
{
    struct ipc_message message = {0};
    if (kind <= WAIT_SEND_AND_WAIT) {
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, waiter->endpoint, &message) >> 32, 3);
        if (kind == WAIT_CALL)
            EXPECT_EQUAL(ipc_transfer(tag_of(5, MESSAGE_REPLY, 0, 0), 0, &message), TAG_DONE);
    } else if (kind <= WAIT_KEPT) {
        EXPECT_EQUAL(waiter_answer(waiter), TAG_DONE);
    } else if (kind != WAIT_SIGNALS && kind != WAIT_NOTHING) {
        for (int i = 0; i < (kind == WAIT_RECEIVE_BEHIND ? 2 : 1); i++)
            EXPECT_EQUAL(ipc_transfer(polled_tag_of(5, MESSAGE_SEND, 0, 0), waiter_source(waiter), &message), TAG_DONE);
    } else if (kind == WAIT_SIGNALS) {
        EXPECT_EQUAL(guest_signal(waiter->notification, 5), TAG_DONE);
    }
}

static bool ends_with(const struct waiter *waiter, enum wait_kind kind)
{
    uint64_t result = waiter->step->result;
    if (kind == WAIT_SEND)
        return result == TAG_DONE;
    if (kind == WAIT_CALL || kind == WAIT_ANSWER || kind == WAIT_KEPT)
        return result == tag_of(5, MESSAGE_REPLY_AND_WAIT, 0, 0);
    return result == (kind == WAIT_SIGNALS ? TAG_SIGNALS : tag_of(5, MESSAGE_SEND, 0, 0));
}

static void waiting(enum wait_kind kind, bool separate)
{
    struct waiter waiter;
    waiter_create(&waiter, kind, separate, NO_DEADLINE);
    uint32_t count = waiter.worker.area->count;
    EXPECT_EQUAL(kernel_thread_stop(waiter.worker.thread), 0);
    waiter_expect_waiting(&waiter);
    end_wait(&waiter, kind);
    for (int i = 0; i < 4; i++)
        guest_yield();
    EXPECT_EQUAL(waiter.worker.area->done, count - 1);
    EXPECT_EQUAL(kernel_thread_resume(waiter.worker.thread, false), 0);
    if (kind == WAIT_SEND_AND_WAIT) { /* its send was over, and now it waits */
        worker_settle(&waiter.worker, count);
        EXPECT_EQUAL(waiter.worker.area->done, count - 1);
        end_wait(&waiter, WAIT_BEHIND_QUEUED_SEND);
    }
    if (kind != WAIT_NOTHING && worker_wait(&waiter.worker, count))
        EXPECT(ends_with(&waiter, kind));
    waiter_destroy(&waiter);
}

static void waiting_threads(void)
{
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++) {
        waiting(kind, false);
        waiting(kind, true);
    }
}

/* A deadline strikes a stopped thread as any other; and one that was stopped and resumed waits on. */
static void with_deadline_set(enum wait_kind kind)
{
    struct waiter waiter;
    waiter_create(&waiter, kind, true, time_now() + 2 * MILLISECOND);
    EXPECT_EQUAL(kernel_thread_stop(waiter.worker.thread), 0);
    uint32_t done = waiter.worker.area->done;
    sleep_for(3 * MILLISECOND);
    EXPECT_EQUAL(waiter.worker.area->done, done);
    EXPECT_EQUAL(kernel_thread_resume(waiter.worker.thread, false), 0);
    waiter_expect(&waiter, kind, ERROR_TIMEOUT);
    waiter_destroy(&waiter);
    waiter_create(&waiter, kind, true, NO_DEADLINE);
    EXPECT_EQUAL(kernel_thread_stop(waiter.worker.thread), 0);
    EXPECT_EQUAL(kernel_thread_resume(waiter.worker.thread, false), 0);
    guest_yield();
    waiter_expect_waiting(&waiter);
    end_wait(&waiter, kind);
    waiter_destroy(&waiter);
}

static void deadlines(void)
{
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++)
        with_deadline_set(kind);
}

/* A stopped server is called: the call is delivered, and answered when the server goes on. A caller that is stopped
 * while the server works gets its answer when it is resumed. */
static void stopped_server(bool plain)
{
    struct worker server, client;
    uint32_t endpoint = guest_endpoint(), words = plain ? 2 : 9;
    worker_create(&server, true);
    worker_create(&client, true);
    uint32_t handle = worker_give(&server, endpoint, RIGHT_READ);
    worker_add(&server, TAG_RECEIVE, handle);
    worker_add(&server, tag_of(1, MESSAGE_REPLY_AND_WAIT, words, 0), handle);
    worker_add(&server, tag_of(2, MESSAGE_REPLY_AND_WAIT, words, 0), handle);
    for (int i = 0; i < 2; i++)
        worker_add(&client, tag_of(LABEL, MESSAGE_CALL, words, 0), worker_give(&client, endpoint, RIGHT_WRITE));
    worker_go(&server);
    EXPECT_EQUAL(kernel_thread_stop(server.thread), 0);
    worker_go(&client);
    EXPECT(server.area->done == 0 && client.area->done == 0);
    EXPECT_EQUAL(kernel_thread_stop(client.thread), 0);
    EXPECT_EQUAL(kernel_thread_resume(server.thread, false), 0);
    worker_settle(&server, 2);
    EXPECT(server.area->done == 1 && client.area->done == 0);
    EXPECT_EQUAL(kernel_thread_resume(client.thread, false), 0);
    worker_wait(&client, 2);
    for (uint32_t i = 0; i < 2; i++)
        EXPECT_EQUAL(client.area->steps[i].result, tag_of(i + 1, MESSAGE_REPLY_AND_WAIT, words, 0));
    worker_destroy(&client);
    worker_destroy(&server);
    guest_delete(endpoint);
}

static void servers_and_callers(void)
{
    stopped_server(true);
    stopped_server(false);
}

/* A thread that stops itself goes on behind its call when it is resumed. */
static void stops_itself(void)
{
    struct worker worker;
    worker_create(&worker, true);
    for (int i = 0; i < 2; i++)
        worker_add(&worker, KERNEL_THREAD_STOP_REQUEST, worker_give(&worker, worker.thread.handle, RIGHT_WRITE));
    worker_go(&worker);
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT_EQUAL(worker.area->done, i);
        EXPECT_EQUAL(kernel_thread_resume(worker.thread, false), 0);
        worker_wait(&worker, i + 1);
        EXPECT_EQUAL(worker.area->steps[i].result, TAG_DONE);
        worker_settle(&worker, 2);
    }
    EXPECT_ERROR(kernel_thread_resume(worker.thread, false), BUSY);
    worker_destroy(&worker);
}

static void other_states(void)
{
    struct worker worker;
    struct kernel_registers registers = {0};
    worker_create(&worker, true);
    EXPECT_ERROR(kernel_thread_stop(worker.thread), BUSY);
    EXPECT_ERROR(kernel_thread_resume(worker.thread, false), BUSY);
    EXPECT_ERROR(kernel_thread_resume(worker.thread, true), BUSY);
    EXPECT_ERROR(kernel_thread_set_registers(worker.thread, &(struct kernel_registers){.rip = USER_START}), BUSY);
    EXPECT_EQUAL(kernel_thread_registers(worker.thread, &registers), 0);
    worker_spins(&worker);
    worker_start(&worker, spin);
    EXPECT_EQUAL(kernel_thread_stop(worker.thread), 0);
    EXPECT_EQUAL(kernel_thread_end(worker.thread), 0); /* ended while it is stopped */
    EXPECT_ERROR(kernel_thread_stop(worker.thread), BUSY);
    EXPECT_ERROR(kernel_thread_resume(worker.thread, false), BUSY);
    EXPECT_ERROR(kernel_thread_registers(worker.thread, &registers), BUSY);
    EXPECT_ERROR(kernel_thread_set_registers(worker.thread, &(struct kernel_registers){.rip = USER_START}), BUSY);
    worker_destroy(&worker);
}

static void rights(void)
{
    struct worker worker;
    struct kernel_registers registers = {0};
    worker_create(&worker, true);
    worker_spins(&worker);
    worker_start(&worker, spin);
    worker_wait(&worker, 1);
    kernel_thread_t reader = {guest_copy(worker.thread.handle, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY)};
    kernel_thread_t writer = {guest_copy(worker.thread.handle, RIGHT_WRITE | RIGHT_EXECUTE | RIGHT_COPY)};
    EXPECT_ERROR(kernel_thread_stop(reader), NO_RIGHT);
    EXPECT_EQUAL(kernel_thread_stop(writer), 0);
    EXPECT_ERROR(kernel_thread_resume(reader, false), NO_RIGHT);
    EXPECT_ERROR(kernel_thread_registers(writer, &registers), NO_RIGHT);
    EXPECT_EQUAL(kernel_thread_registers(reader, &registers), 0);
    EXPECT_ERROR(kernel_thread_set_registers(reader, &registers), NO_RIGHT);
    EXPECT_EQUAL(kernel_thread_set_registers(writer, &registers), 0);
    EXPECT_EQUAL(kernel_thread_resume(writer, false), 0);
    EXPECT(counts(&worker, PATIENCE));
    guest_delete(reader.handle);
    guest_delete(writer.handle);
    worker_destroy(&worker);
}

/* ---- Registers --------------------------------------------------------------------------------------------------- */

static struct kernel_registers read_registers(const struct worker *worker)
{
    struct kernel_registers registers = {0};
    EXPECT_EQUAL(kernel_thread_registers(worker->thread, &registers), 0);
    return registers;
}

/* A worker that spins, and is stopped. */
static void create_stopped(struct worker *worker, bool separate)
{
    worker_create(worker, separate);
    worker_spins(worker);
    worker_start(worker, spin);
    worker_wait(worker, 1);
    EXPECT_EQUAL(kernel_thread_stop(worker->thread), 0);
}

static struct kernel_registers marked_registers(uint64_t seed)
{
    struct kernel_registers registers;
    uint64_t *word = (uint64_t *)&registers;
    for (unsigned i = 0; i < sizeof(registers) / sizeof(*word); i++)
        word[i] = seed * (i + 1);
    registers.rip = (uint64_t)landing;
    registers.rflags = FLAGS_FIXED;
    registers.fs_base = seed & 0x7fffffffffff;
    return registers;
}

static void expect_registers(const struct kernel_registers *found, const struct kernel_registers *expected)
{
    const uint64_t *left = (const uint64_t *)found, *right = (const uint64_t *)expected;
    for (unsigned i = 0; i < sizeof(*found) / sizeof(*left); i++)
        EXPECT_EQUAL(left[i], right[i]);
}

/* Lets the thread run, and stop again; it has `expected` before and after that. */
static void expect_kept(struct worker *worker, const struct kernel_registers *expected)
{
    struct kernel_registers found = read_registers(worker);
    expect_registers(&found, expected);
    EXPECT_EQUAL(kernel_thread_resume(worker->thread, false), 0);
    guest_yield();
    EXPECT_EQUAL(kernel_thread_stop(worker->thread), 0);
    found = read_registers(worker);
    expect_registers(&found, expected);
}

/* What is written is read, and is what the thread then has: it runs with it, and is read again. */
static void round_trip(bool separate)
{
    struct worker worker;
    create_stopped(&worker, separate);
    for (uint64_t seed = 0x1234567890abcdef, i = 0; i < 3; i++, seed = ~seed * 3) {
        struct kernel_registers marks = marked_registers(seed);
        EXPECT_EQUAL(kernel_thread_set_registers(worker.thread, &marks), 0);
        expect_kept(&worker, &marks);
    }
    worker_destroy(&worker);
}

static void round_trips(void)
{
    round_trip(false);
    round_trip(true);
}

/* The same with a thread that is not interrupted, but stands behind a system call: its own stop, a broken-off IPC. */
static void behind_system_calls(void)
{
    struct worker worker;
    struct waiter waiter;
    struct kernel_registers marks = marked_registers(0x9876543210fedcb), found;
    uint64_t old = 0;
    worker_create(&worker, true);
    worker_add(&worker, KERNEL_THREAD_STOP_REQUEST, worker_give(&worker, worker.thread.handle, RIGHT_WRITE));
    worker_go(&worker);
    found = read_registers(&worker);
    EXPECT(found.rip > (uint64_t)ipc_transfer && found.rip < (uint64_t)ipc_transfer + 128);
    EXPECT_EQUAL(found.rcx, found.rip);
    EXPECT_EQUAL(found.rflags & FLAG_TRAP, 0);
    EXPECT_EQUAL(kernel_thread_set_registers(worker.thread, &marks), 0);
    EXPECT_EQUAL(kernel_thread_resume(worker.thread, false), 0);
    guest_yield();
    EXPECT_EQUAL(kernel_thread_stop(worker.thread), 0);
    found = read_registers(&worker);
    expect_registers(&found, &marks);
    worker_destroy(&worker);
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    EXPECT_EQUAL(kernel_thread_stop(waiter.worker.thread), 0);
    EXPECT_ERROR(kernel_thread_set_registers(waiter.worker.thread, &marks), BUSY); /* it waits still */
    EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, 0, &old), 0);
    EXPECT_EQUAL(kernel_thread_set_registers(waiter.worker.thread, &marks), 0);
    found = read_registers(&waiter.worker);
    expect_registers(&found, &marks);
    waiter_destroy(&waiter);
}

static void refused_in_ipc(void)
{
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++) {
        struct waiter waiter;
        struct kernel_registers registers = {0};
        waiter_create(&waiter, kind, true, NO_DEADLINE);
        EXPECT_ERROR(kernel_thread_registers(waiter.worker.thread, &registers), BUSY);
        EXPECT_EQUAL(kernel_thread_stop(waiter.worker.thread), 0);
        EXPECT_EQUAL(kernel_thread_registers(waiter.worker.thread, &registers), 0);
        EXPECT(registers.rip > (uint64_t)ipc_transfer && registers.rip < (uint64_t)ipc_transfer + 128);
        EXPECT_ERROR(kernel_thread_set_registers(waiter.worker.thread, &registers), BUSY);
        EXPECT_EQUAL(kernel_thread_resume(waiter.worker.thread, false), 0);
        EXPECT_ERROR(kernel_thread_set_registers(waiter.worker.thread, &registers), BUSY);
        waiter_destroy(&waiter);
    }
    struct kernel_registers own = marked_registers(3);
    EXPECT_ERROR(kernel_thread_set_registers(own_thread, &own), BUSY);
    EXPECT_ERROR(kernel_thread_registers(own_thread, &own), BUSY);
}

/* Registers with which the kernel's return to the program would fault, and others that point into the kernel. */
static void bad_registers(void)
{
    const uint64_t rips[] = {0,
                             USER_START - 1,
                             USER_END,
                             0x7fffffffffff,
                             0x800000000000,
                             0xffff7fffffffffff,
                             0xffff800000000000,
                             TRAMPOLINE_TEXT,
                             PRIVATE_BASE,
                             ~0UL};
    const uint64_t bases[] = {0x800000000000, 0xffff7fffffffffff, 0x8000000000000000, 0x7fffffffffffffff};
    struct worker worker;
    create_stopped(&worker, true);
    struct kernel_registers before = read_registers(&worker), found;
    for (unsigned i = 0; i < COUNT(rips); i++) {
        struct kernel_registers marks = marked_registers(i + 1);
        marks.rip = rips[i];
        EXPECT_ERROR(kernel_thread_set_registers(worker.thread, &marks), BAD_ADDRESS);
    }
    for (unsigned i = 0; i < COUNT(bases); i++) {
        struct kernel_registers marks = marked_registers(i + 1);
        marks.fs_base = bases[i];
        EXPECT_ERROR(kernel_thread_set_registers(worker.thread, &marks), BAD_ADDRESS);
    }
    found = read_registers(&worker);
    expect_registers(&found, &before); /* a refusal changes nothing */
    EXPECT_EQUAL(kernel_thread_resume(worker.thread, false), 0);
    EXPECT(counts(&worker, PATIENCE));
    worker_destroy(&worker);
}

/* Values that are odd, but hurt nobody: the thread runs with them. */
static void odd_registers(void)
{
    const uint64_t values[] = {0, 0x7fffffffffff, 0xffff800000000000, 0xffffffff80000000, ~0UL};
    struct worker worker;
    create_stopped(&worker, true);
    for (unsigned i = 0; i < COUNT(values); i++) {
        struct kernel_registers marks = marked_registers(i + 1);
        marks.fs_base = values[i];
        marks.rsp = i == 0 ? 0x900000000000 : values[i]; /* not canonical */
        EXPECT_EQUAL(kernel_thread_set_registers(worker.thread, &marks), 0);
        expect_kept(&worker, &marks);
    }
    worker_destroy(&worker);
}

/* A flag that is not a program's stays as it is: interrupts on, I/O privilege, nested task, resume, virtual modes
 * off. */
static void flags(void)
{
    struct worker worker;
    create_stopped(&worker, true);
    for (int bit = 0; bit < 64; bit++) {
        struct kernel_registers marks = marked_registers(5);
        marks.rflags = ONCE << bit;
        if (marks.rflags == FLAG_TRAP)
            continue; /* the next test */
        EXPECT_EQUAL(kernel_thread_set_registers(worker.thread, &marks), 0);
        marks.rflags = FLAGS_FIXED | (marks.rflags & FLAGS_PROGRAM);
        expect_kept(&worker, &marks);
    }
    worker_destroy(&worker);
}

/* ---- Single steps ------------------------------------------------------------------------------------------------ */

/* Makes `endpoint` the supervisor of the worker's task. */
static void supervise(const struct worker *worker, uint32_t endpoint)
{
    EXPECT_EQUAL(kernel_task_set_supervisor(worker->task, (kernel_endpoint_t){endpoint}), 0);
}

/* Waits for the debug exception of the worker; answers where it stands. */
static uint64_t stepped_to(uint32_t endpoint)
{
    struct ipc_message message = {0};
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), KERNEL_SUPERVISOR_FAULT_REQUEST);
    EXPECT_EQUAL(message.words[1], VECTOR_DEBUG);
    return message.words[4];
}

/* One instruction each, system calls of all kinds among them; then on at full speed. */
static void steps(void)
{
    const char *const places[] = {step1, step2, step3, step4,  step5,  step6,
                                  step7, step8, step9, step10, step11, step12};
    struct worker worker, server;
    uint32_t endpoint = guest_endpoint(), supervisor = guest_endpoint();
    worker_create(&server, true);
    server.area->values[0] = worker_give(&server, endpoint, RIGHT_READ);
    worker_start(&server, worker_echo);
    create_stopped(&worker, true);
    supervise(&worker, supervisor);
    struct kernel_registers registers = read_registers(&worker);
    registers.rip = (uint64_t)stepped;
    registers.rdi = worker_give(&worker, endpoint, RIGHT_WRITE);
    EXPECT_EQUAL(kernel_thread_set_registers(worker.thread, &registers), 0);
    for (unsigned i = 0; i < COUNT(places); i++) {
        EXPECT_EQUAL(kernel_thread_resume(worker.thread, true), 0);
        EXPECT_EQUAL(stepped_to(supervisor), (uint64_t)places[i]);
        registers = read_registers(&worker);
        EXPECT_EQUAL(registers.rip, (uint64_t)places[i]);
        EXPECT_EQUAL(registers.rflags & FLAG_TRAP, 0);
        if (places[i] == step7)
            EXPECT_EQUAL(registers.rax, tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0));
        if (places[i] == step9)
            EXPECT_EQUAL((int64_t)registers.rax, -ENOSYS);
        if (places[i] == step11)
            EXPECT_EQUAL(registers.rax, ERROR_BAD_TAG);
    }
    EXPECT_EQUAL(server.area->done, 1);
    EXPECT_EQUAL(registers.rdx, 7UL ^ ~0UL); /* word 1 of the echo: what step3 popped, complemented */
    EXPECT_EQUAL(kernel_thread_resume(worker.thread, false), 0);
    guest_yield();
    EXPECT_EQUAL(kernel_thread_stop(worker.thread), 0);
    registers = read_registers(&worker);
    EXPECT_EQUAL(registers.rip, (uint64_t)landing);
    EXPECT_EQUAL(registers.rflags & FLAG_TRAP, 0);
    worker_destroy(&worker);
    worker_destroy(&server);
    guest_delete(endpoint);
    guest_delete(supervisor);
}

/* A thread that is stopped in an IPC takes its step when that is over. */
static void step_behind_wait(void)
{
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++) {
        struct waiter waiter;
        struct ipc_message message = {0};
        uint32_t supervisor = guest_endpoint();
        uint64_t old = 0;
        waiter_create(&waiter, kind, true, NO_DEADLINE);
        supervise(&waiter.worker, supervisor);
        EXPECT_EQUAL(kernel_thread_stop(waiter.worker.thread), 0);
        EXPECT_EQUAL(kernel_thread_resume(waiter.worker.thread, true), 0);
        guest_yield();
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, supervisor, &message), ERROR_WOULD_BLOCK);
        EXPECT_EQUAL(kernel_thread_break_off(waiter.worker.thread, 0, &old), 0);
        EXPECT_EQUAL(stepped_to(supervisor), old);
        EXPECT_EQUAL(kernel_thread_resume(waiter.worker.thread, false), 0);
        waiter_expect(&waiter, kind, ERROR_INTERRUPTED);
        waiter_destroy(&waiter);
        guest_delete(supervisor);
    }
}

/* The trap flag as a register that is set: every instruction, until it is taken away. */
static void trap_flag(void)
{
    struct worker worker;
    uint32_t supervisor = guest_endpoint();
    create_stopped(&worker, true);
    supervise(&worker, supervisor);
    struct kernel_registers registers = read_registers(&worker);
    registers.rip = (uint64_t)stepped;
    registers.rflags |= FLAG_TRAP;
    EXPECT_EQUAL(kernel_thread_set_registers(worker.thread, &registers), 0);
    EXPECT_EQUAL(kernel_thread_resume(worker.thread, false), 0);
    EXPECT_EQUAL(stepped_to(supervisor), (uint64_t)step1);
    EXPECT_EQUAL(read_registers(&worker).rflags & FLAG_TRAP, FLAG_TRAP);
    EXPECT_EQUAL(kernel_thread_resume(worker.thread, false), 0);
    EXPECT_EQUAL(stepped_to(supervisor), (uint64_t)step2);
    registers = read_registers(&worker);
    registers.rip = (uint64_t)landing;
    registers.rflags &= ~FLAG_TRAP;
    EXPECT_EQUAL(kernel_thread_set_registers(worker.thread, &registers), 0);
    EXPECT_EQUAL(kernel_thread_resume(worker.thread, false), 0);
    guest_yield();
    EXPECT_EQUAL(kernel_thread_stop(worker.thread), 0);
    EXPECT_EQUAL(read_registers(&worker).rip, (uint64_t)landing);
    worker_destroy(&worker);
    guest_delete(supervisor);
}

static const struct guest_test tests[] = {
    {"running threads are stopped and resumed", running_threads},
    {"threads in every kind of wait are", waiting_threads},
    {"with a deadline, too", deadlines},
    {"servers and callers are stopped in mid-call", servers_and_callers},
    {"a thread stops itself", stops_itself},
    {"new and ended threads are refused", other_states},
    {"rights", rights},
    {"registers are written and read", round_trips},
    {"of threads behind system calls, too", behind_system_calls},
    {"those of running and of waiting threads are not written", refused_in_ipc},
    {"registers with which no thread can go on", bad_registers},
    {"odd values of stack pointer and FS base", odd_registers},
    {"flags that are not a program's", flags},
    {"single steps", steps},
    {"a step behind a wait", step_behind_wait},
    {"the trap flag as a register", trap_flag},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
