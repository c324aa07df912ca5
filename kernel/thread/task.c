/* SPDX-License-Identifier: BSD-2-Clause */
/* Life and death of tasks. See task.h. */
#include "thread/task.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "idl/supervisor_kernel.h"
#include "ipc/ipc.h"
#include "irq/ports.h"
#include "mem/memory.h"
#include "thread/thread.h"

#define WORD_BITS 64

static struct task *tasks;
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

/* The supervisor hears of the end from one of the threads, all of which are stopped. */
static void tell_end(struct task *task, uint32_t status)
{
    struct thread *thread = task->threads;
    if (!thread)
        return;
    kernel_supervisor_exited_message(&thread->message, thread->number, status);
    ipc_send_kernel_message(thread);
}

void task_exit(struct task *task, uint32_t status)
{
    if (task->ended)
        return;
    task->ended = true;
    for (struct thread *thread = task->threads; thread; thread = thread->task_next)
        thread_end(thread);
    tell_end(task, status);
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

void task_destroy(struct task *task)
{
    struct factory *payer = task->object.payer;
    task->ended = true;
    while (task->threads) {
        struct thread *thread = task->threads;
        object_kill_capabilities(&thread->object);
        thread_destroy(thread);
    }
    if (task->supervisor.object)
        capability_delete(&task->supervisor);
    capability_table_destroy(task);
    memory_unmap_task(task);
    ports_forget_task(task);
    space_destroy(&task->space, payer);
    unlink_task(task);
    object_free(&task->object);
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
