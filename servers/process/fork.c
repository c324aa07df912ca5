/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forked processes, and parents that wait for them. See process.h.
 *
 * A child uses its parent's quota of memory, and has a part of what its parent's quota in the kernel has left: an
 * eighth, and what a small process takes at least. So who forks without end comes to the end of that, and when his
 * children end he has all of it again.
 */
#include <string.h>

#include <salto/ipc.h>
#include <salto/server.h>

#include "abi/capability.h"
#include "process.h"

#define LEAST_KERNEL_BYTES (160UL * 1024) /* with which a copy of a small process can run */
#define PART 8

static int divide_kernel_quota(const struct process *parent, uint64_t *bytes)
{
    uint64_t limit = 0, used = 0;
    if (kernel_factory_quota(parent->factory, &limit, &used) != 0)
        return PROCESS_ERROR_GONE;
    uint64_t left = limit - used;
    *bytes = left / PART < LEAST_KERNEL_BYTES ? LEAST_KERNEL_BYTES : left / PART;
    return left < 2 * LEAST_KERNEL_BYTES ? PROCESS_ERROR_QUOTA : 0;
}

static bool has_same_handles(const struct process *process)
{
    const struct startup_table *one = &process->table, *other = &process->parent->table;
    for (uint32_t i = 0; i < one->grants_count; i++)
        if (one->grants[i].handle != other->grants[i].handle)
            return false;
    return one->grants_count == other->grants_count;
}

int process_fork(struct process *process, uint64_t entry, uint64_t stack)
{
    const struct process *parent = process->parent;
    uint64_t bytes;
    int error = divide_kernel_quota(parent, &bytes);
    if (error)
        return error;
    process->image = parent->image;
    process->forked = true;
    memcpy(process->name, parent->name, sizeof(process->name));
    error = process_create(process, parent->space, SHARED_MEMORY, bytes);
    error = error ? error : process_inherit(process);
    if (error == 0 && !has_same_handles(process))
        error = process_write_table(process);
    if (error)
        return error;
    int result = kernel_thread_start(process->thread, entry, stack, stack, process_number(process));
    process->state = PROCESS_STATE_RUNNING;
    return result == 0 ? 0 : PROCESS_ERROR_QUOTA;
}

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

struct process *process_ended_child(const struct process *parent, uint32_t number, bool *any)
{
    *any = false;
    for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &processes[i];
        if (!process->used || !process->forked || process->parent != parent || (number && number != i + 1))
            continue;
        if (process->state == PROCESS_STATE_ENDED)
            return process;
        *any = true;
    }
    return NULL;
}

bool process_keep_parent(struct process *parent, uint32_t number)
{
    bool any;
    if (process_ended_child(parent, number, &any) || !any)
        return false;
    if (parent->parent_waiter.handle == 0 && kernel_factory_create_reply(service.factory, &parent->parent_waiter) != 0)
        return false;
    /* BUSY where another thread of the process waits; one that was broken off does not. */
    if (kernel_reply_keep(parent->parent_waiter) != 0)
        return false;
    parent->waits = true;
    parent->waits_for = number;
    return true;
}

_Static_assert(PROCESS_STARTER_WAIT_REPLY == TAG_PLAIN_REPLY + 3, "the answer to wait is three words");

void process_tell_parent(struct process *process)
{
    struct process *parent = process->parent;
    uint64_t words[MESSAGE_REGISTER_WORDS] = {process_number(process), process->status, process->signalled};
    if (!process->forked || !parent->waits || (parent->waits_for && parent->waits_for != words[0]))
        return;
    parent->waits = false;
    uint64_t tag =
        ipc_send(message_labelled_tag(0, message_tag(MESSAGE_SEND, 3, 0)), parent->parent_waiter.handle, words);
    if (message_is_tag(tag)) /* else who waited is gone, and another may wait */
        process_forget(process);
}

bool process_is_below(const struct process *process, const struct process *other)
{
    while (process && process != other)
        process = process->parent;
    return process;
}
