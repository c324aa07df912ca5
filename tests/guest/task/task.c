/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks: who supervises them, where their Linux calls go, and their end. Their tables are capability.c's. */
#include "../common/sandbox.h"
#include "../common/worker.h"
#include "idl/supervisor.h"

static void supervisor_once(void)
{
    kernel_task_t task = guest_new_task();
    uint32_t endpoint = guest_endpoint(), reader = guest_copy(endpoint, RIGHT_READ | RIGHT_COPY);
    EXPECT_ERROR(kernel_task_set_supervisor(task, (kernel_endpoint_t){0}), BAD_HANDLE);
    EXPECT_ERROR(kernel_task_set_supervisor(task, (kernel_endpoint_t){65536}), BAD_HANDLE);
    EXPECT_ERROR(kernel_task_set_supervisor(task, (kernel_endpoint_t){task.handle}), WRONG_TYPE);
    EXPECT_ERROR(kernel_task_set_supervisor(task, (kernel_endpoint_t){reader}), NO_RIGHT);
    EXPECT_EQUAL(kernel_task_set_supervisor(task, (kernel_endpoint_t){endpoint}), 0);
    EXPECT_ERROR(kernel_task_set_supervisor(task, (kernel_endpoint_t){endpoint}), BUSY);
    guest_delete(reader);
    guest_delete(endpoint);
    guest_delete(task.handle);
}

#define LINUX_NO_SUCH_CALL -38 /* ENOSYS */

SANDBOX_PROGRAM(linux_call, "movl $39, %eax", "syscall");

/* A Linux call goes to the handler, with the address behind it in rcx; without one it is an error. */
static void linux_handler(void)
{
    static const uint64_t bad[] = {1,           USER_START - 1, USER_END, 0x0000800000000000UL,
                                   SHARED_BASE, PHYSICAL_MAP,   ~0UL,     1UL << 63};
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    SANDBOX_LOAD(&sandbox, linux_call);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EXPECT_ERROR(kernel_task_set_linux_handler(sandbox.task, bad[i]), BAD_ADDRESS);
    EXPECT_EQUAL(kernel_task_set_linux_handler(sandbox.task, USER_START), 0);
    EXPECT_EQUAL(kernel_task_set_linux_handler(sandbox.task, USER_END - 1), 0);
    EXPECT_EQUAL(kernel_task_set_linux_handler(sandbox.task, sandbox.end + 256), 0);
    struct fault fault = sandbox_run(&sandbox, 0, 0);
    EXPECT_EQUAL(fault.vector, VECTOR_INVALID_OPCODE);
    EXPECT_EQUAL(fault.instruction, sandbox.end + 256);
    EXPECT_EQUAL(fault.registers.rcx, sandbox.end);
    EXPECT_EQUAL(fault.registers.rax, 39);
    EXPECT_EQUAL(kernel_task_set_linux_handler(sandbox.task, 0), 0);
    fault = sandbox_run(&sandbox, 0, 0);
    EXPECT(sandbox_ran(&sandbox, &fault));
    EXPECT_EQUAL(fault.registers.rax, LINUX_NO_SUCH_CALL);
    sandbox_destroy(&sandbox);
}

static void rights(void)
{
    kernel_task_t task = guest_new_task(), reader = {guest_copy(task.handle, RIGHT_READ | RIGHT_EXECUTE)};
    uint32_t endpoint = guest_endpoint();
    EXPECT_ERROR(kernel_task_exit(reader, 0), NO_RIGHT);
    EXPECT_ERROR(kernel_task_set_supervisor(reader, (kernel_endpoint_t){endpoint}), NO_RIGHT);
    EXPECT_ERROR(kernel_task_set_linux_handler(reader, 0), NO_RIGHT);
    EXPECT_ERROR(kernel_task_set_name(reader, (const uint8_t[32]){0}), NO_RIGHT);
    guest_delete(endpoint);
    guest_delete(reader.handle);
    guest_delete(task.handle);
}

#define BADGE 0xe4d

/* Names a supervisor by a capability that has the badge, or by one that gets it. */
static void supervise(kernel_task_t task, uint32_t endpoint, bool minted)
{
    uint32_t badged = 0;
    if (!minted) {
        EXPECT_EQUAL(kernel_task_set_supervisor_badged(task, (kernel_endpoint_t){endpoint}, BADGE), 0);
        return;
    }
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, RIGHT_WRITE, BADGE, &badged), 0);
    EXPECT_EQUAL(kernel_task_set_supervisor(task, (kernel_endpoint_t){badged}), 0);
    guest_delete(badged);
}

