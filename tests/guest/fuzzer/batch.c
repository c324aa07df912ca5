/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches. See batch.h.
 *
 * Hunters share objects of all types, so that they meet: endpoints, memory, a task without threads, a thread that was
 * never started, each other's threads, and factories, of which one is too poor for anything. What they create is
 * charged to the other factory. This program takes part by polling only, since hunters may leave it without an answer.
 * It has the highest priority and sleeps between rounds: so it gets to run whatever priorities and budgets hunters
 * have.
 */
#include "batch.h"

#include <inttypes.h>
#include <salto/startup.h>
#include <salto/tap.h>
#include <salto/wait.h>
#include <stdlib.h>
#include <string.h>

#include "abi/addresses.h"
#include "hunter.h"
#include "idl/clock.h"
#include "idl/notification.h"
#include "idl/supervisor.h"
#include "leftovers.h"
#include "report.h"
#include "victim.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TASKS 3
#define THREADS 2
#define HUNTERS (TASKS * THREADS)
#define CALLS_PER_BATCH 8000
#define ENDPOINTS 3
#define MEMORIES 2
#define LEAST_PAGES 2U
#define NOTIFICATIONS 3 /* one for each of the first hunters */
#define REPLIES 2
#define LEAST_ROUND 40000 /* nanoseconds that hunters run; twice that and so on after rounds without a call */
#define MOST_DOUBLED 10
#define ROUND_MASK 0x1ffff   /* and up to this many more */
#define HIGHEST_PRIORITY 200 /* of hunters */
#define USUAL_PRIORITY 100
#define CONTROL_EVERY 1
#define TURNS_APART 7
#define FULL_GRANTS 4 /* of the task without a free handle, so that it is tried often */
#define POOR_QUOTA 128
#define RECLAIMED_EVERY 4 /* batches, in which hunters may kill whatever the factory paid for, again and again */
#define SELF_EVERY 4      /* tasks that may do with themselves what they like */
#define THREADS_EVERY 5   /* threads that others may do so with */
#define LEAST_QUOTA (128UL << 10)
#define MOST_QUOTA (LEAST_QUOTA << 3)
#define SUPERVISOR_BADGE 0x5afeUL
#define PREPARED_ENDPOINTS (MOST_QUOTA / 16384 + MOST_REPLACED + 64) /* a factory has one for every 16 KiB */
#define PREPARED_THREADS (MOST_QUOTA / PAGE_SIZE + MOST_REPLACED + 64)
#define STUCK_ROUNDS 12
#define IDLE_ROUNDS 3 /* one after the other: whoever waits then waits for long */
#define CHECK_ROUNDS 50
#define FAIL_EVERY 2   /* rounds, in one of which an allocation fails ... */
#define FAIL_WITHIN 12 /* ... out of the first so many */
#define KILL_THREAD_EVERY 200
#define KILL_TASK_EVERY 500
#define MOST_REPLACED 200 /* hunters, that is, in a batch: hunters may keep the dead thread alive as an object */

/* What every task of hunters is given. */
struct grant {
    uint32_t handle, type, rights;
    uint64_t badge;
};

static uint64_t state;             /* of this program's own random numbers */
static struct worker hosts[TASKS]; /* a thread that is never started, and its task */
static struct worker workers[HUNTERS];
static uint32_t calls_before[HUNTERS]; /* when it was last looked whether the hunter goes on */
static bool over[HUNTERS];             /* its task has ended */
static unsigned replaced;
static uint32_t turns; /* where hunters begin to call the operations in turn */
static struct hunter *hunters[HUNTERS];
static uint32_t hunter_memories[HUNTERS];
static uint32_t own_endpoints[HUNTERS];
static uint32_t supervisor, supervisor_sends; /* endpoint, and a badged capability to it */
static uint32_t endpoints[ENDPOINTS], memories[MEMORIES], full_task;
static kernel_notification_t notifications[NOTIFICATIONS];
static struct grant grants[48];
static unsigned grants_count, objects_count; /* those that this program made come first */

