/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles, rights and the hot capability slot.
 *
 * A handle is an index into the task's capability table, 1 to 65,535; handle 0 never names anything.
 */
#ifndef SALTO_ABI_CAPABILITY_H
#define SALTO_ABI_CAPABILITY_H

#define RIGHT_READ 1    /* endpoint: receive; memory: map readable; task and thread: inspect */
#define RIGHT_WRITE 2   /* endpoint: send and call; memory: map writable; task and thread: control */
#define RIGHT_EXECUTE 4 /* memory: map executable; task: manage its capability table */
#define RIGHT_COPY 8    /* the capability may be copied and minted on (moving needs no right) */
#define RIGHTS_ALL 15

/* What the trampoline reads: offset of the endpoint in the hot state (0 where the capability has no send right or names
 * something else: on endpoint 0 nobody ever waits), and the badge. */
#define SLOT_ENDPOINT 0
#define SLOT_BADGE 8

#endif
