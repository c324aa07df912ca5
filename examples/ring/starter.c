/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the ring's memory, which it cannot see itself, and hands it to both programs: the consumer may write to it as
 * well, since it counts there what it has read. Ends with what went wrong, if anything did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <salto/startup.h>

#include "idl/factory.h"
#include "idl/memory_service.h"
#include "idl/process_service.h"
#include "ring.h"

#define MEMORY 400 /* pages */
#define KERNEL_BYTES (512UL << 10)

static void check(int error, const char *what)
{
    if (error == 0)
        return;
    printf("starter: %s: error %d\n", what, error);
    exit(1);
}

static void grant(process_child_t child, const char *name, uint32_t handle)
{
    uint8_t text[24] = {0};
    memcpy(text, name, strlen(name));
    check(process_child_grant(child, text, (kernel_endpoint_t){handle}), name);
}

static uint32_t new_notification(void)
{
    kernel_notification_t notification = {0};
    check(kernel_factory_create_notification((kernel_factory_t){salto_require("factory")}, &notification),
          "notification");
    return notification.handle;
}

/* Starts `file` with the ring, its own notification, and the other's. */
static process_child_t start(const char *file, memory_object_t ring, uint32_t own, uint32_t other)
{
    process_starter_t starter = {salto_require("process")};
    process_child_t child = {0};
    uint8_t name[32] = {0};
    memcpy(name, file, strlen(file));
    check(process_starter_create(starter, name, MEMORY, KERNEL_BYTES, &child), file);
    grant(child, "console", salto_require("console"));
    grant(child, "ring", ring.handle);
    grant(child, "own", own);
    grant(child, "other", other);
    check(process_child_start(child), file);
    return child;
}

int main(void)
{
    memory_space_t space = {salto_require("memory")};
    memory_object_t ring = {0};
    uint32_t statuses[2], filled = new_notification(), emptied = new_notification();
    check(memory_space_create(space, RING_PAGES, &ring), "memory");
    process_child_t consumer = start("consumer", ring, filled, emptied);
    process_child_t producer = start("producer", ring, emptied, filled);
    check(process_child_wait(producer, &statuses[0]), "producer");
    check(process_child_wait(consumer, &statuses[1]), "consumer");
    printf("starter: the producer ended with %u, the consumer with %u\n", statuses[0], statuses[1]);
    return statuses[0] || statuses[1];
}
