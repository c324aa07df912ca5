/* SPDX-License-Identifier: BSD-2-Clause */
/* The process server's start: it maps the archive, and serves. What it is granted: process, memory, archive,
 * console. */
#include <salto/error.h>
#include <salto/server.h>
#include <salto/startup.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "idl/memory.h"
#include "process.h"

struct service service;

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "process: %s: %s\n", what, why);
    exit(1);
}

static void open_archive(void)
{
    const kernel_memory_t memory = {salto_require("archive")};
    char reason[ARCHIVE_REASON_SIZE];
    uint32_t pages = 0;
    int result = kernel_memory_size(memory, &pages);
    if (result == 0)
        result = kernel_memory_map(memory, service.task, ROOT_ARCHIVE, 0, pages, RIGHT_READ);
    if (result)
        fail("the archive cannot be mapped", salto_error_text(result));
    if (!archive_open(&service.archive, (const void *)ROOT_ARCHIVE, (size_t)pages * PAGE_SIZE, reason))
        fail("the archive is damaged", reason);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    service.task = (kernel_task_t){salto_require("task")};
    service.factory = (kernel_factory_t){salto_require("factory")};
    service.space = (memory_space_t){salto_require("memory")};
    service.endpoint = salto_require("process");
    open_archive();
    if (!processes_prepare())
        fail("it cannot start", "its quota has not enough");
    int result = salto_serve(service.endpoint, process_dispatch, NULL);
    fail("it cannot serve", salto_error_text(result));
}
