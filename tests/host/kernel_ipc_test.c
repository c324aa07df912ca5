/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the kernel's IPC and object operations, without the trampoline: threads that make seeded random system
 * calls, are preempted and fault, with allocations that fail at random; after every step the kernel's state is compared
 * with its own invariants, and at the end everything must have come back. Before that, single cases. Prints TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "debug/invariants.h"
#include "host_tap.h"
#include "idl/factory_kernel.h"
#include "idl/memory_kernel.h"
#include "idl/notification_kernel.h"
#include "idl/reply_kernel.h"
#include "idl/task_kernel.h"
#include "idl/thread_kernel.h"
#include "ipc/endpoint.h"
#include "ipc/fault.h"
#include "ipc/hot.h"
#include "ipc/ipc.h"
#include "ipc/message.h"
#include "ipc/notification.h"
#include "ipc/reply.h"
#include "ipc/wait.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/memory.h"
#include "thread/chain.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "x86/cpu.h"

#define QUOTA (1UL << 20)
#define SEED 0x1bc5a170UL
#define ROUNDS 480
#define STEPS 1500
#define TASKS 3
#define THREADS 6
#define HANDLES 40 /* handles that calls guess at */
#define STRING_PAGES 16
#define STRING_HOLE 11
#define WARM_ENDPOINTS 4096
#define WARM_THREADS 512

static struct factory *factory;
static struct task *tasks[TASKS];
static struct capability holders[TASKS + 1];
static enum error error;
static uint64_t state = SEED;
static const char *wrong;

static const uint64_t requests[] = {
    KERNEL_FACTORY_CREATE_FACTORY_REQUEST,
    KERNEL_FACTORY_CREATE_TASK_REQUEST,
    KERNEL_FACTORY_CREATE_THREAD_REQUEST,
    KERNEL_FACTORY_CREATE_ENDPOINT_REQUEST,
    KERNEL_FACTORY_CREATE_MEMORY_REQUEST,
    KERNEL_FACTORY_QUOTA_REQUEST,
    KERNEL_FACTORY_CREATE_NOTIFICATION_REQUEST,
    KERNEL_FACTORY_CREATE_REPLY_REQUEST,
    KERNEL_TASK_COPY_REQUEST,
    KERNEL_TASK_MINT_REQUEST,
    KERNEL_TASK_MOVE_REQUEST,
    KERNEL_TASK_DELETE_REQUEST,
    KERNEL_TASK_EXIT_REQUEST,
    KERNEL_TASK_SET_SUPERVISOR_REQUEST,
    KERNEL_TASK_SET_LINUX_HANDLER_REQUEST,
    KERNEL_TASK_SET_GUARDED_REQUEST,
    KERNEL_TASK_SET_NAME_REQUEST,
    KERNEL_TASK_INSPECT_REQUEST,
    KERNEL_THREAD_START_REQUEST,
    KERNEL_THREAD_REGISTERS_REQUEST,
    KERNEL_THREAD_YIELD_REQUEST,
    KERNEL_THREAD_END_REQUEST,
    KERNEL_THREAD_STOP_REQUEST,
    KERNEL_THREAD_RESUME_REQUEST,
    KERNEL_THREAD_SET_PRIORITY_REQUEST,
    KERNEL_THREAD_SET_TIMES_REQUEST,
    KERNEL_THREAD_SET_REGISTERS_REQUEST,
    KERNEL_THREAD_BREAK_OFF_REQUEST,
    KERNEL_THREAD_SET_FAULT_HANDLER_REQUEST,
    KERNEL_NOTIFICATION_BIND_REQUEST,
    KERNEL_NOTIFICATION_UNBIND_REQUEST,
    KERNEL_NOTIFICATION_COLLECT_REQUEST,
    KERNEL_REPLY_KEEP_REQUEST,
    KERNEL_MEMORY_MAP_REQUEST,
    KERNEL_MEMORY_UNMAP_REQUEST,
    KERNEL_MEMORY_SIZE_REQUEST,
};

static uint64_t random_below(uint64_t limit)
{
    return host_random(&state) % limit;
}

/* ---- Invariants -------------------------------------------------------------------------------------------------- */

static bool expect(bool condition, const char *what)
{
    if (!condition && !wrong)
        wrong = what;
    return condition;
}

static uint64_t transfers_seen, pages_seen;

static void count_transfers(void)
{
    for (const struct task *task = task_first(); task; task = task->next)
        for (const struct thread *thread = task->threads; thread; thread = thread->task_next)
            transfers_seen += thread->state == THREAD_TRANSFER, pages_seen += thread->sends == SENDS_PAGE;
}

