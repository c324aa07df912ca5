/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partners for rows that need more of a thread than a program of the manifest can be given: tasks of their own that run
 * a few instructions of assembly, and threads of this task whose capability is known.
 */
#ifndef SALTO_BENCH_PEER_H
#define SALTO_BENCH_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "idl/task.h"
#include "idl/thread.h"

struct peer {
    kernel_task_t task;
    kernel_thread_t thread;
};

/* A new task with a copy of the code from `begin` to `end`, and a thread that is not started. */
bool peer_create(struct peer *peer, const char *begin, const char *end);

/* Gives the peer a copy of `handle`; answers its handle there, or 0. */
uint32_t peer_give(const struct peer *peer, uint32_t handle, kernel_rights_t rights);

/* Starts it at the code's first instruction, with `first` in rdi and `second` in rsi, and lets it run until it
 * waits. */
bool peer_start(const struct peer *peer, uint64_t first, uint64_t second);

/* Ends the task and all that it had. */
void peer_destroy(struct peer *peer);

/* A thread of this task that is not started. */
bool peer_thread(kernel_thread_t *thread);

/* Lets `thread` of this task call `rounds` with `handle` and `samples`, and waits until it is through and gone. */
bool peer_measure(kernel_thread_t thread, void (*rounds)(uint64_t, uint32_t *), uint64_t handle, uint32_t *samples);

#endif
