/* SPDX-License-Identifier: BSD-2-Clause */
/* The server of the row shared.add: nothing but a handler behind the generated dispatcher and lib's server loop. */
#include <salto/server.h>
#include <salto/startup.h>

#include "idl/rings_server.h"

static int adder_add(void *object, const struct idl_call *call, uint32_t a, uint32_t b, uint32_t *sum)
{
    (void)object, (void)call;
    *sum = a + b;
    return 0;
}

RINGS_ADDER_SERVER(dispatch, adder)

int main(void)
{
    return -salto_serve(salto_require("adder"), dispatch, 0);
}
