/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for lib/include/salto/ipc.h in fuzz targets of the host: the kernel is fuzz_exchange(), in fuzz.c. */
#ifndef SALTO_IPC_H
#define SALTO_IPC_H

#include "abi/errors.h"
#include "abi/message.h"

#include <stdint.h>

uint64_t fuzz_exchange(uint64_t tag, uint64_t handle, uint64_t *words);

static inline uint64_t ipc_exchange(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return fuzz_exchange(tag, handle, words);
}

static inline uint64_t ipc_call(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return fuzz_exchange(tag, handle, words);
}

static inline uint64_t ipc_send(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return fuzz_exchange(tag, handle, words);
}

extern struct utcb fuzz_utcb;

static inline struct utcb *ipc_utcb(void)
{
    return &fuzz_utcb;
}

#endif
