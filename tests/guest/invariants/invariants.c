/* SPDX-License-Identifier: BSD-2-Clause */
/* Plants a page that is writable and executable, and goes on calling until the kernel for tests looks at memory. */
#include <stdio.h>

#include <salto/startup.h>

#include "abi/addresses.h"
#include "idl/debug.h"

#define NO_EXECUTE (1UL << 63) /* bit of an entry, Intel SDM volume 3, 4.5 */
#define CALLS 2000             /* more than go by between two looks at memory */

static char page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE))) = {1};

int main(void)
{
    kernel_debug_t debug = {salto_require("debug")};
    kernel_task_t task = {salto_require("task")};
    uint64_t entry = 0, frames;
    for (int i = 0; i < CALLS; i++)
        if (kernel_debug_free_frames(debug, &frames) != 0)
            return 1;
    puts("invariants: nothing is broken yet");
    fflush(stdout);
    if (kernel_debug_page_entry(debug, task, (uint64_t)page, &entry) != 0 || !(entry & NO_EXECUTE))
        return 2;
    if (kernel_debug_set_page_entry(debug, task, (uint64_t)page, entry & ~NO_EXECUTE, false) != 0)
        return 3;
    for (int i = 0; i < CALLS; i++)
        if (kernel_debug_free_frames(debug, &frames) != 0)
            return 4;
    return 0;
}
