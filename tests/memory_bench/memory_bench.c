/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts the processes that measure, one after the other, and ends with the status of the first that failed. */
#include <stdio.h>

#include <salto/startup.h>

#include "idl/process_service.h"

#define MEMORY 20000 /* pages */
#define KERNEL_BYTES (32UL << 20)

static int run(const uint8_t file[32], uint32_t *status)
{
    static const uint8_t name[24] = "console";
    process_child_t child = {0};
    int error =
        process_starter_create((process_starter_t){salto_require("process")}, file, MEMORY, KERNEL_BYTES, &child);
    if (error == 0)
        error = process_child_grant(child, name, (kernel_endpoint_t){salto_require("console")});
    if (error == 0)
        error = process_child_start(child);
    if (error == 0)
        error = process_child_wait(child, status);
    return error ? error : process_child_release(child);
}

int main(void)
{
    static const uint8_t files[2][32] = {"rounds", "forks"};
    uint32_t status = 0;
    int error = run(files[0], &status);
    if (error == 0 && status == 0)
        error = run(files[1], &status);
    if (error)
        printf("memory_bench: the measuring process cannot be started: error %d\n", error);
    return error ? 1 : (int)status;
}
