/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of generated code: client stubs call generated dispatchers over a transport in this process. Values and
 * their bounds go through both ways; what is out of range, of another shape or unknown is refused before a handler
 * runs; outputs are written on success only. The interfaces are those of tests/idlc/good. Capabilities are in
 * idlc_capabilities.c. Prints TAP.
 */
#include "host_tap.h"
#include "idlc_stubs/transport.h"

#include "aggregates.h"
#include "aggregates_server.h"
#include "scalars.h"
#include "scalars_server.h"

#include <string.h>

static unsigned handler_calls;
static uint64_t seen_badge;
static uint32_t told;

/* ---- Scalars ----------------------------------------------------------------------------------------------------- */

static const scalars_t scalars = {21};

static int scalars_on_unsigned_sum(void *object, const struct idl_call *call, uint8_t a, uint16_t b, uint32_t c,
                                   uint64_t d, uint64_t *sum)
{
    (void)object;
    handler_calls++;
    seen_badge = call->badge;
    *sum = (uint64_t)a + b + c + d;
    return 0;
}

static int scalars_on_signed_sum(void *object, const struct idl_call *call, int8_t a, int16_t b, int32_t c, int64_t d,
                                 int64_t *sum)
{
    (void)object;
    (void)call;
    handler_calls++;
    *sum = (int64_t)a + b + c + d;
    return 0;
}

static int scalars_on_echo(void *object, const struct idl_call *call, bool flag, scalars_signed_t sign,
                           scalars_sparse_t wide, scalars_plain_t plain, scalars_bits_t bits, bool *flag_out,
                           scalars_signed_t *sign_out, scalars_sparse_t *wide_out, scalars_plain_t *plain_out,
                           scalars_bits_t *bits_out)
{
    (void)object;
    (void)call;
    handler_calls++;
    *flag_out = flag;
    *sign_out = sign;
    *wide_out = wide;
    *plain_out = plain;
    *bits_out = bits;
    return 0;
}

static int scalars_on_narrow(void *object, const struct idl_call *call, uint8_t *a, int8_t *b, uint16_t *c, int16_t *d,
                             uint32_t *e, int32_t *f)
{
    (void)object;
    (void)call;
    *a = UINT8_MAX;
    *b = INT8_MIN;
    *c = UINT16_MAX;
    *d = INT16_MIN;
    *e = UINT32_MAX;
    *f = INT32_MIN;
    return 0;
}

static int scalars_on_fail(void *object, const struct idl_call *call, int32_t how)
{
    (void)object;
    (void)call;
    return how;
}

static int scalars_on_nothing(void *object, const struct idl_call *call)
{
    (void)call;
    *(int *)object += 1;
    return 0;
}

static void scalars_on_tell(void *object, const struct idl_call *call, uint32_t what)
{
    (void)object;
    (void)call;
    told = what;
}

static int scalars_on_many(void *object, const struct idl_call *call, uint64_t a, uint32_t b, uint64_t c, uint64_t d,
                           uint64_t e, uint64_t f, uint16_t g, bool h, int8_t i, uint64_t *j, uint64_t *k)
{
    (void)object;
    (void)call;
    handler_calls++;
    *j = a + b + c + d + e + f;
    *k = g + h + (uint64_t)(int64_t)i;
    return 0;
}

SCALARS_SERVER(serve_scalars, scalars_on)

static void test_unsigned(void)
{
    uint64_t sum = 0;
    int result;

    transport_reset(serve_scalars, NULL);
    result = scalars_unsigned_sum(scalars, UINT8_MAX, UINT16_MAX, UINT32_MAX, 5, &sum);
    host_ok(result == 0 && sum == 0xffULL + 0xffff + 0xffffffff + 5, "largest unsigned values arrive");
    host_ok(seen_badge == 0x1234, "the handler is told the badge");
    host_ok(transport.handle == 21, "the request goes to the handle");
    host_ok(transport.request == 0x5101000180000004, "the request's tag has id, number and count in it");
    host_ok(transport.words[4] == 0 && transport.words[5] == 0, "the client clears words that it does not use");
    host_ok(transport.reply == 0x80000008 && transport.reply_words[1] == 0 && transport.reply_words[5] == 0,
            "the answer is plain, its unused words are clear");
}

