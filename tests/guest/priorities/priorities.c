/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Priorities: who runs first, who preempts whom and when, what yield gives to whom; and who may give which priority.
 */
#include "../common/actors.h"

#define HIGHEST 255

static unsigned first, second, third; /* actors that others start or change */

/* ---- Who runs first ---------------------------------------------------------------------------------------------- */

static uint32_t order[HIGHEST + 1];
static uint32_t ran;

static void play_note_priority(struct area *area)
{
    order[ran++] = (uint32_t)area->values[0];
}

/* Starts the first values[0] actors. */
static void play_start_all(struct area *area)
{
    for (unsigned i = 0; i < area->values[0]; i++)
        actor_start(i);
}

/* Threads of priorities 1 to 254, made ready in a mixed order by one of 255, run from the highest to the lowest. */
static void all_priorities(void)
{
    EXPECT_EQUAL(kernel_thread_set_priority(own_thread, 0), 0);
    for (uint32_t i = 1; i < HIGHEST; i++) {
        uint32_t priority = i * 101 % HIGHEST; /* prime to 255: each once */
        actor_create(priority, play_note_priority, priority);
    }
    ran = 0;
    actor_enter(HIGHEST, play_start_all, HIGHEST - 1);
    EXPECT_EQUAL(ran, HIGHEST - 1);
    for (uint32_t i = 0; i < ran; i++)
        EXPECT_EQUAL(order[i], HIGHEST - 1 - i);
    actors_leave();
    EXPECT_EQUAL(kernel_thread_set_priority(own_thread, STAGE_PRIORITY), 0);
}

/* ---- Who preempts ------------------------------------------------------------------------------------------------ */

static void play_receive_once(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    trace('r');
}

static void play_send_once(struct area *area)
{
    trace('a');
    EXPECT_EQUAL(actor_send((uint32_t)area->values[0]), TAG_DONE);
    trace('b');
}

/* A receiver of `priority` is woken by a sender of priority 50. */
static void wake(uint32_t priority)
{
    uint32_t endpoint = guest_endpoint();
    actor_enter(priority, play_receive_once, endpoint);
    actor_enter(50, play_send_once, endpoint);
    actors_leave();
    guest_delete(endpoint);
}

static void woken_by_a_message(void)
{
    wake(51);
    EXPECT_TRACE("arb");
    wake(50);
    EXPECT_TRACE("abr");
    wake(49);
    EXPECT_TRACE("abr");
}

static void play_wait_for_signal(struct area *area)
{
    EXPECT(message_is_tag(actor_receive((uint32_t)area->values[0])));
    trace('r');
}

static void woken_by_a_signal(void)
{
    for (uint32_t priority = 49; priority <= 51; priority++) {
        kernel_notification_t notification;
        EXPECT_EQUAL(kernel_factory_create_notification(own_factory, &notification), 0);
        uint32_t signal = 0;
        EXPECT_EQUAL(kernel_task_mint(own_task, notification.handle, own_task, KERNEL_RIGHTS_WRITE, 1, &signal), 0);
        unsigned number = actor_create(priority, play_wait_for_signal, notification.handle);
        EXPECT_EQUAL(kernel_notification_bind(notification, actors[number].thread), 0);
        actor_start(number);
        actor_enter(50, play_send_once, signal);
        EXPECT_TRACE(priority > 50 ? "arb" : "abr");
        actors_leave();
        guest_delete(signal);
        guest_delete(notification.handle);
    }
}

static void play_trace_value(struct area *area)
{
    trace((char)area->values[0]);
}

static void play_stop_and_resume(struct area *area)
{
    (void)area;
    actor_start(first); /* it has a lower priority: does not run yet */
    EXPECT_EQUAL(kernel_thread_stop(actors[first].thread), 0);
    EXPECT_EQUAL(kernel_thread_set_priority(actors[first].thread, 60), 0);
    trace('a');
    EXPECT_EQUAL(kernel_thread_resume(actors[first].thread, false), 0);
    trace('b');
}

static void woken_by_resume(void)
{
    first = actor_create(40, play_trace_value, 'r');
    actor_enter(50, play_stop_and_resume, 0);
    EXPECT_TRACE("arb");
    actors_leave();
}

/* ---- Changed priorities ------------------------------------------------------------------------------------------ */

