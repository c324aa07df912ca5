/* SPDX-License-Identifier: BSD-2-Clause */
/* See leftovers.h. */
#include "leftovers.h"

#include <salto/startup.h>

#include "../common/guest.h"
#include "idl/interrupt.h"
#include "idl/notification.h"

#define MOST_TASKS 512

void leftovers_end_tasks(uint32_t count)
{
    static struct {
        kernel_task_t task;
        uint32_t handles;
    } tasks[MOST_TASKS];
    if (!EXPECT(count <= MOST_TASKS))
        return;
    for (uint32_t i = 0; i < count; i++)
        EXPECT_EQUAL(kernel_debug_task(debug, i, &tasks[i].task, &tasks[i].handles), 0);
    for (uint32_t i = 0; i < count; i++)
        EXPECT_EQUAL(kernel_task_exit(tasks[i].task, 0), 0);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t handle = 1; handle < tasks[i].handles; handle++)
            (void)!kernel_task_delete(tasks[i].task, handle);
    for (uint32_t i = 0; i < count; i++)
        guest_delete(tasks[i].task.handle);
}

void leftovers_unbind_line(void)
{
    kernel_interrupt_t line = {salto_require("idle_line")};
    kernel_notification_t notification;
    EXPECT_EQUAL(kernel_factory_create_notification(own_factory, &notification), 0);
    EXPECT_EQUAL(kernel_interrupt_bind(line, notification), 0);
    EXPECT_EQUAL(kernel_task_revoke(own_task, notification.handle), 0);
    guest_delete(notification.handle);
}
