/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: creation, numbers, start, registers, yield, end, and their states; in the own task and in another. */
#include <salto/startup.h>
#include <string.h>

#include "../common/worker.h"
#include "abi/addresses.h"

#define MANY 64
#define STACK_TOP(worker) ((uint64_t)(worker)->area + AREA_PAGES * PAGE_SIZE)

static void count_up(struct area *area)
{
    area->done++;
}

static void runs(bool separate)
{
    struct worker worker;
    worker_create(&worker, separate);
    worker_start(&worker, count_up);
    worker_wait(&worker, 1);
    EXPECT_EQUAL(worker.area->done, 1);
    worker_destroy(&worker);
}

static void runs_here(void)
{
    runs(false);
}

static void runs_elsewhere(void)
{
    runs(true);
}

static void not_started(void)
{
    struct worker worker;
    worker_create(&worker, false);
    for (int i = 0; i < 4; i++)
        guest_yield();
    EXPECT_EQUAL(worker.area->done, 0);
    worker_destroy(&worker);
}

static void numbers(void)
{
    struct worker worker;
    kernel_thread_t threads[MANY];
    uint32_t number;
    worker_create(&worker, true);
    EXPECT_EQUAL(worker.number, 0);
    for (uint32_t i = 0; i < MANY; i++) {
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, worker.task, &threads[i], &number), 0);
        EXPECT_EQUAL(number, i + 1);
    }
    guest_delete(threads[7].handle);
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, worker.task, &threads[7], &number), 0);
    EXPECT_EQUAL(number, 8);
    for (uint32_t i = 0; i < MANY; i++)
        guest_delete(threads[i].handle);
    worker_destroy(&worker);
}

/* As many threads in one task as there are numbers; the rest is refused, and goes on after one has gone. */
static void most_threads(void)
{
    static kernel_thread_t threads[MAX_THREADS_PER_TASK];
    kernel_task_t task = guest_new_task();
    kernel_thread_t thread;
    uint32_t number = 0;
    int made = 0;
    while (made < MAX_THREADS_PER_TASK && kernel_factory_create_thread(own_factory, task, &threads[made], &number) == 0)
        made++;
    EXPECT_EQUAL(made, MAX_THREADS_PER_TASK);
    EXPECT_ERROR(kernel_factory_create_thread(own_factory, task, &thread, &number), NO_SLOT);
    guest_delete(threads[1234].handle);
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &threads[1234], &number), 0);
    EXPECT_EQUAL(number, 1234);
    for (int i = 0; i < made; i++)
        guest_delete(threads[i].handle);
    guest_delete(task.handle);
}

static void bad_start(void)
{
    static const uint64_t bad[] = {0,
                                   USER_START - 1,
                                   USER_END,
                                   0x7fffffffffffUL,
                                   0x800000000000UL,
                                   0xffff7fffffffffffUL,
                                   PHYSICAL_MAP,
                                   SHARED_BASE,
                                   KERNEL_IMAGE_BASE,
                                   ~0UL};
    struct worker worker;
    worker_create(&worker, false);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_ERROR(kernel_thread_start(worker.thread, bad[i], STACK_TOP(&worker), 0, 0), BAD_ADDRESS);
        EXPECT_ERROR(kernel_thread_start(worker.thread, (uint64_t)bad_start, bad[i], 0, 0), BAD_ADDRESS);
    }
    worker_start(&worker, count_up);
    worker_wait(&worker, 1);
    worker_destroy(&worker);
}

static void started_once(void)
{
    struct worker worker;
    worker_create(&worker, false);
    worker_start(&worker, count_up);
    EXPECT_ERROR(kernel_thread_start(worker.thread, (uint64_t)count_up, STACK_TOP(&worker), 0, 0), BUSY);
    worker_wait(&worker, 1);
    EXPECT_ERROR(kernel_thread_start(worker.thread, (uint64_t)count_up, STACK_TOP(&worker), 0, 0), BUSY);
    worker_kill(&worker);
    EXPECT_ERROR(kernel_thread_start(worker.thread, (uint64_t)count_up, STACK_TOP(&worker), 0, 0), BUSY);
    worker_destroy(&worker);
}

