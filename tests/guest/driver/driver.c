/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver as a manifest makes one: holds two ports and an interrupt line, and counts ten ticks of its device. */
#include <salto/server.h>
#include <salto/startup.h>
#include <stdio.h>

#include "../interrupts/devices.h"
#include "idl/factory.h"
#include "idl/interrupt.h"
#include "idl/notification.h"

#define TICKS 10

int main(void)
{
    kernel_interrupt_t interrupt = {salto_require("tick")};
    kernel_notification_t notification = {0};
    struct ipc_message message = {0};
    if (kernel_factory_create_notification((kernel_factory_t){salto_require("factory")}, &notification) != 0 ||
        kernel_notification_bind(notification, (kernel_thread_t){salto_require("thread")}) != 0 ||
        kernel_interrupt_bind(interrupt, notification) != 0)
        return 1;
    clock_start();
    for (int i = 0; i < TICKS; i++) {
        uint64_t tag = ipc_transfer(message_tag(MESSAGE_RECEIVE, 0, 0), notification.handle, &message);
        if (tag != message_tag(MESSAGE_SIGNAL, 1, 0) || message.words[0] != 1)
            return 2;
        clock_read(CLOCK_STATUS);
        if (kernel_interrupt_acknowledge(interrupt) != 0)
            return 3;
    }
    clock_stop();
    printf("%d ticks\n", TICKS);
    return 0;
}
