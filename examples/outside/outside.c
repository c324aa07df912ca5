/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves the calculator's interface, and passes each call on over a serial line: the other way round from
 * examples/remote. All that knows the interface is generated.
 */
#include <salto/error.h>
#include <salto/server.h>
#include <salto/startup.h>
#include <stdio.h>

#include "../remote/line.h"
#include "idl/calculator_server.h"
#include "idl/factory.h"
#include "idl/reply.h"
#include "stream/calculator.h"
#include "stream/calculator_forward.h"

CALCULATOR_SERVER(serve_outside, calculator_forward)

int main(void)
{
    static struct salto_stream stream;
    static struct calculator_stream_memory memory;
    struct line line;
    kernel_reply_t reply;
    calculator_t calculator;
    int result = line_open(&line);

    if (result == 0)
        result = kernel_factory_create_reply((kernel_factory_t){salto_require("factory")}, &reply);
    if (result == 0) {
        calculator.handle = calculator_stream_client(&stream, &memory, &line_ways, &line);
        result = salto_serve_late(salto_require("calc"), reply.handle, serve_outside, &calculator);
    }
    fprintf(stderr, "outside: %s\n", salto_error_text(result));
    return 1;
}
