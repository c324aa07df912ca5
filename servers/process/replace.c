/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that goes on with another file. Its task, its capabilities and its quotas stay; its memory goes, but for
 * the Linux-call handler, in which its only thread waits for the server's answer. See process.h.
 */
#include <string.h>

#include "abi/addresses.h"
#include "process.h"

int process_add_string(struct process *process, const uint8_t text[256], const char **strings, uint32_t *count)
{
    if (!memchr(text, 0, 256))
        return PROCESS_ERROR_BAD_STRING;
    size_t length = strlen((const char *)text) + 1;
    if (*count == STRINGS_MAX || length > TEXT_SIZE - process->text_used)
        return PROCESS_ERROR_TOO_MANY;
    strings[(*count)++] = memcpy(process->text + process->text_used, text, length);
    process->text_used += (uint32_t)length;
    return 0;
}

int process_replace(struct process *process, const char *name)
{
    process->next = NULL;
    int error = image_find(name, &process->next);
    if (error) {
        process->next = NULL;
        return error;
    }
    process->title = NULL;
    process->arguments_count = process->environment_count = process->text_used = 0;
    return 0;
}

int process_append(struct process *process, const uint8_t text[256], bool environment)
{
    const char *title;
    uint32_t none = 0;
    int error;
    if (!process->next)
        return PROCESS_ERROR_STATE;
    if (environment) {
        error = process_add_string(process, text, process->environment, &process->environment_count);
    } else if (process->title) {
        error = process_add_string(process, text, process->arguments, &process->arguments_count);
    } else {
        error = process_add_string(process, text, &title, &none);
        process->title = error ? NULL : title;
    }
    if (error)
        process->next = NULL;
    return error;
}

/* Takes away what the program had. */
static int empty(memory_space_t space)
{
    int result = memory_space_detach(space, USER_START, (LINUX_HANDLER_BASE - USER_START) / PAGE_SIZE);
    if (result == 0)
        result = memory_space_detach(space, STACK_BOTTOM, STACK_PAGES);
    return result == 0 ? 0 : PROCESS_ERROR_QUOTA;
}

/* The task's name is for messages alone: one that it does not get is no loss. */
static void rename_task(struct process *process)
{
    uint8_t name[NAME_SIZE] = {0};
    memcpy(process->name, process->image->file.name, strnlen(process->image->file.name, NAME_SIZE - 1) + 1);
    memcpy(name, process->name, strlen(process->name));
    int result = kernel_task_set_name(process->task, name);
    (void)result;
}

int process_execute(struct process *process, uint64_t *entry, uint64_t *stack)
{
    if (!process->next || process->state != PROCESS_STATE_RUNNING)
        return PROCESS_ERROR_STATE;
    process->image = process->next;
    process->next = NULL;
    rename_task(process);
    int error = empty(process->space);
    error = error ? error : image_attach(process->image, process->space);
    error = error ? error : stack_attach(process->space);
    error = error ? error : process_load_stack(process, stack);
    error = error ? error : process_write_table(process);
    *entry = process->image->plan.entry;
    if (error)
        process_end_signalled(process, STATUS_KILLED);
    return error;
}
