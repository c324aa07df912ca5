/* SPDX-License-Identifier: BSD-2-Clause */
/* Root from its first instruction to the server set's: archive, manifest, programs; then it supervises. */
#include <salto/startup.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/addresses.h"
#include "idl/memory.h"
#include "idl/power.h"
#include "root.h"

#define MANIFEST_FILE "set.manifest"

struct root root;

_Noreturn void root_power_off(uint32_t status)
{
    fflush(stdout);
    int result = kernel_power_off((kernel_power_t){salto_grant("power")}, status);
    printf("root: the machine does not turn off: %s\n", salto_error_text(result));
    exit((int)status);
}

_Noreturn void root_fail(const char *format, ...)
{
    va_list arguments;
    printf("root: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    root_power_off(1);
}

/* The archive, as large as its memory object says. */
static void open_archive(void)
{
    char reason[ARCHIVE_REASON_SIZE];
    uint32_t pages;
    int result = kernel_memory_size((kernel_memory_t){salto_grant("archive")}, &pages);
    if (result)
        root_fail("the boot archive is not there: %s", salto_error_text(result));
    if (!archive_open(&root.archive, (const void *)ROOT_ARCHIVE, (size_t)pages * PAGE_SIZE, reason))
        root_fail("%s", reason);
}

static void print_error(void *context, const char *message)
{
    (void)context;
    fputs(message, stdout);
}

static bool is_in_archive(void *context, const char *name)
{
    struct archive_file file;
    (void)context;
    return archive_find(&root.archive, name, &file);
}

static void read_manifest(void)
{
    static const struct manifest_sink sink = {.report = print_error};
    struct archive_file file;
    if (!archive_find(&root.archive, MANIFEST_FILE, &file))
        root_fail("the boot archive has no file '" MANIFEST_FILE "'");
    bool good = manifest_parse(&root.manifest, MANIFEST_FILE, file.data, file.size, &sink);
    /* A manifest with errors is compared with the archive too, so that one run shows everything. */
    if (root.manifest.programs &&
        !manifest_check_files(&root.manifest, MANIFEST_FILE, file.data, file.size, is_in_archive, NULL, &sink))
        good = false;
    if (!good)
        root_fail("the manifest is refused");
}

static void make_supervisor(void)
{
    kernel_endpoint_t endpoint;
    int result = kernel_factory_create_endpoint(root.factory, &endpoint);
    if (result)
        root_fail("the supervisor's endpoint cannot be created: %s", salto_error_text(result));
    root.supervisor = endpoint.handle;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    root.task = (kernel_task_t){salto_grant("task")};
    root.factory = (kernel_factory_t){salto_grant("factory")};
    open_archive();
    read_manifest();
    load_handler();
    make_supervisor();
    if (!programs_check_files())
        root_fail("the set does not start");
    programs_start();
    supervise();
}
