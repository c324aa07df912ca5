/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of idl/process.idl, and what the kernel tells of processes. */
#include <signal.h>
#include <string.h>

#include <salto/server.h>

#include "abi/capability.h"
#include "idl/process_service_server.h"
#include "idl/supervisor_server.h"
#include "process.h"

#define KIND_SHIFT 60 /* of badges: those of the manifest are below */

/* Is there a zero byte in `size` bytes, and another before it? */
static bool string_is_good(const uint8_t *text, size_t size)
{
    return text[0] != 0 && memchr(text, 0, size) != NULL;
}

/* ---- Starting ---------------------------------------------------------------------------------------------------- */

static int make(struct process *process, const char *name, uint64_t memory, uint64_t kernel, uint32_t *handle)
{
    int error = image_find(name, &process->image);
    if (error)
        return error;
    memcpy(process->name, name, strlen(name) + 1);
    error = process_create(process, process->image->model, memory, kernel);
    if (error)
        return error;
    *handle = process_mint(process_badge(process, BADGE_PROCESS));
    return *handle ? 0 : PROCESS_ERROR_TOO_MANY;
}

static int on_starter_create(void *object, const struct idl_call *call, const uint8_t file[NAME_SIZE], uint64_t memory,
                             uint64_t kernel, process_child_t *result)
{
    struct process *parent = process_named(call->badge, BADGE_STARTER);
    (void)object;
    if (!parent && call->badge >> KIND_SHIFT != BADGE_MANIFEST)
        return PROCESS_ERROR_GONE;
    if (!string_is_good(file, NAME_SIZE))
        return PROCESS_ERROR_BAD_STRING;
    if (memory == SHARED_MEMORY)
        return PROCESS_ERROR_QUOTA;
    struct process *process = process_take(parent);
    if (!process)
        return PROCESS_ERROR_TOO_MANY;
    int error = make(process, (const char *)file, memory, kernel, &result->handle);
    if (error) {
        process_end(process, 0);
        process_forget(process);
    }
    return error;
}

static void tell(const struct process *process, struct process_info *info)
{
    info->number = process_number(process);
    info->parent = process->parent ? process_number(process->parent) : 0;
    info->state = process->state;
    info->status = process->status;
    memcpy(info->name, process->name, sizeof(info->name));
}

static int on_starter_next(void *object, const struct idl_call *call, uint32_t after, struct process_info *info)
{
    (void)object, (void)call;
    for (uint32_t i = after; i < PROCESSES_MAX; i++) {
        if (processes[i].used) {
            tell(&processes[i], info);
            return 0;
        }
    }
    return PROCESS_ERROR_GONE;
}

/* ---- Families ---------------------------------------------------------------------------------------------------- */

static int on_starter_fork(void *object, const struct idl_call *call, uint64_t entry, uint64_t stack, uint32_t *number)
{
    struct process *parent = process_named(call->badge, BADGE_STARTER);
    (void)object;
    if (!parent || parent->state != PROCESS_STATE_RUNNING)
        return PROCESS_ERROR_GONE;
    struct process *process = process_take(parent);
    if (!process)
        return PROCESS_ERROR_TOO_MANY;
    int error = process_fork(process, entry, stack);
    *number = process_number(process);
    if (error) {
        process->forked = false; /* nobody is told of it */
        process_end(process, 0);
        process_forget(process);
    }
    return error;
}

static int on_starter_poll(void *object, const struct idl_call *call, uint32_t child, uint32_t *number,
                           uint32_t *status, bool *signalled)
{
    const struct process *parent = process_named(call->badge, BADGE_STARTER);
    bool any = false;
    (void)object;
    struct process *process = parent ? process_ended_child(parent, child, &any) : NULL;
    if (!process && !any)
        return parent ? PROCESS_ERROR_NO_CHILD : PROCESS_ERROR_GONE;
    *number = process ? process_number(process) : 0;
    *status = process ? process->status : 0;
    *signalled = process && process->signalled;
    if (process)
        process_forget(process);
    return 0;
}

