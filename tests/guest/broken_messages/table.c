/* SPDX-License-Identifier: BSD-2-Clause */
/* See table.h. */
#include "../../../tools/fuzz/broken_table.h"

#include "broken_rows.h"
