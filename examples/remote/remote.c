/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands between a serial line and the calculator: what comes over the line in the stream encoding is called, and the
 * answer goes back. All that knows the interface is generated; the calculator is the one of examples/calculator, to the
 * byte.
 */
#include <salto/error.h>
#include <salto/startup.h>
#include <salto/stream.h>
#include <salto/wait.h>
#include <stdio.h>

#include "idl/calculator.h"
#include "idl/factory.h"
#include "idl/notification.h"
#include "idl/serial_service.h"
#include "stream/calculator_forward.h"
#include "stream/calculator_server.h"

CALCULATOR_SERVER(serve_remote, calculator_forward)

/* The line, and what is signalled when it is worth trying again. */
struct line {
    serial_line_t line;
    kernel_notification_t notification;
};

/* Without a time limit: servers wait for as long as it takes. */
static int64_t line_read(void *where, void *to, size_t size, uint64_t timeout)
{
    struct line *line = where;
    size_t length = 0;
    uint64_t bits;

    (void)timeout;
    for (;;) {
        if (serial_line_read(line->line, to, size, &length) != 0)
            return 0;
        if (length)
            return (int64_t)length;
        if (ipc_wait_signals(line->notification.handle, DEADLINE_NEVER, &bits) != 0)
            return 0;
    }
}

static int line_write(void *where, const void *from, size_t size)
{
    struct line *line = where;
    const char *at = from;
    uint32_t taken = 0;
    uint64_t bits;

    while (size) {
        if (serial_line_write(line->line, at, size < 256 ? size : 256, &taken) != 0 || taken > size)
            return -ERROR_DEAD;
        at += taken;
        size -= taken;
        if (!taken && ipc_wait_signals(line->notification.handle, DEADLINE_NEVER, &bits) != 0)
            return -ERROR_DEAD;
    }
    return 0;
}

static const struct stream_ways line_ways = {line_read, line_write};

int main(void)
{
    static struct salto_stream stream;
    static struct calculator_stream_memory memory;
    calculator_t calculator = {salto_require("calc")};
    struct line line = {{salto_require("serial")}, {0}};
    int result = kernel_factory_create_notification((kernel_factory_t){salto_require("factory")}, &line.notification);

    if (result == 0)
        result = kernel_notification_bind(line.notification, (kernel_thread_t){salto_require("thread")});
    if (result == 0)
        result = serial_line_watch(line.line, line.notification);
    if (result == 0) {
        printf("the calculator is at the second serial line\n");
        fflush(stdout);
        calculator_stream_server(&stream, &memory, &line_ways, &line);
        result = salto_stream_serve(&stream, serve_remote, &calculator);
    }
    fprintf(stderr, "remote: %s\n", salto_error_text(result));
    return 1;
}
