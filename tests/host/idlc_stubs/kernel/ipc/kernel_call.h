/* SPDX-License-Identifier: BSD-2-Clause */
/* What generated kernel dispatchers need of the kernel: the same declarations, for tests on the machine that builds. */
#ifndef SALTO_TESTS_KERNEL_CALL_H
#define SALTO_TESTS_KERNEL_CALL_H

#include "abi/errors.h"

#include <stdint.h>

struct kernel_call {
    uint64_t tag, handle, words[6];
};

struct capability;

uint64_t *kernel_call_utcb(struct kernel_call *call);
struct capability *kernel_call_capability(struct kernel_call *call, uint64_t handle, uint32_t type_id, uint32_t rights,
                                          enum error *error);
void *kernel_capability_object(struct capability *capability);

#endif
