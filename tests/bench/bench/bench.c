/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark: measures each row, checks the path of each before and after, and writes the lines of
 * docs/benchmarks.md to the console that it was granted as `log`.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <salto/startup.h>

#include "abi/message.h"
#include "crowd.h"
#include "idl/bench.h"
#include "idl/console.h"
#include "kernel_rows.h"
#include "rounds.h"

#define CHECK_ROUNDS 100
#define LONG_CALL (TAG_NATIVE + (MESSAGE_CALL << TAG_OPERATION_SHIFT))
#define LONG_REPLY (TAG_NATIVE + (MESSAGE_REPLY_AND_WAIT << TAG_OPERATION_SHIFT))

struct row {
    const char *name;
    int marker, empty_marker;
    measure *measure;
    uint32_t words;      /* of the message */
    const char *server;  /* grant that is measured; 0: a thread of ours */
    const char *checker; /* grant of the server that checks what it sees; 0: there is none */
};

static const struct row rows[] = {
    {"ipc.call.0", MARKER_CALL_0, MARKER_EMPTY, rounds_call_0, 0, "echo_0", "check_0"},
    {"ipc.call.4", MARKER_CALL_4, MARKER_EMPTY, rounds_call_4, 4, "echo_4", "check_4"},
    {"ipc.call.6", MARKER_CALL_6, MARKER_EMPTY, rounds_call_6, 6, "echo_6", "check_6"},
    {"ipc.call.8", MARKER_CALL_8, MARKER_EMPTY, rounds_call_8, 8, "echo_long", "check_long"},
    {"ipc.call.32", MARKER_CALL_32, MARKER_EMPTY, rounds_call_32, 32, "echo_long", "check_long"},
    {"ipc.call.63", MARKER_CALL_63, MARKER_EMPTY, rounds_call_63, 63, "echo_long", "check_long"},
    {"ipc.call.0.same", MARKER_CALL_0_SAME, MARKER_EMPTY, rounds_call_0_same, 0, 0, 0},
    {"kernel.null", MARKER_KERNEL_NULL, MARKER_EMPTY, rounds_kernel_null, 0, "clock", 0},
    {"stub.add", MARKER_STUB_ADD, MARKER_EMPTY_STUB, rounds_stub_add, 0, "adder", 0},
    {"ipc.call.0.crowd", MARKER_CALL_0_CROWD, MARKER_EMPTY, rounds_call_0_crowd, 0, "echo_0", "check_0"},
};

static uint32_t samples[ROUNDS];
static uint32_t same_server;
static int failures;

static struct utcb *utcb(void)
{
    struct utcb *self;
    __asm__("mov %%gs:0, %0" : "=r"(self));
    return self;
}

