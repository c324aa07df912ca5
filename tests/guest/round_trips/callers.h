/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of what generate.py made for the caller. */
#ifndef ROUND_TRIPS_CALLERS_H
#define ROUND_TRIPS_CALLERS_H

#include "round_trips_counts.h"
#include "trips.h"

extern const struct caller_half caller_halves[HALVES];

#endif
