/* SPDX-License-Identifier: BSD-2-Clause */
/* The IPCs to the process server: all of registers alone, so that they leave the UTCB's words as they are. See ipc.c. */
#include "idl/process_service.h"
#include "threads.h"

static process_starter_t self(void)
{
    return (process_starter_t){linux_grants.process};
}

int ipc_process_fork(uint64_t entry, uint64_t stack, uint32_t *number)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = process_starter_fork(self(), entry, stack, number);
    restore_vectors(&vectors);
    return result;
}

int ipc_process_wait(uint32_t child, struct linux_ended *ended)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = process_starter_wait(self(), child, &ended->number, &ended->status, &ended->signalled);
    restore_vectors(&vectors);
    return result;
}

int ipc_process_poll(uint32_t child, struct linux_ended *ended)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = process_starter_poll(self(), child, &ended->number, &ended->status, &ended->signalled);
    restore_vectors(&vectors);
    return result;
}

int ipc_process_end(uint32_t number, uint32_t signal)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = process_starter_end(self(), number, signal);
    restore_vectors(&vectors);
    return result;
}

int ipc_process_parent(uint32_t *number)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = process_starter_parent(self(), number);
    restore_vectors(&vectors);
    return result;
}
