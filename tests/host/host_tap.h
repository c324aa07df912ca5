/* SPDX-License-Identifier: BSD-2-Clause */
/* TAP output for tests that run on the machine that builds. The plan is printed last, as TAP allows. */
#ifndef SALTO_TESTS_HOST_TAP_H
#define SALTO_TESTS_HOST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static unsigned host_reported, host_failed;

/* Reports one result, named as by printf; answers `condition`. */
__attribute__((format(printf, 2, 3))) static inline bool host_ok(bool condition, const char *format, ...)
{
    va_list arguments;
    host_failed += condition ? 0 : 1;
    printf("%sok %u - ", condition ? "" : "not ", ++host_reported);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    return condition;
}

/* Prints the plan; answers the exit status. */
static inline int host_done(void)
{
    printf("1..%u\n", host_reported);
    return host_failed == 0 && host_reported > 0 ? 0 : 1;
}

/* The next number of a seeded generator (xorshift64*); `*state` must not be 0. */
static inline uint64_t host_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

#endif
