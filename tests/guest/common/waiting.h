/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads in each kind of wait that an IPC has, for whatever may end it: a deadline, a break-off, a death. And time.
 *
 * Programs that use this are granted `clock`.
 */
#ifndef TESTS_GUEST_WAITING_H
#define TESTS_GUEST_WAITING_H

#include "idl/clock.h"
#include "idl/notification.h"
#include "idl/reply.h"

#include "worker.h"

#define MICROSECOND 1000UL
#define MILLISECOND 1000000UL
#define HOUR 3600000000000UL
#define NO_DEADLINE 0

#define TAG_KEEP KERNEL_REPLY_KEEP_REQUEST
#define TAG_SIGNALS (TAG_NATIVE | MESSAGE_SIGNAL << TAG_OPERATION_SHIFT | 1) /* what arrives with bits */

/* What a thread waits for. */
enum wait_kind {
    WAIT_SEND,               /* to be received: a send, */
    WAIT_CALL,               /* a call, */
    WAIT_SEND_AND_WAIT,      /* a send-and-wait */
    WAIT_ANSWER,             /* for the answer of whoever received its call, */
    WAIT_KEPT,               /* of whoever has the reply object in which it is kept */
    WAIT_RECEIVE,            /* to receive, */
    WAIT_RECEIVE_BEHIND,     /* where another one waits already, */
    WAIT_CLOSED,             /* and no signals, */
    WAIT_BEHIND_REPLY,       /* behind the answer of a reply-and-wait, */
    WAIT_BEHIND_SIGNAL,      /* behind the signal of a send-and-wait, */
    WAIT_BEHIND_QUEUED_SEND, /* behind its message, which was queued */
    WAIT_BOUND,              /* on an endpoint, with a notification bound to it */
    WAIT_SIGNALS,            /* on its notification alone */
    WAIT_NOTHING,            /* on nothing, until a deadline that is far away if none is asked for */
    WAIT_KINDS,
};

#define WAITER_GIVEN 6

struct waiter {
    struct worker worker, partner; /* the partner has received its call, or waits to receive before it */
    bool partnered;
    uint32_t endpoint;                         /* to which it sends, or on which it waits, */
    uint32_t source;                           /* unless that is another: of a send-and-wait */
    kernel_notification_t notification;        /* bound to it, or signalled by it */
    kernel_reply_t reply;                      /* in which it is kept */
    struct step *step;                         /* the one that waits */
    uint32_t given[WAITER_GIVEN], given_count; /* handles in its table, but for the one to keep in */
};

/* Makes a thread, in a task of its own if `separate`, that waits so; with TAG_DEADLINE in the phase in which it waits,
 * unless `deadline` is NO_DEADLINE. It waits, or is through, when this returns. */
void waiter_create(struct waiter *waiter, enum wait_kind kind, bool separate, uint64_t deadline);

/* The phase in which a wait of that kind fails. */
uint64_t waiter_phase(enum wait_kind kind);

/* EXPECTs that it still waits. */
void waiter_expect_waiting(const struct waiter *waiter);

/* EXPECTs that its wait ended with `error`, in the phase that its kind has. */
void waiter_expect(const struct waiter *waiter, enum wait_kind kind, uint64_t error);

/* EXPECTs that its wait is over for others too: nothing is queued, nobody receives, there is nobody to be answered. */
void waiter_expect_gone(struct waiter *waiter, enum wait_kind kind);

/* Lets the partner of a WAIT_ANSWER answer, or answers the one that is kept; answers what that IPC returned. */
uint64_t waiter_answer(struct waiter *waiter);

/* The endpoint on which it receives, or would receive. */
uint32_t waiter_source(const struct waiter *waiter);

/* Deletes what the worker was given; those who wait there are told, as far as nothing else names it. */
void waiter_take_back(struct waiter *waiter);

void waiter_destroy(struct waiter *waiter);

/* The ways in which a partner goes. */
enum death { TASK_ENDS, THREAD_ENDS, THREAD_DELETED, TASK_DELETED, DEATHS };

/* Lets a worker, in a task of its own, die so; worker_destroy() is still to be called. */
void worker_die(struct worker *worker, enum death death);

/* The tag with the deadline bit, in the general form. */
uint64_t with_deadline(uint64_t tag);

/* Gives a thread that spins the shortest slices there are, so that the test need not wait long for its turn. */
void worker_spins(const struct worker *worker);

/* Nanoseconds since boot. */
uint64_t time_now(void);

/* Sleeps, so that no thread of the test runs but those that are woken meanwhile. */
void sleep_for(uint64_t nanoseconds);

/* Sleeps until the worker has done `count` steps; false, and a failure, if it does not get there within seconds. */
bool sleep_until_done(const struct worker *worker, uint32_t count);

/* New objects in the own table. */
kernel_notification_t guest_notification(void);
kernel_reply_t guest_reply(void);

/* Signals by the own capability, which has no badge; answers what that returned. */
uint64_t guest_signal(kernel_notification_t notification, uint64_t bits);

#endif
