/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts both programs, with an endpoint between them. Ends with what the worker ended with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <salto/startup.h>

#include "abi/capability.h"
#include "idl/factory.h"
#include "idl/process_service.h"
#include "idl/task.h"

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

/* Starts `file` with a console, and one end of the endpoint. */
static process_child_t start(const char *file, uint32_t endpoint)
{
    process_starter_t starter = {salto_require("process")};
    process_child_t child = {0};
    uint8_t name[32] = {0};
    memcpy(name, file, strlen(file));
    check(process_starter_create(starter, name, MEMORY, KERNEL_BYTES, &child), file);
    grant(child, "console", salto_require("console"));
    grant(child, "checkpointer", endpoint);
    check(process_child_start(child), file);
    return child;
}

int main(void)
{
    kernel_task_t task = {salto_require("task")};
    kernel_endpoint_t endpoint = {0};
    uint32_t status = 1, sending = 0;
    check(kernel_factory_create_endpoint((kernel_factory_t){salto_require("factory")}, &endpoint), "endpoint");
    check(kernel_task_mint(task, endpoint.handle, task, RIGHT_WRITE | RIGHT_COPY, 1, &sending), "mint");
    start("checkpointer", endpoint.handle);
    process_child_t worker = start("worker", sending);
    check(process_child_wait(worker, &status), "worker");
    printf("starter: the worker ended with %u\n", status);
    return (int)status;
}
