/* SPDX-License-Identifier: BSD-2-Clause */
/* The generated table. */
#include "operation.h"

const struct operation operations[OPERATIONS] = {
#include "operation_rows.h"
};