/* Only where somebody has ended, or nobody can end: process_dispatch() keeps the callers for all others. */
static int on_starter_wait(void *object, const struct idl_call *call, uint32_t child, uint32_t *number,
                           uint32_t *status, bool *signalled)
{
    int error = on_starter_poll(object, call, child, number, status, signalled);
    return error == 0 && *number == 0 ? PROCESS_ERROR_STATE : error;
}

static bool is_ignored(uint32_t signal)
{
    return signal == 0 || signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH;
}

static int on_starter_end(void *object, const struct idl_call *call, uint32_t number, uint32_t signal)
{
    struct process *caller = process_named(call->badge, BADGE_STARTER);
    (void)object;
    if (number == 0 || number > PROCESSES_MAX || !processes[number - 1].used || signal >= NSIG)
        return PROCESS_ERROR_GONE;
    if (caller ? !process_is_below(&processes[number - 1], caller) : call->badge >> KIND_SHIFT != BADGE_MANIFEST)
        return PROCESS_ERROR_NOT_ALLOWED;
    if (is_ignored(signal))
        return 0;
    process_end_signalled(&processes[number - 1], STATUS_SIGNAL + signal);
    return 0;
}

static int on_starter_parent(void *object, const struct idl_call *call, uint32_t *number)
{
    const struct process *process = process_named(call->badge, BADGE_STARTER);
    (void)object;
    *number = process && process->parent ? process_number(process->parent) : 0;
    return process ? 0 : PROCESS_ERROR_GONE;
}

static int on_starter_replace(void *object, const struct idl_call *call, const uint8_t file[NAME_SIZE])
{
    struct process *process = process_named(call->badge, BADGE_STARTER);
    (void)object;
    if (!process)
        return PROCESS_ERROR_GONE;
    return string_is_good(file, NAME_SIZE) ? process_replace(process, (const char *)file) : PROCESS_ERROR_BAD_STRING;
}

static int on_starter_append(void *object, const struct idl_call *call, const uint8_t text[256], bool environment)
{
    struct process *process = process_named(call->badge, BADGE_STARTER);
    (void)object;
    return process ? process_append(process, text, environment) : PROCESS_ERROR_GONE;
}

static int on_starter_execute(void *object, const struct idl_call *call, uint64_t *entry, uint64_t *stack)
{
    struct process *process = process_named(call->badge, BADGE_STARTER);
    (void)object;
    return process ? process_execute(process, entry, stack) : PROCESS_ERROR_GONE;
}

/* ---- A process --------------------------------------------------------------------------------------------------- */

/* The process of a call, if it was not started; or the error. */
static int find_new(const struct idl_call *call, struct process **process)
{
    *process = process_named(call->badge, BADGE_PROCESS);
    if (!*process)
        return PROCESS_ERROR_GONE;
    return (*process)->state == PROCESS_STATE_NEW ? 0 : PROCESS_ERROR_STATE;
}

static int on_child_argument(void *object, const struct idl_call *call, const uint8_t text[256])
{
    struct process *process;
    int error = find_new(call, &process);
    (void)object;
    return error ? error : process_add_string(process, text, process->arguments, &process->arguments_count);
}

static int on_child_environment(void *object, const struct idl_call *call, const uint8_t text[256])
{
    struct process *process;
    int error = find_new(call, &process);
    (void)object;
    return error ? error : process_add_string(process, text, process->environment, &process->environment_count);
}

/* Its rights are those that it came with, but that of copying is what a program needs to hand it on. */
static int on_child_grant(void *object, const struct idl_call *call, const uint8_t name[STARTUP_NAME_SIZE],
                          struct idl_cap *capability)
{
    struct process *process;
    int error = find_new(call, &process);
    (void)object;
    if (error)
        return error;
    if (!string_is_good(name, STARTUP_NAME_SIZE))
        return PROCESS_ERROR_BAD_STRING;
    return process_give(process, (const char *)name, capability->handle);
}

static int on_child_start(void *object, const struct idl_call *call)
{
    struct process *process;
    int error = find_new(call, &process);
    (void)object;
    if (error)
        return error;
    error = process_start(process);
    if (error)
        process_end(process, STATUS_KILLED);
    else
        process->state = PROCESS_STATE_RUNNING;
    return error;
}

