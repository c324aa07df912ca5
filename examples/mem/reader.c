/* SPDX-License-Identifier: BSD-2-Clause */
/* Has the table three times: attached to read, as a copy of its own in which it changes two pages, and a page from the
 * writer. Says so, and waits until it is ended. */
#include <stdint.h>
#include <stdio.h>

#include <salto/startup.h>
#include <salto/wait.h>

#include "idl/memory_service.h"
#include "idl/table.h"
#include "table.h"

static volatile char *attach(uint32_t rights, uint32_t how)
{
    memory_space_t space = {salto_require("memory")};
    memory_object_t object = {salto_require("object")};
    uint64_t start = 0;
    return memory_space_attach(space, object, 0, 0, TABLE_PAGES, rights, how, &start) == 0 ? (volatile char *)start
                                                                                           : NULL;
}

int main(void)
{
    const struct idl_pages window = {.address = (void *)WINDOW, .size = PAGE};
    struct idl_pages page;
    int error = table_page((table_t){salto_require("table")}, window, &page);
    volatile char *shared = attach(KERNEL_RIGHTS_READ, 0);
    volatile char *own = attach(KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE, MEMORY_ATTACHMENT_PRIVATE);
    int sum = 0;
    if (error || !shared || !own)
        return 1;
    for (int i = 0; i < TABLE_PAGES; i++)
        sum += shared[i * PAGE] == own[i * PAGE];
    own[0] = own[5 * PAGE] = 'y';
    sum += ((volatile char *)page.address)[0] == shared[GIVEN_PAGE * PAGE];
    printf("reader: %d pages are the same\n", sum);
    if (ipc_signal(salto_require("ready"), 1) != 0)
        return 1;
    return ipc_sleep_until(DEADLINE_NEVER);
}
