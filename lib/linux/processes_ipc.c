/* SPDX-License-Identifier: BSD-2-Clause */
/* The IPCs to the process server: first those of registers alone, which leave the UTCB's words as they are. See
 * ipc.c. */
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

/* ---- Messages that are longer than the registers ----------------------------------------------------------------- */

int ipc_process_replace(const uint8_t file[32])
{
    struct ipc_state state;
    save_state(&state);
    int result = process_starter_replace(self(), file);
    restore_state(&state);
    return result;
}

int ipc_process_append(const uint8_t text[256], bool environment)
{
    struct ipc_state state;
    save_state(&state);
    int result = process_starter_append(self(), text, environment);
    restore_state(&state);
    return result;
}
