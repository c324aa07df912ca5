/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve: the process goes on with another file of the boot archive. The process server is told the file and the
 * strings first, and refuses what it cannot do; only then the other threads end, and the program's memory goes. What is
 * left is this handler, on its own stack, which starts as it does for every program.
 */
#include <errno.h>

#include "idl/process_service.h"
#include "threads.h"

#define NAME_SIZE 32
#define TEXT_SIZE 256
#define STATUS_KILLED 137

static int64_t linux_error(int result)
{
    switch (result) {
    case 0:
        return 0;
    case PROCESS_ERROR_NO_FILE:
        return -ENOENT;
    case PROCESS_ERROR_BAD_FILE:
        return -ENOEXEC;
    case PROCESS_ERROR_TOO_MANY:
        return -E2BIG;
    default:
        return -ENOMEM;
    }
}

/* Copies a string with its zero byte into `size` bytes, and clears the rest. False if it is too long. */
static bool copy(uint8_t *to, const char *from, uint32_t size)
{
    uint32_t i = 0;
    for (; i < size && from[i]; i++)
        to[i] = (uint8_t)from[i];
    for (uint32_t rest = i; rest < size; rest++)
        to[rest] = 0;
    return i < size;
}

/* The archive has no folders: a file's name stands alone, or behind "/" or "./". */
static int64_t name_file(const char *path, uint8_t name[NAME_SIZE])
{
    if (path[0] == '.' && path[1] == '/')
        path++;
    if (path[0] == '/')
        path++;
    if (path[0] == 0)
        return -ENOENT;
    if (!copy(name, path, NAME_SIZE))
        return -ENAMETOOLONG;
    for (uint32_t i = 0; i < NAME_SIZE; i++)
        if (name[i] == '/')
            return -ENOENT;
    return 0;
}

/* Tells the process server all strings of a list that a null pointer ends; none where there is no list. */
static int64_t append_all(const char *const *list, bool environment)
{
    uint8_t text[TEXT_SIZE];
    for (; list && *list; list++) {
        if (!linux_pointer_is_plausible((uint64_t)*list, 1))
            return -EFAULT;
        if (!copy(text, *list, TEXT_SIZE))
            return -E2BIG;
        int64_t error = linux_error(ipc_process_append(text, environment));
        if (error)
            return error;
    }
    return 0;
}

static int64_t prepare(const struct linux_frame *frame)
{
    uint8_t name[NAME_SIZE];
    int64_t error = name_file((const char *)frame->rdi, name);
    if (error == 0)
        error = linux_error(ipc_process_replace(name));
    if (error == 0)
        error = append_all((const char *const *)frame->rsi, false);
    return error ? error : append_all((const char *const *)frame->rdx, true);
}

/* On the handler's stack, alone. */
static void execute(void)
{
    uint64_t entry = 0, stack = 0;
    if (process_starter_execute((process_starter_t){linux_grants.process}, &entry, &stack) != 0)
        ipc_exit(STATUS_KILLED | PROCESS_EXIT_SIGNALLED);
    __asm__ volatile("wrfsbase %0" : : "r"(0UL));
    linux_start_anew(stack, entry);
}

static bool is_list(uint64_t address)
{
    return address == 0 || linux_pointer_is_plausible(address, sizeof(uint64_t));
}

/* execve(path, arguments, environment) */
int64_t linux_execve(const struct linux_frame *frame)
{
    if (linux_grants.process == 0)
        return -ENOSYS;
    if (!linux_pointer_is_plausible(frame->rdi, 1) || frame->rdi == 0 || !is_list(frame->rsi) || !is_list(frame->rdx))
        return -EFAULT;
    linux_lock(&linux_clone_lock);
    int64_t error = prepare(frame);
    if (error == 0)
        linux_go_on_alone(execute);
    linux_unlock(&linux_clone_lock);
    return error;
}