static void test_signed(void)
{
    int64_t sum = 0;
    uint8_t a;
    int8_t b;
    uint16_t c;
    int16_t d;
    uint32_t e;
    int32_t f;

    transport_reset(serve_scalars, NULL);
    host_ok(scalars_signed_sum(scalars, INT8_MIN, INT16_MIN, INT32_MIN, -1, &sum) == 0 &&
                sum == INT8_MIN + INT16_MIN + (int64_t)INT32_MIN - 1,
            "least signed values arrive");
    host_ok(transport.words[0] == (uint64_t)(int64_t)INT8_MIN, "signed values are sign-extended");
    host_ok(scalars_narrow(scalars, &a, &b, &c, &d, &e, &f) == 0 && a == UINT8_MAX && b == INT8_MIN &&
                c == UINT16_MAX && d == INT16_MIN && e == UINT32_MAX && f == INT32_MIN,
            "narrow results come back");
}

static int echo(bool *flag, scalars_signed_t *sign, scalars_sparse_t *wide, scalars_plain_t *plain,
                scalars_bits_t *bits)
{
    return scalars_echo(scalars, true, SCALARS_SIGNED_MINUS, SCALARS_SPARSE_HIGH, SCALARS_PLAIN_B,
                        SCALARS_BITS_FIRST | SCALARS_BITS_LAST, flag, sign, wide, plain, bits);
}

static void test_echo(void)
{
    bool flag = false;
    scalars_signed_t sign = 0;
    scalars_sparse_t wide = 0;
    scalars_plain_t plain = 0;
    scalars_bits_t bits = 0;

    transport_reset(serve_scalars, NULL);
    host_ok(echo(&flag, &sign, &wide, &plain, &bits) == 0 && flag && sign == SCALARS_SIGNED_MINUS &&
                wide == SCALARS_SPARSE_HIGH && plain == SCALARS_PLAIN_B && bits == 0x8001,
            "bool, enums and flags go through");
    for (unsigned word = 0; word < 5; word++) {
        transport_reset(serve_scalars, NULL);
        handler_calls = 0;
        transport.replace_word_mask = 1u << word;
        transport.replace_word = 2; /* no bool, not in any of the enums, an unknown flag */
        host_ok(echo(&flag, &sign, &wide, &plain, &bits) == -ERROR_BAD_ARGUMENT && handler_calls == 0,
                "a request whose word %u is out of range is refused", word);
        transport.replace_in_reply = true;
        flag = false;
        bits = 77;
        host_ok(echo(&flag, &sign, &wide, &plain, &bits) == -ERROR_BAD_ARGUMENT && !flag && bits == 77,
                "an answer whose word %u is out of range fails, and nothing is written", word);
    }
}

/* Words that are a little too large or too small for each of the integers. */
static void test_integer_ranges(void)
{
    static const uint64_t too_large[] = {0x100, 0x10000, 0x100000000, 0};
    static const int64_t too_small[] = {INT8_MIN - 1, INT16_MIN - 1, (int64_t)INT32_MIN - 1, 0};
    uint64_t sum = 99;
    int64_t signed_sum = 99;

    handler_calls = 0;
    for (unsigned word = 0; word < 3; word++) {
        transport_reset(serve_scalars, NULL);
        transport.replace_word_mask = 1u << word;
        transport.replace_word = too_large[word];
        host_ok(scalars_unsigned_sum(scalars, 1, 2, 3, 4, &sum) == -ERROR_BAD_ARGUMENT && sum == 99,
                "unsigned word %u of 0x%lx is refused", word, (unsigned long)too_large[word]);
        transport.replace_word = (uint64_t)too_small[word];
        host_ok(scalars_signed_sum(scalars, 1, 2, 3, 4, &signed_sum) == -ERROR_BAD_ARGUMENT && signed_sum == 99,
                "signed word %u of %ld is refused", word, (long)too_small[word]);
        transport.replace_word = too_large[word] / 2;
        host_ok(scalars_signed_sum(scalars, 1, 2, 3, 4, &signed_sum) == -ERROR_BAD_ARGUMENT && signed_sum == 99,
                "signed word %u of 0x%lx is refused", word, (unsigned long)too_large[word] / 2);
    }
    host_ok(handler_calls == 0, "no handler ran for any of them");
}

