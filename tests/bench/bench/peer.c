/* SPDX-License-Identifier: BSD-2-Clause */
/* See peer.h. */
#include "peer.h"

#include <string.h>

#include <salto/server.h>
#include <salto/startup.h>

#include "crowd.h"
#include "idl/factory.h"
#include "idl/memory.h"

#define PEER_CODE 0x10000000UL  /* where a peer has its page of code, */
#define PEER_STACK 0x10002000UL /* and where its page of stack ends */
#define BUILD_AREA 0x20000000UL /* where this task writes that code */
#define STACK_SIZE 16384

static kernel_factory_t factory(void)
{
    return (kernel_factory_t){salto_require("factory")};
}

static kernel_task_t own_task(void)
{
    return (kernel_task_t){salto_require("task")};
}

static bool map_code(kernel_task_t task, const char *begin, const char *end)
{
    kernel_memory_t code, stack;
    if (kernel_factory_create_memory(factory(), 1, &code) != 0 ||
        kernel_factory_create_memory(factory(), 1, &stack) != 0)
        return false;
    if (kernel_memory_map(code, own_task(), BUILD_AREA, 0, 1, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE) != 0)
        return false;
    memcpy((void *)BUILD_AREA, begin, (size_t)(end - begin));
    return kernel_memory_unmap(code, own_task(), BUILD_AREA, 1) == 0 &&
           kernel_memory_map(code, task, PEER_CODE, 0, 1, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_EXECUTE) == 0 &&
           kernel_memory_map(stack, task, PEER_STACK - PAGE_SIZE, 0, 1, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE) == 0;
}

bool peer_create(struct peer *peer, const char *begin, const char *end)
{
    uint32_t number;
    return kernel_factory_create_task(factory(), &peer->task) == 0 && map_code(peer->task, begin, end) &&
           kernel_factory_create_thread(factory(), peer->task, &peer->thread, &number) == 0;
}

uint32_t peer_give(const struct peer *peer, uint32_t handle, kernel_rights_t rights)
{
    uint32_t given = 0;
    return kernel_task_copy(own_task(), handle, peer->task, rights, &given) == 0 ? given : 0;
}

bool peer_start(const struct peer *peer, uint64_t first, uint64_t second)
{
    bool started = kernel_thread_start(peer->thread, PEER_CODE, PEER_STACK, first, second) == 0;
    crowd_settle();
    return started;
}

void peer_destroy(struct peer *peer)
{
    int ended = kernel_task_exit(peer->task, 0);
    int thread = kernel_task_delete(own_task(), peer->thread.handle);
    int task = kernel_task_delete(own_task(), peer->task.handle);
    (void)ended, (void)thread, (void)task;
}

bool peer_thread(kernel_thread_t *thread)
{
    uint32_t number;
    return kernel_factory_create_thread(factory(), own_task(), thread, &number) == 0;
}

/* What measure_on_stack in peer_code.S finds on the thread's stack. */
struct measurement {
    void (*rounds)(uint64_t, uint32_t *);
    uint64_t handle;
    uint32_t *samples;
    uint64_t endpoint; /* to which it sends when it is through */
};

extern char measure_on_stack[];

bool peer_measure(kernel_thread_t thread, void (*rounds)(uint64_t, uint32_t *), uint64_t handle, uint32_t *samples)
{
    static char stack[STACK_SIZE] __attribute__((aligned(16)));
    static struct measurement measurement;
    struct ipc_message message = {0};
    measurement = (struct measurement){rounds, handle, samples, crowd_endpoint()};
    if (kernel_thread_start(thread, (uint64_t)measure_on_stack, (uint64_t)stack + sizeof(stack), (uint64_t)&measurement,
                            0) != 0)
        return false;
    uint64_t tag = ipc_transfer(message_tag(MESSAGE_RECEIVE, 0, 0), measurement.endpoint, &message);
    return message_is_tag(tag) && kernel_task_delete(own_task(), thread.handle) == 0;
}
