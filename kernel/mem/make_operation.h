/* SPDX-License-Identifier: BSD-2-Clause */
/* Making memory as an operation of a kernel object: in pieces, with preemption points between them, all or nothing. */
#ifndef SALTO_MEM_MAKE_OPERATION_H
#define SALTO_MEM_MAKE_OPERATION_H

#include "abi/errors.h"
#include "mem/memory.h"

struct kernel_call;

/* Goes on with what memory_begin() gave, until it is whole and the caller has a capability to it with `rights`; where
 * that fails, until nothing is left of it, and answers why. memory_begin() is to give the same when the call is
 * restarted. */
enum error make_operation(struct kernel_call *call, struct memory *memory, uint32_t rights, uint32_t *handle);

#endif
