/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captured messages as calls with named arguments.
 */
#ifndef IDLC_TRACE_H
#define IDLC_TRACE_H

#include "source.h"

#include <stdio.h>

/* Prints every line of `input`, messages decoded by the interfaces of the program (docs/idl-tools.md has the form).
 * Returns false if the input cannot be read. */
bool trace_decode(FILE *output, FILE *input, struct program *program);

#endif
