/* SPDX-License-Identifier: BSD-2-Clause */
/* From nothing to a process's first instruction. See process.h. */
#include <string.h>
#include <sys/random.h>

#include <salto/server.h>
#include <salto/startup.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "idl/fault.h"
#include "initial_stack.h"
#include "process.h"

#define WRITE_BYTES 480
#define STACK_ROOM 16384 /* for the initial stack, which takes half of it at most */

/* The kernel's part: a quota, a task and its first thread. */
static int create_objects(struct process *process, uint64_t bytes)
{
    const kernel_factory_t parent = process->parent ? process->parent->factory : service.factory;
    uint8_t name[NAME_SIZE];
    uint32_t number;
    memcpy(name, process->name, sizeof(name));
    int result = kernel_factory_create_factory(parent, bytes, &process->factory);
    if (result == 0)
        result = kernel_factory_create_task(process->factory, &process->task);
    if (result == 0)
        result = kernel_factory_create_thread(process->factory, process->task, &process->thread, &number);
    if (result == 0)
        result = kernel_task_set_name(process->task, name);
    if (result == 0)
        result = kernel_task_set_linux_handler(process->task, LINUX_HANDLER_ENTRY);
    return result == 0 ? 0 : PROCESS_ERROR_QUOTA;
}

/* Has the kernel tell the server of the process's faults and its end. */
static int set_supervisor(struct process *process)
{
    int result = kernel_task_set_supervisor_badged(process->task, (kernel_endpoint_t){service.endpoint},
                                                   process_badge(process, BADGE_SUPERVISOR));
    return result == 0 ? 0 : PROCESS_ERROR_QUOTA;
}

/* The memory server's part: a client, who pages the task, with what `model` has. */
static int create_space(struct process *process, memory_space_t model, uint64_t pages)
{
    const memory_space_t parent = process->parent ? process->parent->space : service.space;
    kernel_pager_t pager = {0};
    int result = memory_space_derive(parent, model, process->task, pages, &process->space, &pager);
    process->pager = pager.handle;
    if (result == 0)
        result = kernel_thread_set_pager(process->thread, (kernel_endpoint_t){pager.handle});
    return result == 0 ? 0 : PROCESS_ERROR_QUOTA;
}

/* Notes what the process's table of capabilities has already. There must be a line for it. */
static void add_line(struct process *process, const struct startup_grant *line, uint32_t handle)
{
    struct startup_grant *grant = &process->table.grants[process->table.grants_count++];
    *grant = *line;
    grant->handle = handle;
}

/* Enters copies of capabilities of task `from`, each as its line says it, but for the handle. */
static int give_all(struct process *process, kernel_task_t from, const struct kernel_gift gifts[KERNEL_LIST_LENGTH],
                    const struct startup_grant *lines, uint32_t count)
{
    uint32_t handles[KERNEL_LIST_LENGTH];
    int result = kernel_task_give(from, process->task, count, gifts, handles);
    if (result)
        return result == -ERROR_NO_RIGHT ? PROCESS_ERROR_GONE : PROCESS_ERROR_QUOTA;
    for (uint32_t i = 0; i < count && handles[i] != 0; i++)
        add_line(process, &lines[i], handles[i]);
    return 0;
}

#define OWN 6 /* lines that each process has */

static int give_own(struct process *process)
{
    static const struct startup_grant lines[OWN] = {
        {.name = "task", .interface = KERNEL_TASK_ID},       {.name = "thread", .interface = KERNEL_THREAD_ID},
        {.name = "factory", .interface = KERNEL_FACTORY_ID}, {.name = "memory", .interface = MEMORY_SPACE_ID},
        {.name = "pager", .interface = KERNEL_PAGER_ID},     {.name = "process", .interface = PROCESS_STARTER_ID},
    };
    const uint32_t own = RIGHT_READ | RIGHT_WRITE, other = RIGHT_WRITE | RIGHT_COPY;
    const struct kernel_gift gifts[KERNEL_LIST_LENGTH] = {
        {.source = process->task.handle, .rights = own | RIGHT_EXECUTE},
        {.source = process->thread.handle, .rights = own},
        {.source = process->factory.handle, .rights = own},
        {.source = process->space.handle, .rights = other},
        {.source = process->pager, .rights = RIGHT_WRITE},
        {.source = service.endpoint, .rights = other, .badge = process_badge(process, BADGE_STARTER)},
    };
    int error = give_all(process, service.task, gifts, lines, OWN);
    return error || process->table.grants_count == OWN ? error : PROCESS_ERROR_QUOTA;
}

