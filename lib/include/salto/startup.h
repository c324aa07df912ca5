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

/* The handle of the capability called `name`, or of the route by which the manifest has messages go to it
 * (docs/transports.md); 0, which never names anything, if the program was not granted it. */
uint32_t salto_grant(const char *name);

/* As salto_grant(), of the program that is number `program` in this image (struct startup_grant): the build links
 * programs so that each asks for its own. */
uint32_t salto_grant_of(uint32_t program, const char *name);

/* As salto_grant(); without the capability it says so on standard error and ends the program with status 1. */
uint32_t salto_require(const char *name);
uint32_t salto_require_of(uint32_t program, const char *name);

/* The whole table, read-only; NULL if what stands there is none. */
const struct startup_table *salto_startup_table(void);

#endif
