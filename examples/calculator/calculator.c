/* SPDX-License-Identifier: BSD-2-Clause */
/* The server: one function for each operation of calculator.idl. */
#include <salto/server.h>
#include <salto/startup.h>
#include <stdio.h>

#include "idl/calculator_server.h"

/* What the server remembers; `object` of each handler. */
struct calculator {
    uint64_t calculations, errors;
};

/* Counts a calculation that gave `error`, which it passes on. */
static int count(void *object, int error)
{
    struct calculator *calculator = object;
    calculator->calculations++;
    calculator->errors += error != 0;
    return error;
}

static int add(int64_t a, int64_t b, int64_t *sum)
{
    return __builtin_add_overflow(a, b, sum) ? CALCULATOR_ERROR_OVERFLOW : 0;
}

static int handle_add(void *object, const struct idl_call *call, int64_t a, int64_t b, int64_t *sum)
{
    (void)call;
    return count(object, add(a, b, sum));
}

static int divide(int64_t a, int64_t b, int64_t *quotient, int64_t *remainder)
{
    if (b == 0)
        return CALCULATOR_ERROR_DIVISION_BY_ZERO;
    if (a == INT64_MIN && b == -1)
        return CALCULATOR_ERROR_OVERFLOW;
    *quotient = a / b;
    *remainder = a % b;
    return 0;
}

static int handle_divide(void *object, const struct idl_call *call, int64_t a, int64_t b, int64_t *quotient,
                         int64_t *remainder)
{
    (void)call;
    return count(object, divide(a, b, quotient, remainder));
}

static int calculate(int64_t a, calculator_operator_t how, int64_t b, int64_t *result)
{
    int64_t remainder;
    switch (how) {
    case CALCULATOR_OPERATOR_ADD:
        return add(a, b, result);
    case CALCULATOR_OPERATOR_SUBTRACT:
        return __builtin_sub_overflow(a, b, result) ? CALCULATOR_ERROR_OVERFLOW : 0;
    case CALCULATOR_OPERATOR_MULTIPLY:
        return __builtin_mul_overflow(a, b, result) ? CALCULATOR_ERROR_OVERFLOW : 0;
    default: /* the dispatcher lets nothing else through */
        return divide(a, b, result, &remainder);
    }
}

static int handle_calculate(void *object, const struct idl_call *call, int64_t a, calculator_operator_t how, int64_t b,
                            int64_t *result)
{
    (void)call;
    return count(object, calculate(a, how, b, result));
}

static int handle_sum(void *object, const struct idl_call *call, const int64_t numbers[40], int64_t *sum)
{
    (void)call;
    *sum = 0;
    for (int i = 0; i < 40; i++) {
        if (__builtin_add_overflow(*sum, numbers[i], sum))
            return count(object, CALCULATOR_ERROR_OVERFLOW);
    }
    return count(object, 0);
}

static int handle_statistics(void *object, const struct idl_call *call, struct calculator_statistics *statistics)
{
    const struct calculator *calculator = object;
    statistics->calculations = calculator->calculations;
    statistics->errors = calculator->errors;
    statistics->client = call->badge;
    return 0;
}

CALCULATOR_SERVER(serve_calculator, handle)

int main(void)
{
    struct calculator calculator = {0};
    uint32_t endpoint = salto_require("calc");
    printf("calculator: ready\n");
    return salto_serve(endpoint, serve_calculator, &calculator) == 0 ? 0 : 1;
}
