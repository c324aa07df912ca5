/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of operations that share code (tests/idlc/good/shapes.idl): each reaches its own handler, with what it was
 * sent; what lies between their labels is no operation, and other tags than theirs are refused. Prints TAP.
 */
#include "host_tap.h"
#include "idlc_stubs/transport.h"

#include "shapes.h"
#include "shapes_server.h"

#include <string.h>

static const shapes_many_t many = {61};
static const char *called = "";
static int outcome;

#define ADDING(name, type)                                                                         \
    static int on_##name(void *object, const struct idl_call *call, type a, type b, uint32_t *sum) \
    {                                                                                              \
        (void)object, (void)call;                                                                  \
        called = #name;                                                                            \
        *sum = (uint32_t)(a * 10 + b);                                                             \
        return outcome;                                                                            \
    }

#define TELLING(name)                                                                        \
    static void on_##name(void *object, const struct idl_call *call, uint32_t a, uint32_t b) \
    {                                                                                        \
        (void)object, (void)call, (void)a, (void)b;                                          \
        called = #name;                                                                      \
    }

#define SWAPPING(name)                                                                                       \
    static int on_##name(void *object, const struct idl_call *call, const struct shapes_pair *in, bool sure, \
                         struct shapes_pair *out)                                                            \
    {                                                                                                        \
        (void)object, (void)call;                                                                            \
        called = #name;                                                                                      \
        *out = (struct shapes_pair){in->right, in->left + sure};                                             \
        return 0;                                                                                            \
    }

ADDING(from_base, uint32_t)
ADDING(third, uint32_t)
ADDING(second, uint32_t)
ADDING(last, uint32_t)
ADDING(other_errors, uint32_t)
ADDING(wide, uint64_t)
ADDING(wide_too, uint64_t)
TELLING(tell)
TELLING(tell_too)
TELLING(tell_three)
SWAPPING(swap)
SWAPPING(mirror)
SWAPPING(turn)

SHAPES_MANY_SERVER(serve_many, on)

typedef int adding_stub(shapes_many_t self, uint32_t a, uint32_t b, uint32_t *sum);

static int from_base(shapes_many_t self, uint32_t a, uint32_t b, uint32_t *sum)
{
    return shapes_base_from_base(shapes_many_as_shapes_base(self), a, b, sum);
}

static int wide(shapes_many_t self, uint32_t a, uint32_t b, uint32_t *sum)
{
    return shapes_many_wide(self, a, b, sum);
}

static int wide_too(shapes_many_t self, uint32_t a, uint32_t b, uint32_t *sum)
{
    return shapes_many_wide_too(self, a, b, sum);
}

static const struct {
    const char *name;
    adding_stub *stub;
} adding[] = {
    {"from_base", from_base},
    {"third", shapes_many_third},
    {"second", shapes_many_second},
    {"last", shapes_many_last},
    {"wide", wide},
    {"wide_too", wide_too},
    {"other_errors", shapes_many_other_errors},
};

static void test_adding(void)
{
    for (unsigned i = 0; i < sizeof(adding) / sizeof(adding[0]); i++) {
        uint32_t sum = 0;

        outcome = 0;
        host_ok(adding[i].stub(many, 4, i, &sum) == 0 && sum == 40 + i && strcmp(called, adding[i].name) == 0,
                "%s reaches its handler", adding[i].name);
        outcome = SHAPES_FAULT_WORN;
        host_ok(adding[i].stub(many, 4, 2, &sum) ==
                    (i == sizeof(adding) / sizeof(adding[0]) - 1 ? SHAPES_FAULT_WORN : -ERROR_ABANDONED),
                "%s answers the errors that it raises, and no others", adding[i].name);
        outcome = 1;
        host_ok(adding[i].stub(many, 4, 2, &sum) == 1 && sum == 40 + i, "%s fails", adding[i].name);
        outcome = -ERROR_NO_MEMORY;
        host_ok(adding[i].stub(many, 4, 2, &sum) == -ERROR_NO_MEMORY, "%s fails otherwise", adding[i].name);
    }
    outcome = 0;
}

static void test_others(void)
{
    const struct shapes_pair pair = {3, 4};
    struct shapes_pair out = {0, 0};

    host_ok(shapes_many_tell(many, 1, 2) == 0 && strcmp(called, "tell") == 0, "tell");
    host_ok(shapes_many_tell_too(many, 1, 2) == 0 && strcmp(called, "tell_too") == 0, "tell_too");
    host_ok(shapes_many_tell_three(many, 1, 2) == 0 && strcmp(called, "tell_three") == 0, "tell_three");
    host_ok(shapes_many_swap(many, &pair, true, &out) == 0 && strcmp(called, "swap") == 0 && out.right == 4, "swap");
    host_ok(shapes_many_mirror(many, &pair, false, &out) == 0 && strcmp(called, "mirror") == 0 && out.right == 3,
            "mirror");
    host_ok(shapes_many_turn(many, &pair, true, &out) == 0 && strcmp(called, "turn") == 0 && out.left == 4, "turn");
}

/* What `tag` in place of third's is answered; the handler must not run. */
static int answered(uint64_t tag)
{
    uint32_t sum = 77;
    int result;

    called = "";
    transport.replace_tag = tag;
    result = shapes_many_third(many, 1, 2, &sum);
    transport.replace_tag = 0;
    return *called == '\0' && sum == 77 ? result : 0;
}

static void test_refused(void)
{
    static const uint16_t none[] = {0, 1, 13, 14, 59999, 60001, 65535};
    const uint64_t third = SHAPES_MANY_THIRD_REQUEST;
    uint32_t sum = 77;

    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        host_ok(answered((uint64_t)0x54b1 << 48 | (uint64_t)none[i] << 32 | (uint32_t)third) == -ERROR_BAD_OPERATION,
                "%u is no operation", none[i]);
    host_ok(answered((uint64_t)0x54b0 << 48 | (uint64_t)9 << 32 | (uint32_t)third) == -ERROR_BAD_OPERATION,
            "a number of this interface is none of its base");
    host_ok(answered(third + 1) == -ERROR_BAD_TAG && answered(third - 1) == -ERROR_BAD_TAG,
            "more or fewer words are refused");
    host_ok(answered(SHAPES_MANY_LAST_REQUEST + 1) == -ERROR_BAD_TAG, "also of the others");
    transport.replace_word_mask = 2;
    transport.replace_word = (uint64_t)1 << 32;
    host_ok(shapes_many_last(many, 1, 2, &sum) == -ERROR_BAD_ARGUMENT && idl_refused_parameter() == 2 &&
                strcmp(shapes_many_parameter_name(message_label(SHAPES_MANY_LAST_REQUEST), 2), "last.y") == 0,
            "a parameter that is wrong has the name that the operation gave it");
    transport.replace_word_mask = 0;
}

int main(void)
{
    transport_reset(serve_many, NULL);
    test_adding();
    test_others();
    test_refused();
    return host_done();
}
