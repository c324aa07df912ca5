/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands between a serial line and the calculator: what comes over the line in the stream encoding is called, and the
 * answer goes back. All that knows the interface is generated; the calculator is the one of examples/calculator, to the
 * byte.
 */
#include <salto/error.h>
#include <salto/startup.h>
#include <salto/stream.h>
#include <stdio.h>

#include "idl/calculator.h"
#include "line.h"
#include "stream/calculator_forward.h"
#include "stream/calculator_server.h"

CALCULATOR_SERVER(serve_remote, calculator_forward)

int main(void)
{
    static struct salto_stream stream;
    static struct calculator_stream_memory memory;
    calculator_t calculator = {salto_require("calc")};
    struct line line;
    int result = line_open(&line);

    if (result == 0) {
        printf("the calculator is at the second serial line\n");
        fflush(stdout);
        calculator_stream_server(&stream, &memory, &line_ways, &line);
        result = salto_stream_serve(&stream, serve_remote, &calculator);
    }
    fprintf(stderr, "remote: %s\n", salto_error_text(result));
    return 1;
}
