/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of a generated kernel dispatcher (tests/idlc/good/kernel.idl): what is refused before the kernel's function
 * runs, and with which error; what arrives at it; what the answer holds, unused words included. The UTCB of this test
 * changes between two reads of a word, as another thread of the caller may change it. Prints TAP.
 */
#include "host_tap.h"

#include "abi/capability.h"
#include "kernel_kernel.h"

#include <stddef.h>
#include <string.h>

#define UTCB_WORDS 63

struct widget {
    int number;
};

struct capability {
    void *object;
    uint32_t type_id, rights;
};

static struct widget first = {1}, second = {2};
static struct capability second_capability = {&second, 0x5501, 3}, endpoint_capability = {NULL, 0x5502, 2};
static uint64_t utcb[UTCB_WORDS];
static struct kernel_call call;
static unsigned implementation_calls;
static enum error implementation_error;

uint64_t *kernel_call_utcb(struct kernel_call *caller)
{
    (void)caller;
    return utcb;
}

struct capability *kernel_call_capability(struct kernel_call *caller, uint64_t handle, uint32_t type_id,
                                          uint32_t rights, enum error *error)
{
    struct capability *found = handle == 2 ? &second_capability : handle == 3 ? &endpoint_capability : NULL;

    (void)caller;
    *error = ERROR_BAD_HANDLE;
    if (!found)
        return NULL;
    *error = ERROR_WRONG_TYPE;
    if (found->type_id != type_id)
        return NULL;
    *error = ERROR_NO_RIGHT;
    return (found->rights & rights) == rights ? found : NULL;
}

void *kernel_capability_object(struct capability *capability)
{
    return capability->object;
}

enum error kerneltest_widget_nothing(struct kernel_call *caller, struct widget *self)
{
    (void)caller;
    implementation_calls += self == &first;
    return implementation_error;
}

enum error kerneltest_widget_many(struct kernel_call *caller, struct widget *self, uint64_t a, uint64_t b, uint64_t c,
                                  uint64_t d, uint64_t e, uint64_t f, uint8_t g, bool h, kerneltest_kind_t kind,
                                  int32_t i)
{
    (void)caller;
    (void)self;
    implementation_calls += a == 1 && b == 2 && c == 3 && d == 4 && e == 5 && f == 6 && g == 255 && h &&
                            kind == KERNELTEST_KIND_TWO && i == INT32_MIN;
    return implementation_error;
}

enum error kerneltest_widget_make(struct kernel_call *caller, struct widget *self, struct widget *widget,
                                  struct capability *where, uint32_t *made)
{
    (void)caller;
    (void)self;
    implementation_calls += widget == &second && where == &endpoint_capability;
    *made = 77;
    return implementation_error;
}

enum error kerneltest_widget_pairs(struct kernel_call *caller, struct widget *self,
                                   const struct kerneltest_pair pairs[4], const uint8_t extra[3],
                                   struct kerneltest_pair pairs_out[4], kerneltest_kind_t *kind, uint8_t extra_out[3])
{
    (void)caller;
    (void)self;
    implementation_calls++;
    memset(utcb, 0xcc, sizeof(utcb)); /* the caller's other thread at work */
    memcpy(pairs_out, pairs, 4 * sizeof(*pairs));
    memset(pairs_out[0].idl_padding_0, 0xee, sizeof(pairs_out[0].idl_padding_0));
    *kind = pairs[3].kind;
    memcpy(extra_out, extra, 3);
    return implementation_error;
}

static void request(uint64_t tag, uint64_t w0, uint64_t w1, uint64_t w2)
{
    call = (struct kernel_call){.tag = tag, .words = {w0, w1, w2, 4, 5, 6}};
    memset(utcb, 0xbd, sizeof(utcb));
    implementation_calls = 0;
    implementation_error = ERROR_NONE;
}

static void dispatch(uint32_t rights)
{
    kerneltest_widget_dispatch(&call, &first, rights);
}

static bool words_clear(unsigned from)
{
    for (unsigned i = from; i < 6; i++)
        if (call.words[i])
            return false;
    return true;
}

static void test_nothing(void)
{
    request(KERNELTEST_WIDGET_NOTHING_REQUEST, 1, 2, 3);
    dispatch(0);
    host_ok(implementation_calls == 1 && call.tag == 0x80000007 && words_clear(0),
            "the cheapest operation answers, all words clear");
    request(KERNELTEST_WIDGET_NOTHING_REQUEST, 1, 2, 3);
    implementation_error = ERROR_BUSY;
    dispatch(0);
    host_ok(call.tag == ERROR_BUSY, "an error of the kernel's function is the answer");
}

static void test_tags(void)
{
    static const struct {
        uint64_t tag;
        enum error error;
    } cases[] = {
        {0x5501000180000001, ERROR_BAD_TAG},       {0x5501000180000100, ERROR_BAD_TAG},
        {0x5501000180000300, ERROR_BAD_TAG},       {0x5501000180001100, ERROR_BAD_TAG},
        {0x5501000580000000, ERROR_BAD_OPERATION}, {0x5502000180000000, ERROR_BAD_OPERATION},
        {0x0000000080000000, ERROR_BAD_OPERATION}, {0xffffffff80000000, ERROR_BAD_OPERATION},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        request(cases[i].tag, 1, 2, 3);
        dispatch(15);
        host_ok(implementation_calls == 0 && call.tag == cases[i].error, "request 0x%016lx is refused with %d",
                (unsigned long)cases[i].tag, cases[i].error);
    }
}