static void grant(uint32_t handle, uint32_t type, uint32_t rights, uint64_t badge)
{
    if (EXPECT(grants_count < COUNT(grants)))
        grants[grants_count++] = (struct grant){handle, type, rights, badge};
}

static void prepare_endpoints(void)
{
    uint32_t *made = calloc(PREPARED_ENDPOINTS, sizeof(*made));
    if (!EXPECT(made))
        return;
    for (unsigned i = 0; i < PREPARED_ENDPOINTS; i++)
        made[i] = guest_endpoint();
    for (unsigned i = 0; i < PREPARED_ENDPOINTS; i++)
        guest_delete(made[i]);
    free(made);
}

static void prepare_threads(void)
{
    static uint32_t made[PREPARED_THREADS];
    kernel_task_t task = guest_new_task();
    kernel_thread_t thread;
    uint32_t number;
    for (unsigned i = 0; i < PREPARED_THREADS; i++) {
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
        made[i] = thread.handle;
    }
    for (unsigned i = 0; i < PREPARED_THREADS; i++)
        guest_delete(made[i]);
    guest_delete(task.handle);
}

void batch_prepare(void)
{
    static bool prepared;
    if (prepared)
        return;
    prepared = true;
    prepare_endpoints();
    prepare_threads();
}

/* ---- Objects --------------------------------------------------------------------------------------------------- */

static uint32_t new_factory(uint64_t quota)
{
    kernel_factory_t factory = {0};
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, quota, &factory), 0);
    return factory.handle;
}

/* A task whose capability table has no free handle. */
static uint32_t new_full_task(void)
{
    kernel_task_t task = guest_new_task();
    uint32_t clock = salto_require("clock"), copy;
    int result;
    do
        result = kernel_task_copy(own_task, clock, task, RIGHT_READ, &copy);
    while (result == 0);
    EXPECT_ERROR(result, NO_SLOT);
    return task.handle;
}

static void grant_signals(void)
{
    for (unsigned i = 0; i < NOTIFICATIONS; i++) {
        EXPECT_EQUAL(kernel_factory_create_notification(own_factory, &notifications[i]), 0);
        grant(notifications[i].handle, TYPE_NOTIFICATION, RIGHTS_ALL, 0);
        grant(notifications[i].handle, TYPE_NOTIFICATION, RIGHT_WRITE | RIGHT_COPY, draw_noise(&state));
    }
    for (unsigned i = 0; i < REPLIES; i++) {
        kernel_reply_t reply = {0};
        EXPECT_EQUAL(kernel_factory_create_reply(own_factory, &reply), 0);
        grant(reply.handle, TYPE_REPLY, RIGHTS_ALL, 0);
    }
}

static void make_objects(bool full)
{
    kernel_thread_t thread = {0};
    kernel_task_t task = guest_new_task();
    uint32_t number, rich = new_factory(LEAST_QUOTA << (draw_noise(&state) >> 62));
    grants_count = 0;
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
    grant(rich, TYPE_FACTORY, draw_once_in(&state, RECLAIMED_EVERY) ? RIGHTS_ALL : RIGHTS_ALL & ~RIGHT_WRITE, 0);
    grant(new_factory(POOR_QUOTA), TYPE_FACTORY, RIGHTS_ALL, 0);
    grant(task.handle, TYPE_TASK, RIGHTS_ALL, 0);
    grant(thread.handle, TYPE_THREAD, RIGHTS_ALL, 0);
    for (unsigned i = 0; i < ENDPOINTS; i++) {
        endpoints[i] = guest_endpoint();
        grant(endpoints[i], TYPE_ENDPOINT, RIGHTS_ALL, 0);
        grant(endpoints[i], TYPE_ENDPOINT, RIGHT_WRITE | RIGHT_COPY, draw_noise(&state));
    }
    for (unsigned i = 0; i < MEMORIES; i++) {
        memories[i] = guest_memory(LEAST_PAGES << (draw_noise(&state) >> 61));
        grant(memories[i], TYPE_MEMORY, RIGHTS_ALL, 0);
    }
    grant_signals();
    full_task = full ? new_full_task() : 0;
    for (unsigned i = 0; full && i < FULL_GRANTS; i++)
        grant(full_task, TYPE_TASK, RIGHT_READ | RIGHT_EXECUTE, 0);
    supervisor = guest_endpoint();
    EXPECT_EQUAL(kernel_task_mint(own_task, supervisor, own_task, RIGHT_WRITE, SUPERVISOR_BADGE, &supervisor_sends), 0);
}

