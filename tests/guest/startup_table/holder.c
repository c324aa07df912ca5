/* SPDX-License-Identifier: BSD-2-Clause */
/* Compares the start-up table with the manifest, and the capability table with the start-up table. */
#include <salto/startup.h>
#include <salto/tap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idl/task.h"

/* What the manifest says; kernel objects have the number of their interface. */
static const struct {
    const char *name;
    uint32_t type, rights;
} expected[] = {
    {"task", 2, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE},
    {"thread", 3, RIGHT_READ | RIGHT_WRITE},
    {"factory", 1, RIGHT_READ | RIGHT_WRITE},
    {"log", 6, RIGHT_WRITE},
    {"console", 6, RIGHT_WRITE},
    {"clock", 7, RIGHT_READ},
    {"debug", 9, RIGHT_READ},
    {"a", 4, RIGHT_WRITE},
    {"b", 4, RIGHT_WRITE | RIGHT_COPY},
    {"c", 4, RIGHT_COPY},
};

#define EXPECTED (sizeof(expected) / sizeof(expected[0]))

static kernel_task_t task;

static bool inspect(uint32_t handle, uint32_t *type, uint32_t *rights)
{
    *type = *rights = 0;
    return kernel_task_inspect(task, handle, type, rights) == 0;
}

static void test_grants(void)
{
    for (unsigned i = 0; i < EXPECTED; i++) {
        uint32_t handle = salto_grant(expected[i].name), type, rights;
        bool good = handle != 0 && inspect(handle, &type, &rights);
        if (!tap_ok(good && type == expected[i].type && rights == expected[i].rights, "%s is as granted",
                    expected[i].name))
            tap_note("handle %u, type %u, rights %u", handle, type, rights);
    }
}

static bool is_in_table(uint32_t handle)
{
    const struct startup_table *table = salto_startup_table();
    for (uint32_t i = 0; i < table->grants_count; i++) {
        if (table->grants[i].handle == handle)
            return true;
    }
    return false;
}

/* Looks at every handle there can be. Memory that the Linux-call handler made for malloc is the program's own. */
static void test_nothing_else(void)
{
    unsigned found = 0, extra = 0;
    for (uint32_t handle = 0; handle < MAX_CAPABILITIES; handle++) {
        uint32_t type, rights;
        if (!inspect(handle, &type, &rights) || type == 0)
            continue;
        found++;
        extra += !is_in_table(handle);
    }
    tap_ok(found == EXPECTED && extra == 0, "%u capabilities, %u that are not in the table", found, extra);
}

static void test_badges(void)
{
    uint32_t handle;
    int copied = kernel_task_copy(task, salto_grant("b"), task, RIGHTS_ALL, &handle);
    uint32_t type, rights;
    tap_ok(copied == 0 && inspect(handle, &type, &rights) && rights == (RIGHT_WRITE | RIGHT_COPY),
           "a copy has no more rights than its source");
    tap_ok(kernel_task_mint(task, salto_grant("b"), task, RIGHTS_ALL, 6, &handle) == -ERROR_NO_RIGHT,
           "a badge cannot be changed");
    tap_ok(kernel_task_copy(task, salto_grant("a"), task, RIGHTS_ALL, &handle) == -ERROR_NO_RIGHT &&
               kernel_task_mint(task, salto_grant("a"), task, RIGHTS_ALL, 6, &handle) == -ERROR_NO_RIGHT,
           "without the copy right there is neither copy nor badge");
    tap_ok(kernel_task_copy(task, salto_grant("task"), task, RIGHTS_ALL, &handle) == -ERROR_NO_RIGHT,
           "the task's own capability is not copied");
}

int main(void)
{
    tap_plan(EXPECTED + 7);
    task = (kernel_task_t){salto_grant("task")};
    tap_ok(salto_startup_table() && salto_startup_table()->grants_count == EXPECTED, "the table has what was granted");
    tap_ok(salto_startup_table()->tsc_hertz > 1000000, "and the clock's frequency");
    test_grants();
    test_nothing_else();
    test_badges();
    return tap_status();
}