static void request_many(void)
{
    request(KERNELTEST_WIDGET_MANY_REQUEST, 1, 2, 3);
    utcb[6] = 255;
    utcb[7] = 1;
    utcb[8] = KERNELTEST_KIND_TWO;
    utcb[9] = (uint64_t)INT32_MIN;
}

static void test_many(void)
{
    static const uint64_t bad[] = {256, 2, 3, (uint64_t)INT32_MIN - 1};

    request_many();
    dispatch(RIGHT_WRITE);
    host_ok(implementation_calls == 1 && call.tag == 0x80000007 && words_clear(0), "words of the UTCB arrive");
    request_many();
    dispatch(RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY);
    host_ok(implementation_calls == 0 && call.tag == ERROR_NO_RIGHT, "without the right it is refused");
    for (unsigned i = 0; i < 4; i++) {
        request_many();
        utcb[6 + i] = bad[i];
        dispatch(RIGHT_WRITE);
        host_ok(implementation_calls == 0 && call.tag == ERROR_BAD_ARGUMENT, "UTCB word %u out of range is refused",
                6 + i);
    }
}

static void try_make(uint64_t widget, uint64_t where, uint32_t rights, enum error error, const char *what)
{
    request(KERNELTEST_WIDGET_MAKE_REQUEST, widget, where, 3);
    dispatch(rights);
    host_ok(implementation_calls == 0 && call.tag == error, "%s is refused with %d", what, error);
}

static void test_make(void)
{
    request(KERNELTEST_WIDGET_MAKE_REQUEST, 2, 3, 0);
    dispatch(RIGHT_READ | RIGHT_EXECUTE);
    host_ok(implementation_calls == 1 && call.tag == 0x80000008 && call.words[0] == 77 && words_clear(1),
            "capabilities are resolved, a new handle comes back");
    try_make(2, 3, RIGHT_READ, ERROR_NO_RIGHT, "one right of two");
    try_make(9, 3, 15, ERROR_BAD_HANDLE, "a handle that names nothing");
    try_make(3, 3, 15, ERROR_WRONG_TYPE, "an object of another type");
    try_make(0x100000002, 3, 15, ERROR_BAD_HANDLE, "a handle with upper bits");
    second_capability.rights = 1;
    try_make(2, 3, 15, ERROR_NO_RIGHT, "a capability with too few rights");
    second_capability.rights = 3;
}

static void request_pairs(struct kerneltest_pair pairs[4])
{
    request(KERNELTEST_WIDGET_PAIRS_REQUEST, 0, 0, 0);
    memcpy(call.words, pairs, 48);
    memcpy(&utcb[6], &pairs[3], 16);
    utcb[8] = 0xff030201;
}

static void test_pairs(void)
{
    struct kerneltest_pair pairs[4] = {
        {.kind = 1, .value = 10}, {.kind = 2, .value = 20}, {.kind = 1, .value = 30}, {.kind = 2, .value = 40}};

    request_pairs(pairs);
    dispatch(0);
    host_ok(implementation_calls == 1 && call.tag == 0x8000020a && call.words[0] == 2,
            "structs arrive; the scalar of the answer comes first");
    host_ok(call.words[1] == 1 && call.words[2] == 10 && call.words[5] == 1 && utcb[6] == 30 && utcb[8] == 40,
            "structs go back, without their padding");
    host_ok(utcb[9] == 0x030201, "so do bytes, the rest of their word clear");
    pairs[3].kind = 3;
    request_pairs(pairs);
    dispatch(0);
    host_ok(implementation_calls == 0 && call.tag == ERROR_BAD_ARGUMENT, "an enum in a struct is checked");
}

static void test_messages(void)
{
    static const uint8_t text[100] = "the kernel's own message";
    struct kerneltest_pair pair = {.kind = KERNELTEST_KIND_ONE, .value = 99};

    memset(&call, 0xee, sizeof(call));
    kerneltest_watcher_event_message(&call, KERNELTEST_KIND_TWO, -2, true);
    host_ok(call.tag == 0x5503000180000003 && call.words[0] == 2 && call.words[1] == (uint64_t)-2 &&
                call.words[2] == 1 && words_clear(3),
            "the kernel's call in registers");
    memset(&call, 0xee, sizeof(call));
    memset(utcb, 0xee, sizeof(utcb));
    memset(pair.idl_padding_0, 0xee, sizeof(pair.idl_padding_0));
    kerneltest_watcher_report_message(&call, 5, text, &pair);
    host_ok(call.tag == 0x5503000280000310 && call.words[0] == 5 && memcmp(&call.words[1], text, 40) == 0 &&
                memcmp(&utcb[6], text + 40, 60) == 0 && utcb[13] >> 32 == 0,
            "the kernel's message through the UTCB");
    host_ok(utcb[14] == 1 && utcb[15] == 99, "its struct goes without padding");
}

int main(void)
{
    test_nothing();
    test_tags();
    test_many();
    test_make();
    test_pairs();
    test_messages();
    return host_done();
}
