/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's words on the host, where no kernel gives it any, and what headers refer to besides (lib/server.c has it in
 * Salto).
 */
#include "salto/idl.h"

_Thread_local struct utcb salto_host_utcb;

/* Nothing comes as an item over a stream. */
void idl_release_items(const struct utcb *utcb, uint32_t count)
{
    (void)utcb, (void)count;
}
