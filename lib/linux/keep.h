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

#define UTCB_WORDS (MESSAGE_MAX_WORDS - MESSAGE_REGISTER_WORDS)

/* What a long IPC would lose. */
struct ipc_state {
    struct linux_vectors vectors;
    uint64_t words[UTCB_WORDS];
};

static inline void save_state(struct ipc_state *state)
{
    const struct utcb *utcb = own_utcb();
    save_vectors(&state->vectors);
    for (int i = 0; i < UTCB_WORDS; i++)
        state->words[i] = utcb->words[MESSAGE_REGISTER_WORDS + i];
}

static inline void restore_state(const struct ipc_state *state)
{
    struct utcb *utcb = own_utcb();
    for (int i = 0; i < UTCB_WORDS; i++)
        utcb->words[MESSAGE_REGISTER_WORDS + i] = state->words[i];
    restore_vectors(&state->vectors);
}

#endif
