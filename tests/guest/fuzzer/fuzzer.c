/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls of all operations by threads in several tasks, in batches after each of which everything must be as it
 * was. Arguments: seed, and how many calls; docs/fuzzer.md says what is drawn how. Run with a clock that counts
 * instructions, a seed gives the same calls each time.
 */
#include <inttypes.h>
#include <salto/startup.h>
#include <salto/tap.h>
#include <stdlib.h>

#include "batch.h"
#include "hunter.h"
#include "idl/clock.h"
#include "report.h"
#include "victim.h"

#define RUNS 2 /* guest_run() runs each test twice */
#define WALK_EVERY 32
#define FULL_EVERY 16       /* a task without a free handle takes long to make: until its error was hit */
#define ENOUGH_CALLS 200000 /* to judge what was never hit */

static uint64_t seed, wanted, made, batches, start;

static uint64_t nanoseconds(void)
{
    uint64_t now = 0;
    EXPECT_EQUAL(kernel_clock_now((kernel_clock_t){salto_require("clock")}, &now), 0);
    return now;
}

static void walk_pages(void)
{
    uint64_t tables, pages, wrong = ~0UL;
    EXPECT_EQUAL(kernel_debug_walk(debug, &tables, &pages, &wrong), 0);
    EXPECT_EQUAL(wrong, 0);
}

static void run_batches(void)
{
    uint64_t end = made + wanted / RUNS, random = seed + batches * 2;
    bool good = true;
    start = start ? start : nanoseconds();
    batch_prepare();
    victim_create();
    while (made < end && good) {
        unsigned failures_before = guest_failures();
        bool full = batches % FULL_EVERY == 1 && report_hits(ERROR_NO_SLOT) == 0;
        uint32_t calls = batch_run(draw_noise(&random), full, batches > 0);
        if (batches++ % WALK_EVERY == 0)
            walk_pages();
        good = guest_failures() == failures_before && EXPECT(calls > 0);
        made += calls;
    }
    if (!good)
        tap_note("that was in batch %" PRIu64 ", after %" PRIu64 " calls", batches - 1, made);
    walk_pages();
    EXPECT(victim_intact());
    victim_destroy();
}

static void judge(void)
{
    static unsigned runs;
    if (++runs == RUNS) {
        report_print();
        tap_note("calls %" PRIu64 " batches %" PRIu64 " milliseconds %" PRIu64, made, batches,
                 (nanoseconds() - start) / 1000000);
    }
    if (made >= ENOUGH_CALLS && runs == RUNS)
        EXPECT(report_complete());
}

static const struct guest_test tests[] = {
    {"random calls change nothing of others, and all comes back", run_batches},
    {"every operation was called, every error hit that can be", judge},
};

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) << 20 | 1 : 1;
    wanted = argc > 2 ? strtoull(argv[2], NULL, 0) : ENOUGH_CALLS;
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