static void registers_of_new(void)
{
    struct worker worker;
    struct kernel_registers registers, zero = {0};
    worker_create(&worker, true);
    memset(&registers, 0xff, sizeof(registers));
    EXPECT_EQUAL(kernel_thread_registers(worker.thread, &registers), 0);
    EXPECT(memcmp(&registers, &zero, sizeof(zero)) == 0);
    worker_start(&worker, count_up);
    EXPECT_ERROR(kernel_thread_registers(worker.thread, &registers), BUSY);
    worker_wait(&worker, 1);
    EXPECT_ERROR(kernel_thread_registers(worker.thread, &registers), BUSY);
    EXPECT_ERROR(kernel_thread_registers(own_thread, &registers), BUSY);
    worker_kill(&worker);
    EXPECT_ERROR(kernel_thread_registers(worker.thread, &registers), BUSY);
    worker_destroy(&worker);
}

static void yield_another(void)
{
    struct worker worker;
    worker_create(&worker, false);
    EXPECT_ERROR(kernel_thread_yield(worker.thread), BAD_ARGUMENT);
    worker_destroy(&worker);
    EXPECT_EQUAL(kernel_thread_yield(own_thread), 0);
}

/* Ends itself, by the capability in values[0]; the store behind must never happen. */
static void end_self(struct area *area)
{
    kernel_thread_t self = {(uint32_t)area->values[0]};
    area->done = 1;
    if (kernel_thread_end(self) == 0)
        area->done = 2;
    area->done = 3;
}

static void ends_itself(bool separate)
{
    struct worker worker;
    worker_create(&worker, separate);
    uint32_t self = worker_give(&worker, worker.thread.handle, RIGHT_WRITE);
    worker.area->values[0] = self;
    worker_start(&worker, end_self);
    worker_wait(&worker, 1);
    guest_yield();
    guest_yield();
    EXPECT_EQUAL(worker.area->done, 1);
    if (!separate)
        guest_delete(self);
    worker_destroy(&worker);
}

static void ends_itself_here(void)
{
    ends_itself(false);
}

static void ends_itself_elsewhere(void)
{
    ends_itself(true);
}

/* Deletes the last capability to itself: values[0] its task, values[1] its thread, once that is there. */
static void delete_self(struct area *area)
{
    kernel_task_t task = {(uint32_t)area->values[0]};
    while (*(volatile uint64_t *)&area->values[1] == 0)
        ;
    area->done = 1;
    if (kernel_task_delete(task, (uint32_t)area->values[1]) == 0)
        area->done = 2;
    area->done = 3;
}

static void destroys_itself(void)
{
    struct worker worker;
    uint32_t self;
    worker_create(&worker, true);
    worker.area->values[0] = worker_give(&worker, worker.task.handle, RIGHT_EXECUTE);
    struct totals before = totals_now();
    worker_start(&worker, delete_self);
    EXPECT_EQUAL(kernel_task_move(own_task, worker.thread.handle, worker.task, &self), 0);
    worker.area->values[1] = self;
    worker_wait(&worker, 1);
    guest_yield();
    guest_yield();
    EXPECT_EQUAL(worker.area->done, 1);
    EXPECT_EQUAL(totals_now().threads, before.threads - 1);
    EXPECT_EQUAL(kernel_task_delete(worker.task, (uint32_t)worker.area->values[0]), 0);
    worker.thread.handle = guest_copy(worker.park, RIGHTS_ALL); /* for worker_destroy() to delete */
    worker_destroy(&worker);
}

static void count_for_ever(struct area *area)
{
    for (;;)
        area->done++;
}

static void ended_while_ready(bool separate)
{
    struct worker worker;
    worker_create(&worker, separate);
    worker_start(&worker, count_for_ever);
    worker_wait(&worker, 1);
    EXPECT_EQUAL(kernel_thread_end(worker.thread), 0);
    EXPECT_EQUAL(kernel_thread_end(worker.thread), 0);
    uint32_t done = worker.area->done;
    guest_yield();
    guest_yield();
    EXPECT_EQUAL(worker.area->done, done);
    worker_destroy(&worker);
}

