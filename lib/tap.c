/* SPDX-License-Identifier: BSD-2-Clause */
/* Test results on the `log` console. Each line goes out whole, so that programs of one set do not mix within lines. */
#include <salto/tap.h>

#include <salto/startup.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "idl/console.h"

#define LINE_SIZE 480 /* what Console.write_long takes */

static unsigned planned, reported, failed;

/* Writes the `length` bytes of a line. */
static void write_line(const char *line, int length)
{
    static uint8_t text[LINE_SIZE];
    kernel_console_t log = {salto_grant("log")};
    if (log.handle == 0) {
        printf("%.*s", length, line);
        return;
    }
    memset(text, 0, sizeof(text));
    memcpy(text, line, (size_t)length);
    if (kernel_console_write_long(log, (uint32_t)length, text) != 0)
        failed++; /* a result that nobody sees is a failure */
}

/* Writes `head`, then the formatted text, then a newline; what does not fit is cut off. */
static void write_formatted(const char *head, const char *format, va_list arguments)
{
    char line[LINE_SIZE];
    size_t used = (size_t)snprintf(line, sizeof(line), "%s", head);
    int more = vsnprintf(line + used, sizeof(line) - 1 - used, format, arguments);
    used += more < 0 ? 0 : (size_t)more;
    if (used > sizeof(line) - 2)
        used = sizeof(line) - 2;
    line[used++] = '\n';
    write_line(line, (int)used);
}

void tap_plan(unsigned count)
{
    char line[32];
    planned = count;
    write_line(line, snprintf(line, sizeof(line), "1..%u\n", count));
}

bool tap_ok(bool condition, const char *format, ...)
{
    char head[32];
    va_list arguments;
    reported++;
    failed += condition ? 0 : 1;
    snprintf(head, sizeof(head), "%sok %u - ", condition ? "" : "not ", reported);
    va_start(arguments, format);
    write_formatted(head, format, arguments);
    va_end(arguments);
    return condition;
}

void tap_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_formatted("# ", format, arguments);
    va_end(arguments);
}

int tap_status(void)
{
    return failed == 0 && reported == planned ? 0 : 1;
}
