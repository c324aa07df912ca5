/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call to a kernel object: what the dispatchers that idlc generates need from the kernel. The call is the caller's
 * saved registers: the request is read from there and the answer written there.
 */
#ifndef SALTO_IPC_KERNEL_CALL_H
#define SALTO_IPC_KERNEL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/errors.h"
#include "abi/message.h"

struct capability;
struct task;
struct thread;

struct kernel_call {
    uint64_t tag;      /* rax */
    uint64_t handle;   /* rdi */
    uint64_t words[6]; /* rsi rdx r8 r9 r10 rbx */
};

/* The words of the caller's UTCB, by word number: [6] and up are valid. */
uint64_t *kernel_call_utcb(struct kernel_call *call);

/* The caller's capability behind `handle`, if it names an object of `type` and has all of `rights`; else 0 and `*error`
 * (BAD_HANDLE, WRONG_TYPE, NO_RIGHT). */
struct capability *kernel_call_capability(struct kernel_call *call, uint64_t handle, uint32_t type, uint32_t rights,
                                          enum error *error);

/* The object that a capability names. */
void *kernel_capability_object(struct capability *capability);

/* Is the caller still alive? It may have died of what the operation did; a thread of a task that has ended may wait to
 * send the kernel's message about that, but never goes on. */
bool kernel_call_goes_on(struct kernel_call *call);

/* For an operation that stops at a preemption point: the thread carries out the request in `call`, which must be as it
 * came, again when it runs next. What the operation answers now is void. */
enum error kernel_call_restart(struct kernel_call *call);

/* For an operation that may take zeroed frames, up to FRAME_STOCK of them, before it begins: fills the stock, with
 * preemption points. False if the operation is restarted. Nothing that a deadline or an interrupt may change can be
 * relied on afterwards. */
bool kernel_call_ready(struct kernel_call *call);

/* The calling thread. */
struct thread *kernel_call_thread(struct kernel_call *call);

#endif
