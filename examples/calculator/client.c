/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client: calls each operation of the calculator, and measures what a round trip costs. Its own output goes by the
 * same kind of call: printf is reflected to the Linux-call handler, which calls the kernel's console.
 */
#include <inttypes.h>
#include <salto/startup.h>
#include <stdio.h>

#include "idl/calculator.h"

#define ROUNDS 10000
#define BATCHES 101

static calculator_t calculator;

/* What a stub answered: the name of an error that the interface declares, or what the transport says. */
static const char *error_name(int error)
{
    switch (error) {
    case 0:
        return "fine";
    case CALCULATOR_ERROR_DIVISION_BY_ZERO:
        return "division by zero";
    case CALCULATOR_ERROR_OVERFLOW:
        return "overflow";
    default:
        return "the call failed";
    }
}

static void show_add(int64_t a, int64_t b)
{
    int64_t sum = 0;
    int error = calculator_add(calculator, a, b, &sum);
    if (error)
        printf("%" PRId64 " + %" PRId64 ": %s\n", a, b, error_name(error));
    else
        printf("%" PRId64 " + %" PRId64 " = %" PRId64 "\n", a, b, sum);
}

static void show_divide(int64_t a, int64_t b)
{
    int64_t quotient = 0, remainder = 0;
    int error = calculator_divide(calculator, a, b, &quotient, &remainder);
    if (error)
        printf("%" PRId64 " / %" PRId64 ": %s\n", a, b, error_name(error));
    else
        printf("%" PRId64 " / %" PRId64 " = %" PRId64 ", remainder %" PRId64 "\n", a, b, quotient, remainder);
}

static void show_multiply(int64_t a, int64_t b)
{
    int64_t result = 0;
    int error = calculator_calculate(calculator, a, CALCULATOR_OPERATOR_MULTIPLY, b, &result);
    if (error)
        printf("%" PRId64 " * %" PRId64 ": %s\n", a, b, error_name(error));
    else
        printf("%" PRId64 " * %" PRId64 " = %" PRId64 "\n", a, b, result);
}

static void show_sum(void)
{
    int64_t numbers[40], sum = 0;
    for (int i = 0; i < 40; i++)
        numbers[i] = i + 1;
    int error = calculator_sum(calculator, numbers, &sum);
    if (error)
        printf("1 + 2 + ... + 40: %s\n", error_name(error));
    else
        printf("1 + 2 + ... + 40 = %" PRId64 "\n", sum);
}

/* ---- What it costs ---------------------------------------------------------------------------------------------- */

static uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* One round trip of an operation; false if it failed. */
typedef bool round_trip(void);

static bool round_nothing(void)
{
    return true;
}

static bool round_add(void)
{
    int64_t sum = 0;
    return calculator_add(calculator, 20, 22, &sum) == 0 && sum == 42;
}

static bool round_statistics(void)
{
    struct calculator_statistics statistics = {0};
    return calculator_statistics(calculator, &statistics) == 0;
}

static bool round_sum(void)
{
    static const int64_t numbers[40] = {[39] = 7};
    int64_t sum = 0;
    return calculator_sum(calculator, numbers, &sum) == 0 && sum == 7;
}

/* The least ticks that a round took, as the mean of a batch; 0 if one failed. An interrupt spoils one batch only. */
static uint64_t measure(round_trip *round)
{
    uint64_t least = UINT64_MAX;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t start = ticks();
        for (int i = 0; i < ROUNDS / BATCHES; i++) {
            if (!round())
                return 0;
        }
        uint64_t taken = (ticks() - start) / (ROUNDS / BATCHES);
        least = taken < least ? taken : least;
    }
    return least;
}

static void show_cost(const char *name, round_trip *round, uint64_t empty)
{
    uint64_t cost = measure(round);
    if (cost == 0)
        printf("  %-44s failed\n", name);
    else
        printf("  %-44s %6" PRIu64 "\n", name, cost - empty);
}

static void show_costs(void)
{
    uint64_t empty = measure(round_nothing);
    printf("\n  %-44s %6s\n", "round trip between two address spaces", "ticks");
    show_cost("add: 2 words there, 1 back", round_add, empty);
    show_cost("statistics: none there, 3 back", round_statistics, empty);
    show_cost("sum: 40 words there, 1 back", round_sum, empty);
    printf("  (a tick of the time-stamp counter is an instruction where QEMU counts them: --icount)\n");
}

int main(void)
{
    struct calculator_statistics statistics = {0};
    calculator = (calculator_t){salto_require("calc")};
    show_add(2, 3);
    show_add(INT64_MAX, 1);
    show_divide(17, 5);
    show_divide(1, 0);
    show_multiply(6, 7);
    show_sum();
    if (calculator_statistics(calculator, &statistics) != 0)
        return 1;
    printf("%" PRIu64 " calculations, %" PRIu64 " errors; I am client %" PRIu64 "\n", statistics.calculations,
           statistics.errors, statistics.client);
    show_costs();
    return 0;
}
