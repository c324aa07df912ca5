/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds of the generated stub, and the same loop with an addition in its place. */
#include "idl/bench.h"
#include "markers.h"
#include "rounds.h"

static inline uint32_t stamp(void)
{
    uint32_t low;
    __asm__ volatile("rdtsc" : "=a"(low) : : "rdx", "memory");
    return low;
}

/* As the stub seen from outside: its result is used, whatever it is. */
static inline void use(uint32_t value)
{
    __asm__ volatile("" : : "r"(value));
}

void rounds_stub_empty(uint64_t handle, uint32_t samples[ROUNDS])
{
    (void)handle;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        MARKER_BEGIN(MARKER_EMPTY_STUB);
        uint32_t begin = stamp();
        uint32_t end = stamp();
        MARKER_END(MARKER_EMPTY_STUB);
        samples[round] = end - begin;
    }
}

void rounds_stub_add(uint64_t handle, uint32_t samples[ROUNDS])
{
    bench_adder_t adder = {(uint32_t)handle};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t sum = 0;
        MARKER_BEGIN(MARKER_STUB_ADD);
        uint32_t begin = stamp();
        int error = bench_adder_add(adder, round, 7, &sum);
        use(sum);
        uint32_t end = stamp();
        MARKER_END(MARKER_STUB_ADD);
        samples[round] = error ? UINT32_MAX : end - begin;
    }
}
