/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's side of the transport *shared*, for the library itself: lib/startup.c opens routes. */
#ifndef SALTO_LIB_RING_CLIENT_H
#define SALTO_LIB_RING_CLIENT_H

#include "abi/rings.h"
#include "abi/startup.h"

#include <stdint.h>

/* The rings of this program; NULL if it has none. */
const struct startup_rings *salto_rings(void);

/* Opens the route of a capability that is called over shared; 0 if there is no ring, or no room for the route. */
uint32_t ring_open(const struct startup_grant *grant);

#endif
