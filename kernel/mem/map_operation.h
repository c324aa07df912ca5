/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapping as an operation of a kernel object: in pieces, with preemption points between them, all or nothing. */
#ifndef SALTO_MEM_MAP_OPERATION_H
#define SALTO_MEM_MAP_OPERATION_H

#include "abi/errors.h"
#include "mem/mapping.h"

struct kernel_call;

/* Maps what `request` says for the caller; the same request is to be made when the call is restarted. Errors are those
 * of memory_map_piece(), and `failure` of the calling thread where it is set already. */
enum error map_operation(struct kernel_call *call, const struct map_request *request);

/* Takes back what operations left half mapped. False: it stops at a preemption point. */
bool map_operation_take_back(void);

#endif
