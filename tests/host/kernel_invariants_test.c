/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the kernel's inspection of itself (debug/invariants.h): a machine with threads in every kind of wait,
 * whose structures are broken one at a time; the inspection must name what is broken, and find nothing once it is
 * mended. Prints TAP.
 */
#include <stdlib.h>
#include <string.h>

#include "cap/capability.h"
#include "debug/invariants.h"
#include "host_tap.h"
#include "ipc/endpoint.h"
#include "ipc/hot.h"
#include "ipc/wait.h"
#include "kernel_invariants_scene.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/memory.h"
#include "thread/task.h"

#define POSITIONS 8

static const char *inspect(void)
{
    struct inspection inspection = {.running = running};
    invariants_threads(&inspection);
    invariants_capabilities(&inspection);
    return inspection.broken;
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

/* What faults have overwritten. */
static struct {
    void *at;
    uint64_t old[8];
    size_t size;
} overwritten[POSITIONS];
static unsigned overwritten_count;

static void save(void *at, size_t size)
{
    if (overwritten_count == POSITIONS || size > sizeof(overwritten[0].old))
        exit(1);
    overwritten[overwritten_count].at = at;
    overwritten[overwritten_count].size = size;
    memcpy(overwritten[overwritten_count++].old, at, size);
}

static void mend(void)
{
    while (overwritten_count > 0) {
        overwritten_count--;
        memcpy(overwritten[overwritten_count].at, overwritten[overwritten_count].old,
               overwritten[overwritten_count].size);
    }
}

#define SET(field, value) (save(&(field), sizeof(field)), (field) = (value))

static struct hot_thread *line(enum role role)
{
    return threads[role]->hot;
}

static struct hot_thread *marked(struct hot_thread *hot)
{
    return (struct hot_thread *)((uint64_t)hot | WAIT_KERNEL);
}

static struct capability *first_capability(struct task *task, uint32_t type)
{
    for (uint32_t handle = 1; handle < task->table.limit; handle++) {
        struct capability *capability = capability_find(&task->table, handle);
        if (capability && capability->object->type == type)
            return capability;
    }
    exit(1);
}

static struct hot_slot *slot_of(const struct capability *capability)
{
    uint64_t offset = CAPABILITY_SLOTS - PRIVATE_BASE + (uint64_t)capability->handle * CAPABILITY_SLOT_SIZE;
    uint64_t entry = capability->task->space.private_table[offset / PAGE_SIZE];
    return (struct hot_slot *)((char *)physical_to_virtual(entry & PTE_ADDRESS) + offset % PAGE_SIZE);
}

static void no_waiter(void)
{
    SET(plain->hot->waiter, (struct hot_thread *)NULL);
    SET(line(WAITS)->waits, 0UL);
    SET(line(WAITS)->receive_handle, HANDLE_NONE);
    SET(threads[WAITS]->state, THREAD_DEAD);
}

/* The waiter's word is left alone, and what it names is not a thread's line any more. */
static void waiter_without_thread(void)
{
    SET(passive->hot->waiter, cpus[0].idle_line);
    SET(line(SENDS)->receive_handle, HANDLE_NONE);
    SET(line(CALLS_SENDER)->partner, marked(line(SENDS)));
}

static void waiter_elsewhere(void)
{
    SET(timed->hot->waiter, line(WAITS));
    SET(line(HAS_TIME)->waits, 0UL);
    SET(threads[HAS_TIME]->deadline.rank, (uint8_t)0);
    SET(line(HAS_TIME)->receive_handle, HANDLE_NONE);
    SET(threads[HAS_TIME]->state, THREAD_DEAD);
}

static void waiter_forgotten(void)
{
    SET(plain->hot->waiter, (struct hot_thread *)NOBODY_LINE);
}

static void waits_beside_senders(void)
{
    SET(plain->senders, busy->senders);
    SET(line(WAITS)->receive_handle, HANDLE_NONE);
    SET(line(WAITS)->waits, plain->offset | WAIT_KERNEL);
}

static void partner_of_other(void)
{
    SET(line(CALLS)->partner, line(WAITS));
}

static void two_waits(void)
{
    SET(line(CALLS)->waits, plain->offset);
}

static void waits_while_dead(void)
{
    SET(threads[WAITS]->state, THREAD_DEAD);
}

static void sender_not_queued(void)
{
    SET(busy->senders.first, (struct queue_node *)NULL);
}

static void receiver_not_queued(void)
{
    SET(plain->receivers.first, (struct queue_node *)NULL);
}

static void queued_twice(void)
{
    SET(threads[DRIVER]->endpoint, plain);
}

static void foreign_in_queue(void)
{
    SET(nowhere->senders, busy->senders);
    SET(threads[SENDS]->state, THREAD_DEAD);
    SET(threads[SENDS]->endpoint, (struct endpoint *)NULL);
    SET(line(SENDS)->receive_handle, HANDLE_NONE);
    SET(line(CALLS_SENDER)->partner, marked(line(SENDS)));
}

static void foreign_receiver(void)
{
    SET(kept->receivers, plain->receivers);
}

static void queue_not_linked_back(void)
{
    SET(threads[DRIVER]->parked, threads[SENDS]->parked);
    SET(threads[CALLS_SENDER]->context.node.previous, &threads[DRIVER]->context.node);
}

static void queue_level_wrong(void)
{
    SET(threads[CALLS_SENDER]->context.node.lower, &threads[DRIVER]->context.node);
}

static void queue_end_wrong(void)
{
    struct queue_node *node = &threads[CALLS_SENDER]->context.node;
    static struct queue_node other;
    other = (struct queue_node){.priority = node->priority - 1};
    SET(node->last, &other);
}

static void queue_neighbours_wrong(void)
{
    static struct queue_node other;
    other = (struct queue_node){.priority = 1};
    SET(threads[CALLS_SENDER]->context.node.next, &other);
}

static void queue_unsorted(void)
{
    struct queue_node *node = &threads[CALLS_SENDER]->context.node;
    static struct queue_node other;
    other = (struct queue_node){.previous = node, .priority = node->priority + 1};
    SET(node->next, &other);
}

static void notification_of_other(void)
{
    SET(notification->thread, threads[WAITS]);
}

static void notification_of_dead(void)
{
    SET(threads[DRIVER]->state, THREAD_DEAD);
}

static void makes_without_going_on(void)
{
    static struct memory made;
    made.maker = threads[IS_KEPT];
    SET(threads[IS_KEPT]->makes, &made);
}

static void kept_nowhere(void)
{
    SET(threads[IS_KEPT]->reply, (struct reply *)NULL);
}

static void kept_for_other(void)
{
    SET(reply->caller, threads[CALLS]);
}

static void deadline_of_runner(void)
{
    SET(threads[DRIVER]->deadline.rank, 1U);
}

static void deadline_without_kernel(void)
{
    SET(line(HAS_TIME)->waits, timed->offset);
}

static void plain_wait_by_none(void)
{
    SET(line(WAITS)->receive_handle, HANDLE_NONE);
}

static void plain_answer_by_none(void)
{
    SET(line(SERVES)->receive_handle, HANDLE_NONE);
    SET(line(CALLS)->partner, line(SERVES));
}

static void plain_wait_without_right(void)
{
    SET(line(WAITS)->receive_handle, (uint64_t)first_capability(servers, OBJECT_THREAD)->handle);
}

static void plain_wait_elsewhere(void)
{
    for (uint32_t handle = 1; handle < servers->table.limit; handle++) {
        struct capability *capability = capability_find(&servers->table, handle);
        if (capability && capability->object == &timed->object)
            SET(line(WAITS)->receive_handle, (uint64_t)handle);
    }
}

static void chain_without_end(void)
{
    SET(line(SERVES)->partner, marked(line(CALLS)));
    SET(line(CALLS)->caller, line(SERVES));
    SET(line(CALLS)->receive_handle, HANDLE_NONE);
}

static void context_of_other(void)
{
    SET(threads[WAITS]->context.owner, threads[DRIVER]);
}

static void context_not_in_ready_queue(void)
{
    SET(threads[WAITS]->context.place, CONTEXT_READY);
}

static void context_not_parked(void)
{
    SET(threads[WAITS]->context.place, CONTEXT_PARKED);
    SET(threads[WAITS]->context.parked_at, threads[DRIVER]);
}

static void parked_unwatched(void)
{
    SET(threads[WAITS]->context.watched, (uint8_t)WATCHED_PARKED);
}

static void context_without_refill(void)
{
    SET(threads[WAITS]->context.place, CONTEXT_EXHAUSTED);
}

static void context_of_runner_idle(void)
{
    SET(threads[DRIVER]->context.place, CONTEXT_IDLE);
}

static void runnable_forgotten(void)
{
    SET(threads[HAS_TIME]->deadline.rank, (uint8_t)0);
    SET(line(HAS_TIME)->waits, 0UL);
}

static void two_run(void)
{
    SET(threads[WAITS]->context.place, CONTEXT_RUNNING);
}

static void reserve_runs(void)
{
    SET(threads[SERVES]->context.place, CONTEXT_RUNNING);
}

static void ready_queue_wrong(void)
{
    SET(threads[CALLS]->context.place, CONTEXT_EXHAUSTED);
    SET(threads[CALLS]->context.refill.rank, 1U);
}

static void ended_task_runs(void)
{
    SET(clients->ended, true);
}

static void wrong_address_space(void)
{
    SET(line(WAITS)->cr3, clients->space.cr3);
}

static void thread_of_no_task(void)
{
    SET(servers->threads, servers->threads->task_next);
}

static void receive_rights_wrong(void)
{
    SET(plain->receive_rights, plain->receive_rights + 1);
}

static void slot_wrong(void)
{
    struct hot_slot *slot = slot_of(first_capability(clients, OBJECT_ENDPOINT));
    SET(slot->badge, 1UL);
}

static void slot_of_none(void)
{
    struct hot_slot *slot = slot_of(first_capability(clients, OBJECT_THREAD));
    SET(slot->endpoint, plain->offset);
}

static void capability_of_other(void)
{
    SET(first_capability(holder, OBJECT_REPLY)->handle, 7U);
}

static void capability_in_no_forest(void)
{
    SET(first_capability(holder, OBJECT_REPLY)->node, ((struct derivation_node){{0, 0}, 0, 0}));
}

static void forest_link_wrong(void)
{
    SET(plain->object.capabilities.first->previous, (uintptr_t)plain->object.capabilities.last);
}

static struct capability *last_root(const struct object *object)
{
    return (struct capability *)((char *)object->capabilities.last - offsetof(struct capability, node));
}

static void forest_of_other(void)
{
    SET(line(WAITS)->receive_handle, HANDLE_NONE);
    SET(line(WAITS)->waits, plain->offset | WAIT_KERNEL);
    SET(last_root(&plain->object)->object, &timed->object);
}

/* The forest is whole, but has lost its last root. */
static void forest_too_small(void)
{
    struct derivation *list = &plain->object.capabilities;
    const struct capability *lost = last_root(&plain->object);
    struct derivation_node *last = (struct derivation_node *)list->last->previous;
    SET(plain->receive_rights, plain->receive_rights - ((lost->rights & RIGHT_READ) != 0));
    SET(list->last, last);
    SET(last->next, (uintptr_t)list | 1);
}

static void free_entry_used(void)
{
    SET(holder->table.free, first_capability(holder, OBJECT_REPLY));
}

static void free_entry_lost(void)
{
    SET(holder->table.free, holder->table.free->next_free);
}

/* A task whose table seems to be gone. */
static void table_lost(void)
{
    SET(holder->table.limit, 0U);
    SET(holder->table.free, (struct capability *)NULL);
}

static void quota_exceeded(void)
{
    SET(factory->used, factory->limit + 1);
}

static void guarded_waits(void)
{
    SET(clients->guarded, true);
}

static void guarded_runs(void)
{
    SET(cpus[0].guarded, clients);
}

/* Each check, and a fault that it alone must notice first. */
static const struct {
    const char *name;
    void (*commit)(void);
} faults[] = {
    {"an endpoint always names a waiter", no_waiter},
    {"a waiter word names a thread", waiter_without_thread},
    {"a waiter word names a thread that waits there, or serves what it received there", waiter_elsewhere},
    {"an endpoint's waiter word names who waits there", waiter_forgotten},
    {"nobody waits where senders are queued", waits_beside_senders},
    {"partner and caller agree", partner_of_other},
    {"a thread waits for one thing", two_waits},
    {"a thread waits in one place", waits_while_dead},
    {"who sends stands in the queue of an endpoint", sender_not_queued},
    {"who receives stands in the queue of an endpoint", receiver_not_queued},
    {"who does not wait in a queue names none", queued_twice},
    {"who is queued to send knows where", foreign_in_queue},
    {"who is queued to receive knows where", foreign_receiver},
    {"the first in a queue has nobody before", queue_not_linked_back},
    {"neighbours in a queue know each other", queue_neighbours_wrong},
    {"queues go by priority", queue_unsorted},
    {"levels of a queue know their ends", queue_end_wrong},
    {"levels of a queue know the next one", queue_level_wrong},
    {"notifications know their threads", notification_of_other},
    {"who is dead is bound to nothing", notification_of_dead},
    {"who makes an object is known to it, and goes on with that", makes_without_going_on},
    {"who is kept knows where", kept_nowhere},
    {"reply objects know whom they keep", kept_for_other},
    {"who has a deadline waits", deadline_of_runner},
    {"a wait with a deadline is the kernel's to end", deadline_without_kernel},
    {"who may not wait plainly is the kernel's to wake", plain_wait_by_none},
    {"the caller of who may not wait plainly is the kernel's to answer", plain_answer_by_none},
    {"plain waits need the right to receive", plain_wait_without_right},
    {"plain waits need the waiter's place, and no sender queued", plain_wait_elsewhere},
    {"chains of waiting end", chain_without_end},
    {"a context belongs to its thread", context_of_other},
    {"a context that is ready stands in the queue of its priority", context_not_in_ready_queue},
    {"a context that is parked stands with the thread where it is", context_not_parked},
    {"a thread with parked contexts is watched", parked_unwatched},
    {"a context that is exhausted will be refilled", context_without_refill},
    {"the running context leads to the running thread", context_of_runner_idle},
    {"whoever can run stands at the end of a context that competes", runnable_forgotten},
    {"one context runs", two_run},
    {"the waits of guarded tasks are the kernel's to end", guarded_waits},
    {"the CPU knows which guarded task it runs", guarded_runs},
    {"a reserve does not run while its owner is lent to", reserve_runs},
    {"a ready queue holds contexts that are ready", ready_queue_wrong},
    {"the threads of an ended task have ended", ended_task_runs},
    {"hot lines repeat thread, address space and Linux-call handler", wrong_address_space},
    {"each thread is one of its task's", thread_of_no_task},
    {"rights to receive are counted", receive_rights_wrong},
    {"hot slots repeat capabilities", slot_wrong},
    {"hot slots repeat capabilities", slot_of_none},
    {"a capability knows its table and its handle", capability_of_other},
    {"a capability stands in its object's forest", capability_in_no_forest},
    {"neighbours in a derivation forest know each other", forest_link_wrong},
    {"what was derived names the same object", forest_of_other},
    {"objects know the capabilities that tables hold", forest_too_small},
    {"free entries of a table are empty", free_entry_used},
    {"empty entries of a table are free", free_entry_lost},
    {"capabilities are counted", table_lost},
    {"no quota is exceeded", quota_exceeded},
};

int main(void)
{
    host_kernel_start();
    make_scene();
    const char *broken = inspect();
    host_ok(!broken, "a machine with threads in every kind of wait: %s", broken ? broken : "all invariants hold");
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        faults[i].commit();
        broken = inspect();
        bool named = broken && strcmp(broken, faults[i].name) == 0;
        host_ok(named, "broken on purpose: %s%s%s", faults[i].name, named ? "" : "; found: ",
                named    ? ""
                : broken ? broken
                         : "nothing");
        mend();
        if (inspect())
            host_ok(false, "%s: mended, still broken: %s", faults[i].name, inspect());
    }
    return host_done();
}
