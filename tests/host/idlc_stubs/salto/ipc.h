/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for lib's header of this name: the same functions, with a transport of the test in place of `syscall`. */
#ifndef SALTO_IPC_H
#define SALTO_IPC_H

#include "abi/errors.h"
#include "abi/message.h"

#include <stdint.h>

/* The test's transport: as the system call, words are replaced by the answer's. */
uint64_t fake_exchange(uint64_t tag, uint64_t handle, uint64_t *words);
/* The UTCB of whoever runs: client or server. */
struct utcb *fake_utcb(void);

static inline uint64_t ipc_exchange(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return fake_exchange(tag, handle, words);
}

static inline uint64_t ipc_call(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return fake_exchange(tag, handle, words);
}

static inline uint64_t ipc_send(uint64_t tag, uint64_t handle, uint64_t *words)
{
    return fake_exchange(tag, handle, words);
}

static inline struct utcb *ipc_utcb(void)
{
    return fake_utcb();
}

#endif
