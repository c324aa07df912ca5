/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the two consoles, serial line and debug port: idl/kernel/console.idl describes them. */
#include "debug/console.h"
#include "idl/console_kernel.h"
#include "ipc/dispatch.h"

/* What stands behind a console capability. The kernel makes one of each at boot. */
struct console {
    struct object object; /* `number` tells them apart: 0 serial line, 1 debug port */
};

static enum error put(const struct console *console, uint32_t length, const uint8_t *text, uint32_t capacity)
{
    if (length > capacity)
        return ERROR_BAD_ARGUMENT;
    if (console->object.number == 0)
        console_write((const char *)text, length);
    else
        log_write((const char *)text, length);
    return ERROR_NONE;
}

enum error kernel_console_write(struct kernel_call *call, struct console *self, uint32_t length, const uint8_t text[40])
{
    (void)call;
    return put(self, length, text, 40);
}

enum error kernel_console_write_long(struct kernel_call *call, struct console *self, uint32_t length,
                                     const uint8_t text[480])
{
    (void)call;
    return put(self, length, text, 480);
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