static void check_all(const struct thread *thread)
{
    count_transfers();
    struct inspection inspection = {.running = thread};
    invariants_threads(&inspection);
    invariants_capabilities(&inspection);
    expect(!inspection.broken, inspection.broken);
}

/* ---- A machine of threads ---------------------------------------------------------------------------------------- */

static uint32_t give(struct task *task, struct object *object)
{
    uint32_t handle = 0;
    if (capability_publish(task, object, RIGHTS_ALL, &handle) != ERROR_NONE)
        exit(1);
    return handle;
}

static void hold(int place, struct object *object)
{
    holders[place] = (struct capability){0};
    capability_attach(&holders[place], object, RIGHTS_ALL, 0);
}

static void run(struct thread *thread)
{
    write_gs_base((uint64_t)thread->hot);
    thread->interrupted = 0;
}

/* One system call of the thread that runs; answers who runs afterwards. */
static struct thread *call(struct thread *thread, uint64_t tag, uint64_t handle)
{
    thread->call.tag = tag;
    thread->call.handle = handle;
    system_call(thread);
    if (!schedule_switch)
        return thread;
    thread = schedule_resolve();
    run(thread);
    return thread;
}

/* A thread that is ready; NULL where the quota is used up or the task has ended. */
static struct thread *new_thread(struct task *task)
{
    uint32_t handle;
    struct thread *thread = task->ended ? NULL : thread_create(factory, task, &error);
    if (!thread || capability_publish(task, &thread->object, RIGHTS_ALL, &handle) != ERROR_NONE)
        return NULL;
    thread_start(thread, USER_START, USER_START, 0, 0);
    return thread;
}

static void start_round(void)
{
    factory = host_first_factory(QUOTA);
    hold(TASKS, &factory->object);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = task_create(factory, &error);
        hold(i, &tasks[i]->object);
        if (random_below(4) == 0)
            task_guard(tasks[i]);
        give(tasks[i], &factory->object);
    }
}

/* Everything goes. Answers whether everything has come back. */
static bool end_round(uint64_t frames, uint64_t pieces)
{
    write_gs_base((uint64_t)cpus[0].idle_line);
    schedule_switch = NULL;
    thread_bury();
    for (int i = 0; i < TASKS; i++)
        capability_delete(&holders[i]);
    while (host_delete_something())
        ;
    while (object_destroy_piece()) /* what the kernel does when no thread is ready */
        ;
    bool used = factory->used || factory->references != 1;
    capability_delete(&holders[TASKS]);
    return !used && host_frames_used() == frames && host_pieces_used() == pieces && task_count() == 0 &&
           thread_count() == 0 && endpoint_count() == 0 && capability_count() == 0;
}

/* ---- Single cases ------------------------------------------------------------------------------------------------ */

/* A server's answer gives away, by a moved item, the right to receive on which the server then wants to wait. */
static void test_moved_receive_right(void)
{
    uint64_t frames = host_frames_used(), pieces = host_pieces_used();
    start_round();
    struct endpoint *endpoint = endpoint_create(factory, &error);
    uint32_t server_handle = give(tasks[0], &endpoint->object), client_handle = give(tasks[1], &endpoint->object);
    struct thread *server = new_thread(tasks[0]), *client = new_thread(tasks[1]);
    struct thread *running = schedule_first();
    run(running);
    running = call(running, message_tag(MESSAGE_RECEIVE, 0, 0), server_handle);
    host_ok(running == client, "a server waits");
    running = call(running, message_tag(MESSAGE_CALL, 1, 0), client_handle);
    host_ok(running == server && server->hot->caller == client->hot, "it gets a call");
    thread_utcb(server)->items[0] = server_handle | RIGHTS_ALL << ITEM_RIGHTS_SHIFT | ITEM_MOVE << ITEM_KIND_SHIFT;
    running = call(running, message_tag(MESSAGE_REPLY_AND_WAIT, 0, 1), server_handle);
    host_ok(thread_utcb(client)->items[0] != 0 && !capability_find(&tasks[0]->table, server_handle),
            "its answer moves the capability on which it would wait");
    host_ok(thread_can_run(server) && server->call.tag == ERROR_BAD_HANDLE && thread_can_run(client),
            "the caller is answered, and the wait fails");
    check_all(running);
    host_ok(!wrong, "no right to wait is left behind: %s", wrong ? wrong : "all invariants hold");
    host_ok(end_round(frames, pieces), "everything comes back");
}

#define ORPHANED 20

static int told(struct thread *const *senders)
{
    int count = 0;
    for (int i = 0; i < ORPHANED; i++)
        count += senders[i]->state == THREAD_ACTIVE && senders[i]->call.tag == ERROR_DEAD;
    return count;
}