static void test_errors(void)
{
    static const struct {
        int32_t how;
        int result;
        const char *what;
    } cases[] = {
        {0, 0, "success"},
        {SCALARS_FAILURE_REFUSED, SCALARS_FAILURE_REFUSED, "a declared error"},
        {SCALARS_FAILURE_WORST, SCALARS_FAILURE_WORST, "the largest declared error"},
        {2, -ERROR_ABANDONED, "an error that is not declared"},
        {-ERROR_NO_MEMORY, -ERROR_NO_MEMORY, "a kernel error"},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        transport_reset(serve_scalars, NULL);
        host_ok(scalars_fail(scalars, cases[i].how) == cases[i].result, "a handler answers with %s", cases[i].what);
    }
}

static void test_transport_failures(void)
{
    static const struct {
        uint64_t tag;
        int result;
    } cases[] = {
        {ERROR_DEAD, -ERROR_DEAD},     {ERROR_ABANDONED, -ERROR_ABANDONED},
        {0, -ERROR_BAD_TAG},           {ERROR_LAST, -ERROR_BAD_TAG},
        {0x7fffffff, -ERROR_BAD_TAG},  {0x80000009, -ERROR_BAD_TAG},
        {0x500000007, -ERROR_BAD_TAG}, {0x580000007, 5},
        {0xfffffffb80000007, -5},
    };
    uint64_t sum = 99;

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        transport_reset(NULL, NULL);
        transport.failure = cases[i].tag;
        host_ok(scalars_unsigned_sum(scalars, 1, 2, 3, 4, &sum) == cases[i].result && sum == 99,
                "a transport that returns 0x%lx makes the stub return %d", (unsigned long)cases[i].tag,
                cases[i].result);
    }
}

static void test_tags(void)
{
    static const struct {
        uint64_t tag;
        int result;
    } cases[] = {
        {0x5101000180000003, -ERROR_BAD_TAG},       {0x5101000180000005, -ERROR_BAD_TAG},
        {0x5101000180000104, -ERROR_BAD_TAG},       {0x5101000180001104, -ERROR_BAD_TAG},
        {0x5101000780000004, -ERROR_BAD_OPERATION}, {0x5102000180000004, -ERROR_BAD_OPERATION},
        {0x0000000080000000, -ERROR_BAD_OPERATION}, {0xffffffff80000000, -ERROR_BAD_OPERATION},
    };
    uint64_t sum = 99;

    handler_calls = 0;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        transport_reset(serve_scalars, NULL);
        transport.replace_tag = cases[i].tag;
        host_ok(scalars_unsigned_sum(scalars, 1, 2, 3, 4, &sum) == cases[i].result && sum == 99,
                "request 0x%016lx is refused with %d", (unsigned long)cases[i].tag, cases[i].result);
    }
    host_ok(handler_calls == 0, "no handler ran for any of them");
}

static void test_oneway(void)
{
    int counter = 0;

    transport_reset(serve_scalars, &counter);
    host_ok(scalars_tell(scalars, 4711) == 0 && told == 4711, "a oneway operation arrives");
    host_ok(transport.reply == 0x80000400, "and is not answered");
    transport.replace_tag = 0x5101000980000301;
    told = 0;
    host_ok(scalars_tell(scalars, 1) == 0 && told == 0 && transport.reply == 0x80000400,
            "nor is an unknown one-way message");
    transport_reset(NULL, NULL);
    transport.failure = ERROR_DEAD;
    host_ok(scalars_tell(scalars, 1) == -ERROR_DEAD, "the client hears that nobody is there");
    transport_reset(serve_scalars, &counter);
    host_ok(scalars_nothing(scalars) == 0 && counter == 1, "the handler gets the object");
}

