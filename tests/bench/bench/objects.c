/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds that create objects and destroy them again, through generated stubs. */
#include <salto/startup.h>

#include "idl/factory.h"
#include "idl/task.h"
#include "idl/thread.h"
#include "markers.h"
#include "rounds.h"

static inline uint32_t stamp(void)
{
    uint32_t low;
    __asm__ volatile("rdtsc" : "=a"(low) : : "rdx", "memory");
    return low;
}

/* `handle` is the factory's. */
void rounds_thread(uint64_t handle, uint32_t samples[ROUNDS])
{
    kernel_factory_t factory = {(uint32_t)handle};
    kernel_task_t own_task = {salto_require("task")};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        kernel_thread_t thread = {0};
        uint32_t number;
        MARKER_BEGIN(MARKER_THREAD);
        uint32_t begin = stamp();
        int error = kernel_factory_create_thread(factory, own_task, &thread, &number);
        error |= kernel_task_delete(own_task, thread.handle);
        uint32_t end = stamp();
        MARKER_END(MARKER_THREAD);
        samples[round] = error ? UINT32_MAX : end - begin;
    }
}

void rounds_task(uint64_t handle, uint32_t samples[ROUNDS])
{
    kernel_factory_t factory = {(uint32_t)handle};
    kernel_task_t own_task = {salto_require("task")};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        kernel_task_t task = {0};
        MARKER_BEGIN(MARKER_TASK);
        uint32_t begin = stamp();
        int error = kernel_factory_create_task(factory, &task);
        error |= kernel_task_delete(own_task, task.handle);
        uint32_t end = stamp();
        MARKER_END(MARKER_TASK);
        samples[round] = error ? UINT32_MAX : end - begin;
    }
}
