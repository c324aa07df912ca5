/* SPDX-License-Identifier: BSD-2-Clause */
/* The IPCs for threads: all of registers alone, so that they leave the UTCB's words as they are. See ipc.c. */
#include <salto/wait.h>

#include "idl/factory.h"
#include "idl/fault.h"
#include "idl/notification.h"
#include "idl/task.h"
#include "idl/thread.h"
#include "threads.h"

static kernel_factory_t factory(void)
{
    return (kernel_factory_t){linux_grants.factory};
}

/* A thread whose page faults are served as the first one's are. */
static int create_thread(kernel_thread_t *thread, uint32_t *number)
{
    const kernel_endpoint_t pager = {linux_grants.pager};
    int result = kernel_factory_create_thread(factory(), (kernel_task_t){linux_grants.task}, thread, number);
    if (result != 0 || linux_grants.pager == 0)
        return result;
    return linux_grants.pager_interface == KERNEL_PAGER_ID ? kernel_thread_set_pager(*thread, pager)
                                                           : kernel_thread_set_fault_handler(*thread, pager);
}

int ipc_create_thread(uint32_t *thread, uint32_t *number)
{
    kernel_thread_t created = {0};
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = create_thread(&created, number);
    restore_vectors(&vectors);
    *thread = created.handle;
    return result;
}

int ipc_start_thread(uint32_t thread, uint64_t entry, uint64_t stack)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = kernel_thread_start((kernel_thread_t){thread}, entry, stack, stack, 0);
    restore_vectors(&vectors);
    return result;
}

int ipc_end_thread(uint32_t thread)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = kernel_thread_end((kernel_thread_t){thread});
    restore_vectors(&vectors);
    return result;
}

int ipc_create_notification(uint32_t thread, uint32_t *notification)
{
    kernel_notification_t created = {0};
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = kernel_factory_create_notification(factory(), &created);
    if (result == 0)
        result = kernel_notification_bind(created, (kernel_thread_t){thread});
    if (result != 0 && created.handle != 0 &&
        kernel_task_delete((kernel_task_t){linux_grants.task}, created.handle) == 0)
        created.handle = 0;
    restore_vectors(&vectors);
    *notification = result == 0 ? created.handle : 0;
    return result;
}

void ipc_signal_thread(uint32_t notification)
{
    struct linux_vectors vectors;
    save_vectors(&vectors);
    int result = ipc_signal(notification, 1);
    restore_vectors(&vectors);
    (void)result; /* a thread that is gone need not wake */
}

/* The deadlines of the UTCB are the program's too. */
struct deadlines {
    uint64_t send, receive;
    struct linux_vectors vectors;
};

static void save_deadlines(struct deadlines *deadlines)
{
    deadlines->send = own_utcb()->send_deadline;
    deadlines->receive = own_utcb()->receive_deadline;
    save_vectors(&deadlines->vectors);
}

static void restore_deadlines(const struct deadlines *deadlines)
{
    restore_vectors(&deadlines->vectors);
    own_utcb()->send_deadline = deadlines->send;
    own_utcb()->receive_deadline = deadlines->receive;
}

void ipc_wait_signal(uint32_t notification, uint64_t deadline)
{
    struct deadlines deadlines;
    uint64_t bits;
    save_deadlines(&deadlines);
    int result = ipc_wait_signals(notification, deadline, &bits);
    restore_deadlines(&deadlines);
    (void)result; /* who waits looks himself whether he may go on */
}

void ipc_sleep(uint64_t deadline)
{
    struct deadlines deadlines;
    save_deadlines(&deadlines);
    int result = ipc_sleep_until(deadline);
    restore_deadlines(&deadlines);
    (void)result; /* as above */
}
