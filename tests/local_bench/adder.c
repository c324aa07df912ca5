/* SPDX-License-Identifier: BSD-2-Clause */
/* The server of the row local.add: nothing but a handler behind the generated dispatcher. */
#include <salto/server.h>
#include <salto/startup.h>

#include "idl/sum_server.h"

static int on_add(void *object, const struct idl_call *call, uint32_t a, uint32_t b, uint32_t *sum)
{
    (void)object, (void)call;
    *sum = a + b;
    return 0;
}

SUM_ADDER_SERVER(dispatch, on)

int main(void)
{
    return -salto_serve(salto_require("adder"), dispatch, 0);
}