static void set(unsigned number, uint32_t priority)
{
    EXPECT_EQUAL(kernel_thread_set_priority(actors[number].thread, priority), 0);
}

static void play_change_others(struct area *area)
{
    (void)area;
    actor_start(first);
    actor_start(second);
    trace('a');
    set(first, 50); /* as this one: no reason to go */
    trace('b');
    set(second, 51);
    trace('c');
}

static void others_are_raised(void)
{
    first = actor_create(40, play_trace_value, '1');
    second = actor_create(41, play_trace_value, '2');
    actor_enter(50, play_change_others, 0);
    EXPECT_TRACE("ab2c1");
    actors_leave();
}

static void play_lower_itself(struct area *area)
{
    actor_start(first);
    trace('a');
    set((unsigned)area->values[0], 41);
    trace('b');
    set((unsigned)area->values[0], 39);
    trace('c');
}

static void itself_is_lowered(void)
{
    first = actor_create(40, play_trace_value, '1');
    unsigned number = actor_create(50, play_lower_itself, 1);
    EXPECT_EQUAL(number, 1);
    actor_start(number);
    EXPECT_TRACE("ab1c");
    actors_leave();
}

/* Among the ready ones, who was raised or lowered comes behind the others of its new priority. */
static void play_reorder(struct area *area)
{
    (void)area;
    actor_start(first);
    actor_start(second);
    actor_start(third);
    set(first, 42);
    set(third, 41);
    set(second, 42);
}

static void ready_ones_are_changed(void)
{
    first = actor_create(40, play_trace_value, '1');
    second = actor_create(41, play_trace_value, '2');
    third = actor_create(43, play_trace_value, '3');
    actor_enter(50, play_reorder, 0);
    EXPECT_TRACE("123");
    actors_leave();
}

/* ---- Yield ------------------------------------------------------------------------------------------------------- */

static void play_yield(struct area *area)
{
    for (int i = 0; i < 3; i++) {
        trace((char)area->values[0]);
        EXPECT_EQUAL(kernel_thread_yield(actors[area->values[1]].thread), 0);
    }
}

static void play_start_three(struct area *area)
{
    (void)area;
    actor_start(first);
    actor_start(second);
    actor_start(third);
}

/* Two of the same priority take turns; a lower one gets none meanwhile. */
static void yield_to_equals(void)
{
    first = actor_create(40, play_yield, 'a');
    second = actor_create(40, play_yield, 'b');
    third = actor_create(39, play_yield, 'c');
    for (unsigned i = 0; i < 3; i++)
        actors[i].area->values[1] = i;
    actor_enter(50, play_start_three, 0);
    EXPECT_TRACE("abababccc");
    EXPECT_ERROR(kernel_thread_yield(actors[0].thread), BAD_ARGUMENT); /* another's */
    actors_leave();
}

/* ---- Who may ----------------------------------------------------------------------------------------------------- */

static void bad_priorities(void)
{
    const uint32_t bad[] = {256, 257, 512, 1U << 31, UINT32_MAX};
    for (unsigned i = 0; i < COUNT(bad); i++) {
        EXPECT_ERROR(kernel_thread_set_priority(own_thread, bad[i]), BAD_ARGUMENT);
        EXPECT_ERROR(kernel_task_set_priority_limit(own_task, bad[i]), BAD_ARGUMENT);
    }
    uint32_t thread = guest_copy(actors[actor_create(20, play_spinner, 0)].thread.handle, KERNEL_RIGHTS_READ);
    EXPECT_ERROR(kernel_thread_set_priority((kernel_thread_t){thread}, 20), NO_RIGHT);
    kernel_task_t task = guest_new_task();
    uint32_t other = guest_copy(task.handle, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_EXECUTE);
    EXPECT_ERROR(kernel_task_set_priority_limit((kernel_task_t){other}, 20), NO_RIGHT);
    guest_delete(other);
    guest_delete(task.handle);
    guest_delete(thread);
    actors_leave();
}

#define LIMIT 30
#define OWN_TASK 0 /* places of a limited worker's values */
#define OWN_THREAD 1
#define OTHER_THREAD 2
#define FACTORY 3
#define RESULTS 10
#define NEWCOMER_RAN 20

static void newcomer(struct area *area)
{
    struct ipc_message message;
    area->values[NEWCOMER_RAN] = 1;
    for (;;)
        ipc_transfer(TAG_RECEIVE, area->park, &message);
}