/* Rights that hunters must not have, since they would end or spoil the run: docs/fuzzer.md says why. */
static uint32_t withheld(const char *name)
{
    static const struct {
        const char *name;
        uint32_t rights;
    } table[] = {{"console", RIGHT_WRITE}, {"power", RIGHT_WRITE}, {"debug", RIGHT_WRITE}, {"physical", RIGHT_WRITE}};
    for (unsigned i = 0; i < COUNT(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].rights;
    return 0;
}

/* All else that the manifest grants this program with the right to copy it: what the machine has one of. */
static void grant_machine(void)
{
    const struct startup_table *table = salto_startup_table();
    for (uint32_t i = 0; i < table->grants_count; i++) {
        const struct startup_grant *one = &table->grants[i];
        if (guest_rights(one->handle) & RIGHT_COPY)
            grant(one->handle, one->interface, guest_rights(one->handle) & ~withheld(one->name), 0);
    }
}

static void delete_objects(void)
{
    for (unsigned i = 0; i < objects_count; i++)
        if (i == 0 || grants[i].handle != grants[i - 1].handle)
            guest_delete(grants[i].handle);
    guest_delete(supervisor);
    guest_delete(supervisor_sends);
}

/* ---- Hunters --------------------------------------------------------------------------------------------------- */

static const struct worker *host_of(unsigned i)
{
    return &hosts[i / THREADS];
}

static void add_addresses(unsigned i)
{
    struct hunter *hunter = hunters[i];
    for (unsigned j = 0; j < GROUNDS; j++)
        hunter->addresses[hunter->addresses_count++] = hunting_ground(j);
    hunter->addresses[hunter->addresses_count++] = (uint64_t)host_of(i)->area;
    hunter->addresses[hunter->addresses_count++] = (uint64_t)hunter;
    hunter->addresses[hunter->addresses_count++] = UTCB_BASE;
}

/* A hunter's state lies at one address in both tasks. */
static void make_state(unsigned i)
{
    uint64_t address = HUNTING_GROUND + 0x10000000 + i * 0x100000;
    kernel_memory_t memory = {guest_memory(HUNTER_PAGES)};
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, address, 0, HUNTER_PAGES, RIGHT_READ | RIGHT_WRITE), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, host_of(i)->task, address, 0, HUNTER_PAGES, RIGHT_READ | RIGHT_WRITE), 0);
    hunter_memories[i] = memory.handle;
    own_endpoints[i] = guest_endpoint();
    hunters[i] = (struct hunter *)address;
    hunters[i]->random = draw_noise(&state) | 1;
    hunters[i]->wanted = CALLS_PER_BATCH;
    hunters[i]->own_endpoint = worker_give(host_of(i), own_endpoints[i], RIGHT_READ | RIGHT_WRITE);
    hunters[i]->turn = turns += TURNS_APART;
    add_addresses(i);
}

/* Memory that can travel in messages at once. */
static void map_grounds(const struct worker *host)
{
    for (unsigned i = 0; i < MEMORIES; i++)
        EXPECT_EQUAL(kernel_memory_map((kernel_memory_t){memories[i]}, host->task, hunting_ground(i), 0, LEAST_PAGES,
                                       RIGHT_READ | RIGHT_WRITE),
                     0);
}

/* A thread that goes on with the hunter's state. */
static void make_thread(unsigned i)
{
    worker_create_in(&workers[i], host_of(i));
    workers[i].area->values[0] = (uint64_t)hunters[i];
    hunters[i]->own_thread = worker_give(&workers[i], workers[i].thread.handle, RIGHT_WRITE);
    calls_before[i] = hunters[i]->calls;
    over[i] = false;
    if (i < NOTIFICATIONS) /* unless a hunter bound it */
        (void)!kernel_notification_bind(notifications[i], workers[i].thread);
}

