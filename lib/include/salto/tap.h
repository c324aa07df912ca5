/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test results in the Test Anything Protocol (testanything.org, version 13), written to the Console object that the
 * manifest grants as `log`. A program that is not granted it writes them to standard output.
 */
#ifndef SALTO_TAP_H
#define SALTO_TAP_H

#include <stdbool.h>

/* Announces `count` tests; comes first. */
void tap_plan(unsigned count);

/* Reports the next test, named as by printf; answers `condition`. */
bool tap_ok(bool condition, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A comment that explains a failure. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit status that says whether all planned tests were reported and succeeded: 0 or 1. */
int tap_status(void);

#endif
