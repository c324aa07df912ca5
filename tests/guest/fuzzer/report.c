/* SPDX-License-Identifier: BSD-2-Clause */
/* See report.h. */
#include "report.h"

#include <inttypes.h>
#include <salto/tap.h>
#include <stdio.h>

#define LINE_SIZE 400

#define NAME_OF_ERROR(number, name, text) [number] = #name,
static const char *const error_names[ERROR_LAST] = {[ERROR_NONE] = "ok", SALTO_ERRORS(NAME_OF_ERROR)};

static uint64_t counts[ROWS][ERROR_LAST];

void report_add(const struct hunter *hunter)
{
    for (unsigned row = 0; row < ROWS; row++)
        for (unsigned error = 0; error < ERROR_LAST; error++)
            counts[row][error] += hunter->counts[row][error];
}

static void print_row(unsigned row)
{
    char line[LINE_SIZE];
    int used = 0;
    for (unsigned error = 0; error < ERROR_LAST; error++)
        if (counts[row][error])
            used += snprintf(line + used, sizeof(line) - (size_t)used, " %s %" PRIu64, error_names[error],
                             counts[row][error]);
    tap_note("pairs %s:%s", row_name(row), used ? line : " never came back");
}

void report_print(void)
{
    unsigned pairs = 0;
    for (unsigned row = 0; row < ROWS; row++) {
        print_row(row);
        for (unsigned error = 0; error < ERROR_LAST; error++)
            pairs += counts[row][error] != 0;
    }
    tap_note("%u distinct (operation, error) pairs", pairs);
}

uint64_t report_hits(enum error error)
{
    uint64_t hits = 0;
    for (unsigned row = 0; row < ROWS; row++)
        hits += counts[row][error];
    return hits;
}

static bool error_was_hit(enum error error)
{
    uint64_t hits = report_hits(error);
    if (hits)
        tap_note("%s: %" PRIu64, error_names[error], hits);
    else
        tap_note("never hit: %s", error_names[error]);
    return hits > 0;
}

static bool row_was_called(unsigned row)
{
    for (unsigned error = 0; error < ERROR_LAST; error++)
        if (counts[row][error])
            return true;
    tap_note("never came back: %s", row_name(row));
    return row == OPERATIONS + RAW_LINUX; /* counted only where a handler makes it a message */
}

bool report_complete(void)
{
    bool complete = true;
    for (unsigned error = ERROR_NONE + 1; error < ERROR_LAST; error++)
        complete &= error_was_hit((enum error)error);
    for (unsigned row = 0; row < ROWS; row++)
        complete &= row_was_called(row);
    return complete;
}
