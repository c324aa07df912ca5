/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive phases that do not begin where their send phase ends, but when their thread runs next: until then it is like
 * any thread that can run, and is in its receive phase for whoever breaks it off.
 */
#ifndef SALTO_IPC_LATER_H
#define SALTO_IPC_LATER_H

#include <stdbool.h>
#include <stdint.h>

struct thread;

/* `thread` receives on `handle` when it runs next; of the flags in `low`, deadline and closed count. */
void later_receive(struct thread *thread, uint32_t low, uint64_t handle);

/* `self` has answered `caller`, who can run, and would receive on `handle` now. If it ran for that caller and a message
 * is queued there, the caller goes on first, and `self` receives when its turn comes: whoever has been answered does
 * not wait for the next one's message to be received, and, where its priority is higher, not behind it when it calls
 * again. False: it is to receive now. */
bool later_receive_behind(struct thread *self, struct thread *caller, uint64_t handle, uint32_t low);

#endif
