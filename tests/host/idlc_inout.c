/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of parameters that are inputs and results at once (tests/idlc/good/inout.idl): the handler finds in them
 * what the caller had there, the caller what the handler left, but only on success. Prints TAP.
 */
#include "host_tap.h"
#include "idlc_stubs/transport.h"

#include "inout.h"
#include "inout_server.h"

#include <string.h>

static const inout_t self = {61};
static int outcome;

static int on_count(void *object, const struct idl_call *call, uint32_t *value)
{
    (void)object, (void)call;
    ++*value;
    return outcome;
}

static int on_all(void *object, const struct idl_call *call, uint8_t before, idl_string after, int16_t *small,
                  inout_shade_t *shade, uint64_t *more, double *real, struct inout_plain *plain,
                  struct inout_padded *padded, uint16_t row[5], struct inout_optional_u32 *maybe, bool *last)
{
    (void)object, (void)call;
    *more = before + after.size;
    *small = (int16_t) - *small;
    *shade = *shade == INOUT_SHADE_LIGHT ? INOUT_SHADE_DARK : INOUT_SHADE_LIGHT;
    *real = *real * 2;
    *plain = (struct inout_plain){plain->b, plain->a};
    padded->large += padded->small;
    for (unsigned i = 0; i < 5; i++)
        row[i]++;
    maybe->present = !maybe->present;
    *last = true;
    return outcome;
}

static int on_many(void *object, const struct idl_call *call, uint64_t numbers[30])
{
    (void)object, (void)call;
    for (unsigned i = 0; i < 30; i++)
        numbers[i] = numbers[i] * 3;
    return outcome;
}

INOUT_SERVER(serve, on)

static void test_scalar(void)
{
    uint32_t value = 41;

    host_ok(inout_count(self, &value) == 0 && value == 42, "a number comes back as the handler left it");
    outcome = INOUT_ERROR_NO;
    host_ok(inout_count(self, &value) == INOUT_ERROR_NO && value == 42, "a failure leaves it as it was");
    outcome = -ERROR_NO_MEMORY;
    host_ok(inout_count(self, &value) == -ERROR_NO_MEMORY && value == 42, "so does one of the transport");
    outcome = 0;
}

static void test_words(void)
{
    uint64_t numbers[30], wrong = 0;

    for (unsigned i = 0; i < 30; i++)
        numbers[i] = i;
    host_ok(inout_many(self, numbers) == 0, "an array that fills registers and UTCB");
    for (unsigned i = 0; i < 30; i++)
        wrong += numbers[i] != 3 * i;
    host_ok(wrong == 0, "comes back whole");
    outcome = INOUT_ERROR_NO;
    host_ok(inout_many(self, numbers) == INOUT_ERROR_NO && numbers[7] == 21, "or stays as it was");
    outcome = 0;
}

struct all {
    int16_t small;
    inout_shade_t shade;
    uint64_t more;
    double real;
    struct inout_plain plain;
    struct inout_padded padded;
    uint16_t row[5];
    struct inout_optional_u32 maybe;
    bool last;
};

static int call_all(struct all *all)
{
    return inout_all(self, 5, (idl_string){"seven", 5}, &all->small, &all->shade, &all->more, &all->real, &all->plain,
                     &all->padded, all->row, &all->maybe, &all->last);
}

static void test_all(void)
{
    struct all all = {.small = -3, .shade = INOUT_SHADE_DARK, .real = 1.5, .plain = {1, 2}, .row = {9, 8, 7, 6, 5}};
    struct all before;

    /* Passes through a copy, which has to leave what the caller has between the fields alone too. */
    all.padded = (struct inout_padded){.small = 4, .large = 10, .shade = INOUT_SHADE_DARK};
    all.maybe = (struct inout_optional_u32){.present = true, .value = 77};
    memcpy(&before, &all, sizeof(all));
    outcome = -ERROR_NO_MEMORY;
    host_ok(call_all(&all) == -ERROR_NO_MEMORY && memcmp(&before, &all, sizeof(all)) == 0,
            "nothing changes by failing");
    outcome = 0;
    host_ok(call_all(&all) == 0 && all.more == 10 && all.last, "beside inputs and results");
    host_ok(all.small == 3 && all.shade == INOUT_SHADE_LIGHT && all.real == 3.0, "scalars");
    host_ok(all.plain.a == 2 && all.plain.b == 1 && all.padded.small == 4 && all.padded.large == 14 &&
                all.padded.shade == INOUT_SHADE_DARK,
            "structs");
    host_ok(all.row[0] == 10 && all.row[4] == 6 && !all.maybe.present, "an array, and an optional");
}

static void test_refusals(void)
{
    struct all all = {.shade = 7, .maybe = {.present = false}};

    host_ok(call_all(&all) == -ERROR_BAD_ARGUMENT && idl_refused_parameter() == 3 && all.shade == 7,
            "an enum out of range is refused, and not touched");
    all.shade = INOUT_SHADE_LIGHT;
    all.padded.shade = 9;
    host_ok(call_all(&all) == -ERROR_BAD_ARGUMENT && idl_refused_parameter() == 6 && all.padded.shade == 9,
            "and one inside of a struct");
}

int main(void)
{
    transport_reset(serve, NULL);
    test_scalar();
    test_words();
    test_all();
    test_refusals();
    return host_done();
}
