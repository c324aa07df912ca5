/* SPDX-License-Identifier: BSD-2-Clause */
/* The row local.add: what stub.add measures, with the server in the same program. */
#include "../bench/markers.h"
#include "idl/console.h"
#include "idl/sum.h"

#include <salto/route.h>
#include <salto/startup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 10000
#define MARKER_EMPTY_STUB 2 /* as in tests/bench */
#define MARKER_LOCAL_ADD 27

static uint32_t samples[ROUNDS];

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static inline uint32_t stamp(void)
{
    uint32_t low;
    __asm__ volatile("rdtsc" : "=a"(low) : : "rdx", "memory");
    return low;
}

static void measure_empty(sum_adder_t adder)
{
    (void)adder;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        MARKER_BEGIN(MARKER_EMPTY_STUB);
        uint32_t begin = stamp();
        uint32_t end = stamp();
        MARKER_END(MARKER_EMPTY_STUB);
        samples[round] = end - begin;
    }
}

static void measure_add(sum_adder_t adder)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t sum = 0;
        MARKER_BEGIN(MARKER_LOCAL_ADD);
        uint32_t begin = stamp();
        int error = sum_adder_add(adder, round, 7, &sum);
        __asm__ volatile("" : : "r"(sum)); /* as if it were used */
        uint32_t end = stamp();
        MARKER_END(MARKER_LOCAL_ADD);
        samples[round] = error ? UINT32_MAX : end - begin;
    }
}

static uint32_t median(void (*measure)(sum_adder_t adder), sum_adder_t adder)
{
    measure(adder);
    qsort(samples, ROUNDS, sizeof(samples[0]), by_value);
    return samples[ROUNDS / 2];
}

static void write_log(const char *text)
{
    kernel_console_t log = {salto_require("log")};
    uint8_t piece[40] = {0};
    for (size_t left = strlen(text); left > 0;) {
        uint32_t length = left < sizeof(piece) ? (uint32_t)left : sizeof(piece);
        memcpy(piece, text, length);
        if (kernel_console_write(log, length, piece) != 0)
            exit(1);
        text += length, left -= length;
    }
}

int main(void)
{
    sum_adder_t adder = {salto_require("adder")};
    uint32_t empty = median(measure_empty, adder), sum = 0, cost;
    char line[160];
    if (!salto_is_route(adder.handle) || sum_adder_add(adder, 20, 22, &sum) != 0 || sum != 42)
        return 1;
    cost = median(measure_add, adder);
    snprintf(line, sizeof(line), "bench local.add %d %d %u %u %u\n", MARKER_LOCAL_ADD, MARKER_EMPTY_STUB, cost - empty,
             samples[0] - empty, samples[ROUNDS - 1] - empty);
    write_log(line);
    return 0;
}