/* Its supervisor is told of the end once, with the status and the badge of the capability that was given. */
static void check_end_is_told(bool minted)
{
    kernel_task_t task = guest_new_task();
    kernel_thread_t thread = {0};
    uint32_t endpoint = guest_endpoint(), number = 0;
    struct ipc_message message = {0};
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
    supervise(task, endpoint, minted);
    EXPECT_EQUAL(kernel_task_exit(task, 0xdeadbeef), 0);
    EXPECT_EQUAL(kernel_task_exit(task, 1), 0);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message), KERNEL_SUPERVISOR_EXITED_REQUEST);
    EXPECT_EQUAL(message.badge, BADGE);
    EXPECT_EQUAL(message.words[0], number);
    EXPECT_EQUAL(message.words[1], 0xdeadbeef);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message), ERROR_WOULD_BLOCK);
    guest_delete(thread.handle);
    guest_delete(task.handle);
    guest_delete(endpoint);
}

static void end_is_told(void)
{
    check_end_is_told(true);
    check_end_is_told(false);
}

/* Badges cannot be forged, and a capability that may not be copied not be minted from. */
static void supervisor_badges(void)
{
    kernel_task_t task = guest_new_task(), reader = {guest_copy(task.handle, RIGHT_READ | RIGHT_EXECUTE)};
    uint32_t endpoint = guest_endpoint(), badged = 0, no_copy = guest_copy(endpoint, RIGHT_READ | RIGHT_WRITE);
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, RIGHTS_ALL, BADGE, &badged), 0);
    EXPECT_ERROR(kernel_task_set_supervisor_badged(task, (kernel_endpoint_t){0}, BADGE), BAD_HANDLE);
    EXPECT_ERROR(kernel_task_set_supervisor_badged(task, (kernel_endpoint_t){task.handle}, BADGE), WRONG_TYPE);
    EXPECT_ERROR(kernel_task_set_supervisor_badged(task, (kernel_endpoint_t){badged}, BADGE + 1), NO_RIGHT);
    EXPECT_ERROR(kernel_task_set_supervisor_badged(task, (kernel_endpoint_t){no_copy}, BADGE), NO_RIGHT);
    EXPECT_ERROR(kernel_task_set_supervisor_badged(reader, (kernel_endpoint_t){endpoint}, BADGE), NO_RIGHT);
    EXPECT_EQUAL(kernel_task_set_supervisor_badged(task, (kernel_endpoint_t){endpoint}, BADGE), 0);
    EXPECT_ERROR(kernel_task_set_supervisor_badged(task, (kernel_endpoint_t){endpoint}, BADGE), BUSY);
    EXPECT_EQUAL(kernel_task_revoke(own_task, endpoint), 0); /* the supervisor's is derived from it */
    EXPECT_EQUAL(kernel_task_set_supervisor(task, (kernel_endpoint_t){endpoint}), 0);
    guest_delete(endpoint);
    guest_delete(reader.handle);
    guest_delete(task.handle);
}

/* A supervisor that is gone is no hindrance to the end. */
static void supervisor_gone(void)
{
    kernel_task_t task = guest_new_task();
    kernel_thread_t thread = {0};
    uint32_t endpoint = guest_endpoint(), number;
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
    EXPECT_EQUAL(kernel_task_set_supervisor(task, (kernel_endpoint_t){endpoint}), 0);
    guest_delete(endpoint); /* the last right to receive */
    EXPECT_EQUAL(kernel_task_exit(task, 7), 0);
    EXPECT_ERROR(kernel_thread_start(thread, SANDBOX_CODE, SANDBOX_STACK, 0, 0), BUSY); /* it ended all the same */
    guest_delete(thread.handle);
    guest_delete(task.handle);
}

/* A task that ended stays what it is, but makes no more threads; ending it again does nothing. */
static void ended_twice(void)
{
    kernel_task_t task = guest_new_task();
    kernel_thread_t thread;
    uint32_t number;
    EXPECT_EQUAL(kernel_task_exit(task, 0), 0);
    EXPECT_EQUAL(kernel_task_exit(task, UINT32_MAX), 0);
    EXPECT_ERROR(kernel_factory_create_thread(own_factory, task, &thread, &number), DEAD);
    guest_delete(task.handle);
}

static const struct guest_test tests[] = {
    {"a task has one supervisor, named by the right to send", supervisor_once},
    {"a supervisor's capability that gets its badge then", supervisor_badges},
    {"where Linux calls go", linux_handler},
    {"rights that control takes", rights},
    {"a task ends once", ended_twice},
    {"the supervisor is told of the end", end_is_told},
    {"a supervisor that is gone", supervisor_gone},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
