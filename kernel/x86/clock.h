/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock object. */
#ifndef SALTO_X86_CLOCK_H
#define SALTO_X86_CLOCK_H

#include "cap/object.h"

struct clock {
    struct object object;
    uint64_t hertz; /* of the time-stamp counter */
};

/* The one clock, for root. After timer_initialise(). */
struct object *clock_initialise(void);

#endif