static int many(uint64_t *j, uint64_t *k)
{
    return scalars_many(scalars, 1, 2, 3, 4, 5, 6, 7, true, -3, j, k);
}

static void test_many(void)
{
    uint64_t j = 0, k = 0;

    transport_reset(serve_scalars, NULL);
    host_ok(many(&j, &k) == 0 && j == 21 && k == 5, "words beyond the registers arrive");
    host_ok(transport.request == 0x5101000680000109, "a request of nine words has the general form");
    host_ok(transport.reply_words[2] == 0 && transport.reply_words[5] == 0, "a longer answer's unused words are clear");
    for (unsigned word = 6; word < 9; word++) {
        transport_reset(serve_scalars, NULL);
        transport.replace_word_mask = 1u << word;
        transport.replace_word = 0x10000;
        handler_calls = 0;
        host_ok(many(&j, &k) == -ERROR_BAD_ARGUMENT && handler_calls == 0, "word %u out of range is refused", word);
    }
}

/* ---- Aggregates -------------------------------------------------------------------------------------------------- */

static const aggregates_t aggregates = {22};

static int aggregates_on_plain(void *object, const struct idl_call *call, const struct aggregates_plain *value,
                               struct aggregates_plain *value_out)
{
    (void)object;
    (void)call;
    *value_out = *value;
    return 0;
}

static int aggregates_on_padded(void *object, const struct idl_call *call, uint32_t before,
                                const struct aggregates_padded values[2], uint16_t after,
                                struct aggregates_padded values_out[2], uint32_t *count)
{
    (void)object;
    (void)call;
    handler_calls++;
    memcpy(values_out, values, 2 * sizeof(*values));
    memset(values_out[0].idl_padding_0, 0xee, sizeof(values_out[0].idl_padding_0));
    *count = before + after;
    return 0;
}

static int aggregates_on_outer(void *object, const struct idl_call *call, const struct aggregates_outer *value,
                               struct aggregates_outer *value_out)
{
    (void)object;
    (void)call;
    handler_calls++;
    /* An IPC of the handler's own overwrites the UTCB: what it was given must not lie there. */
    memset(&transport.server, 0xcc, sizeof(transport.server));
    *value_out = *value;
    return 0;
}

static int aggregates_on_largest(void *object, const struct idl_call *call, const uint8_t bytes[504],
                                 uint8_t bytes_out[504])
{
    (void)object;
    (void)call;
    memset(&transport.server, 0xcc, sizeof(transport.server));
    for (unsigned i = 0; i < 504; i++)
        bytes_out[i] = bytes[503 - i];
    return 0;
}

static int aggregates_on_text(void *object, const struct idl_call *call, uint32_t length, const uint8_t bytes[13],
                              uint8_t bytes_out[13])
{
    (void)object;
    (void)call;
    memcpy(bytes_out, bytes, length <= 13 ? length : 0);
    return 0;
}

static int aggregates_on_mixed(void *object, const struct idl_call *call, const bool flags[9],
                               const aggregates_color_t colors[7], const int16_t numbers[3], bool flags_out[9],
                               aggregates_color_t colors_out[7], int32_t *sum)
{
    (void)object;
    (void)call;
    handler_calls++;
    memcpy(flags_out, flags, 9);
    memcpy(colors_out, colors, 7);
    *sum = numbers[0] + numbers[1] + numbers[2];
    return 0;
}

AGGREGATES_SERVER(serve_aggregates, aggregates_on)

