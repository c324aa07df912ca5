/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this program was granted, by the names of the manifest:
 *
 *     calculator_t calculator = {salto_grant("calc")};
 */
#ifndef SALTO_STARTUP_H
#define SALTO_STARTUP_H

#include <stdint.h>

#include "abi/startup.h"

/* The handle of the capability called `name`; 0, which never names anything, if the program was not granted it. */
uint32_t salto_grant(const char *name);

/* As salto_grant(); without the capability it says so on standard error and ends the program with status 1. */
uint32_t salto_require(const char *name);

/* The whole table, read-only; NULL if what stands there is none. */
const struct startup_table *salto_startup_table(void);

#endif
