/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Short messages between threads that wait for just that: what the trampoline would have carried, had the message not
 * had a deadline, or the one to be answered been in the kernel's hands. Each function is a run of positive checks, and
 * takes the message if all hold; else nothing has changed, and the general way (ipc.c) gives the same result.
 */
#ifndef SALTO_IPC_SHORT_H
#define SALTO_IPC_SHORT_H

#include "cap/capability.h"
#include "thread/thread.h"

/* A call, whose tag in the general form is `low`, by an endpoint's capability. */
bool short_call(struct thread *self, const struct capability *capability, uint32_t low);

/* A call with one item and at most six words, and nothing special. Takes it if the item is a page, or a few large ones,
 * that can be mapped at once, and passes others on. */
void short_call_with_item(struct thread *self);

/* A reply-and-wait, whose tag in the general form is `low`, to `caller`, on `handle`. */
bool short_reply(struct thread *self, struct thread *caller, uint64_t handle, uint32_t low);

/* A send-and-wait of at most six words, without items and flags. The whole request, with its tag as it came, stands in
 * `self->call`. Takes those that signal a notification or answer by a reply object, and passes the others on. */
void short_send_and_wait(struct thread *self);

#endif