/* All hunters of task `task` know the new handle. */
static uint32_t give(unsigned task, const struct grant *grant)
{
    const struct worker *worker = &hosts[task];
    uint32_t handle = 0;
    if (grant->badge)
        EXPECT_EQUAL(kernel_task_mint(own_task, grant->handle, worker->task, grant->rights, grant->badge, &handle), 0);
    else
        EXPECT_EQUAL(kernel_task_copy(own_task, grant->handle, worker->task, grant->rights, &handle), 0);
    for (unsigned i = 0; i < THREADS; i++)
        hunter_knows(hunters[task * THREADS + i], handle, grant->type);
    return handle;
}

/* Each thread, for the hunters of all tasks; few hold all rights, so that most live long. */
static void give_hunters(unsigned task)
{
    const uint32_t self_rights =
        draw_once_in(&state, SELF_EVERY) ? RIGHTS_ALL : RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY;
    for (unsigned i = 0; i < HUNTERS; i++) {
        uint32_t rights = draw_once_in(&state, THREADS_EVERY) ? RIGHTS_ALL : RIGHT_READ;
        struct grant thread = {workers[i].thread.handle, TYPE_THREAD, rights, 0};
        give(task, &thread);
    }
    struct grant self = {hosts[task].task.handle, TYPE_TASK, self_rights, 0};
    give(task, &self);
    if (draw_once_in(&state, 12)) {
        struct grant memory = {hunter_memories[task * THREADS], TYPE_MEMORY, RIGHTS_ALL, 0};
        give(task, &memory);
    }
}

/* Endpoints are what the task was given first of all that have the type. */
static void tell_meeting_places(unsigned task)
{
    for (unsigned i = 0; i < THREADS; i++) {
        struct hunter *hunter = hunters[task * THREADS + i];
        unsigned places = 0;
        for (unsigned j = 0; j < hunter->handles_count && places < MEETING_PLACES; j++)
            if (hunter->handles[j].type == TYPE_ENDPOINT)
                hunter->meeting_places[places++] = hunter->handles[j].handle;
    }
}

static void make_hunters(void)
{
    for (unsigned task = 0; task < TASKS; task++) {
        worker_create(&hosts[task], true);
        map_grounds(&hosts[task]);
    }
    for (unsigned i = 0; i < HUNTERS; i++) {
        make_state(i);
        make_thread(i);
    }
    for (unsigned task = 0; task < TASKS; task++) {
        EXPECT_EQUAL(kernel_task_set_priority_limit(hosts[task].task, HIGHEST_PRIORITY), 0);
        EXPECT_EQUAL(kernel_task_set_supervisor(hosts[task].task, (kernel_endpoint_t){supervisor_sends}), 0);
        for (unsigned i = 0; i < grants_count; i++)
            give(task, &grants[i]);
        tell_meeting_places(task);
        give_hunters(task);
    }
    for (unsigned i = 0; i < HUNTERS; i++)
        worker_start(&workers[i], hunter_main);
}

/* ---- Rounds ---------------------------------------------------------------------------------------------------- */

/* Gives back the capabilities that came with a message. */
static void drop_items(uint64_t tag)
{
    uint32_t low = (uint32_t)tag, items = low > TAG_PLAIN_REPLY_LAST ? low >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK : 0;
    for (uint32_t i = 0; i < items; i++)
        if (ipc_utcb()->items[i])
            (void)!kernel_task_delete(own_task, (uint32_t)ipc_utcb()->items[i]); /* or who sent it has revoked it */
}

/* Only the kernel sends to the supervisor, and with its badge. */
static void hear_supervisor(void)
{
    struct ipc_message message;
    for (;;) {
        uint64_t tag = ipc_transfer(TAG_RECEIVE | TAG_POLL, supervisor, &message);
        if (!message_is_tag(tag)) {
            EXPECT_EQUAL(tag, ERROR_WOULD_BLOCK);
            return;
        }
        EXPECT_EQUAL(message.badge, SUPERVISOR_BADGE);
        EXPECT(message_label(tag) == message_label(KERNEL_SUPERVISOR_FAULT_REQUEST) ||
               message_label(tag) == message_label(KERNEL_SUPERVISOR_EXITED_REQUEST));
    }
}

