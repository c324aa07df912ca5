/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time and signals: deadlines of IPCs, sleeping, signalling a notification and waiting for one.
 *
 * Times are nanoseconds since boot, as Clock.now tells them. Those functions that wait keep the registers that C functions
 * keep, but reset MXCSR and the x87 control word to their defaults, and set the deadlines of this thread's UTCB anew.
 */
#ifndef SALTO_WAIT_H
#define SALTO_WAIT_H

#include "salto/ipc.h"
#include "salto/server.h"

/* `tag` with the deadline bit, which makes the UTCB's deadlines hold: in the general form, as such tags must be. */
static inline uint64_t ipc_tag_with_deadline(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;

    if (low <= TAG_PLAIN_CALL_LAST)
        low = TAG_NATIVE | MESSAGE_CALL << TAG_OPERATION_SHIFT | (low - TAG_PLAIN_CALL);
    else if (low <= TAG_PLAIN_REPLY_LAST)
        low = TAG_NATIVE | MESSAGE_REPLY_AND_WAIT << TAG_OPERATION_SHIFT | (low - TAG_PLAIN_REPLY);
    return message_labelled_tag(message_label(tag), low | TAG_DEADLINE);
}

/* Until when this thread's IPCs with TAG_DEADLINE wait to be received, and to receive (a call: for its answer). */
static inline void ipc_set_deadlines(uint64_t send, uint64_t receive)
{
    struct utcb *utcb = ipc_utcb();

    utcb->send_deadline = send;
    utcb->receive_deadline = receive;
}

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
    uint64_t tag = ipc_send(message_tag(MESSAGE_SEND, 1, 0), notification, words);

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
