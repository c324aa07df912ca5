/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells the highest priority that this program may give to its thread. */
#include <stdio.h>

#include <salto/startup.h>

#include "idl/thread.h"

#define HIGHEST 255

int main(int count, char **arguments)
{
    kernel_thread_t self = {salto_require("thread")};
    uint32_t priority = HIGHEST;
    int result = kernel_thread_set_priority(self, priority);
    while (result == -ERROR_NO_RIGHT && priority > 0)
        result = kernel_thread_set_priority(self, --priority);
    printf("%s: %u\n", count > 0 ? arguments[0] : "?", priority);
    return result == 0 ? 0 : 1;
}