static void test_padded(void)
{
    struct aggregates_padded in[2] = {{.small = 1, .large = 2, .color = AGGREGATES_COLOR_BLUE, .flag = true},
                                      {.small = 3, .large = UINT64_MAX, .color = AGGREGATES_COLOR_GREEN}};
    struct aggregates_padded out[2] = {{0}};
    uint32_t count = 0;

    transport_reset(serve_aggregates, NULL);
    memset(in[0].idl_padding_0, 0xff, sizeof(in[0].idl_padding_0));
    memset(in[1].idl_padding_1, 0xff, sizeof(in[1].idl_padding_1));
    host_ok(aggregates_padded(aggregates, 40, in, 2, out, &count) == 0 && count == 42 && out[0].large == 2 &&
                out[0].flag && out[1].large == UINT64_MAX && out[1].color == AGGREGATES_COLOR_GREEN,
            "an array of structs crosses from registers to the UTCB");
    host_ok(transport.words[2] == 1, "the client sends no padding");
    host_ok(out[0].idl_padding_0[0] == 0 && out[1].idl_padding_1[5] == 0, "nor does the server");
    transport_reset(serve_aggregates, NULL);
    handler_calls = 0;
    transport.replace_word_mask = 1u << 7; /* the second struct's color and flag */
    transport.replace_word = 3;
    host_ok(aggregates_padded(aggregates, 40, in, 2, out, &count) == -ERROR_BAD_ARGUMENT && handler_calls == 0,
            "a color out of range inside a struct is refused");
    transport.replace_word = 0x200;
    host_ok(aggregates_padded(aggregates, 40, in, 2, out, &count) == -ERROR_BAD_ARGUMENT && handler_calls == 0,
            "so is a bool of 2");
    transport.replace_word_mask = 1u << 6; /* the reply has one scalar less before */
    transport.replace_in_reply = true;
    count = 7;
    host_ok(aggregates_padded(aggregates, 40, in, 2, out, &count) == -ERROR_BAD_ARGUMENT && count == 7,
            "and in the answer, where nothing is written then");
}

static void test_outer(void)
{
    struct aggregates_outer in = {.inner = {{1, 2, 3, 4, 65535}}, .padded = {{.large = 9}, {.small = 8}}};
    struct aggregates_outer out;

    in.colors[2] = AGGREGATES_COLOR_BLUE;
    transport_reset(serve_aggregates, NULL);
    host_ok(aggregates_outer(aggregates, &in, &out) == 0 && out.inner.values[4] == 65535 && out.padded[0].large == 9 &&
                out.padded[1].small == 8 && out.colors[2] == AGGREGATES_COLOR_BLUE,
            "nested structs go through, whatever the handler does to the UTCB");
    in.colors[2] = 3;
    handler_calls = 0;
    host_ok(aggregates_outer(aggregates, &in, &out) == -ERROR_BAD_ARGUMENT && handler_calls == 0,
            "an enum deep inside is checked");
}

static void test_bytes(void)
{
    struct aggregates_plain plain = {5, 6}, plain_out = {0, 0};
    uint8_t bytes[504], back[504], text[13] = "thirteen byt", text_out[13] = {0};
    bool good = true;

    for (unsigned i = 0; i < 504; i++)
        bytes[i] = (uint8_t)(i * 7);
    transport_reset(serve_aggregates, NULL);
    host_ok(aggregates_plain(aggregates, &plain, &plain_out) == 0 && plain_out.a == 5 && plain_out.b == 6,
            "a struct in registers goes through");
    good = aggregates_largest(aggregates, bytes, back) == 0;
    for (unsigned i = 0; i < 504; i++)
        good = good && back[i] == bytes[503 - i];
    host_ok(good, "63 words go through both ways");
    host_ok(aggregates_text(aggregates, 13, text, text_out) == 0 && memcmp(text, text_out, 13) == 0,
            "13 bytes go through");
    host_ok(transport.words[2] >> 40 == 0, "the unused bytes of their last word are clear");
}

