/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of strings have in common: a server that sends back what it got, and the memory of both sides. */
#ifndef TESTS_GUEST_STRINGS_H
#define TESTS_GUEST_STRINGS_H

#include "../common/waiting.h"

#define FROM 0x40000000UL  /* the client's strings, */
#define BACK 0x50000000UL  /* and where it takes the server's */
#define TAKEN 0x60000000UL /* where the server takes them */
#define SEEN 0x70000000UL  /* the same memory, for the test to look at */
#define PAGES 260UL
#define GUARD 0xa5
#define LABEL 9
#define REFUSED 77 /* label of an answer in place of one that could not be sent */
#define LOW_PRIORITY 50
#define READ_WRITE (RIGHT_READ | RIGHT_WRITE)

/* The server's values: what it shall do, and what came of it. */
enum { ENDPOINT, BUFFERS, SIZE, STRIDE, FAILED, PHASE, FAILURES };
/* The client's. */
enum { TARGET, TAG, LENGTH, RESULT, RESULT_PHASE, TIME };

extern kernel_memory_t sent, returned, taken;
extern struct worker server;
extern uint32_t endpoint;

/* Starts the server: `offset` bytes into its memory it has `size` bytes for each string, `stride` apart. */
void start_server(uint64_t offset, uint64_t size, uint64_t stride);

/* Ends it; all that it had goes, and the memory of the test. */
void end_server(void);

/* Bytes that tell where they belong. */
void fill(uint8_t *string, uint64_t length, uint64_t seed);
bool is_filled(const uint8_t *string, uint64_t length, uint64_t seed);
bool is_guard(const uint8_t *bytes, uint64_t length);

/* A worker_function: calls once, with a string of LENGTH bytes, and takes it back. */
void call_once(struct area *area);

/* Makes a client, in a task of its own, that has the test's strings and buffers, at LOW_PRIORITY. It calls with a
 * string of `length` bytes when it is started in call_once(); with `flags` in its tag. */
void make_client(struct worker *client, uint64_t length, uint64_t flags);

/* Copies that are disturbed (disturbed.c), and pages that pagers bring (pagers.c). */
void when_half_is_seen(void);
void when_just_copied(void);
void when_client_page_goes(void);
void when_server_page_goes(void);
void when_all_memory_goes(void);
void when_client_is_broken_off(void);
void when_client_is_stopped(void);
void when_client_goes(void);
void when_deadline_passes(void);
void when_server_ends(void);
void when_server_task_ends(void);
void when_server_is_broken_off(void);
void when_server_is_stopped(void);
void paged_strings(void);
void many_paged_strings(void);
void lying_pagers(void);
void paged_buffers(void);
void paged_answers(void);
void refusing_pagers(void);
void silent_pagers(void);
void pagers_in_the_transfer(void);

#endif
