/* SPDX-License-Identifier: BSD-2-Clause */
/* What producer and consumer do alike: attach the ring, and wait. */
#ifndef RING_ATTACH_H
#define RING_ATTACH_H

#include <stdio.h>
#include <stdlib.h>

#include <salto/startup.h>
#include <salto/wait.h>

#include "idl/memory_service.h"
#include "idl/notification.h"
#include "ring.h"

/* The ring in this program's address space; its own notification is bound to its thread. */
static struct ring *attach_ring(void)
{
    memory_space_t space = {salto_require("memory")};
    memory_object_t object = {salto_require("ring")};
    kernel_notification_t own = {salto_require("own")};
    kernel_thread_t thread = {salto_require("thread")};
    uint64_t start = 0;
    if (memory_space_attach(space, object, 0, 0, RING_PAGES, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE, 0, &start) ==
            0 &&
        kernel_notification_bind(own, thread) == 0)
        return (struct ring *)start;
    fprintf(stderr, "the ring cannot be attached\n");
    exit(1);
}

/* Waits until the other program has signalled; a signal that came before counts. */
static void wait_for_other(void)
{
    uint64_t bits;
    if (ipc_wait_signals(salto_require("own"), DEADLINE_NEVER, &bits) != 0)
        exit(1);
}

static void wake_other(void)
{
    if (ipc_signal(salto_require("other"), 1) != 0)
        exit(1);
}

#endif