/* Takes a message from those who wait to send, and gives one to those who wait to receive. */
static void meet(void)
{
    uint32_t endpoint = endpoints[(draw_noise(&state) >> 32) % ENDPOINTS];
    struct ipc_message message = {0};
    uint64_t tag = ipc_transfer(TAG_RECEIVE | TAG_POLL, endpoint, &message);
    if (message_is_tag(tag)) {
        drop_items(tag);
        if (draw_once_in(&state, 2))
            (void)ipc_transfer(tag_of((uint32_t)draw_noise(&state), MESSAGE_REPLY, 2, 0), 0, &message);
    } else {
        (void)ipc_transfer(tag_of((uint32_t)draw_noise(&state), MESSAGE_SEND, 1, 0) | TAG_POLL, endpoint, &message);
    }
}

/* Stops, resumes, steps, or breaks off a hunter, or gives it another priority, wherever it is; that may fail, as it
 * is. */
static void control(void)
{
    uint64_t noise = draw_noise(&state), old;
    kernel_thread_t thread = workers[(noise >> 32) % HUNTERS].thread;
    switch (noise & 7) {
    case 0:
        (void)!kernel_thread_stop(thread);
        break;
    case 1:
    case 2:
        (void)!kernel_thread_resume(thread, (noise & 0xf00) == 0);
        break;
    case 3:
    case 4:
        (void)!kernel_thread_break_off(thread, 0, &old);
        break;
    case 5:
        (void)!kernel_thread_set_priority(thread, (uint32_t)(noise >> 8) % (HIGHEST_PRIORITY + 1));
        break;
    default:
        (void)!kernel_thread_set_priority(thread, USUAL_PRIORITY);
    }
}

static void kill_sometimes(void)
{
    unsigned victim = (unsigned)((draw_noise(&state) >> 32) % HUNTERS);
    if (draw_once_in(&state, KILL_THREAD_EVERY))
        (void)!kernel_thread_end(workers[victim].thread);
    if (draw_once_in(&state, KILL_TASK_EVERY))
        (void)!kernel_task_exit(host_of(victim)->task, (uint32_t)draw_noise(&state));
}

static uint32_t calls_made(void)
{
    uint32_t calls = 0;
    for (unsigned i = 0; i < HUNTERS; i++)
        calls += hunters[i]->calls <= CALLS_PER_BATCH ? hunters[i]->calls : 0; /* more: it was overwritten */
    return calls;
}

/* Does the hunter's task live? */
static bool task_lives(unsigned i)
{
    kernel_thread_t thread;
    uint32_t number;
    int result = kernel_factory_create_thread(own_factory, host_of(i)->task, &thread, &number);
    if (result == 0)
        guest_delete(thread.handle);
    else
        EXPECT_ERROR(result, DEAD);
    return result == 0;
}

/* Whoever made no call since the last time is dead or waits for ever. It goes, so that those who wait for it hear of
 * its death, and another thread goes on in its place. */
static void replace_stuck(void)
{
    for (unsigned i = 0; i < HUNTERS; i++) {
        if (over[i] || hunters[i]->calls != calls_before[i]) {
            calls_before[i] = hunters[i]->calls;
            continue;
        }
        (void)!kernel_thread_end(workers[i].thread);
        over[i] = !task_lives(i);
        if (over[i])
            continue;
        worker_destroy(&workers[i]);
        make_thread(i);
        replaced++;
        worker_start(&workers[i], hunter_main);
    }
}

static bool all_over(void)
{
    for (unsigned i = 0; i < HUNTERS; i++)
        if (!over[i])
            return false;
    return true;
}

static uint64_t time_now(void)
{
    uint64_t now = 0;
    EXPECT_EQUAL(kernel_clock_now((kernel_clock_t){salto_require("clock")}, &now), 0);
    return now;
}

