/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that the kernel writes for supervisors. See ipc.h. */
#include "debugger.h"
#include "ipc/endpoint.h"
#include "ipc/ipc.h"
#include "ipc/message.h"
#include "thread/schedule.h"
#include "thread/task.h"

void ipc_end_kernel_message(struct thread *thread)
{
    thread->sends = SENDS_OWN;
    thread->state = thread->task->ended ? THREAD_DEAD : THREAD_FAULTED;
}

bool ipc_send_kernel_message(struct thread *thread)
{
    const struct capability *supervisor = &thread->task->supervisor;
    struct endpoint *endpoint = (struct endpoint *)supervisor->object;
    if (!endpoint || endpoint->object.type != OBJECT_ENDPOINT || !endpoint->receive_rights)
        return false;
    struct thread *receiver = endpoint_take_receiver(endpoint);
    if (receiver) {
        message_deliver_kernel_message(thread, receiver, supervisor->badge);
        debugger_note(EVENT_DELIVER_KERNEL, thread, receiver, endpoint, 0);
        schedule_wake(receiver);
        return true;
    }
    thread->badge = supervisor->badge;
    thread->sends = SENDS_ONE_WAY;
    endpoint_queue_sender(endpoint, thread);
    debugger_note(EVENT_SEND, thread, 0, 0, 0);
    return true;
}