static void test_mixed(void)
{
    bool flags[9] = {true, false, true}, flags_out[9] = {false};
    aggregates_color_t colors[7] = {0, 1, 2}, colors_out[7] = {0};
    int16_t numbers[3] = {INT16_MIN, -1, 1};
    int32_t sum = 0;

    transport_reset(serve_aggregates, NULL);
    host_ok(aggregates_mixed(aggregates, flags, colors, numbers, flags_out, colors_out, &sum) == 0 && flags_out[2] &&
                colors_out[2] == 2 && sum == INT16_MIN,
            "arrays of bool, enum and signed integers go through");
    transport.replace_word_mask = 1;
    transport.replace_word = 0x02000000;
    handler_calls = 0;
    host_ok(aggregates_mixed(aggregates, flags, colors, numbers, flags_out, colors_out, &sum) == -ERROR_BAD_ARGUMENT &&
                handler_calls == 0,
            "a bool of 2 in an array is refused");
}

/* Replaces words of scalars_many()'s request and returns the number of the parameter that was refused. */
static uint32_t refused_word(uint32_t mask, uint64_t value)
{
    uint64_t j = 0, k = 0;

    transport_reset(serve_scalars, NULL);
    transport.replace_word_mask = mask;
    transport.replace_word = value;
    if (scalars_many(scalars, 1, 2, 3, 4, 5, 6, 7, true, -9, &j, &k) != -ERROR_BAD_ARGUMENT)
        return UINT32_MAX;
    return idl_refused_parameter();
}

static void test_refused_parameter(void)
{
    struct idl_refusal last = {0};
    uint64_t before = salto_refusals(&last), sum;

    host_ok(refused_word(1 << 1, 1ULL << 32) == 2 && refused_word(1 << 6, 1 << 16) == 7,
            "a refusal names the parameter: by its number");
    host_ok(refused_word(1 << 7, 2) == 8 && refused_word(1 << 8, 128) == 9, "bools and signed ones too");
    host_ok(salto_refusals(&last) == before + 4 && last.parameter == 9 && last.error == ERROR_BAD_ARGUMENT,
            "the server counts them, and knows the last");
    host_ok(strcmp(scalars_parameter_name(last.label, last.parameter), "many.i") == 0 &&
                strcmp(scalars_parameter_name(last.label, 10), "many.j") == 0 &&
                strcmp(scalars_parameter_name(last.label, 0), "many") == 0 &&
                strcmp(scalars_parameter_name(last.label, 99), "many") == 0 &&
                strcmp(scalars_parameter_name(0x51010063, 1), "no operation") == 0,
            "and their names");
    transport_reset(serve_scalars, NULL);
    transport.replace_word_mask = 7;
    transport.replace_word = UINT64_MAX;
    host_ok(scalars_unsigned_sum(scalars, 1, 2, 3, 4, &sum) == -ERROR_BAD_ARGUMENT && idl_refused_parameter() == 1,
            "of several of one width that are checked together the first is named");
    transport.replace_word_mask = 6;
    host_ok(scalars_unsigned_sum(scalars, 1, 2, 3, 4, &sum) == -ERROR_BAD_ARGUMENT && idl_refused_parameter() == 2,
            "which is wrong");
    transport.replace_tag = 0x5101006380000000;
    host_ok(scalars_unsigned_sum(scalars, 1, 2, 3, 4, &sum) == -ERROR_BAD_OPERATION && idl_refused_parameter() == 0,
            "an unknown operation has no parameter");
    transport_reset(serve_scalars, NULL);
    host_ok(scalars_fail(scalars, SCALARS_FAILURE_REFUSED) == SCALARS_FAILURE_REFUSED && idl_refused_parameter() == 0 &&
                salto_refusals(&last) == before + 7,
            "what a handler refuses is none of these");
    host_ok(strcmp(scalars_failure_name(SCALARS_FAILURE_WORST), "worst") == 0 &&
                strcmp(scalars_failure_name(77), "no such error") == 0,
            "errors have names");
}

int main(void)
{
    test_refused_parameter();
    test_unsigned();
    test_signed();
    test_echo();
    test_integer_ranges();
    test_errors();
    test_transport_failures();
    test_tags();
    test_oneway();
    test_many();
    test_padded();
    test_outer();
    test_bytes();
    test_mixed();
    return host_done();
}
