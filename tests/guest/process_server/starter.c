/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that starts others, out of its own quotas. `starter child`: a child, whose status it ends with. `starter
 * tree`: a child that spins, and waits for it. `starter bomb`: another of itself that does the same; the last ends with
 * the number of the error that it got, the others with the status of theirs.
 */
#include <string.h>

#include <salto/startup.h>

#include "idl/process_service.h"

#define KERNEL_BYTES (400UL << 10)

static int start(const char *file, uint64_t memory, uint64_t kernel, const char *first, const char *second,
                 process_child_t *process)
{
    uint8_t name[32] = {0}, text[2][256] = {{0}};
    strcpy((char *)name, file);
    strcpy((char *)text[0], first);
    strcpy((char *)text[1], second);
    int error = process_starter_create((process_starter_t){salto_require("process")}, name, memory, kernel, process);
    error = error ? error : process_child_argument(*process, text[0]);
    error = error ? error : process_child_argument(*process, text[1]);
    return error ? error : process_child_start(*process);
}

int main(int count, char **arguments)
{
    process_child_t process = {0};
    uint32_t status = 0;
    const char *what = count > 1 ? arguments[1] : "";
    int error;
    if (strcmp(what, "child") == 0)
        error = start("child", 200, KERNEL_BYTES, "status", "77", &process);
    else if (strcmp(what, "tree") == 0)
        error = start("child", 200, KERNEL_BYTES, "spin", "", &process);
    else
        error = start("starter", 300, 1UL << 20, what, "", &process);
    if (error)
        return error < 0 ? 1 : error;
    error = process_child_wait(process, &status);
    return error ? 100 : (int)status;
}
