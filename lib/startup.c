/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks grants up in the start-up table, which is mapped before the first instruction; and tells the server library, as
 * the program starts, by which handle it gives capabilities back, and makes new ones.
 */
#include <salto/server.h>
#include <salto/startup.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/addresses.h"

const struct startup_table *salto_startup_table(void)
{
    const struct startup_table *table = (const struct startup_table *)STARTUP_TABLE;
    return table->magic == STARTUP_MAGIC ? table : NULL;
}

uint32_t salto_grant(const char *name)
{
    const struct startup_table *table = salto_startup_table();
    for (uint32_t i = 0; table && i < table->grants_count; i++) {
        if (strcmp(table->grants[i].name, name) == 0)
            return table->grants[i].handle;
    }
    return 0;
}

uint32_t salto_require(const char *name)
{
    uint32_t handle = salto_grant(name);
    if (handle == 0) {
        fprintf(stderr, "this program was not granted '%s': see its set.manifest\n", name);
        exit(1);
    }
    return handle;
}

__attribute__((constructor)) static void note_own_objects(void)
{
    salto_own_task = salto_grant("task");
    salto_own_factory = salto_grant("factory");
}
