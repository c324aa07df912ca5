/* SPDX-License-Identifier: BSD-2-Clause */
/* See servers.h. A task is found by its name, its thread by its own capability to it, which it does not use, and which
 * may not be copied: it is moved here. */
#include "servers.h"

#include <string.h>

#include "../common/guest.h"

static struct server {
    const char *name;
    kernel_task_t task;
    kernel_thread_t thread;
} servers[] = {{"memory", {0}, {0}}, {"process", {0}, {0}}, {"serial", {0}, {0}}, {"specimen", {0}, {0}}};

static bool is_named(kernel_task_t task, const char *name)
{
    uint8_t found[32];
    return kernel_task_name(task, found) == 0 && strncmp((const char *)found, name, sizeof(found)) == 0;
}

/* The task of that name, and how many handles its table has room for; handle 0 if there is none. */
static kernel_task_t find_task(const char *name, uint32_t *handles)
{
    kernel_task_t task = {0};
    for (uint32_t i = 0; kernel_debug_task(debug, i, &task, handles) == 0; i++) {
        if (is_named(task, name))
            return task;
        guest_delete(task.handle);
    }
    return (kernel_task_t){0};
}

static kernel_thread_t find_thread(kernel_task_t task, uint32_t handles)
{
    kernel_thread_t thread = {0};
    kernel_rights_t rights;
    uint32_t type;
    for (uint32_t i = 1; i < handles; i++)
        if (kernel_task_inspect(task, i, &type, &rights) == 0 && type == KERNEL_THREAD_ID) {
            EXPECT_EQUAL(kernel_task_move(task, i, own_task, &thread.handle), 0);
            return thread;
        }
    return thread;
}

void servers_remember(void)
{
    for (unsigned i = 0; i < COUNT(servers); i++) {
        uint32_t handles = 0;
        if (servers[i].task.handle)
            continue;
        servers[i].task = find_task(servers[i].name, &handles);
        if (EXPECT(servers[i].task.handle != 0))
            servers[i].thread = find_thread(servers[i].task, handles);
        EXPECT(servers[i].thread.handle != 0);
    }
}

/* A thread that faulted tells its registers; one that ended cannot be stopped. */
void servers_expect_same(void)
{
    struct kernel_registers registers;
    for (unsigned i = 0; i < COUNT(servers); i++) {
        EXPECT(is_named(servers[i].task, servers[i].name));
        EXPECT_ERROR(kernel_thread_registers(servers[i].thread, &registers), BUSY);
        EXPECT_EQUAL(kernel_thread_stop(servers[i].thread), 0);
        EXPECT_EQUAL(kernel_thread_resume(servers[i].thread, false), 0);
    }
}