static void fail(const char *row, unsigned round, const char *what)
{
    fprintf(stderr, "bench: %s: check round %u: %s\n", row, round, what);
    failures++;
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

/* ---- Checks: rounds of their own over the same path ------------------------------------------------------------ */

static void fill(struct registers *registers, uint32_t handle, uint32_t words, uint32_t round)
{
    uint32_t low = words <= MESSAGE_REGISTER_WORDS ? TAG_PLAIN_CALL + words : LONG_CALL + words;
    registers->tag = (uint64_t)(round & 0x7fffffff) << 32 | low;
    registers->handle = handle;
    for (uint32_t i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        registers->words[i] = i < words ? round * 1000003UL + i : 0;
    for (uint32_t i = 0; i < 5; i++)
        registers->preserved[i] = round * 7919UL + i + 1;
    for (uint32_t i = MESSAGE_REGISTER_WORDS; i < words; i++)
        utcb()->words[i] = round * 31UL + i;
}

static void compare(const struct row *row, const struct registers *sent, const struct registers *got, uint32_t round,
                    uint32_t difference)
{
    uint32_t low = row->words <= MESSAGE_REGISTER_WORDS ? TAG_PLAIN_REPLY + row->words : LONG_REPLY + row->words;
    if (message_label(got->tag) != message_label(sent->tag))
        fail(row->name, round, "the server saw a register that was not zero, or the label is another round's");
    if ((uint32_t)got->tag != low)
        fail(row->name, round, "the reply's tag is not a reply's");
    if (got->handle != 0)
        fail(row->name, round, "the handle register is not zero");
    for (uint32_t i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        if (got->words[i] != (i < row->words ? sent->words[i] + difference : 0))
            fail(row->name, round, "a word is not this round's");
    if (memcmp(got->preserved, sent->preserved, sizeof(got->preserved)) != 0)
        fail(row->name, round, "a preserved register was lost");
    for (uint32_t i = MESSAGE_REGISTER_WORDS; i < row->words; i++)
        if (utcb()->words[i] != round * 31UL + i)
            fail(row->name, round, "a word of the UTCB is not this round's");
}

/* The server's UTCB holds what came last, so a reply's UTCB words are the request's. */
static void check_server(const struct row *row, uint32_t handle, uint32_t difference)
{
    for (uint32_t round = 1; round <= CHECK_ROUNDS && failures == 0; round++) {
        struct registers sent, got;
        fill(&sent, handle, row->words, round);
        got = sent;
        if (call_with_registers(&got) != 0)
            fail(row->name, round, "vector registers were not wiped");
        compare(row, &sent, &got, round, difference);
    }
}

static void check_adder(const struct row *row)
{
    bench_adder_t adder = {salto_require("adder")};
    for (uint32_t round = 1; round <= CHECK_ROUNDS && failures == 0; round++) {
        uint32_t sum = 0;
        if (bench_adder_add(adder, round, round * 3, &sum) != 0 || sum != round * 4)
            fail(row->name, round, "the sum is wrong");
    }
}

static void check(const struct row *row, uint32_t handle)
{
    if (row->measure == rounds_stub_add)
        check_adder(row);
    else if (row->measure != rounds_kernel_null)
        check_server(row, handle, 0);
    if (row->checker)
        check_server(row, salto_require(row->checker), 1);
}

/* ---- Rows ------------------------------------------------------------------------------------------------------ */

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t empty, empty_stub;

static void report(const char *name, int marker, bool compiled, uint32_t *measured)
{
    uint32_t subtracted = compiled ? empty_stub : empty;
    char line[160];
    qsort(measured, ROUNDS, sizeof(measured[0]), by_value);
    snprintf(line, sizeof(line), "bench %s %d %d %u %u %u\n", name, marker, compiled ? MARKER_EMPTY_STUB : MARKER_EMPTY,
             measured[ROUNDS / 2] - subtracted, measured[0] - subtracted, measured[ROUNDS - 1] - subtracted);
    write_log(line);
}

static void measure_row(const struct row *row, uint32_t handle)
{
    check(row, handle);
    row->measure(handle, samples);
    check(row, handle);
    report(row->name, row->marker, row->empty_marker == MARKER_EMPTY_STUB, samples);
}

static uint32_t measure_empty(measure *rounds)
{
    rounds(0, samples);
    qsort(samples, ROUNDS, sizeof(samples[0]), by_value);
    return samples[ROUNDS / 2];
}

static bool start_same_server(void)
{
    same_server = crowd_endpoint();
    if (same_server == 0 || !crowd_start_thread(echo_same, same_server))
        return false;
    crowd_settle();
    return true;
}

int main(void)
{
    empty = measure_empty(rounds_empty);
    empty_stub = measure_empty(rounds_stub_empty);
    if (!start_same_server()) {
        fprintf(stderr, "bench: the second thread cannot be started\n");
        return 1;
    }
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]) && failures == 0; i++) {
        const struct row *row = &rows[i];
        if (row->measure == rounds_call_0_crowd && (!kernel_rows_measure(report) || !crowd_gather()))
            return 1;
        measure_row(row, row->server ? salto_require(row->server) : same_server);
    }
    return failures != 0;
}
