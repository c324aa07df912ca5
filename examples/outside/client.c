/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Uses a calculator, and cannot tell that it is a program on another machine: the capability in its manifest says who
 * answers, and nothing here.
 */
#include <inttypes.h>
#include <salto/startup.h>
#include <stdio.h>

#include "idl/calculator.h"

static calculator_t calculator;

static void show_divide(int64_t a, int64_t b)
{
    int64_t quotient = 0, remainder = 0;
    int result = calculator_divide(calculator, a, b, &quotient, &remainder);

    if (result > 0)
        printf("%" PRId64 " / %" PRId64 ": %s\n", a, b, calculator_error_text(result));
    else if (result < 0)
        printf("%" PRId64 " / %" PRId64 ": the call failed (%d)\n", a, b, result);
    else
        printf("%" PRId64 " / %" PRId64 " = %" PRId64 ", remainder %" PRId64 "\n", a, b, quotient, remainder);
}

static int show_sum(void)
{
    int64_t numbers[40], sum = 0;
    int result;

    for (int i = 0; i < 40; i++)
        numbers[i] = i * i;
    result = calculator_sum(calculator, numbers, &sum);
    printf("the sum of 40 squares: %" PRId64 " (%d)\n", sum, result);
    return result;
}

int main(void)
{
    struct calculator_statistics statistics = {0};
    int result;

    calculator = (calculator_t){salto_require("calc")};
    show_divide(-17, 5);
    show_divide(1, 0);
    result = show_sum();
    if (result == 0)
        result = calculator_statistics(calculator, &statistics);
    printf("%" PRIu64 " calculations, %" PRIu64 " errors\n", statistics.calculations, statistics.errors);
    return result == 0 ? 0 : 1;
}
