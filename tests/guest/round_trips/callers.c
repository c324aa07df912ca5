/* SPDX-License-Identifier: BSD-2-Clause */
/* The caller's half of every interface, as generate.py makes it. */
#include "callers.h"

#include "caller_halves.h"
