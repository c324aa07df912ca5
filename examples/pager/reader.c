/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the whole table at TABLE, from where nothing is until the pager brings it: every line, STEP lines further each
 * time. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <salto/startup.h>

#include "idl/thread.h"
#include "table.h"

/* Does the line say what it should? */
static int is_right(uint32_t number)
{
    char expected[LINE_SIZE + 1];
    snprintf(expected, sizeof(expected), LINE_FORMAT, number, number * number);
    return memcmp((const char *)TABLE + (uint64_t)number * LINE_SIZE, expected, LINE_SIZE) == 0;
}

int main(int count, char **arguments)
{
    uint32_t step = count > 1 ? (uint32_t)atoi(arguments[1]) : 1, right = 0;
    kernel_endpoint_t pager = {salto_require("pages")};
    if (kernel_thread_set_pager((kernel_thread_t){salto_require("thread")}, pager) != 0)
        return 1;
    for (uint32_t i = 0; i < LINES; i++)
        right += is_right(i * step % LINES);
    printf("%s: %u of %u lines are right\n", arguments[0], right, LINES);
    return right == LINES ? 0 : 1;
}
