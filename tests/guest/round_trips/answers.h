/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of what generate.py made for the answerer. */
#ifndef ROUND_TRIPS_ANSWERS_H
#define ROUND_TRIPS_ANSWERS_H

#include "round_trips_counts.h"
#include "trips.h"

extern const struct answerer_half answerer_halves[HALVES];

#endif