static void ended_here(void)
{
    ended_while_ready(false);
}

static void ended_elsewhere(void)
{
    ended_while_ready(true);
}

static void rights(void)
{
    struct worker worker;
    struct kernel_registers registers;
    worker_create(&worker, true);
    kernel_thread_t reader = {guest_copy(worker.thread.handle, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY)};
    kernel_thread_t writer = {guest_copy(worker.thread.handle, RIGHT_WRITE)};
    EXPECT_ERROR(kernel_thread_start(reader, USER_START, USER_START, 0, 0), NO_RIGHT);
    EXPECT_ERROR(kernel_thread_yield(reader), NO_RIGHT);
    EXPECT_ERROR(kernel_thread_end(reader), NO_RIGHT);
    EXPECT_ERROR(kernel_thread_registers(writer, &registers), NO_RIGHT);
    EXPECT_EQUAL(kernel_thread_registers(reader, &registers), 0);
    EXPECT_EQUAL(kernel_thread_end(writer), 0);
    guest_delete(reader.handle);
    guest_delete(writer.handle);
    worker_destroy(&worker);
}

/* The task's end takes its threads; their capabilities stay, and name nothing that lives. */
static void of_dead_task(void)
{
    struct kernel_registers registers;
    kernel_task_t task = guest_new_task();
    kernel_thread_t thread, other;
    uint32_t number;
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
    EXPECT_EQUAL(kernel_task_exit(task, 5), 0);
    EXPECT_ERROR(kernel_factory_create_thread(own_factory, task, &other, &number), DEAD);
    EXPECT_ERROR(kernel_thread_start(thread, USER_START, USER_START, 0, 0), BUSY);
    guest_delete(task.handle);
    EXPECT_EQUAL(guest_type(thread.handle), 0);
    EXPECT_ERROR(kernel_thread_start(thread, USER_START, USER_START, 0, 0), DEAD);
    EXPECT_ERROR(kernel_thread_registers(thread, &registers), DEAD);
    EXPECT_ERROR(kernel_thread_end(thread), DEAD);
    guest_delete(thread.handle);
}

/* A task that dies holds another's thread and the other itself, in that order and in the other one. */
static void held_by_dead_task(bool thread_first)
{
    kernel_task_t holder = guest_new_task(), held = guest_new_task();
    kernel_thread_t thread;
    uint32_t number, handle;
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, held, &thread, &number), 0);
    uint32_t first = thread_first ? thread.handle : held.handle, second = thread_first ? held.handle : thread.handle;
    EXPECT_EQUAL(kernel_task_move(own_task, first, holder, &handle), 0);
    EXPECT_EQUAL(kernel_task_move(own_task, second, holder, &handle), 0);
    guest_delete(holder.handle);
}

static void held_thread_first(void)
{
    held_by_dead_task(true);
}

static void held_task_first(void)
{
    held_by_dead_task(false);
}

static const struct guest_test tests[] = {
    {"a thread of the own task runs", runs_here},
    {"a thread of another task runs", runs_elsewhere},
    {"a thread that was not started does not run", not_started},
    {"numbers are the lowest free ones", numbers},
    {"a task has at most 4,096 threads", most_threads},
    {"entry point and stack outside the user half are refused", bad_start},
    {"a thread is started once", started_once},
    {"registers are shown of new threads only", registers_of_new},
    {"only the caller may yield", yield_another},
    {"a thread of the own task ends itself", ends_itself_here},
    {"a thread of another task ends itself", ends_itself_elsewhere},
    {"a thread deletes the last capability to itself", destroys_itself},
    {"a ready thread of the own task is ended", ended_here},
    {"a ready thread of another task is ended", ended_elsewhere},
    {"every operation needs its right", rights},
    {"threads of a dead task", of_dead_task},
    {"a dying task holds a thread and then its task", held_thread_first},
    {"a dying task holds a task and then its thread", held_task_first},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
