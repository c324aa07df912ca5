/* SPDX-License-Identifier: BSD-2-Clause */
/* The hostile client, as generate.py has it made; a set of one's own has it in this file. */
#include "hostile_client.h"
