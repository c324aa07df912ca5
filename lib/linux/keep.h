/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping what an IPC loses: a Linux call may change neither vector registers nor the UTCB. Internal to the handler. */
#ifndef SALTO_LINUX_KEEP_H
#define SALTO_LINUX_KEEP_H

#include "abi/message.h"
#include "linux.h"

/* FXSAVE wants 16-byte alignment (Intel SDM volume 1, 10.5.1). */
struct linux_vectors {
    uint8_t bytes[512] __attribute__((aligned(16)));
};

static inline void save_vectors(struct linux_vectors *vectors)
{
    __asm__ volatile("fxsave64 %0" : "=m"(vectors->bytes));
}

static inline void restore_vectors(const struct linux_vectors *vectors)
{
    __asm__ volatile("fxrstor64 %0" : : "m"(vectors->bytes));
}

static inline struct utcb *own_utcb(void)
{
    struct utcb *utcb;
    __asm__("movq %%gs:0, %0" : "=r"(utcb));
    return utcb;
}

#endif
