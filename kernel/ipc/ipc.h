/* SPDX-License-Identifier: BSD-2-Clause */
/* IPC off the fast path. */
#ifndef SALTO_IPC_IPC_H
#define SALTO_IPC_IPC_H

#include "thread/thread.h"

struct endpoint;

/* A system call that the trampoline did not serve. The thread goes on afterwards unless schedule_switch says
 * otherwise. */
void system_call(struct thread *thread);

/* The same for any request but a plain call, by the general way. */
void ipc_general(struct thread *thread);

/* The same for a call with one item and at most six words. */
void ipc_call_with_item(struct thread *thread);

/* Sends the message that the kernel wrote into `thread->message` to the supervisor of its task, as a one-way message
 * from that thread, which stays stopped. Without a supervisor nothing happens. Returns whether there was one. */
bool ipc_send_kernel_message(struct thread *thread);

/* All strings of the request of `sender`, which waits no longer, are with `receiver`: it gets the rest. */
void ipc_request_copied(struct thread *sender, struct thread *receiver);

/* The same for the answer of `server` to `caller`; the server goes on with what it asked for. */
void ipc_answer_copied(struct thread *server, struct thread *caller);

/* `server`, whose answer nobody waits for any more, goes on as if it had been given. */
void ipc_answer_counts(struct thread *server);

/* That message was received, or never will be. */
void ipc_end_kernel_message(struct thread *thread);

#endif
