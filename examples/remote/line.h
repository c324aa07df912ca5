/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams over a serial line, which its driver serves (docs/serial.md). */
#ifndef REMOTE_LINE_H
#define REMOTE_LINE_H

#include <salto/stream.h>

#include "idl/notification.h"
#include "idl/serial_service.h"

/* The line, and what is signalled when it is worth trying again. */
struct line {
    serial_line_t line;
    kernel_notification_t notification;
};

/* Opens the line of the capability "serial" for this thread, which must not have a notification yet: 0 or -ERROR_*. */
int line_open(struct line *line);

/* Their `where` is a line. They wait without a time limit. */
extern const struct stream_ways line_ways;

#endif
