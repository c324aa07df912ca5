/* SPDX-License-Identifier: BSD-2-Clause */
/* See crowd.h. */
#include "crowd.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <salto/startup.h>

#include "idl/factory.h"
#include "idl/task.h"
#include "idl/thread.h"
#include "rounds.h"

#define CROWD_THREADS 1000
#define CROWD_CAPABILITIES 10000
#define STACK_SIZE 64 /* the threads are a few instructions of assembly that push one word */

static kernel_factory_t factory(void)
{
    return (kernel_factory_t){salto_require("factory")};
}

static kernel_task_t own_task(void)
{
    return (kernel_task_t){salto_require("task")};
}

bool crowd_start_thread(void (*entry)(void), uint64_t argument)
{
    kernel_thread_t thread;
    uint32_t number;
    char *stack = malloc(STACK_SIZE);
    if (!stack || kernel_factory_create_thread(factory(), own_task(), &thread, &number) != 0)
        return false;
    return kernel_thread_start(thread, (uint64_t)entry, (uint64_t)stack + STACK_SIZE, argument, 0) == 0;
}

uint32_t crowd_endpoint(void)
{
    kernel_endpoint_t endpoint;
    return kernel_factory_create_endpoint(factory(), &endpoint) == 0 ? endpoint.handle : 0;
}

void crowd_settle(void)
{
    for (int i = 0; i < 4; i++)
        sched_yield();
}

bool crowd_gather(void)
{
    uint32_t endpoint = crowd_endpoint(), copy;
    for (int i = 0; i < CROWD_THREADS; i++) {
        if (!crowd_start_thread(sleep_forever, endpoint)) {
            fprintf(stderr, "bench: the crowd has only %d threads\n", i);
            return false;
        }
    }
    for (int i = 0; i < CROWD_CAPABILITIES; i++) {
        int error = kernel_task_copy(own_task(), endpoint, own_task(), KERNEL_RIGHTS_WRITE, &copy);
        if (error) {
            fprintf(stderr, "bench: the crowd has only %d capabilities: error %d\n", i, error);
            return false;
        }
    }
    crowd_settle();
    return true;
}
