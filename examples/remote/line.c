/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams over a serial line: what the driver cannot do at once is waited for by a notification. */
#include "line.h"

#include <salto/startup.h>
#include <salto/wait.h>

#include "idl/factory.h"

int line_open(struct line *line)
{
    int result;

    *line = (struct line){.line = {salto_require("serial")}};
    result = kernel_factory_create_notification((kernel_factory_t){salto_require("factory")}, &line->notification);
    if (result == 0)
        result = kernel_notification_bind(line->notification, (kernel_thread_t){salto_require("thread")});
    return result == 0 ? serial_line_watch(line->line, line->notification) : result;
}

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

const struct stream_ways line_ways = {line_read, line_write};
