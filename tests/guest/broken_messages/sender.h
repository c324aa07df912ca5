/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile clients: functions of workers that send broken messages. They run in tasks of their own too, so they write
 * nothing but their areas.
 */
#ifndef BROKEN_SENDER_H
#define BROKEN_SENDER_H

#include "../../../tools/fuzz/broken_table.h"
#include "../common/worker.h"

/* Values of their areas. */
enum sender_value {
    SEND_FIRST, /* pair or message to begin with, */
    SEND_END,   /* behind the last one; `done` counts pairs, or messages */
    SEND_TIMES, /* how often each pair */
    SEND_FAILURES,
    SEND_MESSAGE, /* that was answered wrongly first, ... */
    SEND_TAG,     /* ... what came, ... */
    SEND_WORD,    /* ... and its first word */
    SEND_UTCB,    /* where it is */
    SEND_TARGETS,
};

_Static_assert(SEND_TARGETS + BROKEN_TARGETS <= WORKER_VALUES, "there are values for all targets");

#define CHANGING_SIZE 1024
extern char changing[MESSAGE_MAX_ITEMS][CHANGING_SIZE]; /* strings of send_changing() */

/* A worker_function: each pair of SEND_FIRST to SEND_END, SEND_TIMES times, its messages in turn; judges the
 * answers. */
void send_pairs(struct area *area);

/* A worker_function: the messages SEND_FIRST to SEND_END in turn, for ever. */
void send_for_ever(struct area *area);

/* A worker_function of the test's own task: message SEND_FIRST, SEND_TIMES times, while the test changes it to the one
 * behind it: `begun` and `done` count. The first two times nobody changes anything: the one, then the other is sent.
 * Each answer must be as one of these two, or be the handler's. */
void send_changing(struct area *area);

#endif