int process_inherit(struct process *process)
{
    const struct startup_table *from = &process->parent->table;
    int error = 0;
    while (error == 0 && process->table.grants_count < from->grants_count) {
        const struct startup_grant *lines = &from->grants[process->table.grants_count];
        uint32_t left = from->grants_count - process->table.grants_count;
        uint32_t count = left < KERNEL_LIST_LENGTH ? left : KERNEL_LIST_LENGTH;
        struct kernel_gift gifts[KERNEL_LIST_LENGTH] = {0};
        for (uint32_t i = 0; i < count; i++)
            gifts[i] = (struct kernel_gift){.source = lines[i].handle, .rights = RIGHTS_ALL};
        error = give_all(process, process->parent->task, gifts, lines, count);
    }
    return error;
}

int process_create(struct process *process, memory_space_t model, uint64_t memory, uint64_t kernel)
{
    int error = create_objects(process, kernel);
    error = error ? error : set_supervisor(process);
    error = error ? error : create_space(process, model, memory);
    return error ? error : give_own(process);
}

int process_give(struct process *process, const char *name, uint32_t handle)
{
    const struct kernel_gift gifts[KERNEL_LIST_LENGTH] = {{.source = handle, .rights = RIGHTS_ALL}};
    struct startup_grant line = {0};
    if (process->table.grants_count == STARTUP_MAX_GRANTS)
        return PROCESS_ERROR_TOO_MANY;
    memcpy(line.name, name, strnlen(name, sizeof(line.name) - 1));
    return give_all(process, service.task, gifts, &line, 1);
}

/* ---- Loading ----------------------------------------------------------------------------------------------------- */

static int write_bytes(memory_space_t space, uint64_t address, const uint8_t *from, size_t length)
{
    for (size_t done = 0; done < length; done += WRITE_BYTES) {
        uint8_t bytes[WRITE_BYTES] = {0};
        uint32_t some = length - done < WRITE_BYTES ? (uint32_t)(length - done) : WRITE_BYTES;
        memcpy(bytes, from + done, some);
        if (memory_space_write(space, address + done, some, bytes) != 0)
            return PROCESS_ERROR_QUOTA;
    }
    return 0;
}

int process_write_table(struct process *process)
{
    struct startup_table *table = &process->table;
    size_t length = offsetof(struct startup_table, grants) + table->grants_count * sizeof(table->grants[0]);
    table->magic = STARTUP_MAGIC;
    table->tsc_hertz = salto_startup_table()->tsc_hertz;
    table->tsc_start = salto_startup_table()->tsc_start;
    table->process = process_number(process);
    table->program_entry = process->image->plan.entry;
    return write_bytes(process->space, STARTUP_TABLE, (const uint8_t *)table, length);
}

int process_load_stack(struct process *process, uint64_t *stack)
{
    static uint8_t room[STACK_ROOM];
    struct initial_stack what = {
        .name = process->title ? process->title : process->name,
        .arguments = process->arguments,
        .arguments_count = process->arguments_count,
        .environment = process->environment,
        .environment_count = process->environment_count,
        .headers = process->image->plan.headers,
        .header_count = process->image->plan.header_count,
        .entry = process->image->plan.entry,
    };
    if (getrandom(what.random, sizeof(what.random), 0) != sizeof(what.random))
        return PROCESS_ERROR_QUOTA;
    *stack = initial_stack_build(&what, room, sizeof(room), PROGRAM_STACK_TOP);
    if (*stack == 0)
        return PROCESS_ERROR_TOO_MANY;
    uint64_t length = PROGRAM_STACK_TOP - *stack;
    return write_bytes(process->space, *stack, room + sizeof(room) - length, length);
}

int process_start(struct process *process)
{
    uint64_t stack = 0, entry = image_of_handler()->plan.entry;
    int error = process_write_table(process);
    error = error ? error : process_load_stack(process, &stack);
    if (error)
        return error;
    int result = kernel_thread_start(process->thread, entry, stack, stack, process->image->plan.entry);
    return result == 0 ? 0 : PROCESS_ERROR_QUOTA;
}
