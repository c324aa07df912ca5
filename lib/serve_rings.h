/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's side of the transport *shared*, for the library itself: lib/serve.S jumps here. See
 * docs/transports.md. */
#ifndef SALTO_LIB_SERVE_RINGS_H
#define SALTO_LIB_SERVE_RINGS_H

#include "abi/rings.h"

/* Notes the rings that this program serves, and that its loops are to serve them. For the first thread, before
 * main(). */
void rings_serve(const struct startup_rings *rings);

#endif