/* Only for a process that has ended: process_dispatch() keeps the callers for all others. */
static int on_child_wait(void *object, const struct idl_call *call, uint32_t *status)
{
    const struct process *process = process_named(call->badge, BADGE_PROCESS);
    (void)object;
    if (!process)
        return PROCESS_ERROR_GONE;
    *status = process->status;
    return process->state == PROCESS_STATE_ENDED ? 0 : PROCESS_ERROR_STATE;
}

static int on_child_kill(void *object, const struct idl_call *call, uint32_t status)
{
    struct process *process = process_named(call->badge, BADGE_PROCESS);
    (void)object;
    if (!process)
        return PROCESS_ERROR_GONE;
    process_end(process, status);
    return 0;
}

static int on_child_info(void *object, const struct idl_call *call, struct process_info *info)
{
    const struct process *process = process_named(call->badge, BADGE_PROCESS);
    (void)object;
    if (!process)
        return PROCESS_ERROR_GONE;
    tell(process, info);
    return 0;
}

static int on_child_release(void *object, const struct idl_call *call)
{
    struct process *process = process_named(call->badge, BADGE_PROCESS);
    (void)object;
    if (!process)
        return PROCESS_ERROR_GONE;
    process_end(process, STATUS_KILLED);
    process_forget(process);
    return 0;
}

/* ---- What the kernel tells --------------------------------------------------------------------------------------- */

static void on_told_fault(void *object, const struct idl_call *call, uint32_t number, uint32_t vector, uint32_t error,
                          uint64_t address, uint64_t instruction)
{
    struct process *process = process_named(call->badge, BADGE_SUPERVISOR);
    (void)object;
    if (!process || process->state != PROCESS_STATE_RUNNING)
        return;
    report_fault(process, number, vector, error, address, instruction);
    process_end_signalled(process, STATUS_FAULT);
}

static void on_told_exited(void *object, const struct idl_call *call, uint32_t number, uint32_t status)
{
    struct process *process = process_named(call->badge, BADGE_SUPERVISOR);
    (void)object, (void)number;
    if (process && (status & PROCESS_EXIT_SIGNALLED))
        process_end_signalled(process, status & ~(uint32_t)PROCESS_EXIT_SIGNALLED);
    else if (process)
        process_end(process, status);
}

PROCESS_STARTER_SERVER(dispatch_starter, on_starter)
PROCESS_CHILD_SERVER(dispatch_child, on_child)
KERNEL_SUPERVISOR_SERVER(dispatch_told, on_told)

/* Keeps a caller who waits for a process that has not ended; false if the caller is to be answered now. */
static bool keep_waiter(uint64_t badge)
{
    struct process *process = process_named(badge, BADGE_PROCESS);
    if (!process || process->state == PROCESS_STATE_ENDED)
        return false;
    /* Who waited before may have been broken off: then the object is free again. */
    if (kernel_reply_keep(process->waiter) != 0)
        return false;
    process->waited = true;
    return true;
}

/* The same for a process that waits for those that it forked. */
static bool keep_parent(uint64_t badge, uint64_t child)
{
    struct process *parent = process_named(badge, BADGE_STARTER);
    return parent && child <= PROCESSES_MAX && process_keep_parent(parent, (uint32_t)child);
}

#define INTERFACE_SHIFT 48 /* of a request's tag */

struct idl_answer process_dispatch(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                   uint64_t word3, struct idl_frame *frame)
{
    if (tag == PROCESS_CHILD_WAIT_REQUEST && keep_waiter(badge))
        return idl_no_answer();
    if (tag == PROCESS_STARTER_WAIT_REQUEST && keep_parent(badge, word0))
        return idl_no_answer();
    switch (tag >> INTERFACE_SHIFT) {
    case KERNEL_SUPERVISOR_ID:
        return dispatch_told(badge, word0, word1, tag, word2, word3, frame);
    case PROCESS_CHILD_ID:
        return dispatch_child(badge, word0, word1, tag, word2, word3, frame);
    default:
        return dispatch_starter(badge, word0, word1, tag, word2, word3, frame);
    }
}
