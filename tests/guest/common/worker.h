/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads for tests, in the test's own task or each in a task of its own.
 *
 * A separate task maps the test program's image, read-only, at the addresses where the program has it, so that any of
 * its functions can run there; it must not write variables, nor call what needs thread-local storage. A worker's area
 * (what it shall do, what came of it, and its stack) is mapped at the same address in both tasks.
 */
#ifndef SALTO_WORKER_H
#define SALTO_WORKER_H

#include <salto/server.h>

#include "guest.h"

#define WORKER_STEPS 16
#define WORKER_VALUES 64
#define AREA_PAGES 5
#define STACK_PAGES 1
#define WORKER_AREAS 0x200000000000UL

/* One IPC. `message`, `words` from 6 on and `items` are sent, and replaced by what came in; the deadlines hold if the
 * tag says so. */
struct step {
    uint64_t tag, handle;
    uint64_t send_deadline, receive_deadline;
    uint64_t result;
    struct ipc_message message;
    uint64_t words[MESSAGE_MAX_WORDS];
    uint64_t items[MESSAGE_MAX_ITEMS];
};

struct area {
    volatile uint32_t begun; /* steps begun */
    volatile uint32_t done;  /* steps carried out, or what else the worker counts */
    uint32_t count;          /* steps to be carried out */
    uint32_t park;           /* where the worker waits when it is through: an endpoint on which nobody sends */
    volatile uint64_t values[WORKER_VALUES]; /* as the test likes */
    struct step steps[WORKER_STEPS];
};

_Static_assert(sizeof(struct area) <= (AREA_PAGES - STACK_PAGES) * 4096, "the stack has a page of its own");

struct worker {
    kernel_task_t task;
    kernel_thread_t thread;
    kernel_memory_t memory;
    struct area *area;
    bool separate;
    uint32_t number;
    uint32_t park; /* in the test's own table */
};

typedef void worker_function(struct area *area);

/* Makes a worker, which does not run yet. EXPECTs that it can be made. */
void worker_create(struct worker *worker, bool separate);

/* As worker_create, in a task of its own that is charged to `factory`. */
void worker_create_charged(struct worker *worker, kernel_factory_t factory);

/* As worker_create, in a task of its own that is guarded. */
void worker_create_guarded(struct worker *worker);

/* As worker_create, in a task that exists: another worker's, say. The task is not ended with this worker. */
void worker_create_in(struct worker *worker, const struct worker *host);

/* Gives the worker a copy of `handle` with `rights`; answers its handle there. In the own task, a handle of its own
 * too, which worker_destroy() does not delete. */
uint32_t worker_give(const struct worker *worker, uint32_t handle, uint32_t rights);

/* As worker_give, and the copy gets a badge. */
uint32_t worker_mint(const struct worker *worker, uint32_t handle, uint32_t rights, uint64_t badge);

/* Deletes a capability of the worker's table, which may be the own one; EXPECTs that it is there. */
void worker_drop(const struct worker *worker, uint32_t handle);

/* Starts the worker in `function`. */
void worker_start(const struct worker *worker, worker_function *function);

/* Adds a step; answers it, for words and items. */
struct step *worker_add(const struct worker *worker, uint64_t tag, uint64_t handle);

/* A worker_function: carries out the steps in order. */
void worker_steps(struct area *area);

/* Starts the worker on its steps and lets it run until it has carried them out or waits. */
void worker_go(const struct worker *worker);

/* Lets others run until the worker has begun `count` steps, and then until the last of them is done or waits; false,
 * and a failure, if it does not get there. */
bool worker_settle(const struct worker *worker, uint32_t count);

/* A worker_function: serves values[0] for ever. Answers each message with its label, its number of words, and each word
 * complemented with the bits of values[2] changed; `done` counts. An IPC that fails ends it, with the error in
 * values[1]. */
void worker_echo(struct area *area);

/* What worker_echo() makes of a word. */
static inline uint64_t echo_of(uint64_t word, uint64_t change)
{
    return ~word ^ change;
}

/* Lets others run until the worker has done `count` steps; false, and a failure, if it does not get there. */
bool worker_wait(const struct worker *worker, uint32_t count);

/* Ends the worker (a separate one with its task) and frees what it had. */
void worker_destroy(struct worker *worker);

/* Ends just the worker's task or thread. Its area stays readable. */
void worker_kill(struct worker *worker);

/* Random numbers of any thread: xorshift64*, whose state must not be 0, nor ever is. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dUL;
}

/* A handle, as sent in an item. */
static inline uint64_t item_of(uint32_t handle, uint32_t rights, uint32_t kind)
{
    return idl_item(handle, rights, kind);
}

static inline uint64_t tag_of(uint32_t label, uint32_t operation, uint32_t words, uint32_t items)
{
    return message_labelled_tag(label, message_tag(operation, words, items));
}

/* The same with the poll bit: always of the general form. */
static inline uint64_t polled_tag_of(uint32_t label, uint32_t operation, uint32_t words, uint32_t items)
{
    uint32_t low = TAG_NATIVE | TAG_POLL | operation << TAG_OPERATION_SHIFT | items << TAG_ITEMS_SHIFT | words;
    return message_labelled_tag(label, low);
}

#define TAG_RECEIVE tag_of(0, MESSAGE_RECEIVE, 0, 0)
#define TAG_RECEIVE_NOW polled_tag_of(0, MESSAGE_RECEIVE, 0, 0)
#define TAG_REPLY tag_of(0, MESSAGE_REPLY, 0, 0)
#define TAG_DONE tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0) /* what a send or reply that succeeded returns */

/* EXPECTs that a request with `tag` is refused for every handle that is none: 0, one that was never given out, and
 * `good` with bits above its width changed. */
void expect_bad_handles(uint64_t tag, uint64_t good);

#endif
