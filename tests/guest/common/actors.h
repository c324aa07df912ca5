/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Actors: threads of the test's own task, each with a priority and a part to play, and the trace that they leave.
 *
 * The test itself runs at STAGE_PRIORITY, below its actors: whenever it goes on, all of them wait. So what happens
 * depends on priorities alone, and the order in the trace is exact.
 */
#ifndef SALTO_ACTORS_H
#define SALTO_ACTORS_H

#include "idl/clock.h"
#include "idl/notification.h"
#include "idl/reply.h"
#include "worker.h"

#define STAGE_PRIORITY 10
#define ACTORS 320
#define TRACE_SIZE 64

extern struct worker actors[ACTORS];
extern kernel_clock_t clock_object;

/* Lowers the test to STAGE_PRIORITY and runs the tests; answers main()'s status. The manifest grants `clock`, and the
 * program priority 255. */
int actors_run(const struct guest_test *tests, unsigned count);

/* Makes the next actor, which does not run yet; answers its number, from 0. `value` is its values[0]. */
unsigned actor_create(uint32_t priority, worker_function *part, uint64_t value);

/* Starts an actor; any actor may. */
void actor_start(unsigned number);

/* Both. */
unsigned actor_enter(uint32_t priority, worker_function *part, uint64_t value);

/* Ends all actors and frees what they had. */
void actors_leave(void);

/* EXPECTs that actor `number` got through its part. */
void actor_expect_done(unsigned number);

/* Adds a character to the trace. */
void trace(char what);

/* EXPECTs that the trace is `text`, and begins a new one. */
#define EXPECT_TRACE(text) expect_trace(text, __FILE__, __LINE__)
void expect_trace(const char *text, const char *file, int line);

/* IPC without words: answer the tag that came in, or an error. */
uint64_t actor_call(uint32_t endpoint);
uint64_t actor_receive(uint32_t endpoint);
uint64_t actor_reply(void);
uint64_t actor_reply_and_wait(uint32_t endpoint);
uint64_t actor_send(uint32_t endpoint);

/* Waits until `moment`, in nanoseconds since boot; answers what the receive returned. */
uint64_t actor_sleep_until(uint64_t moment);
void actor_sleep(uint64_t nanoseconds);

/* Nanoseconds since boot. */
uint64_t actor_now(void);

/* A part: serves endpoint values[0] for ever, and traces an 's' for each call. */
void play_server(struct area *area);

/* A part: spins, counting rounds in values[1]. */
void play_spinner(struct area *area);

/* The time-stamp counter. */
static inline uint64_t ticks_now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

#endif
