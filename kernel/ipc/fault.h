/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults of programs. A thread that raises an exception calls its fault handler, by a message that the kernel writes,
 * and goes on with the registers of the answer. Without a handler that hears it, or that answers so, the thread stays
 * stopped and its task's supervisor is told; if there is none either, the console is.
 */
#ifndef SALTO_IPC_FAULT_H
#define SALTO_IPC_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "thread/thread.h"

/* `thread`, whose registers stand in its frame, raised the exception that the frame names. */
void fault_raise(struct thread *thread, uint64_t address);

/* A transfer cannot go on without the page of `thread` at `address`: its handler hears of a page fault, with the error
 * code `code`, as if the thread had touched the page. Is there one to be asked? Then the thread waits, and is told what
 * came of it by transfer_page_refused(), or goes on. */
bool fault_ask_for_page(struct thread *thread, uint64_t address, uint64_t code);

/* Nobody handles the fault: the thread stays stopped, and the supervisor or the console is told. */
void fault_unheard(struct thread *thread);

/* Gives `receiver`, which waits no longer, the message of `thread`'s fault. */
void fault_deliver(struct thread *thread, struct thread *receiver, uint64_t badge);

/* A reply-and-wait on `handle`, whose tag in the general form is `low`, that lets `thread` go on: if nothing else is to
 * be looked at, all is done; else false, and nothing has changed. */
bool fault_short_answer(struct thread *handler, struct thread *thread, uint64_t handle, uint32_t low);

/* Maps the pages that the answer of `handler` to the fault of `thread` carries, if there are any. Errors as
 * pages_read() and pages_map(); BAD_ARGUMENT where it is too much. */
enum error fault_map_pages(struct thread *handler, const struct thread *thread);

/* `handler` answered the fault of `thread`, by what stands in its `call`. */
void fault_answer(struct thread *handler, struct thread *thread);

#endif
