/* SPDX-License-Identifier: BSD-2-Clause */
/* What is typed on the serial line, in a kernel without the debugger: all of it is the console's. */
#include "debug/console.h"

int console_read_byte(void)
{
    return console_receive_byte();
}
