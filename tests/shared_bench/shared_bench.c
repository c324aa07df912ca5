/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds of generated stubs over rings, and of messages that nobody waits for over both. They are counted from outside,
 * between markers (../bench/markers.h); here it is only seen that each round did what it should.
 */
#include <stdio.h>
#include <stdlib.h>

#include <salto/startup.h>

#include "../bench/markers.h"
#include "idl/rings.h"

#define ROUNDS 2000
#define BATCH 16

/* tools/salto/shared_benchmark.py knows them. */
#define MARKER_SHARED_ADD 60
#define MARKER_SEND_16 61
#define MARKER_SHARED_SEND_16 62
#define MARKER_SHARED_STRING_4K 63

static void check(bool good, const char *what)
{
    if (good)
        return;
    printf("shared_bench: %s\n", what);
    exit(1);
}

static void measure_add(rings_adder_t adder)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t sum = 0;
        MARKER_BEGIN(MARKER_SHARED_ADD);
        int error = rings_adder_add(adder, round, 7, &sum);
        MARKER_END(MARKER_SHARED_ADD);
        check(error == 0 && sum == round + 7, "the sum is wrong");
    }
}

/* Messages that nobody waits for, and a call behind them: then they were heard. */
static inline __attribute__((always_inline)) void measure_batch(rings_ear_t ear, const int marker)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t heard = 0;
        int error = 0;
        MARKER_BEGIN(marker);
        for (uint32_t i = 0; i < BATCH; i++)
            error |= rings_ear_tell(ear, i);
        error |= rings_ear_heard(ear, &heard);
        MARKER_END(marker);
        check(error == 0 && heard == BATCH, "not all that was sent was heard in order");
    }
}

static void measure_string(rings_ear_t ear)
{
    static uint8_t data[4096] __attribute__((aligned(4096)));

    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t count = 0;
        MARKER_BEGIN(MARKER_SHARED_STRING_4K);
        int error = rings_ear_swallow(ear, data, sizeof(data), &count);
        MARKER_END(MARKER_SHARED_STRING_4K);
        check(error == 0 && count == sizeof(data), "the bytes did not arrive");
    }
}

int main(void)
{
    measure_add((rings_adder_t){salto_require("shared_adder")});
    measure_batch((rings_ear_t){salto_require("ear")}, MARKER_SEND_16);
    measure_batch((rings_ear_t){salto_require("shared_ear")}, MARKER_SHARED_SEND_16);
    measure_string((rings_ear_t){salto_require("shared_ear")});
    return 0;
}
