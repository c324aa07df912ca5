/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts writer and reader, and when they have what they want `mem`. Ends with what that ends with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <salto/startup.h>
#include <salto/wait.h>

#include "abi/capability.h"
#include "idl/factory.h"
#include "idl/memory_service.h"
#include "idl/notification.h"
#include "idl/process_service.h"
#include "idl/task.h"
#include "table.h"

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

/* A process of `file` that does not run yet. */
static process_child_t create(const char *file)
{
    process_child_t child = {0};
    uint8_t name[32] = {0};
    memcpy(name, file, strlen(file));
    check(process_starter_create((process_starter_t){salto_require("process")}, name, MEMORY, KERNEL_BYTES, &child),
          file);
    grant(child, "console", salto_require("console"));
    return child;
}

/* Writer and reader: the writer receives on the endpoint to which the reader sends. */
static void start_both(uint32_t ready)
{
    kernel_task_t task = {salto_require("task")};
    kernel_endpoint_t table = {0};
    memory_object_t object = {0}, readable = {0};
    uint32_t sending = 0;
    check(kernel_factory_create_endpoint((kernel_factory_t){salto_require("factory")}, &table), "endpoint");
    check(kernel_task_mint(task, table.handle, task, RIGHT_WRITE | RIGHT_COPY, 1, &sending), "mint");
    check(memory_space_create((memory_space_t){salto_require("memory")}, TABLE_PAGES, &object), "object");
    check(memory_object_share(object, KERNEL_RIGHTS_READ, &readable), "share");
    process_child_t writer = create("writer"), reader = create("reader");
    grant(writer, "object", object.handle);
    grant(writer, "table", table.handle);
    grant(reader, "object", readable.handle);
    grant(reader, "table", sending);
    grant(reader, "ready", ready);
    check(process_child_start(writer), "writer");
    check(process_child_start(reader), "reader");
}

int main(void)
{
    kernel_notification_t ready = {0};
    uint32_t status = 1;
    uint64_t bits;
    check(kernel_factory_create_notification((kernel_factory_t){salto_require("factory")}, &ready), "notification");
    check(kernel_notification_bind(ready, (kernel_thread_t){salto_require("thread")}), "bind");
    start_both(ready.handle);
    check(ipc_wait_signals(ready.handle, DEADLINE_NEVER, &bits), "reader");
    process_child_t mem = create("mem");
    grant(mem, "inspector", salto_require("inspector"));
    check(process_child_start(mem), "mem");
    check(process_child_wait(mem, &status), "mem");
    return (int)status;
}
