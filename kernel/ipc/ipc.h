/* SPDX-License-Identifier: BSD-2-Clause */
/* IPC off the fast path. */
#ifndef SALTO_IPC_IPC_H
#define SALTO_IPC_IPC_H

#include "thread/thread.h"

struct endpoint;

/* A system call that the trampoline did not serve. The thread goes on afterwards unless schedule_switch says otherwise. */
void system_call(struct thread *thread);

/* The same for any request but a plain call, by the general way. */
void ipc_general(struct thread *thread);

/* Sends the message that the kernel wrote into `thread->message` to the supervisor of its task, as a one-way message from
 * that thread, which stays stopped. Without a supervisor nothing happens. Returns whether there was one. */
bool ipc_send_kernel_message(struct thread *thread);

/* That message was received, or never will be. */
void ipc_end_kernel_message(struct thread *thread);

#endif
