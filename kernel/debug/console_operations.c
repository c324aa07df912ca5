/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the two consoles, serial line and debug port: idl/kernel/console.idl describes them. */
#include "debug/console.h"
#include "idl/console_kernel.h"
#include "ipc/dispatch.h"
#include "thread/schedule.h"
#include "thread/thread.h"

/* What stands behind a console capability. The kernel makes one of each at boot. */
struct console {
    struct object object; /* `number` tells them apart: 0 serial line, 1 debug port */
};

/* The text is in the queue of the console, unless there was no room; `progress` of the caller says where it ends, so
 * that it is not entered twice. The caller waits until it is sent, and is interrupted there. */
static enum error put_on_line(struct kernel_call *call, const uint8_t *text, uint32_t length)
{
    struct thread *caller = kernel_call_thread(call);
    while (!caller->progress || !console_is_sent(caller->progress)) {
        if (!caller->progress)
            caller->progress = console_queue((const char *)text, length);
        (void)console_queue_piece();
        if (preemption_due())
            return kernel_call_restart(call);
    }
    caller->progress = 0;
    return ERROR_NONE;
}

static enum error put(struct kernel_call *call, const struct console *console, uint32_t length, const uint8_t *text,
                      uint32_t capacity)
{
    if (length > capacity)
        return ERROR_BAD_ARGUMENT;
    if (length == 0)
        return ERROR_NONE;
    if (console->object.number == 0)
        return put_on_line(call, text, length);
    log_write((const char *)text, length);
    return ERROR_NONE;
}

enum error kernel_console_write(struct kernel_call *call, struct console *self, uint32_t length, const uint8_t text[40])
{
    return put(call, self, length, text, 40);
}

enum error kernel_console_write_long(struct kernel_call *call, struct console *self, uint32_t length,
                                     const uint8_t text[480])
{
    return put(call, self, length, text, 480);
}

enum error kernel_console_read(struct kernel_call *call, struct console *self, uint32_t *length, uint8_t text[40])
{
    (void)call;
    *length = 0;
    while (self->object.number == 0 && *length < 40) {
        int byte = console_read_byte();
        if (byte < 0)
            break;
        text[(*length)++] = (uint8_t)byte;
    }
    return ERROR_NONE;
}

void console_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_console_dispatch(call, (struct console *)capability->object, capability->rights);
}