/* Many are queued when the last right to receive goes: they are told piece by piece; by the end of the endpoint at
 * last. */
static void test_orphaned_senders(bool destroyed)
{
    uint64_t frames = host_frames_used(), pieces = host_pieces_used();
    struct thread *senders[ORPHANED];
    start_round();
    struct endpoint *endpoint = endpoint_create(factory, &error);
    struct capability *receiving = capability_find(&tasks[0]->table, give(tasks[0], &endpoint->object));
    struct capability *sending = capability_derive(tasks[1], receiving, RIGHT_WRITE, 0, &error);
    for (int i = 0; i < ORPHANED; i++)
        senders[i] = new_thread(tasks[1]);
    struct thread *last = new_thread(tasks[0]), *on = schedule_first();
    run(on);
    while (on != last)
        on = call(on, message_tag(MESSAGE_CALL, 0, 0), sending->handle);
    capability_delete(receiving);
    int first = told(senders);
    host_ok(first > 0 && first < ORPHANED && endpoint_any_orphan(), "%d of %d senders are told at once", first,
            ORPHANED);
    if (destroyed)
        capability_delete(sending);
    while (endpoint_orphan_piece())
        check_all(on);
    host_ok(told(senders) == ORPHANED && !endpoint_any_orphan(), "the others by and by");
    check_all(on);
    host_ok(!wrong && end_round(frames, pieces), "everything comes back: %s", wrong ? wrong : "all invariants hold");
}

/* The barriers of a guarded client's calls to a server: two a round trip; none between threads of one task. */
static void test_crossings(void)
{
    uint64_t frames = host_frames_used(), pieces = host_pieces_used();
    start_round();
    struct task *guarded = task_create(factory, &error);
    give(tasks[1], &guarded->object);
    host_ok(task_guard(guarded), "a task that has nothing can be guarded");
    struct endpoint *endpoint = endpoint_create(factory, &error);
    uint32_t server_handle = give(tasks[0], &endpoint->object), client_handle = give(guarded, &endpoint->object);
    host_ok(!task_guard(tasks[0]), "one that has capabilities can not");
    struct thread *server = new_thread(tasks[0]), *client = new_thread(guarded), *second = new_thread(guarded);
    struct thread *on = schedule_first();
    run(on);
    on = call(on, message_tag(MESSAGE_RECEIVE, 0, 0), server_handle);
    host_ok(on == client && cpus[0].guarded == guarded, "the guarded client runs when the server waits");
    uint64_t before = cpus[0].barriers.crossings;
    on = call(on, message_tag(MESSAGE_CALL, 1, 0), client_handle);
    host_ok(on == server && cpus[0].barriers.crossings == before + 1, "a barrier on the way to the server");
    check_all(on);
    on = call(on, message_tag(MESSAGE_REPLY_AND_WAIT, 1, 0), server_handle);
    host_ok(on == client && cpus[0].barriers.crossings == before + 2, "a barrier on the way back");
    schedule_yield();
    on = schedule_resolve();
    host_ok(on == second && cpus[0].barriers.crossings == before + 2, "none between threads of the guarded task");
    check_all(on);
    host_ok(!wrong, "the trampoline finds nothing to do: %s", wrong ? wrong : "all invariants hold");
    host_ok(end_round(frames, pieces) && cpus[0].guarded != guarded,
            "everything comes back, and the task is forgotten");
}

/* ---- Random ------------------------------------------------------------------------------------------------------ */

static uint64_t random_word(void)
{
    switch (random_below(4)) {
    case 0:
        return USER_START + random_below(16) * PAGE_SIZE;
    case 1:
        return host_random(&state);
    default:
        return random_below(HANDLES);
    }
}

static uint64_t random_item(void)
{
    if (random_below(8) == 0)
        return host_random(&state);
    return random_below(HANDLES) | random_below(16) << ITEM_RIGHTS_SHIFT | random_below(2) << ITEM_KIND_SHIFT;
}

static uint64_t random_address(void)
{
    return random_below(16) == 0 ? host_random(&state) : USER_START + random_below(16 * PAGE_SIZE);
}

