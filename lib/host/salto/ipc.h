/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for lib/include/salto/ipc.h in programs of the host, which have no IPC: generated headers compile there,
 * and the stream transport works. Programs put this folder before lib/include. The only calls that go anywhere are
 * those by routes (route.h).
 */
#ifndef SALTO_IPC_H
#define SALTO_IPC_H

#include "abi/errors.h"
#include "abi/message.h"
#include "salto/route.h"

#include <stdint.h>

/* There is no kernel. */
static inline uint64_t ipc_exchange(uint64_t tag, uint64_t handle, uint64_t *words)
{
    (void)tag, (void)handle, (void)words;
    return ERROR_BAD_HANDLE;
}

static inline uint64_t ipc_call(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return salto_route_exchange(tag, (uint32_t)handle, words);
}

static inline uint64_t ipc_send(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return ipc_call(tag, handle, words);
}

/* The thread's own words, of which idl_refused_parameter() reads one (lib/host/utcb.c). */
extern _Thread_local struct utcb salto_host_utcb;

static inline struct utcb *ipc_utcb(void)
{
    return &salto_host_utcb;
}

#endif
