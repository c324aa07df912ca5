/* SPDX-License-Identifier: BSD-2-Clause */
/* Life and death of tasks. See task.h. */
#include "thread/task.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "idl/supervisor_kernel.h"
#include "ipc/ipc.h"
#include "irq/ports.h"
#include "mem/mapping.h"
#include "mem/revoke.h"
#include "thread/thread.h"

#define WORD_BITS 64

#define CAPABILITIES_AT_ONCE 8
#define THREADS_AT_ONCE 4
#define LINES_AT_ONCE 64

static struct task *tasks;
static struct task *ended; /* those whose capabilities are being deleted */
static uint32_t count;

uint32_t task_count(void)
{
    return count;
}

struct task *task_first(void)
{
    return tasks;
}

struct task *task_create(struct factory *payer, enum error *error)
{
    struct task *task = object_allocate(payer, OBJECT_TASK, sizeof(struct task));
    *error = ERROR_NO_MEMORY;
    if (!task)
        return 0;
    if (!space_create(&task->space, payer)) {
        object_free(&task->object);
        return 0;
    }
    *error = ERROR_NONE;
    task->priority_limit = DEFAULT_PRIORITY;
    task->next = tasks;
    if (tasks)
        tasks->previous = task;
    tasks = task;
    count++;
    return task;
}

/* The trampoline cannot send for the task, whose slots stay empty (capability.c), nor let it wait or answer plainly,
 * since its threads wait by no handle (endpoint.c); nor answer its calls, which are the kernel's to end (wait.c). */
bool task_guard(struct task *task)
{
    if (task->threads || task->table.limit)
        return false;
    task->guarded = true;
    return true;
}

/* The supervisor hears of the end from one of the threads, all of which are stopped. */
static void tell_end(struct thread *thread, uint32_t status)
{
    kernel_supervisor_exited_message(&thread->message, thread->number, status);
    ipc_send_kernel_message(thread);
}

void task_exit(struct task *task, uint32_t status)
{
    if (task->ended)
        return;
    task->ended = true;
    task->exit_status = status;
    task->untold = true;
    task->to_end = task->threads;
    task->ended_next = ended;
    if (ended)
        ended->ended_previous = task;
    ended = task;
}

/* The oldest thread tells: whoever made the task mostly has a capability to it. One that only the task itself can name
 * goes with the task's capabilities, and what it has to tell goes with it. */
bool task_stop_piece(struct task *task)
{
    struct thread *last = task->threads;
    for (int i = 0; i < THREADS_AT_ONCE && task->to_end; i++) {
        struct thread *thread = task->to_end;
        task->to_end = thread->task_next;
        thread_end(thread);
        last = thread;
    }
    if (task->to_end)
        return false;
    if (task->untold && last)
        tell_end(last, task->exit_status);
    task->untold = false;
    return true;
}

static void unlink_ended(struct task *task)
{
    if (task->ended_next)
        task->ended_next->ended_previous = task->ended_previous;
    if (task->ended_previous)
        task->ended_previous->ended_next = task->ended_next;
    else if (ended == task)
        ended = task->ended_next;
    task->ended_next = task->ended_previous = 0;
}

bool task_any_ended(void)
{
    return ended;
}

bool task_empty_piece(void)
{
    struct task *task = ended;
    if (!task)
        return false;
    if (task_stop_piece(task) && capability_table_destroy_piece(task))
        unlink_ended(task);
    return true;
}

static void unlink_task(struct task *task)
{
    if (task->next)
        task->next->previous = task->previous;
    if (task->previous)
        task->previous->next = task->next;
    else
        tasks = task->next;
    count--;
}

/* Another task may take its place in memory: it is not to be taken for this one. */
static void forget_guarded(const struct task *task)
{
    static const struct task gone;
    if (this_cpu()->guarded == task)
        this_cpu()->guarded = &gone;
}

/* A piece of destroying what the task holds, but for its address space. False if that was gone already. */
static bool empty_piece(struct task *task)
{
    struct thread *thread = task->threads;
    if (thread) {
        if (object_kill_capabilities(&thread->object, CAPABILITIES_AT_ONCE))
            (void)thread_destroy_piece(thread);
        return true;
    }
    if (task->supervisor.object)
        return capability_delete(&task->supervisor), true;
    if (!capability_table_destroy_piece(task))
        return true;
    if (task->mappings)
        return (void)mapping_drop_task_piece(task), true;
    if (task->port_grants)
        return ports_forget_task_piece(task), true;
    return false;
}

void task_destroy_piece(struct task *task)
{
    task->ended = true;
    task->to_end = 0;
    task->untold = false;
    unlink_ended(task);
    if (empty_piece(task) || !space_destroy_piece(&task->space, task->object.payer))
        return;
    unlink_task(task);
    revoke_forget_task(task);
    forget_guarded(task);
    object_free(&task->object);
}

/* New threads have it from the start, and come before all others. */
bool task_set_linux_handler_piece(struct task *task, uint64_t address)
{
    if (task->linux_handler != address)
        task->to_tell = task->threads;
    task->linux_handler = address;
    for (int i = 0; i < LINES_AT_ONCE && task->to_tell; i++) {
        task->to_tell->hot->reflect = address;
        task->to_tell = task->to_tell->task_next;
    }
    return !task->to_tell;
}

int task_take_number(struct task *task)
{
    for (int word = 0; word < MAX_THREADS_PER_TASK / WORD_BITS; word++) {
        if (task->thread_numbers[word] == ~0UL)
            continue;
        int bit = __builtin_ctzl(~task->thread_numbers[word]);
        task->thread_numbers[word] |= 1UL << bit;
        return word * WORD_BITS + bit;
    }
    return -1;
}

void task_release_number(struct task *task, uint32_t number)
{
    assert(task->thread_numbers[number / WORD_BITS] & 1UL << number % WORD_BITS);
    task->thread_numbers[number / WORD_BITS] &= ~(1UL << number % WORD_BITS);
}