/* The `number`-th allocation of kernel memory from now on fails, whoever asks; 0: none. */
static void fail_allocation(uint64_t number)
{
    static uint64_t wanted;
    uint64_t left;
    if (number != wanted)
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, number, &left), 0);
    wanted = number;
}

/* Lets hunters run for a while; true if one of them did something. A kernel that looks at itself takes so long to put
 * this thread to sleep that the usual time may be over before any of them runs. */
static bool rest(void)
{
    static unsigned doubled;
    uint64_t now = time_now();
    uint32_t calls = calls_made();
    for (unsigned i = 0; i < HUNTERS; i++)
        hunters[i]->now = now;
    fail_allocation(draw_once_in(&state, FAIL_EVERY) ? 1 + (draw_noise(&state) >> 32) % FAIL_WITHIN : 0);
    EXPECT_EQUAL(ipc_sleep_until(now + ((LEAST_ROUND + (draw_noise(&state) & ROUND_MASK)) << doubled)), 0);
    fail_allocation(0);
    bool busy = calls_made() != calls;
    if (busy)
        doubled = 0;
    else if (doubled < MOST_DOUBLED)
        doubled++;
    return busy;
}

static void run_rounds(void)
{
    unsigned idle = 0;
    replaced = 0;
    for (unsigned round = 1; calls_made() < CALLS_PER_BATCH && !all_over() && replaced < MOST_REPLACED - HUNTERS;
         round++) {
        idle = rest() ? 0 : idle + 1;
        meet();
        if (draw_once_in(&state, CONTROL_EVERY))
            control();
        kill_sometimes();
        if (round % STUCK_ROUNDS == 0 || idle == IDLE_ROUNDS) {
            replace_stuck();
            idle = 0;
        }
        if (round % CHECK_ROUNDS == 0) {
            hear_supervisor();
            victim_go();
        }
    }
}

/* ---- The end --------------------------------------------------------------------------------------------------- */

/* Hunters may overwrite their own state, by running what others made them run: then its counts mean nothing. */
static bool counts_good(const struct hunter *hunter)
{
    uint64_t counted = 0;
    for (unsigned row = 0; row < ROWS; row++)
        for (unsigned error = 0; error < ERROR_LAST; error++)
            counted += hunter->counts[row][error];
    return hunter->calls <= CALLS_PER_BATCH && counted <= 4 * CALLS_PER_BATCH;
}

/* Has the hunter been sent anything of the victim's? */
static bool buffer_clean(const struct hunter *hunter)
{
    for (unsigned i = 0; i < COUNT(hunter->buffer); i++)
        if (victim_owns(hunter->buffer[i]))
            return false;
    return true;
}

static void collect(void)
{
    for (unsigned i = 0; i < HUNTERS; i++) {
        if (!counts_good(hunters[i])) {
            tap_note("hunter %u overwrote its state", i);
            continue;
        }
        report_add(hunters[i]);
        EXPECT(buffer_clean(hunters[i]));
        if (!EXPECT_EQUAL(hunters[i]->strange, 0))
            tap_note("that is what a call with tag %#" PRIx64 " returned", hunters[i]->strange_tag);
    }
}

static void destroy_hunters(void)
{
    for (unsigned i = HUNTERS; i-- > 0;) {
        worker_destroy(&workers[i]);
        guest_delete(hunter_memories[i]);
        guest_delete(own_endpoints[i]);
    }
    for (unsigned task = 0; task < TASKS; task++)
        worker_destroy(&hosts[task]);
}

uint32_t batch_run(uint64_t seed, bool full, bool compare)
{
    struct totals before = totals_now(), after;
    state = seed;
    make_objects(full);
    objects_count = grants_count;
    grant_machine();
    make_hunters();
    run_rounds();
    uint32_t calls = calls_made();
    EXPECT(victim_intact());
    collect();
    leftovers_end_tasks(totals_now().tasks - before.tasks);
    hear_supervisor();
    destroy_hunters();
    delete_objects();
    leftovers_unbind_line();
    after = totals_now();
    EXPECT(!compare || totals_equal(&before, &after));
    EXPECT(victim_intact());
    return calls;
}
