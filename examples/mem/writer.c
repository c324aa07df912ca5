/* SPDX-License-Identifier: BSD-2-Clause */
/* Fills the table, which the reader attaches as well, and maps a page of it on to whoever asks. */
#include <string.h>

#include <salto/server.h>
#include <salto/startup.h>

#include "idl/memory_service.h"
#include "idl/table_server.h"
#include "table.h"

static char *table;

static int on_page(void *server, const struct idl_call *call, struct idl_pages *page)
{
    (void)server, (void)call;
    *page = (struct idl_pages){.address = table + GIVEN_PAGE * PAGE, .size = PAGE};
    return 0;
}

TABLE_SERVER(serve_table, on)

int main(void)
{
    memory_space_t space = {salto_require("memory")};
    memory_object_t object = {salto_require("object")};
    uint64_t start = 0;
    if (memory_space_attach(space, object, 0, 0, TABLE_PAGES, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE, 0, &start) != 0)
        return 1;
    table = (char *)start;
    memset(table, 'x', TABLE_PAGES * PAGE);
    return salto_serve(salto_require("table"), serve_table, NULL) == 0 ? 0 : 1;
}
