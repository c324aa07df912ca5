/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every IPC that the handler makes. A native IPC wipes the vector registers, and a long message lands in the UTCB; a
 * Linux call may touch neither, so both are kept on the stack around it.
 */
#include "idl/console.h"
#include "idl/factory.h"
#include "idl/memory.h"
#include "idl/memory_service.h"
#include "idl/task.h"
#include "idl/thread.h"
#include "keep.h"
#include "linux.h"
#include "threads.h"

/* Writes through the operation that takes all in registers where the text fits. */
int ipc_console_write(const uint8_t *text, uint32_t length)
{
    const kernel_console_t console = {linux_grants.console};
    struct ipc_state state;
    uint8_t buffer[IPC_CONSOLE_LONG];
    uint32_t size = length <= IPC_CONSOLE_SHORT ? IPC_CONSOLE_SHORT : IPC_CONSOLE_LONG;
    for (uint32_t i = 0; i < size; i++)
        buffer[i] = i < length ? text[i] : 0;
    save_state(&state);
    int result = length <= IPC_CONSOLE_SHORT ? kernel_console_write(console, length, buffer)
                                             : kernel_console_write_long(console, length, buffer);
    restore_state(&state);
    return result;
}

int ipc_console_read(uint8_t text[40], uint32_t *length)
{
    struct ipc_state state;
    save_state(&state);
    int result = kernel_console_read((kernel_console_t){linux_grants.console}, length, text);
    restore_state(&state);
    return result;
}

int ipc_create_memory(uint32_t pages, uint32_t *memory)
{
    kernel_memory_t created = {0};
    struct ipc_state state;
    save_state(&state);
    int result = kernel_factory_create_memory((kernel_factory_t){linux_grants.factory}, pages, &created);
    restore_state(&state);
    *memory = created.handle;
    return result;
}

int ipc_map(uint32_t memory, uint64_t address, uint32_t offset, uint32_t pages, uint32_t rights)
{
    struct ipc_state state;
    save_state(&state);
    int result = kernel_memory_map((kernel_memory_t){memory}, (kernel_task_t){linux_grants.task}, address, offset,
                                   pages, rights);
    restore_state(&state);
    return result;
}

int ipc_unmap(uint32_t memory, uint64_t address, uint32_t pages)
{
    struct ipc_state state;
    save_state(&state);
    int result = kernel_memory_unmap((kernel_memory_t){memory}, (kernel_task_t){linux_grants.task}, address, pages);
    restore_state(&state);
    return result;
}

int ipc_delete(uint32_t handle)
{
    struct ipc_state state;
    save_state(&state);
    int result = kernel_task_delete((kernel_task_t){linux_grants.task}, handle);
    restore_state(&state);
    return result;
}

/* ---- The memory server: but for the last, messages of registers alone, which leave the UTCB as it is ------------- */

static memory_space_t space(void)
{
    return (memory_space_t){linux_grants.memory};
}

int ipc_space_allocate(uint64_t address, uint64_t pages, uint32_t rights, uint32_t how, uint64_t *start)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = memory_space_allocate(space(), address, pages, rights, how, start);
    restore_vectors(&vectors);
    return result;
}

int ipc_space_detach(uint64_t address, uint64_t pages)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = memory_space_detach(space(), address, pages);
    restore_vectors(&vectors);
    return result;
}

int ipc_space_protect(uint64_t address, uint64_t pages, uint32_t rights)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = memory_space_protect(space(), address, pages, rights);
    restore_vectors(&vectors);
    return result;
}

int ipc_space_discard(uint64_t address, uint64_t pages)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = memory_space_discard(space(), address, pages);
    restore_vectors(&vectors);
    return result;
}

int ipc_space_resize(uint64_t address, uint64_t pages, bool move, uint64_t *start)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = memory_space_resize(space(), address, pages, move, start);
    restore_vectors(&vectors);
    return result;
}

int ipc_space_region(uint64_t address, uint64_t *start, uint64_t *pages)
{
    struct memory_region region = {0};
    struct ipc_state state;
    save_state(&state);
    int result = memory_space_region(space(), address, &region);
    restore_state(&state);
    *start = region.start;
    *pages = region.pages;
    return result;
}

/* A program that was not granted its thread spins on: it is preempted all the same, so the error says nothing new. */
void ipc_yield(void)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = kernel_thread_yield((kernel_thread_t){linux_self()->thread});
    restore_vectors(&vectors);
    (void)result;
}

/* A task that was not granted itself cannot end by an operation; it faults instead, and its supervisor is told. */
_Noreturn void ipc_exit(uint32_t status)
{
    int result = kernel_task_exit((kernel_task_t){linux_grants.task}, status);
    (void)result;
    __builtin_trap();
}
