/* SPDX-License-Identifier: BSD-2-Clause */
/* Random steps on mappings: each on the kernel and on the model (model.h). */
#ifndef SALTO_TESTS_HOST_KERNEL_MAPPINGS_STEPS_H
#define SALTO_TESTS_HOST_KERNEL_MAPPINGS_STEPS_H

#include <stdint.h>

/* The step that `seed` says, after which the two are compared. */
void step(uint64_t seed);

#endif
