/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time and signals: deadlines of IPCs, sleeping, signalling a notification and waiting for one.
 *
 * Times are nanoseconds since boot, as Clock.now tells them. Those functions that wait keep the registers that C
 * functions keep, but reset MXCSR and the x87 control word to their defaults, and set the deadlines of this thread's
 * UTCB anew.
 */
#ifndef SALTO_WAIT_H
#define SALTO_WAIT_H

#include "salto/deadline.h"
#include "salto/ipc.h"
#include "salto/server.h"

/* Waits until `deadline`, not at all if that has passed; signals stay pending meanwhile. Returns 0, or
 * -ERROR_INTERRUPTED if it was broken off. */
static inline int ipc_sleep_until(uint64_t deadline)
{
    struct ipc_message message = {0};
    uint64_t tag = ipc_tag_with_deadline(message_tag(MESSAGE_RECEIVE, 0, 0) | TAG_CLOSED);

    ipc_set_deadlines(DEADLINE_NEVER, deadline);
    tag = ipc_transfer(tag, 0, &message);
    return tag == ERROR_TIMEOUT ? 0 : -(int)tag;
}

/* Signals `bits`, or those of the capability's badge if it has one. Never waits. Returns 0, or -ERROR_* (BAD_HANDLE,
 * NO_RIGHT, DEAD). */
static inline int ipc_signal(uint32_t notification, uint64_t bits)
{
    uint64_t words[6] = {bits, 0, 0, 0, 0, 0};
    uint64_t tag = ipc_exchange(message_tag(MESSAGE_SEND, 1, 0), notification, words);

    return message_is_tag(tag) ? 0 : -(int)tag;
}

/* Waits for the notification that is bound to this thread, until `deadline` (or DEADLINE_NEVER), and takes its bits.
 * Returns 0, or -ERROR_*: TIMEOUT; BUSY: it is not bound to this thread; DEAD: it was destroyed meanwhile; INTERRUPTED;
 * BAD_HANDLE; NO_RIGHT (no read right). */
static inline int ipc_wait_signals(uint32_t notification, uint64_t deadline, uint64_t *bits)
{
    struct ipc_message message = {0};
    uint64_t tag = message_tag(MESSAGE_RECEIVE, 0, 0);

    ipc_set_deadlines(DEADLINE_NEVER, deadline);
    tag = ipc_transfer(deadline == DEADLINE_NEVER ? tag : ipc_tag_with_deadline(tag), notification, &message);
    if (!message_is_tag(tag))
        return -(int)tag;
    *bits = message.words[0];
    return 0;
}

/* Signals one notification and waits for another, in one system call; else as the two above, the errors of both. */
static inline int ipc_signal_and_wait(uint32_t notification, uint64_t signalled, uint32_t own, uint64_t *bits)
{
    struct ipc_message message = {.words = {signalled}};
    uint64_t handles = notification | (uint64_t)own << WAIT_HANDLE_SHIFT;
    uint64_t tag = ipc_transfer(message_tag(MESSAGE_SEND_AND_WAIT, 1, 0), handles, &message);

    if (!message_is_tag(tag))
        return -(int)tag;
    *bits = message.words[0];
    return 0;
}

#endif
