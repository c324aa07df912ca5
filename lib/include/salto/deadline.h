/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deadlines of IPCs, and the time. Times are nanoseconds since boot, as Clock.now tells them. What waits is in wait.h.
 */
#ifndef SALTO_DEADLINE_H
#define SALTO_DEADLINE_H

#include "salto/ipc.h"

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

/* Nanoseconds since boot, as Clock.now tells them, without an IPC (lib/now.c); 0 where nobody told the program how fast
 * its counter is. */
uint64_t salto_now(void);

/* `tag`, which must be received and answered within `nanoseconds` from now: for stubs with @timeout. */
static inline uint64_t idl_within(uint64_t tag, uint64_t nanoseconds)
{
    uint64_t deadline = salto_now() + nanoseconds;

    ipc_set_deadlines(deadline, deadline);
    return ipc_tag_with_deadline(tag);
}

#endif
