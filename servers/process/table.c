/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of processes, and their end. See process.h. */
#include <string.h>

#include <salto/ipc.h>
#include <salto/server.h>

#include "abi/capability.h"
#include "process.h"

#define BADGE_KIND_SHIFT 60
#define BADGE_GENERATION_SHIFT 24
#define BADGE_INDEX_MASK 0xffffff

struct process processes[PROCESSES_MAX];

uint64_t process_badge(const struct process *process, enum badge_kind kind)
{
    return (uint64_t)kind << BADGE_KIND_SHIFT | (uint64_t)process->generation << BADGE_GENERATION_SHIFT |
           process_number(process);
}

struct process *process_named(uint64_t badge, enum badge_kind kind)
{
    uint32_t number = (uint32_t)badge & BADGE_INDEX_MASK;
    if (number == 0 || number > PROCESSES_MAX || !processes[number - 1].used)
        return NULL;
    return process_badge(&processes[number - 1], kind) == badge ? &processes[number - 1] : NULL;
}

uint32_t process_mint(uint64_t badge)
{
    uint32_t handle = 0;
    int result =
        kernel_task_mint(service.task, service.endpoint, service.task, RIGHT_WRITE | RIGHT_COPY, badge, &handle);
    return result == 0 ? handle : 0;
}

bool processes_prepare(void)
{
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (kernel_factory_create_reply(service.factory, &processes[i].waiter) != 0)
            return false;
    return true;
}

struct process *process_take(struct process *parent)
{
    for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &processes[i];
        const uint32_t generation = process->generation;
        const kernel_reply_t waiter = process->waiter;
        if (process->used)
            continue;
        memset(process, 0, offsetof(struct process, table));
        process->table.grants_count = 0;
        process->generation = generation;
        process->waiter = waiter;
        process->used = true;
        process->parent = parent;
        if (parent)
            parent->children++;
        return process;
    }
    return NULL;
}

/* The answer to Process.wait, sent by the reply object that keeps the caller. */
_Static_assert(PROCESS_CHILD_WAIT_REPLY == TAG_PLAIN_REPLY + 1, "the answer to wait is one word");

static void answer_waiter(struct process *process)
{
    uint64_t words[MESSAGE_REGISTER_WORDS] = {process->status};
    if (process->waited)
        ipc_send(message_labelled_tag(0, message_tag(MESSAGE_SEND, 1, 0)), process->waiter.handle, words);
    process->waited = false;
}

/* Gives back what the kernel and the memory server have of it. What is gone already is no loss. The task goes first,
 * and all that it has mapped with it, so that the memory server need not unmap it. */
static void give_back(struct process *process)
{
    const uint32_t handles[] = {process->thread.handle, process->task.handle, process->pager, process->space.handle,
                                process->factory.handle};
    int result = process->factory.handle ? kernel_factory_reclaim(process->factory) : 0;
    if (process->space.handle)
        result = memory_space_close(process->space);
    (void)result;
    for (uint32_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        idl_release(handles[i]);
    process->thread.handle = process->task.handle = process->pager = 0;
    process->space.handle = process->factory.handle = 0;
}

/* Some process that this one started and that has not ended, or NULL. */
static struct process *child_of(const struct process *process)
{
    for (uint32_t i = 0; process->children > 0 && i < PROCESSES_MAX; i++)
        if (processes[i].used && processes[i].parent == process && processes[i].state != PROCESS_STATE_ENDED)
            return &processes[i];
    return NULL;
}

static void end_one(struct process *process, uint32_t status)
{
    give_back(process);
    process->state = PROCESS_STATE_ENDED;
    process->status = status;
    answer_waiter(process);
}

/* Nobody could ask for the children of a process that has ended. */
static void forget_children(const struct process *process)
{
    for (uint32_t i = 0; process->children > 0 && i < PROCESSES_MAX; i++)
        if (processes[i].used && processes[i].parent == process)
            process_forget(&processes[i]);
}

void process_end(struct process *process, uint32_t status)
{
    struct process *last = process;
    while (process->state != PROCESS_STATE_ENDED) {
        struct process *child = child_of(last);
        if (child) {
            last = child;
            continue;
        }
        struct process *parent = last->parent;
        end_one(last, last == process ? status : STATUS_KILLED);
        forget_children(last);
        if (last == process)
            return process_tell_parent(process);
        last = parent;
    }
}

void process_end_signalled(struct process *process, uint32_t status)
{
    if (process->state != PROCESS_STATE_ENDED)
        process->signalled = true;
    process_end(process, status);
}

void process_forget(struct process *process)
{
    idl_release(process->parent_waiter.handle);
    process->parent_waiter.handle = 0;
    if (process->parent)
        process->parent->children--;
    process->used = false;
    process->generation++;
}