/* A few strings among the items, and places for some. */
static void random_strings(struct utcb *utcb)
{
    for (int i = 0; i < MESSAGE_MAX_ITEMS; i++) {
        utcb->item_addresses[i] = random_address();
        if (random_below(4) == 0)
            utcb->items[i] = random_below(random_below(2) ? 3 * PAGE_SIZE : 100) << ITEM_LENGTH_SHIFT |
                             (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT;
    }
    for (int i = 0; i < MESSAGE_MAX_STRINGS; i++)
        utcb->string_buffers[i] = (struct string_buffer){random_address(), random_below(4) * PAGE_SIZE};
}

static uint64_t random_flags(void)
{
    static const uint64_t flags[] = {0, TAG_POLL, TAG_DEADLINE, TAG_CLOSED, TAG_DEADLINE | TAG_CLOSED};
    return flags[random_below(5)];
}

static uint64_t random_deadline(void)
{
    return random_below(4) == 0 ? host_random(&state) : rdtsc() + random_below(4000);
}

static uint64_t random_tag(void)
{
    static const uint64_t operations[] = {MESSAGE_CALL,    MESSAGE_REPLY_AND_WAIT, MESSAGE_SEND,
                                          MESSAGE_RECEIVE, MESSAGE_REPLY,          MESSAGE_SEND_AND_WAIT};
    uint32_t operation = (uint32_t)operations[random_below(6)];
    uint64_t label = random_below(100) << 32;
    switch (random_below(8)) {
    case 0:
        return host_random(&state);
    case 1:
    case 2:
    case 3:
        return requests[random_below(sizeof(requests) / sizeof(requests[0]))];
    case 4:
        return label | message_tag(MESSAGE_RECEIVE, 0, 0) | random_flags();
    case 5:
        return label | message_tag(operation, (uint32_t)random_below(64), (uint32_t)random_below(8)) | random_flags();
    default:
        return label | message_tag(operation, (uint32_t)random_below(7), (uint32_t)random_below(3));
    }
}

/* Mostly a handle that suits the tag: of an object with that interface, or of an endpoint. */
static uint64_t random_handle_of(const struct task *task, uint32_t type)
{
    uint64_t handle = random_below(HANDLES);
    if (random_below(8) == 0)
        return handle;
    for (int i = 0; i < HANDLES; i++, handle = (handle + 1) % HANDLES) {
        const struct capability *capability = capability_find(&task->table, handle);
        if (capability && capability->object->type == type)
            return handle;
    }
    return handle;
}

static uint64_t random_handle(const struct task *task, uint64_t tag)
{
    static const uint32_t types[] = {OBJECT_ENDPOINT, OBJECT_ENDPOINT, OBJECT_NOTIFICATION, OBJECT_REPLY};
    uint32_t operation = tag_operation((uint32_t)tag);
    uint64_t handle = random_handle_of(task, tag >> 48 ? (uint32_t)(tag >> 48) : types[random_below(4)]);
    if (operation == MESSAGE_SEND_AND_WAIT && random_below(8) != 0)
        handle |= random_handle_of(task, types[random_below(3)]) << WAIT_HANDLE_SHIFT;
    return handle;
}

/* Ends are rare, so that there is something to end. */
static bool is_end(uint64_t tag)
{
    return tag == KERNEL_TASK_EXIT_REQUEST || tag == KERNEL_THREAD_END_REQUEST;
}

static void prepare_call(struct thread *thread)
{
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        thread->call.words[i] = random_word();
    for (int i = 0; i < MESSAGE_MAX_ITEMS; i++)
        thread_utcb(thread)->items[i] = random_item();
    random_strings(thread_utcb(thread));
    thread_utcb(thread)->send_deadline = random_deadline();
    thread_utcb(thread)->receive_deadline = random_deadline();
}

static struct thread *fault(struct thread *thread)
{
    thread->interrupted = 1;
    thread->frame.rip = USER_START;
    fault_raise(thread, 0);
    thread = schedule_resolve();
    run(thread);
    return thread;
}

/* A device signals some notification, as an interrupt does. */
static void device_interrupts(const struct task *task)
{
    const struct capability *capability = capability_find(&task->table, random_handle_of(task, OBJECT_NOTIFICATION));
    if (capability && capability->object->type == OBJECT_NOTIFICATION)
        notification_signal((struct notification *)capability->object, 1 + random_below(7));
}

static struct thread *tick(struct thread *thread)
{
    thread->interrupted = 1;
    schedule_before_interrupt(thread);
    if (random_below(2))
        device_interrupts(thread->task);
    else
        schedule_timer_expired();
    thread = schedule_after_interrupt(thread);
    run(thread);
    return thread;
}

static struct thread *running;

static void step(void)
{
    uint64_t kind = random_below(100);
    if (kind < 10) {
        running = tick(running);
    } else if (kind == 10) {
        running = fault(running);
    } else {
        if (random_below(8) == 0)
            host_memory_fail_after((long)random_below(5));
        prepare_call(running);
        uint64_t tag = random_tag();
        if (is_end(tag) && random_below(16) != 0)
            tag = KERNEL_THREAD_YIELD_REQUEST;
        host_preempt_every = (unsigned)random_below(6);
        running = call(running, tag, random_handle(running->task, tag));
        host_preempt_every = 0;
        host_memory_fail_after(-1);
    }
}

static int steps_done;

/* Starts a thread in some task; false where that cannot be done. */
static bool stir(void)
{
    write_gs_base((uint64_t)cpus[0].idle_line);
    for (int i = 0; i < TASKS; i++)
        if (new_thread(tasks[random_below(TASKS)]))
            return true;
    return false;
}

static int steps_left;

/* Ends early where nobody can run any more: host_kernel.c panics then. */
static void run_threads(void)
{
    running = schedule_first();
    run(running);
    for (; steps_left > 0 && !wrong; steps_left--) {
        step();
        check_all(running);
        steps_done++;
    }
}

/* Where all threads wait for each other, new ones stir them up. */
static void run_round(void)
{
    steps_left = STEPS;
    while (host_panics(run_threads)) {
        host_preempt_every = 0;
        host_memory_fail_after(-1);
        if (!expect(strstr(host_panic_text(), "nobody is ready"), host_panic_text()) || !stir())
            return;
    }
}

/* Memory where strings may lie, with a hole. */
static void map_strings(struct task *task)
{
    uint32_t handle;
    struct memory *memory = memory_create(factory, STRING_PAGES, &error);
    if (!memory || capability_publish(task, &memory->object, RIGHTS_ALL, &handle) != ERROR_NONE ||
        memory_map(memory, task, USER_START, 0, STRING_PAGES, RIGHT_READ | RIGHT_WRITE) != ERROR_NONE ||
        host_unmap(memory, task, USER_START + STRING_HOLE * PAGE_SIZE, 1) != ERROR_NONE)
        exit(1);
}

/* A thread that has a handler, or a pager, as a rule. */
static void new_handled_thread(struct task *task, struct endpoint *endpoint)
{
    struct thread *thread = new_thread(task);
    if (!thread || random_below(4) == 0)
        return;
    capability_attach(&thread->fault_handler, &endpoint->object, RIGHT_WRITE, 1);
    thread->paged = random_below(2);
}

static bool random_round(uint64_t frames, uint64_t pieces)
{
    struct endpoint *endpoints[TASKS];
    start_round();
    for (int i = 0; i < TASKS; i++)
        for (int j = 0; j < TASKS; j++)
            give(tasks[i], &tasks[j]->object);
    for (int i = 0; i < TASKS; i++) {
        endpoints[i] = endpoint_create(factory, &error);
        for (int j = 0; j < TASKS; j++)
            give(tasks[j], &endpoints[i]->object);
    }
    for (int i = 0; i < TASKS; i++)
        map_strings(tasks[i]);
    for (int i = 0; i < THREADS; i++)
        new_handled_thread(tasks[i % TASKS], endpoints[random_below(TASKS)]);
    run_round();
    return expect(end_round(frames, pieces), "everything comes back") && !wrong;
}

static void warm_up(void)
{
    static void *lines[WARM_ENDPOINTS + WARM_THREADS];
    for (int i = 0; i < WARM_ENDPOINTS; i++)
        lines[i] = hot_endpoint_allocate(0, &error);
    for (int i = 0; i < WARM_THREADS; i++)
        lines[WARM_ENDPOINTS + i] = hot_thread_allocate(0, &error);
    for (int i = 0; i < WARM_ENDPOINTS; i++)
        hot_endpoint_free(lines[i], 0);
    for (int i = 0; i < WARM_THREADS; i++)
        hot_thread_free(lines[WARM_ENDPOINTS + i], 0);
}

int main(void)
{
    host_kernel_start();
    warm_up(); /* pages of the hot state never come back */
    test_moved_receive_right();
    test_crossings();
    test_orphaned_senders(false);
    test_orphaned_senders(true);
    uint64_t frames = host_frames_used(), pieces = host_pieces_used();
    int round = 0;
    wrong = NULL;
    while (round < ROUNDS && random_round(frames, pieces))
        round++;
    host_ok(round == ROUNDS, "%d of %d rounds of random system calls, %d calls in all (seed %#lx): %s", round, ROUNDS,
            steps_done, SEED, wrong ? wrong : "all invariants hold");
    host_ok(steps_done > ROUNDS * 50, "threads went on for long enough");
    host_ok(transfers_seen > ROUNDS, "strings were on their way after %lu steps", transfers_seen);
    host_ok(pages_seen > ROUNDS, "and waited for pages after %lu", pages_seen);
    return host_done();
}