/* Creates a thread in the own task, which must not get above the limit: then it would run at once. */
static void create_newcomer(struct area *area)
{
    kernel_factory_t factory = {(uint32_t)area->values[FACTORY]};
    uint64_t stack = ((uint64_t)&area->steps[WORKER_STEPS] & ~15UL) - 8;
    kernel_thread_t thread;
    uint32_t number;
    area->values[RESULTS + 5] = (uint64_t)kernel_factory_create_thread(
        factory, (kernel_task_t){(uint32_t)area->values[OWN_TASK]}, &thread, &number);
    area->values[RESULTS + 6] = (uint64_t)kernel_thread_start(thread, (uint64_t)newcomer, stack, (uint64_t)area, 0);
    area->values[RESULTS + 7] = area->values[NEWCOMER_RAN];
    area->values[RESULTS + 8] =
        (uint64_t)kernel_task_delete((kernel_task_t){(uint32_t)area->values[OWN_TASK]}, thread.handle);
}

static void try_limits(struct area *area)
{
    kernel_thread_t own = {(uint32_t)area->values[OWN_THREAD]}, other = {(uint32_t)area->values[OTHER_THREAD]};
    kernel_task_t task = {(uint32_t)area->values[OWN_TASK]};
    area->values[RESULTS + 0] = (uint64_t)kernel_thread_set_priority(own, LIMIT + 1);
    area->values[RESULTS + 1] = (uint64_t)kernel_thread_set_priority(own, LIMIT);
    area->values[RESULTS + 2] = (uint64_t)kernel_thread_set_priority(other, LIMIT + 1);
    area->values[RESULTS + 3] = (uint64_t)kernel_task_set_priority_limit(task, LIMIT + 1);
    area->values[RESULTS + 4] = (uint64_t)kernel_task_set_priority_limit(task, LIMIT);
    create_newcomer(area);
    area->done = 1;
}

/* A task with a limit gives nobody more, neither itself nor a thread of a task with a higher limit, nor one that it
 * creates; the limit goes down, and not up again. */
static void limits(void)
{
    const int64_t expected[] = {-ERROR_NO_RIGHT, 0, -ERROR_NO_RIGHT, -ERROR_NO_RIGHT, 0, 0, 0, 0, 0};
    struct worker limited;
    kernel_factory_t factory; /* of the test's own it cannot give */
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, MEBIBYTE, &factory), 0);
    unsigned other = actor_create(20, play_spinner, 0);
    worker_create(&limited, true);
    EXPECT_EQUAL(kernel_task_set_priority_limit(limited.task, LIMIT), 0);
    EXPECT_EQUAL(kernel_thread_set_priority(limited.thread, 20), 0);
    volatile uint64_t *values = limited.area->values;
    values[OWN_TASK] = worker_give(&limited, limited.task.handle, RIGHTS_ALL);
    values[OWN_THREAD] = worker_give(&limited, limited.thread.handle, RIGHTS_ALL);
    values[OTHER_THREAD] = worker_give(&limited, actors[other].thread.handle, RIGHTS_ALL);
    values[FACTORY] = worker_give(&limited, factory.handle, RIGHTS_ALL);
    worker_start(&limited, try_limits);
    EXPECT_EQUAL(limited.area->done, 1);
    for (unsigned i = 0; i < COUNT(expected); i++)
        EXPECT_EQUAL(values[RESULTS + i], expected[i]);
    worker_drop(&limited, (uint32_t)values[OWN_TASK]); /* else it would hold itself */
    worker_destroy(&limited);
    guest_delete(factory.handle);
    actors_leave();
}

static const struct guest_test tests[] = {
    {"254 priorities run from the highest to the lowest", all_priorities},
    {"a message wakes: only a higher one preempts", woken_by_a_message},
    {"a signal wakes: only a higher one preempts", woken_by_a_signal},
    {"a higher one preempts when it is resumed", woken_by_resume},
    {"one that is raised above the running one preempts it", others_are_raised},
    {"one that lowers itself gives way", itself_is_lowered},
    {"ready ones whose priority changes queue anew", ready_ones_are_changed},
    {"yield goes round among equals", yield_to_equals},
    {"priorities above 255, and missing rights", bad_priorities},
    {"a task gives no more than its limit", limits},
};

int main(void)
{
    return actors_run(tests, COUNT(tests));
}
