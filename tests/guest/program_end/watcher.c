/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts objects and frames while the other programs of the set end. */
#include <salto/startup.h>
#include <salto/tap.h>
#include <stdint.h>
#include <time.h>

#include "idl/debug.h"

#define TRIES 100

static kernel_debug_t debug;

static uint32_t count_tasks(void)
{
    uint32_t threads = 0, tasks = 0, endpoints = 0, capabilities = 0;
    if (kernel_debug_objects(debug, &threads, &tasks, &endpoints, &capabilities) != 0)
        return 0;
    return tasks;
}

static uint64_t free_frames(void)
{
    uint64_t frames = 0;
    return kernel_debug_free_frames(debug, &frames) == 0 ? frames : 0;
}

int main(void)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    tap_plan(2);
    debug = (kernel_debug_t){salto_require("debug")};
    uint64_t before = free_frames();
    int tries = 0;
    while (count_tasks() > 2 && tries++ < TRIES) /* root and this */
        nanosleep(&pause, NULL);
    tap_ok(count_tasks() == 2, "of four programs, three end and are gone");
    uint64_t after = free_frames();
    /* Each had at least its stack of 32 pages and the handler's variables. */
    tap_ok(after > before + 3 * 32, "their memory is free again (%llu frames, then %llu)", (unsigned long long)before,
           (unsigned long long)after);
    return tap_status();
}
