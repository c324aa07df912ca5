/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two versions of an interface: does what was compiled from the old one still work with what is compiled from the new
 * one?
 */
#ifndef IDLC_COMPAT_H
#define IDLC_COMPAT_H

#include "source.h"

#include <stdio.h>

/* Prints every change that programs can notice, and whom it breaks; docs/idl-tools.md has the list of codes. Both
 * programs passed all checks. Returns true if nothing breaks. */
bool compat_compare(FILE *output, const struct program *old, const struct program *new);

#endif
